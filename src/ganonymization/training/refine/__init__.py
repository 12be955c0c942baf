"""Training the refiner: a donor's texture on the surrogate mesh, relit and completed."""
