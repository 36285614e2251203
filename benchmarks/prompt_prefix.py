"""Measure the share of a run's input that a hosted cache of prompts can serve.

    .venv/bin/python benchmarks/prompt_prefix.py runs/quickstart

A cache serves the longest prefix that a prompt shares with an earlier one of the same role, if it has at least 1,024
tokens (at four characters per token).
"""

from __future__ import annotations

import json
import sys
from bisect import bisect, insort
from pathlib import Path

from scai_cli.messages import CHARACTERS_PER_TOKEN
from scai_cli.runs.jsonl import decoded

SHORTEST = 1024 * CHARACTERS_PER_TOKEN


def share(run: Path) -> float:
    """Return the share of all characters of the prompts that lie in served prefixes."""
    earlier: dict[str, list[str]] = {}
    served = total = 0
    for call in decoded(run / "calls.jsonl", json.loads):
        prompt = "\0".join(message["content"] for message in call["request"]["messages"])
        known = earlier.setdefault(call["role"], [])
        at = bisect(known, prompt)  # the prompts with the longest common prefix are neighbours in sorted order
        common = max((_shared(prompt, near) for near in known[max(0, at - 1) : at + 1]), default=0)
        served += common if common >= SHORTEST else 0
        total += len(prompt)
        insort(known, prompt)
    return served / total


def _shared(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        print(f"{folder}: {share(Path(folder)):.1%}")
