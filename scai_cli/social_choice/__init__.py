"""Welfare and representation as pure functions."""
