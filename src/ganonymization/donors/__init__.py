"""Donors: textures of synthetic people, and which of them a new face wears."""
