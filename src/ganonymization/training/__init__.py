"""Preparing pictures, training the generator, and exporting it."""
