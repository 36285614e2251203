"""The shipped measures: each is a function `(text, persona, task, *, options) -> number in [0, 1] or None`."""
