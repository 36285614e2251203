"""What there is to train on, out of runs and generated sets."""
