"""Models: the protocol, the providers, and the gate, log, cache and budget that a call passes through."""
