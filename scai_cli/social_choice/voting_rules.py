"""Voting rules: ballots -> a score for each candidate, exact, larger is better; equal scores are a tie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product


@dataclass(frozen=True, slots=True)
class Vote:
    """One ballot as it counts: the tier of every candidate (0 is the best) and its weight."""

    tier: Mapping[str, int]
    weight: Fraction


Scores = dict[str, Fraction]
Rule = Callable[[Sequence[Vote], Sequence[str]], Scores]


def borda(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score a point for everyone ranked below and half a point for everyone tied with (Borda 1781)."""
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
    """Score minus the winning votes of the worst duel lost, 0 if none was (Simpson 1969, Kramer 1977)."""
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
    """Score the weight of the ballots that approve: those with it in their first tier (Brams, Fishburn 1978).

    An approval ballot is one tier with all that are approved. On strict rankings this is plurality.
    """
    return _firsts(votes, candidates)


def instant_runoff(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Score the round that a candidate was eliminated in; the survivors of the last round have the most.

    In each round a ballot counts in full for *every* candidate in its first tier among those left, and all
    who have the fewest are eliminated together; it ends when all who are left have as many. This is
    Approval-IRV (Delemazure and Peters 2024), which keeps independence of clones where splitting a ballot
    among its first tier does not. On strict rankings it is the classical rule (but for the joint elimination
    of those who tie). A ballot that names nobody who is left counts for all of them alike.
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


def _supports(votes: Sequence[Vote], candidates: Sequence[str]) -> dict[tuple[str, str], Fraction]:
    """Return for every ordered pair the weight of the ballots with the first strictly above the second."""
    pairs = dict.fromkeys(permutations(candidates, 2), Fraction(0))
    for vote in votes:
        for first, second in pairs:
            if vote.tier[first] < vote.tier[second]:
                pairs[first, second] += vote.weight
    return pairs


def _defeats(votes: Sequence[Vote], candidates: Sequence[str]) -> dict[tuple[str, str], Fraction]:
    """Return the winning votes of each duel: the support of its winner, 0 for the loser and in a tie."""
    support = _supports(votes, candidates)
    return {(a, b): won if won > support[b, a] else Fraction(0) for (a, b), won in support.items()}


def _firsts(votes: Sequence[Vote], candidates: Sequence[str]) -> Scores:
    """Return for each candidate the weight of the ballots that have it in their first tier among these."""
    scores = dict.fromkeys(candidates, Fraction(0))
    for vote in votes:
        best = min(vote.tier[candidate] for candidate in candidates)
        for candidate in candidates:
            if vote.tier[candidate] == best:
                scores[candidate] += vote.weight
    return scores
