"""The wording of every prompt, and the fences around data in it."""
