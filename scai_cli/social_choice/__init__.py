"""Welfare, voting and representation as pure functions."""
