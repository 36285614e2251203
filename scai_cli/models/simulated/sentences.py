"""The sentences of the simulated assistant, as `sentences.yaml` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scai_cli.text.word_lists import read_word_lists

_LISTS = read_word_lists(__file__)

BANK: Final[Mapping[str, tuple[str, ...]]] = _LISTS["traits"]
"""Trait -> sentences that show it. Length, layout and simple words show in how an answer is put together."""
PLAIN: Final[tuple[str, ...]] = _LISTS["plain"]
"""Short sentences in short words that show no other trait."""
NEUTRAL: Final[tuple[str, ...]] = _LISTS["neutral"]
"""Longer sentences in longer words that show no trait; they fill an answer up."""
STEPS: Final[tuple[str, ...]] = _LISTS["steps"]
"""Actions that can stand in a numbered list, in any order that keeps theirs."""
LEADS: Final[tuple[str, ...]] = _LISTS["leads"]
"""Lines that open a list."""
THINGS: Final[tuple[str, ...]] = _LISTS["things"]
"""Topic phrases for tasks that offer none."""
