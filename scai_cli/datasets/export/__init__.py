"""Write rows with card, splits and provenance."""
