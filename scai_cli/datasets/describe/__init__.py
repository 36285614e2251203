"""Measure a dataset."""
