"""Models: the protocol, the providers, and the log, cache, gate and budget of every call."""
