"""Pure functions on texts: characters, likeness."""
