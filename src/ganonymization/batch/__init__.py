"""Many files: folders, stores, data sets."""
