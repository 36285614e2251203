"""Votes over tied or incomplete rankings: ballots in, a ranking in tiers out; a tie is a result."""

from __future__ import annotations

import difflib
import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from scai_cli.social_choice.voting_rules import RULES, Vote

Ballot = Sequence[str | Collection[str]]
"""Tiers from best to worst; a bare name is a tier of its own, and who is not named ties at the bottom."""

NAMES = tuple(RULES)


@dataclass(frozen=True, slots=True)
class VoteResult:
    """What a vote decided: candidates in tiers from best to worst (a tie is one tier), the rule's scores."""

    rule: str
    tiers: tuple[tuple[str, ...], ...]
    scores: Mapping[str, float]

    @property
    def winners(self) -> tuple[str, ...]:
        """Return the first tier: one candidate, or all who tie for the win."""
        return self.tiers[0]

    def order(self, seed: int | str) -> tuple[str, ...]:
        """Return a strict ranking, each tie broken by SHA-256 of the seed and the candidate's name.

        The same names and seed always give the same order, whatever the order of the ballots was. Give each
        vote of a run its own seed (such as `f"{seed}/{epoch}"`), or the same name wins every tie.
        """
        return tuple(name for tier in self.tiers for name in sorted(tier, key=lambda name: _lot(seed, name)))


def tally(
    rule: str, ballots: Sequence[Ballot], candidates: Sequence[str], weights: Sequence[float] | None = None
) -> VoteResult:
    """Count the ballots by a rule of `NAMES` (defined in `rules`).

    `weights` (finite, >= 0; default: all 1) are added as the decimals they are written as, so that 0.1 + 0.2
    ties with 0.3. Without ballots all candidates tie. Raises ValueError, in one line, for an unknown rule, no
    candidates, a name twice, a ballot with an unknown name, or weights that do not fit.
    """
    if rule not in RULES:
        raise ValueError(f"unknown voting rule {rule!r}{_nearest(rule)}")
    if not candidates or len(set(candidates)) < len(candidates):
        raise ValueError("a vote needs candidates, each named once")
    heavy = [Fraction(1)] * len(ballots) if weights is None else [_weight(weight) for weight in weights]
    if len(heavy) != len(ballots):
        raise ValueError(f"{len(ballots)} ballots, but {len(heavy)} weights")
    votes = [Vote(_tiers(b, candidates), weight) for b, weight in zip(ballots, heavy, strict=True)]
    scores = RULES[rule](votes, candidates)
    ranking = sorted(candidates, key=lambda name: -scores[name])
    tiers = tuple(tuple(tier) for _, tier in groupby(ranking, key=lambda name: scores[name]))
    return VoteResult(rule, tiers, {name: float(scores[name]) for name in candidates})


def _tiers(ballot: Ballot, candidates: Sequence[str]) -> dict[str, int]:
    """Return the tier of every candidate, 0 the best; those who are not on the ballot share the last."""
    tiers = dict.fromkeys(candidates, len(ballot))
    seen: set[str] = set()
    for number, tier in enumerate(ballot):
        for name in [tier] if isinstance(tier, str) else tier:
            if name not in tiers:
                raise ValueError(f"a ballot names {name!r}, who is not a candidate")
            if name in seen:
                raise ValueError(f"a ballot names {name!r} twice")
            seen.add(name)
            tiers[name] = number
    return tiers


def _weight(weight: float) -> Fraction:
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"a weight is {weight}: weights are finite and not negative")
    return Fraction(str(float(weight)))


def _lot(seed: int | str, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode()).digest()


def _nearest(given: str) -> str:
    close = difflib.get_close_matches(given.lower(), NAMES, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f" (known: {', '.join(NAMES)})"
