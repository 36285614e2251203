"""Rows at scale under a constitution."""
