"""Voting rules over tied or incomplete rankings: turn ballots into a ranking in tiers; ties stay in the result.

A voting rule gives each candidate an exact score; higher is better, and equal scores are a tie.
"""

import difflib
import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, permutations, product

Ballot = Sequence[str | Collection[str]]
"""Tiers from best to worst; a bare name is a tier of its own, and unnamed candidates tie at the bottom."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One counted ballot: the tier of every candidate (0 is the best), and the ballot's weight."""

    tier: Mapping[str, int]
    weight: Fraction


Scores = dict[str, Fraction]
Rule = Callable[[Sequence[Vote], Sequence[str]], Scores]


@dataclass(frozen=True, slots=True)
class VoteResult:
    """The result of a vote: candidates in tiers from best to worst (a tie is one tier), and the rule's scores."""

    rule: str
    tiers: tuple[tuple[str, ...], ...]
    scores: Mapping[str, float]

    @property
    def winners(self) -> tuple[str, ...]:
        """The first tier: one candidate, or all that tie for the win."""
        return self.tiers[0]

    def order(self, seed: int | str) -> tuple[str, ...]:
        """Return a strict ranking; ties are broken by SHA-256 of the seed and the candidate's name.

        The same names and seed always give the same order, independent of the order of the ballots. Give each vote of a
        run its own seed (such as `f"{seed}/{epoch}"`), or the same name wins every tie.
        """
        return tuple(name for tier in self.tiers for name in sorted(tier, key=lambda name: _lot(seed, name)))


def borda(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score one point per candidate ranked below and half a point per candidate tied with (Borda 1781)."""
    scores = dict.fromkeys(candidates, Fraction(0))
    for (first, second), support in _supports(votes, candidates).items():
        scores[first] += support / 2
        scores[second] -= support / 2
    middle = sum((vote.weight for vote in votes), Fraction(0)) * (len(candidates) - 1) / 2
    return {candidate: middle + score for candidate, score in scores.items()}


def copeland(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score 1 for every duel won and 1/2 for every duel tied (Copeland 1951)."""
    support = _supports(votes, candidates)
    scores = dict.fromkeys(candidates, Fraction(0))
    for first, second in support:
        margin = support[first, second] - support[second, first]
        scores[first] += Fraction(1, 2) if margin == 0 else margin > 0
    return scores


def minimax(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score minus the winning votes of the worst duel lost, 0 without a loss (Simpson 1969, Kramer 1977)."""
    scores = dict.fromkeys(candidates, Fraction(0))
    for (_, beaten), strength in _defeats(votes, candidates).items():
        scores[beaten] = min(scores[beaten], -strength)
    return scores


def schulze(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score minus the number of candidates with a stronger path to this one than it has back (Schulze 2011).

    The strength of a path is its weakest duel, that of a duel its winning votes. "Has the stronger path" is
    transitive, so this score ranks by it, and the unbeaten (all potential winners) have 0.
    """
    path = _defeats(votes, candidates)
    for via, start, end in product(candidates, repeat=3):
        if len({via, start, end}) == 3:
            path[start, end] = max(path[start, end], min(path[start, via], path[via, end]))
    scores = dict.fromkeys(candidates, Fraction(0))
    for first, second in permutations(candidates, 2):
        scores[second] -= path[first, second] > path[second, first]
    return scores


def approval(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score the weight of the approving ballots: those with the candidate in their first tier (Brams, Fishburn 1978).

    An approval ballot is one tier with all approved candidates. On strict rankings this is plurality.
    """
    return _firsts(votes, candidates)


def instant_runoff(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score the round in which a candidate was eliminated; the candidates left after the last round have the most.

    In each round a ballot counts in full for *every* remaining candidate in its first tier, and all candidates with the
    fewest votes are eliminated together; it ends when all who are left have the same number. This is Approval-IRV
    (Delemazure and Peters 2024), which keeps independence of clones where splitting a ballot among its first tier does
    not. On strict rankings it is the classical rule, except that tied candidates are eliminated together. A ballot that
    names none of the remaining candidates counts for all of them.
    """
    left, scores = list(candidates), dict.fromkeys(candidates, Fraction(0))
    while left:
        firsts = _firsts(votes, left)
        fewest = min(firsts.values())
        left = [candidate for candidate in left if firsts[candidate] > fewest]
        for candidate in left:
            scores[candidate] += 1
    return scores


RULES: dict[str, Rule] = {
    "schulze": schulze,
    "borda": borda,
    "copeland": copeland,
    "instant_runoff": instant_runoff,
    "approval": approval,
    "minimax": minimax,
}


def tally(
    rule: str, ballots: Sequence[Ballot], candidates: Sequence[str], weights: Sequence[float] | None = None
) -> VoteResult:
    """Count the ballots by a rule of `RULES`.

    `weights` (finite, >= 0; default: all 1) are added as the decimals that they are written as, so that 0.1 + 0.2 ties
    with 0.3. Without ballots all candidates tie. Raises ValueError, in one line, for an unknown rule, no candidates, a
    repeated name, a ballot with an unknown name, or weights that do not fit.
    """
    if rule not in RULES:
        raise ValueError(f"unknown voting rule {rule!r}{_nearest(rule)}")
    if not candidates or len(set(candidates)) < len(candidates):
        raise ValueError("a vote needs candidates, each named once")
    exact = [Fraction(1)] * len(ballots) if weights is None else [_weight(weight) for weight in weights]
    if len(exact) != len(ballots):
        raise ValueError(f"{len(ballots)} ballots, but {len(exact)} weights")
    votes = [Vote(_tiers(b, candidates), weight) for b, weight in zip(ballots, exact, strict=True)]
    scores = RULES[rule](votes, candidates)
    ranking = sorted(candidates, key=lambda name: -scores[name])
    tiers = tuple(tuple(tier) for _, tier in groupby(ranking, key=lambda name: scores[name]))
    return VoteResult(rule, tiers, {name: float(scores[name]) for name in candidates})


def _supports(votes: Sequence[Vote], candidates: Sequence[str]) -> dict[tuple[str, str], Fraction]:
    """Return, for every ordered pair, the weight of the ballots that rank the first strictly above the second."""
    pairs = dict.fromkeys(permutations(candidates, 2), Fraction(0))
    for vote in votes:
        for first, second in pairs:
            if vote.tier[first] < vote.tier[second]:
                pairs[first, second] += vote.weight
    return pairs


def _defeats(votes: Sequence[Vote], candidates: Sequence[str]) -> dict[tuple[str, str], Fraction]:
    """Return the winning votes of each duel: the support of its winner, 0 for the loser and for a tie."""
    support = _supports(votes, candidates)
    return {(a, b): won if won > support[b, a] else Fraction(0) for (a, b), won in support.items()}


def _firsts(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Return, for each candidate, the weight of the ballots that have it in their first tier among these."""
    scores = dict.fromkeys(candidates, Fraction(0))
    for vote in votes:
        best = min(vote.tier[candidate] for candidate in candidates)
        for candidate in candidates:
            if vote.tier[candidate] == best:
                scores[candidate] += vote.weight
    return scores


def _tiers(ballot: Ballot, candidates: Sequence[str]) -> dict[str, int]:
    """Return the tier of every candidate, 0 the best; candidates that are not on the ballot share the last tier."""
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
    close = difflib.get_close_matches(given.lower(), RULES, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f" (known: {', '.join(RULES)})"
