"""What proves the new faces: recognisers, distances, statistics."""
