"""Training data from runs and generated sets: generate, select, format, export and describe it."""
