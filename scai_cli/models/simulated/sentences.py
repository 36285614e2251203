"""The sentences that the simulated assistant speaks from: those written for a shipped task, or the general ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from scai_cli.experiment.starter import SENTENCES, shipped
from scai_cli.models.simulated.topics import content_words
from scai_cli.text.data_files import read_data_file, read_lists

_FEWEST, _SHARE, _MARGIN = 3, 0.5, 0.25


@dataclass(frozen=True, slots=True)
class Bank:
    """The sentences for a task; length, layout and simple words show in how an answer is put together."""

    traits: Mapping[str, tuple[str, ...]]
    """Trait -> sentences that show it."""
    plain: tuple[str, ...]
    """Short sentences in short words that show no other trait."""
    neutral: tuple[str, ...]
    """Longer sentences in longer words that show no trait; they fill an answer up."""
    steps: tuple[str, ...]
    """Actions of a numbered list, in their order; any of them can be left out."""
    leads: tuple[str, ...]
    """Lines that open a list."""


@lru_cache(maxsize=256)
def bank_for(task: str) -> Bank:
    """Return the sentences written for a task, or `GENERAL`.

    The task is recognised, in its own words or a user's, by the content words of its prompt: it has at least three of
    them and half of them, and a quarter less of any other prompt's.
    """
    words = content_words(task)
    shares = sorted(((len(p & words) / len(p), len(p & words), n) for n, (p, _) in enumerate(_written())), reverse=True)
    (best, shared, n), (second, *_) = (*shares, (0.0, 0, 0), (0.0, 0, 0))[:2]
    return _written()[n][1] if shared >= _FEWEST and best >= _SHARE and best - second >= _MARGIN else GENERAL


@lru_cache(maxsize=1)
def _written() -> tuple[tuple[frozenset[str], Bank], ...]:
    """Return the content words of each prompt with sentences of its own, and these."""
    files = sorted((shipped() / "configs" / "tasks" / SENTENCES).glob("*.yaml"))
    entries = (entry for file in files for entry in read_lists(file).values())
    return tuple((content_words(entry["prompt"]), _bank(entry)) for entry in entries)


def _bank(lists: Mapping[str, Any]) -> Bank:
    return Bank(*(lists[name] for name in ("traits", "plain", "neutral", "steps", "leads")))


_LISTS = read_data_file(__file__)
GENERAL: Final = _bank(_LISTS)
"""The sentences for any other task, about its `{topic}`."""
THINGS: Final[tuple[str, ...]] = _LISTS["things"]
"""Topic phrases for tasks that offer none."""
