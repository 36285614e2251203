"""Models: the protocol, the providers, and what stands between them and the engine."""
