"""Pure functions on texts: characters and similarity."""
