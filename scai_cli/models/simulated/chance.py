"""Chance from a seed: the same words give the same draws in every process."""

from __future__ import annotations

import hashlib
import random


def draws(*parts: object) -> random.Random:
    """A random generator seeded by a hash of the parts' texts."""
    data = "\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big"))


def stochastic_round(x: float, rng: random.Random) -> int:
    """An integer whose expectation is `x` (>= 0)."""
    whole = int(x)
    return whole + (rng.random() < x - whole)
