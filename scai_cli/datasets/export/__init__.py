"""Write rows to files, with a dataset card, splits and provenance."""
