"""Welfare formulas over a society: u are the utilities from worst to best off, p the population shares (sum 1).

Each function takes a non-empty society and returns a value in [0, 1]; higher is better. All are symmetric (names do not
matter), never fall when one person's utility rises, and give c if all utilities are c (except `threshold` and
`consensus`, which count people). A society of one gets that person's utility.
"""

import math
from itertools import accumulate

from scai_cli.social_choice.society import Society


def mean(people: Society) -> float:
    """Sum p u. Utilitarian: an increase counts the same for each person (Harsanyi 1955)."""
    return _within(people, math.fsum(m.share * m.utility for m in people))


def minimum(people: Society) -> float:
    """Min u. Only the worst-off person counts (Rawls 1971)."""
    return people[0].utility


def power_mean(people: Society, epsilon: float) -> float:
    """(Sum p u^(1-e))^(1/(1-e)); at e = 1 exp(sum p ln u). Atkinson's equally-distributed equivalent (1970).

    It is the utility that, given to each person, would be as good as the actual utilities, for an inequality aversion e
    >= 0: 0 is the mean, 1 the geometric mean (Nash), 2 the harmonic mean, and large e approaches the minimum. A utility
    of zero makes it zero for e >= 1. Computed on logarithms, so no power overflows or underflows.
    """
    r = 1 - epsilon
    low, high = people[0].utility, people[-1].utility
    if high == 0 or (low == 0 and r <= 0):
        return 0.0
    pivot = math.log(high if r > 0 else low)
    terms = [(m.share, math.log(m.utility) - pivot if m.utility > 0 else -math.inf) for m in people]
    if r == 0:
        return _within(people, math.exp(pivot + math.fsum(p * log for p, log in terms)))
    excess = math.fsum(p * math.expm1(r * log) for p, log in terms)
    # Near r = 0 the sum is nearly 1, and only its excess over 1 is exact; elsewhere the sum itself is exact.
    near = excess > -0.5
    log_sum = math.log1p(excess) if near else math.log(math.fsum(p * math.exp(r * log) for p, log in terms))
    return _within(people, math.exp(pivot + log_sum / r))


def ordered_mean(people: Society, delta: float) -> float:
    """Integral of (1 - F(u))^d du, F the share of people at or below u. Generalised Gini (Weymark 1981).

    An ordered weighted average that gives the worse off more weight (the one-parameter family of Donaldson and Weymark
    1980), d >= 1: 1 is the mean, 2 is mean x (1 - Gini coefficient), and large d approaches the minimum.
    """
    above = reversed(list(accumulate(m.share for m in reversed(people))))
    floors = (0.0, *(m.utility for m in people[:-1]))
    pieces = zip(people, floors, above, strict=True)
    return _within(people, math.fsum((m.utility - floor) * min(1.0, p) ** delta for m, floor, p in pieces))


def median(people: Society) -> float:
    """Return the utility that half of the population does not exceed; the midpoint between two people."""
    reached = list(accumulate(m.share for m in people))
    lower = next(m.utility for m, share in zip(people, reached, strict=True) if share >= 0.5 - 1e-12)
    upper = next((m.utility for m, share in zip(people, reached, strict=True) if share > 0.5 + 1e-12), lower)
    return (lower + upper) / 2


def share_at_least(people: Society, level: float) -> float:
    """Sum p over those with u >= level: the share of the population that is served well enough."""
    return min(1.0, math.fsum(m.share for m in people if m.utility >= level))


def group_consensus(people: Society, level: float) -> float:
    """Product over opinion groups of (agree + 1) / (seen + 2). Polis's group-aware consensus (Small 2021).

    A person agrees when u >= level. Each factor is the smoothed probability that a member of that group agrees, so no
    majority can outvote a group: a group that disagrees lowers the product. The value is within (0, 1) and falls with
    the number of groups, so compare it only under the same grouping. Weights count as persons, of mean weight one.
    People without a group form one together; without any groups the value is the smoothed share of those who agree.
    """
    seen: dict[object, float] = {}
    agree: dict[object, float] = {}
    for m in people:
        seen[m.group] = seen.get(m.group, 0.0) + m.share * len(people)
        agree[m.group] = agree.get(m.group, 0.0) + (m.share * len(people) if m.utility >= level else 0.0)
    return math.prod(sorted((agree[group] + 1) / (seen[group] + 2) for group in seen))


def quantiles(people: Society) -> tuple[float, ...]:
    """(u1, -p1, u2, -p2, ...): distinct utilities and shares; their lexicographic order is leximin.

    The worst off are compared first; if they are as badly off in both, fewer of them is better; then the next ones (Sen
    1970). For two societies of n equal people it is the order of the sorted utilities. Shares are rounded to 1e-12.
    """
    shares: dict[float, float] = {}
    for m in people:
        shares[m.utility] = shares.get(m.utility, 0.0) + m.share
    return tuple(part for utility, share in shares.items() for part in (utility, -round(share, 12)))


def _within(people: Society, value: float) -> float:
    """Clip rounding errors: an average is never outside the range of the utilities."""
    return min(people[-1].utility, max(people[0].utility, value))
