"""The dataset product: generate, samples, formats, export, describe."""
