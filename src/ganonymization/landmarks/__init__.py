"""The 478 points of a face."""
