"""The simulation: conversations, ratings, revisions, and the engine that plays the epochs."""
