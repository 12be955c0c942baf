"""Nobody's shape with this face's pose and expression."""
