"""Geometry that every stage and the training share."""
