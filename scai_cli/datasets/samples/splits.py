"""Which split a row belongs to, so that nobody and no task of one split is met in another.

A persona or a task goes where a seeded hash of its id says: it never moves when data are added. Where its file states a
`split`, it goes there instead, whatever is split by: a row of somebody held out never lands in train. A row whose parts
belong to different splits belongs to none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import isclose
from typing import Final, Literal

from scai_cli.datasets.samples.sample import Origin
from scai_cli.errors import ConfigError
from scai_cli.text.near_duplicates import NearDuplicateIndex
from scai_cli.values import Split, is_safe_id

By = Literal["persona", "task", "both"]

TRAIN: Final = "train"
HELD_OUT: Final = "held out"
ACROSS: Final = "between splits"
SAME_TASK: Final = "task worded as one of another split"
"""The same question under two ids would be known before it is asked."""

_ALSO: Final[Mapping[str, tuple[str, ...]]] = {"dev": ("validation", "valid", "val", "eval")}
"""Other names for a split that a persona or task may state."""


def parse_split(text: str) -> dict[str, float]:
    """The shares in `train=0.9,test=0.1`, which add up to 1; raises ConfigError."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        name = name.strip()
        try:
            shares[name] = float(share)
        except ValueError:
            raise ConfigError(f"--split {text}: write it as train=0.9,test=0.1") from None
        if not is_safe_id(name):
            raise ConfigError(f"--split {text}: {name!r} cannot be a part of a file's name")
    if not all(0 < share <= 1 for share in shares.values()) or not isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise ConfigError(f"--split {text}: the shares must be above 0 and add up to 1")
    return shares


@dataclass
class Splitter:
    """Tells the split of every row; `personas` and `tasks` are those that state one themselves."""

    shares: Mapping[str, float]
    by: By
    seed: int
    personas: Mapping[str, Split]
    tasks: Mapping[str, Split]
    near: bool = False
    """Whether a task that is worded nearly as one of another split goes nowhere, too."""
    _known: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _worded: dict[int, str] = field(default_factory=dict)

    def split(self, origin: Origin, prompt: str, rater: str | None) -> tuple[str | None, str]:
        """The split of a row, or None and why it belongs to none.

        `rater` is whose preference the row carries, which makes it a row of that persona too. Raises ConfigError where
        rows are to be split by persona and this one belongs to none.
        """
        people = {origin.persona, *origin.others, rater} - {None}
        if self.by == "persona" and not people:
            raise ConfigError(f"--split-by persona: rows of {origin.run} belong to no persona; use --split-by task")
        places = set()
        if self.by != "task":
            places |= {self._place("persona", person, self.personas) for person in people if person is not None}
        if self.by != "persona":
            places.add(self._place("task", origin.task, self.tasks))
        if len(places) > 1:
            return None, ACROSS
        (place,) = places
        if place is None or self._elsewhere(place, people, origin.task):
            return None, HELD_OUT
        if self.by != "persona" and self._first_place(prompt, place) != place:
            return None, SAME_TASK
        return place, ""

    def _first_place(self, prompt: str, place: str) -> str:
        """Where the first task went that was worded so, or with `near` nearly so."""
        words = " ".join(prompt.split()).casefold()
        key = number(words)
        first = self._worded.get(key)
        if first is None:
            likest = self._crowd.likest(words) if self.near else None
            first = self._worded[key] = place if likest is None else likest[0]
            if self.near:
                self._crowd.add(first, words)
        return first

    @cached_property
    def _crowd(self) -> NearDuplicateIndex:
        return NearDuplicateIndex()

    def _elsewhere(self, place: str, people: set[str | None], task: str) -> bool:
        """Whether somebody or something in a row is held out for another split than its own."""
        if not self.personas and not self.tasks:
            return False
        said = {self.personas.get(person) for person in people if person is not None} | {self.tasks.get(task)}
        return any(split not in (None, TRAIN) and self._named(split) != place for split in said if split is not None)

    def _place(self, what: str, name: str, stated: Mapping[str, Split]) -> str | None:
        key = (what, name)
        if key not in self._known:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            own = stated.get(name)
            self._known[key] = self._hashed(what, name) if own is None else self._named(own)
        return self._known[key]

    def _named(self, split: Split) -> str | None:
        """What a split that somebody states is called here; None where there is none like it."""
        return next((name for name in (split, *_ALSO.get(split, ())) if name in self.shares), None)

    def _hashed(self, what: str, name: str) -> str:
        at = fraction(f"{self.seed}/split/{what}/{name}")
        bounds = accumulate(self.shares.values())
        return next((split for split, bound in zip(self.shares, bounds, strict=True) if at < bound), [*self.shares][-1])


_KNOWN: Final = 65_536
"""So many names are remembered; the others are hashed again."""


def fraction(text: str) -> float:
    """A number in [0, 1) that a text always has, evenly spread over all texts."""
    return number(text) / 2**64


def number(text: str) -> int:
    """A number below 2**64 that a text always has."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
