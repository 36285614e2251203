"""Read a run from its events."""
