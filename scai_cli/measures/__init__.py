"""Traits of an answer and of a request, and the conditions that a user's message shows."""
