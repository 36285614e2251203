"""Social choice as pure functions over numbers: welfare, votes, representation, statistics."""
