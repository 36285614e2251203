"""Samples for training, taken from runs and generated sets."""
