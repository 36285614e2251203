"""Read what a run's events amount to."""
