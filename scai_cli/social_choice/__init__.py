"""Welfare, votes and representation as pure functions."""
