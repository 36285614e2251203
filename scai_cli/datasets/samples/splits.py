"""Assign rows to splits so that no persona and no task is in two splits.

A seeded hash of its id gives a persona or a task its split, which never changes when data are added. A `split` in its
file takes precedence, whatever the rows are split by: no row of a held-out persona gets into train. A row whose parts
belong to different splits is left out.
"""

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
from scai_cli.text.words import comparable
from scai_cli.values import Split, is_safe_id

By = Literal["persona", "task", "both"]

TRAIN: Final = "train"
HELD_OUT: Final = "held out by a split of their own"
ACROSS: Final = "between splits"
SAME_TASK: Final = "task worded as one of another split"
"""The reason to leave out a task that is worded like one of another split: the question would leak."""

_ALSO: Final[Mapping[str, tuple[str, ...]]] = {"dev": ("validation", "valid", "val", "eval")}
"""Other names for a split that a persona or task may state."""


def parse_split(text: str) -> dict[str, float]:
    """Parse the shares in `train=0.9,test=0.1`, which add up to 1; raises ConfigError."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        if (name := name.strip()) in shares:
            raise ConfigError(f"--split {text}: {name!r} has two shares; give each name one")
        try:
            shares[name] = float(share)
        except ValueError:
            raise ConfigError(f"--split {text}: write it as train=0.9,test=0.1") from None
        if not is_safe_id(name):
            raise ConfigError(f"--split {text}: {name!r} cannot be part of a file name; use letters and digits")
    if not all(0 < share <= 1 for share in shares.values()) or not isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise ConfigError(f"--split {text}: the shares must be above 0 and add up to 1")
    return shares


@dataclass
class Splitter:
    """Assigns a split to every row; `personas` and `tasks` give those with a split of their own."""

    shares: Mapping[str, float]
    by: By
    seed: int
    personas: Mapping[str, Split]
    tasks: Mapping[str, Split]
    near: bool = False
    """Whether to leave out a task that is worded nearly like one of another split."""
    _known: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _worded: dict[int, str] = field(default_factory=dict)

    def split(self, origin: Origin, prompt: str, rater: str | None) -> tuple[str | None, str]:
        """Return the split of a row, or None and the reason to leave it out.

        `rater` is the persona whose preference the row shows, so the row belongs to that persona, too. Raises
        ConfigError if rows are split by persona and this one has none.
        """
        people = {origin.persona, *origin.others, rater} - {None}
        if self.by == "persona" and not people:
            raise ConfigError(f"--split-by persona: rows of {origin.run} belong to no persona; use --split-by task")
        splits = set()
        if self.by != "task":
            splits |= {self._split_of("persona", person, self.personas) for person in people if person is not None}
        if self.by != "persona":
            splits.add(self._split_of("task", origin.task, self.tasks))
        if len(splits) > 1:
            return None, ACROSS
        (split,) = splits
        if split is None or self._elsewhere(split, people, origin.task):
            return None, HELD_OUT
        if self.by != "persona" and self._first_split(prompt, split) != split:
            return None, SAME_TASK
        return split, ""

    def _first_split(self, prompt: str, split: str) -> str:
        """Return the split of the first task with these words; with `near`, of the first with nearly these words."""
        words = comparable(prompt)
        key = number(words)
        first = self._worded.get(key)
        if first is None:
            similar = self._index.most_similar(words) if self.near else None
            first = self._worded[key] = split if similar is None else similar[0]
            if self.near:
                self._index.add(first, words)
        return first

    @cached_property
    def _index(self) -> NearDuplicateIndex:
        return NearDuplicateIndex()

    def _elsewhere(self, split: str, people: set[str | None], task: str) -> bool:
        """Return whether a persona or the task of a row states a held-out split that is not the row's split."""
        if not self.personas and not self.tasks:
            return False
        stated = {self.personas.get(person) for person in people if person is not None} | {self.tasks.get(task)}
        return any(other != TRAIN and self._named(other) != split for other in stated if other is not None)

    def _split_of(self, what: str, name: str, stated: Mapping[str, Split]) -> str | None:
        key = (what, name)
        if key not in self._known:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            own = stated.get(name)
            self._known[key] = self._hashed(what, name) if own is None else self._named(own)
        return self._known[key]

    def _named(self, split: Split) -> str | None:
        """Return the name in `shares` for a split that a persona or task states; None if there is none."""
        return next((name for name in (split, *_ALSO.get(split, ())) if name in self.shares), None)

    def _hashed(self, what: str, name: str) -> str:
        at = fraction(f"{self.seed}/split/{what}/{name}")
        bounds = accumulate(self.shares.values())
        return next((split for split, bound in zip(self.shares, bounds, strict=True) if at < bound), [*self.shares][-1])


_KNOWN: Final = 65_536
"""The most names to remember; the others are hashed again."""


def fraction(text: str) -> float:
    """Return a number in [0, 1) that depends only on the text, uniform over texts."""
    return number(text) / 2**64


def number(text: str) -> int:
    """Return a number below 2**64 that depends only on the text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
