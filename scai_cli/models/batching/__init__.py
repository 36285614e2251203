"""Batches in a gate's place: calls are gathered, handed over in one file, and answered later at half the price."""
