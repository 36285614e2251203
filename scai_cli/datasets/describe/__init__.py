"""Measure the rows of a dataset."""
