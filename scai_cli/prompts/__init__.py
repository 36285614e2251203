"""The wording of the prompts, and the fences around data in them."""
