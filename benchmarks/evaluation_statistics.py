"""Count how often the intervals of paired evaluation contain the truth, and what remains of planted judges' biases.

python benchmarks/evaluation_statistics.py                 # all of it
python benchmarks/evaluation_statistics.py --draws 100     # a quick look
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from benchmarks.documents import line
from scai_cli.stats.bradley_terry import bradley_terry_difference
from scai_cli.stats.clustered import ClusteredMean, clustered_mean, clustered_rate, wilson
from scai_cli.stats.explained import explained_share
from scai_cli.stats.jackknife import jackknife
from scai_cli.stats.judge_error import (
    Calibration,
    corrected_difference,
    corrected_win_rate,
    position_bias,
    rogan_gladen,
)
from scai_cli.stats.length_control import length_controlled

Array = NDArray[np.float64]
Drawn = tuple[ClusteredMean | None, float]
"""What was found, and the truth."""

NORMAL = NormalDist()
Z95 = NORMAL.inv_cdf(0.975)
CLUSTERS = (3, 4, 6, 12, 40)
EXPLAINED = (0.0, 0.1, 0.3, 0.7)
CROSSED = ((4, 3), (12, 6), (30, 10))


def covered(draw: Callable[[np.random.Generator], Drawn], draws: int, seed: int = 1) -> tuple[float, float, float]:
    """Return the share of intervals with the truth, the share of draws with an interval, and the mean width."""
    rng = np.random.default_rng(seed)
    hits, widths = [], []
    for _ in range(draws):
        found, truth = draw(rng)
        if found is not None and found.low is not None and found.high is not None:
            hits.append(found.low - 1e-12 <= truth <= found.high + 1e-12)
            widths.append(found.high - found.low)
    return (float(np.mean(hits)) if hits else float("nan")), len(hits) / draws, float(np.mean(widths or [0]))


def labels(clusters: int, sizes: str) -> list[int]:
    """Return the cluster of each item: of 1, of 5, of unequal sizes, or a half of all in one."""
    each = {
        "1": np.ones(clusters),
        "5": np.full(clusters, 5),
        "unequal": np.maximum(1, np.round(5 * np.exp(np.random.default_rng(clusters).normal(0, 0.8, clusters)))),
        "one half": np.where(np.arange(clusters) == 0, 3 * (clusters - 1), 3),
    }[sizes]
    return np.repeat(np.arange(clusters), each.astype(int)).tolist()


def correlated(rng: np.random.Generator, clusters: Sequence[int], correlation: float) -> Array:
    """Draw standard normal values with this correlation within clusters."""
    within = rng.normal(size=len(clusters))
    mixed: Array = np.sqrt(correlation) * rng.normal(size=max(clusters) + 1)[clusters]
    return mixed + np.sqrt(1 - correlation) * within


def differences(
    rng: np.random.Generator, clusters: Sequence[int], correlation: float, kind: str
) -> tuple[Array, float]:
    """Draw paired differences: normal ones, or those of two yes-or-no scores that are right in 70 and 60 %."""
    latent = correlated(rng, clusters, correlation)
    if kind == "normal":
        return latent + 0.3, 0.3
    second = 0.6 * latent + 0.8 * rng.normal(size=len(clusters))
    rates = (0.7, 0.6) if kind == "binary" else (0.7, 0.7)
    first_score, second_score = latent < NORMAL.inv_cdf(rates[0]), second < NORMAL.inv_cdf(rates[1])
    return first_score * 1.0 - second_score, rates[0] - rates[1]


def of_means(draws: int) -> Iterator[str]:
    """Yield the coverage of the mean, one-way."""
    kinds = [(kind, rho) for kind in ("normal", "binary", "A against A") for rho in (0.0, 0.3, 0.9)]
    yield line("clusters", "sizes", *(f"{kind}, {rho:g}" for kind, rho in kinds))
    yield line("---:", "---", *("---:" for _ in kinds))
    for clusters in CLUSTERS:
        for sizes in ("1", "5", "unequal", "one half"):
            groups = labels(clusters, sizes)

            def draw(rng, kind, rho, groups=groups):
                values, truth = differences(rng, groups, rho, kind)
                return clustered_mean(values.tolist(), groups), truth

            cells = [covered(lambda rng, k=k, r=r, d=draw: d(rng, k, r), draws) for k, r in kinds]
            yield line(str(clusters), sizes, *map(_cell, cells))


def of_crossed(draws: int) -> Iterator[str]:
    """Yield the coverage of the mean where users and tasks cross."""
    mixes = {
        "noise alone": (0, 0),
        "users differ": (1, 0.2),
        "tasks differ": (0.2, 1),
        "both differ": (1, 1),
    }
    yield line("users x tasks", *mixes, "both differ, -1 / 0 / 1", "both differ, a third missing")
    yield line("---", *("---:" for _ in range(len(mixes) + 2)))
    for users, tasks in CROSSED:
        user, task = (axis.ravel() for axis in np.meshgrid(range(users), range(tasks), indexing="ij"))

        def draw(rng, spreads, rounded=False, missing=0.0, user=user, task=task):
            values = 0.5 * rng.normal(size=len(user))
            for spread, axis in zip(spreads, (user, task), strict=True):
                values += spread * rng.normal(size=axis.max() + 1)[axis]
            kept = rng.random(len(user)) >= missing
            values = np.sign(np.where(abs(values) > 1, values, 0)) if rounded else values
            return clustered_mean(values[kept].tolist(), user[kept].tolist(), task[kept].tolist()), 0.0

        cases = [*((spreads, False, 0.0) for spreads in mixes.values()), ((1, 1), True, 0.0), ((1, 1), False, 1 / 3)]
        cells = [covered(lambda rng, c=case, d=draw: d(rng, *c), draws) for case in cases]
        yield line(f"{users} x {tasks}", *map(_cell, cells))


def of_rates(draws: int) -> Iterator[str]:
    """Yield the coverage of a rate."""
    cases = [(rate, rho) for rate in (0.02, 0.1, 0.5, 0.9) for rho in (0.0, 0.3, 0.9)]
    yield line("clusters", "sizes", *(f"{rate:g}, {rho:g}" for rate, rho in cases))
    yield line("---:", "---", *("---:" for _ in cases))
    for clusters in CLUSTERS[1:]:
        for sizes in ("1", "5", "unequal"):
            groups = labels(clusters, sizes)

            def draw(rng, rate, rho, groups=groups):
                values = correlated(rng, groups, rho) < NORMAL.inv_cdf(rate)
                return clustered_rate(values.tolist(), groups), rate

            cells = [covered(lambda rng, c=case, d=draw: d(rng, *c), draws) for case in cases]
            yield line(str(clusters), sizes, *map(_cell, cells))


def of_strengths(draws: int) -> Iterator[str]:
    """Yield the coverage of Bradley-Terry differences: 10 games a prompt, whose win probabilities vary."""
    yield line("prompts", "true win rate", "games independent", "clustered by prompt")
    yield line("---:", "---:", "---:", "---:")
    for prompts in (6, 12, 40):
        for rate in (0.5, 0.6, 0.9):
            groups = np.repeat(np.arange(prompts), 10).tolist()

            def draw(rng, by_prompt, rate=rate, groups=groups, prompts=prompts):
                chances = rng.beta(10 * rate, 10 * (1 - rate), prompts)[groups]
                wins = (rng.random(len(groups)) < chances).tolist()
                clusters = groups if by_prompt else list(range(len(groups)))
                return bradley_terry_difference(wins, clusters), float(np.log(rate / (1 - rate)))

            cells = [covered(lambda rng, b=by, d=draw: d(rng, b), draws) for by in (False, True)]
            yield line(str(prompts), f"{rate:g}", *map(_cell, cells))


def gold(rng: np.random.Generator, items: int, sensitivity: float, specificity: float) -> Calibration:
    """Draw a judge's answers on items with human labels, half of them positive."""
    tp, tn = rng.binomial(items // 2, sensitivity), rng.binomial(items // 2, specificity)
    return Calibration(int(tp), items // 2 - int(tp), items // 2 - int(tn), int(tn))


def of_corrections(draws: int) -> Iterator[str]:
    """Yield the coverage of rates and differences that a judge with known errors gave, in 40 clusters of 5."""
    judges = ((0.9, 0.9), (0.98, 0.95), (0.75, 0.8))
    yield line(
        "labels", "true rate", *(f"rate: {a:g} / {b:g}" for a, b in judges), *(f"+0.1: {a:g}" for a, _ in judges)
    )
    yield line("---:", "---:", *("---:" for _ in range(2 * len(judges))))
    groups = labels(40, "5")

    def judged(rng, rate, judge):
        is_positive = correlated(rng, groups, 0.3) < NORMAL.inv_cdf(rate)
        return (rng.random(len(groups)) < np.where(is_positive, judge[0], 1 - judge[1])) * 1.0

    def draw_rate(rng, items, rate, judge):
        found = clustered_rate(judged(rng, rate, judge).tolist(), groups)
        assert found is not None
        return rogan_gladen(found, gold(rng, items, *judge)), rate

    def draw_difference(rng, items, rate, judge):
        gaps = judged(rng, rate + 0.1, judge) - judged(rng, rate, judge)
        found = clustered_mean(gaps.tolist(), groups)
        assert found is not None
        return corrected_difference(found, gold(rng, items, *judge)), 0.1

    for items in (40, 100, 400):
        for rate in (0.03, 0.3, 0.6):
            cells = [
                covered(lambda rng, d=draw, i=items, r=rate, j=judge: d(rng, i, r, j), draws)
                for draw in (draw_rate, draw_difference)
                for judge in judges
            ]
            yield line(str(items), f"{rate:g}", *map(_cell, cells))


def of_lengths(draws: int) -> Iterator[str]:
    """Yield the coverage of the win rate at equal length and of what 100 words add."""
    yield line("prompts", "sizes", "win rate", "per 100 words")
    yield line("---:", "---", "---:", "---:")
    for prompts in CLUSTERS[2:]:
        for sizes in ("5", "unequal", "one half"):
            groups = np.array(labels(prompts, sizes))

            def draw(rng, part, groups=groups, prompts=prompts):
                words = 40 + 60 * rng.normal(size=prompts)[groups] + 60 * rng.normal(size=len(groups))
                chances = 0.55 + 0.1 * rng.normal(size=prompts)[groups] + 0.1 * words / 100
                wins = (rng.random(len(groups)) < np.clip(chances, 0, 1)) * 1.0
                found = length_controlled(wins.tolist(), words.tolist(), groups.tolist())
                assert found is not None
                return (found.win_rate, 0.55) if part == 0 else (found.per_100_words, 0.1)

            cells = [covered(lambda rng, p=part, d=draw: d(rng, p), draws) for part in (0, 1)]
            yield line(str(prompts), sizes, *map(_cell, cells))


JUDGES = {
    "P(first) + 0.2": (0.2, 0.0, 0.0, 0.0),
    "+ 0.1 per 100 words": (0.0, 0.1, 0.0, 0.0),
    "20 % unreadable": (0.0, 0.0, 0.2, 0.0),
    "10 % wrong": (0.0, 0.0, 0.0, 0.1),
    "all four": (0.2, 0.1, 0.2, 0.1),
}


def planted(rng: np.random.Generator, judge: tuple[float, float, float, float]) -> tuple[list[float], Array, float]:
    """Return measured biases, win rates (as judged, and corrected in three ways), the unbiased rate.

    1,500 pairs of 300 prompts, each in both orders. The unbiased judge prefers the system in 40 to 70 %, whatever the
    lengths; the system's answers are 60 words longer on average. Pairs without two readable answers are left out.
    Humans labelled 400 items.
    """
    first, words_effect, unread, wrong = judge
    prompts = np.repeat(np.arange(300), 5)
    truth = (0.4 + 0.3 * rng.random(300))[prompts]
    words = rng.normal(60, 60, len(prompts))
    both = []
    for place in (first, -first):
        chance = np.clip(truth + place + words_effect * words / 100, 0, 1)
        wins = rng.random(len(prompts)) < chance
        both.append((wins ^ (rng.random(len(prompts)) < wrong)) * 1.0)
    is_unread = rng.random((2, len(prompts))) < unread
    read = ~is_unread.any(axis=0)
    ab, ba, groups = both[0][read].tolist(), both[1][read].tolist(), prompts[read].tolist()
    bias = position_bias(ab, ba, groups)
    halves = [(a + b) / 2 for a, b in zip(ab, ba, strict=True)]
    raw, controlled = clustered_mean(halves, groups), length_controlled(halves, words[read].tolist(), groups)
    unreadable = clustered_rate(is_unread.ravel().tolist(), [*prompts.tolist()] * 2)
    calibration = gold(rng, 400, 1 - wrong, 1 - wrong)
    assert bias is not None
    assert raw is not None
    assert controlled is not None
    assert unreadable is not None
    corrected, both_ways = (corrected_win_rate(rate, calibration) for rate in (raw, controlled.win_rate))
    assert corrected is not None
    assert both_ways is not None
    errors = 1 - (calibration.tp + calibration.tn) / 400
    biases = [bias.estimate, controlled.per_100_words.estimate, unreadable.estimate, errors]
    rates = np.array([raw.estimate, corrected.estimate, controlled.win_rate.estimate, both_ways.estimate])
    return biases, rates, float(truth.mean())


def of_judges(draws: int) -> Iterator[str]:
    """Yield the measured biases of planted judges: mean and the largest error of 95 % of the draws."""
    heads = ("first place", "per 100 words", "unreadable", "wrong")
    rates = ("as judged", "judge error corrected", "at equal length", "both")
    yield line("planted", *heads, *rates, "the judge's own correction within 0.03")
    yield line("---", *("---:" for _ in range(9)))
    for name, judge in JUDGES.items():
        rng = np.random.default_rng(1)
        found = [planted(rng, judge) for _ in range(draws)]
        biases = np.array([each for each, _, _ in found])
        gaps = np.array([rates - truth for _, rates, truth in found])
        shrunk = (1 - 2 * judge[3]) * np.array(judge)
        truths = np.array([shrunk[0], shrunk[1], judge[2], judge[3]])
        cells = [f"{bias.mean():.3f} ±{_most(bias - true):.3f}" for bias, true in zip(biases.T, truths, strict=True)]
        cells += [f"{gap.mean():+.3f} ±{_most(gap):.3f}" for gap in gaps.T]
        own = gaps[:, 2 * (judge[1] > 0) + (judge[3] > 0)]
        yield line(name, *cells, f"{100 * (abs(own) <= 0.03).mean():.1f} %")


def of_persons(draws: int) -> Iterator[str]:
    """Yield the coverage of the share of what differs between people that their personas explain."""
    yield line("people", "answers", *(f"{share:g}" for share in EXPLAINED))
    yield line("---:", "---:", *("---:" for _ in EXPLAINED))
    for people, answers in ((12, 10), (30, 20), (100, 8)):
        found = (covered(partial(_persons, people, answers, share), draws) for share in EXPLAINED)
        yield line(str(people), str(answers), *map(_cell, found))


def _persons(people: int, answers: int, share: float, rng: np.random.Generator) -> Drawn:
    """Ratings of everyone of the same answers: what a persona says and what it does not, a third of both in the means.

    Predictions know the first part, and half of what all people have in common.
    """
    common = rng.normal(size=answers)
    means, rests = rng.normal(size=(2, people, 1)), rng.normal(size=(2, people, answers))
    stated, hidden = np.sqrt(0.3) * means + np.sqrt(0.7) * rests
    human, predicted = common + np.sqrt(share) * stated + np.sqrt(1 - share) * hidden, common / 2 + stated

    def explained(kept: Sequence[int]) -> list[float | None]:
        codes, items = np.repeat(np.arange(len(kept)), answers), np.tile(np.arange(answers), len(kept))
        sides = (side[list(kept)].ravel() for side in (human, predicted))
        return [explained_share(*sides, codes, items, np.ones(len(codes)))]

    return jackknife(explained, range(people))[0], share


def _most(errors: Array) -> float:
    return float(np.quantile(abs(errors), 0.95))


def of_zero() -> Iterator[str]:
    """Yield the interval of 0 of 12."""
    found = clustered_rate([False] * 12, list(range(12)))
    assert found is not None
    yield f"0 of 12 violations: {found.low:.3f} to {found.high:.3f} (Wilson's: {wilson(0.0, 12, Z95)[1]:.3f})."


def _cell(found: tuple[float, float, float]) -> str:
    share, given, width = found
    return f"{100 * share:.1f}{'' if given == 1 else f' ({100 * given:.0f})'} w{width:.2f}"


def main() -> None:
    """Parse, count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    print("In percent, for intervals of 95 %; in brackets the share of draws with an interval; w: mean width.\n")
    for part in (of_means, of_crossed, of_rates, of_strengths, of_lengths, of_corrections, of_judges, of_persons):
        assert part.__doc__ is not None
        print(part.__doc__.removeprefix("Yield the ").capitalize())
        for text in part(draws):
            print(text, flush=True)
        print()
    print(*of_zero())


if __name__ == "__main__":
    main()
