"""What the published project does: its networks, preprocessing and training."""
