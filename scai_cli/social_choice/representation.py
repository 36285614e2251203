"""Check representation: whether each group that is large enough and agrees has a principle of its own.

With n users and k seats (principles of the constitution), a group of at least l n/k users who agree on l principles
deserves l of them. Justified representation checks l = 1, extended justified representation every l. A user with a
weight counts as that many users.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

_ROUNDING: Final = 1e-9
"""A difference of sums of weights that is a rounding error."""


@dataclass(frozen=True, slots=True)
class Orphans:
    """A group that deserves `deserved` principles, agrees on `principles`, and has no member with as many."""

    users: tuple[str, ...]
    principles: tuple[str, ...]
    deserved: int


@dataclass(frozen=True, slots=True)
class RepresentationResult:
    """Whether representation is satisfied (None: too large to decide), and a group without it if it is not."""

    holds: bool | None
    orphans: Orphans | None = None


def justified(
    approvals: Mapping[str, Collection[str]],
    adopted: Collection[str],
    users: Sequence[str],
    seats: int | None = None,
    *,
    weights: Mapping[str, float] | None = None,
) -> RepresentationResult:
    """Check justified representation (Aziz et al. 2017); the orphans are the largest group without it.

    `approvals` maps every proposed principle, adopted or not, to the users who approve it; `seats` is the number of
    principles (default: those adopted, at least 1). The check fails for a principle if n/seats users or more approve it
    and none of those users approves an adopted one. `weights` are above 0, by default 1 for everyone. Polynomial.
    Without users it passes. Raises ValueError for an unknown user or principle, and for more adopted principles than
    seats.
    """
    council = _Council.of(approvals, adopted, users, seats, weights)
    groups = [council.supporters([principle], 1) for principle in council.approvals]
    largest = max(groups, key=council.size, default=frozenset())
    return council.verdict(largest, 1) if council.deserves(largest, 1) else RepresentationResult(True)


def extended(
    approvals: Mapping[str, Collection[str]],
    adopted: Collection[str],
    users: Sequence[str],
    seats: int | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    limit: int = 100_000,
) -> RepresentationResult:
    """Check extended justified representation (EJR; Aziz et al. 2017); arguments and errors as `justified`.

    The check fails if l n/seats users or more all approve l principles and none of them approves l adopted ones; the
    orphans are a group of this kind at the smallest l. Deciding it is coNP-complete. EJR+ (Brill and Peters 2023),
    which implies it and is polynomial, is tried first; then the sets of l principles are enumerated for each l, without
    those that have too few supporters. After `limit` sets at one l (about a second) the verdict is None; any other
    verdict is exact. It is never None for 16 principles or fewer (2^16 sets).
    """
    first = justified(approvals, adopted, users, seats, weights=weights)
    council = _Council.of(approvals, adopted, users, seats, weights)
    if not first.holds or council.robust():
        return first
    for level in range(2, council.seats + 1):
        steps, stack = count(1), [tuple[str, ...]()]
        while stack:
            chosen = stack.pop()
            group = council.supporters(chosen, level)
            if next(steps) > limit:
                return RepresentationResult(None)
            if not council.deserves(group, level):
                continue
            if len(chosen) == level:
                return council.verdict(group, level)
            stack += [(*chosen, more) for more in council.after(chosen)]
    return RepresentationResult(True)


@dataclass(frozen=True, slots=True)
class _Council:
    """The approvals, each user's number of approved adopted principles and weight, those left out, and the seats."""

    approvals: Mapping[str, frozenset[str]]
    served: Mapping[str, int]
    outside: tuple[str, ...]
    seats: int
    weights: Mapping[str, float]

    @classmethod
    def of(
        cls,
        approvals: Mapping[str, Collection[str]],
        adopted: Collection[str],
        users: Sequence[str],
        seats: int | None,
        weights: Mapping[str, float] | None,
    ) -> _Council:
        supporters = {principle: frozenset(fans) for principle, fans in approvals.items()}
        for principle in adopted:
            if principle not in supporters:
                raise ValueError(f"{principle!r} was adopted, but there are no approvals for it")
        strangers = frozenset[str]().union(*supporters.values()) - frozenset(users)
        if strangers:
            raise ValueError(f"{min(strangers)!r} approves principles, but is not a user")
        chosen = frozenset(adopted)
        if seats is not None and seats < max(1, len(chosen)):
            raise ValueError(f"{len(chosen)} principles were adopted for {seats} seats")
        served = {user: sum(user in supporters[principle] for principle in chosen) for user in users}
        outside = tuple(principle for principle in supporters if principle not in chosen)
        own = dict.fromkeys(users, 1.0) if weights is None else {user: weights[user] for user in users}
        return cls(supporters, served, outside, seats or max(1, len(chosen)), own)

    def size(self, group: Iterable[str]) -> float:
        """Return the weight of a group."""
        return math.fsum(self.weights[user] for user in group)

    def deserves(self, group: Collection[str], level: int) -> bool:
        """Return whether the group has at least level n/seats members, or their weight."""
        enough = level * self.size(self.weights) / self.seats
        return bool(group) and self.size(group) >= enough * (1 - _ROUNDING)

    def supporters(self, principles: Sequence[str], level: int) -> frozenset[str]:
        """Return the users who approve all of these and fewer than `level` of the adopted principles."""
        unserved = frozenset(user for user, number in self.served.items() if number < level)
        return unserved.intersection(*(self.approvals[principle] for principle in principles))

    def after(self, chosen: Sequence[str]) -> list[str]:
        """Return the principles that extend a set without forming the same set twice."""
        names = list(self.approvals)
        return names[names.index(chosen[-1]) + 1 :] if chosen else names

    def robust(self) -> bool:
        """Return whether EJR+ is satisfied: no level n/seats users, each below `level`, agree on one left out."""
        levels = range(1, self.seats + 1)
        return not any(self.deserves(self.supporters([p], k), k) for p in self.outside for k in levels)

    def verdict(self, group: frozenset[str], level: int) -> RepresentationResult:
        """Return the verdict with the orphans and all principles that they agree on."""
        agreed = tuple(principle for principle, fans in self.approvals.items() if group <= fans)
        return RepresentationResult(False, Orphans(tuple(user for user in self.served if user in group), agreed, level))
