"""Compare the scores of systems item by item: paired differences with intervals clustered by the items' clusters."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Final

from scai_cli.evaluation.row import EvaluationRow
from scai_cli.evaluation.suite import Difference, Measure, MeasureResult, ResultSource
from scai_cli.simulation.utilities import mean
from scai_cli.stats.clustered import FEWEST_CLUSTERS, ClusteredMean, clustered_mean, clustered_rate, wilson
from scai_cli.stats.judge_error import Calibration, corrected_difference, rogan_gladen
from scai_cli.text.counts import counted

_EQUAL: Final = 1e-9
"""The distance of two differences below which it is a rounding error."""

Score = Callable[[EvaluationRow, str], float | None]
"""The score of a system in a row; None if it is missing."""

MOST_UNREAD: Final = 0.5
"""The share of answers, grades, checks or comparisons that could not be read above which a system is not judged."""


def score_named(name: str) -> Score:
    """Return the score with this name."""
    return lambda row, system: row.answers[system].scores.get(name) if system in row.answers else None


def compared(
    source: ResultSource, measure: Measure, score: Score | None = None, calibration: Calibration | None = None
) -> MeasureResult:
    """Return the mean score of each system, and its difference to the reference over the items that both have.

    With a `calibration` of the judge on a score of 0 or 1, both are corrected by the judge's errors.
    """
    score = score or score_named(measure.name)
    known = {system: {row.id: score(row, system) for row in source.rows} for system in source.systems}
    values = {system: _value(source, scores, calibration) for system, scores in known.items()}
    differences = {other: _difference(source, known, other, calibration) for other in source.others}
    return MeasureResult(measure, values, differences, known)


def _value(source: ResultSource, scores: Mapping[str, float | None], calibration: Calibration | None) -> float | None:
    if calibration is None:
        return mean(scores.values())
    known = [(row, value) for row in source.rows if (value := scores[row.id]) is not None]
    rate = clustered_rate([value for _, value in known], [source.items[row.item].cluster for row, _ in known])
    true = None if rate is None else rogan_gladen(rate, calibration)
    return None if true is None else true.estimate


def _difference(
    source: ResultSource, known: dict[str, dict[str, float | None]], other: str, calibration: Calibration | None
) -> Difference | None:
    pairs = [(row, known[source.reference][row.id], known[other][row.id]) for row in source.rows]
    changes = [(row, after - before) for row, before, after in pairs if before is not None and after is not None]
    clusters = [source.items[row.item].cluster for row, _ in changes]
    found = difference_of([change for _, change in changes], clusters)
    if found is not None and calibration is not None:
        found = corrected_difference(found, calibration)
    return Difference.of(found, for_whom(clusters))


def difference_of(changes: Sequence[float], *clusters: Sequence[Hashable]) -> ClusteredMean | None:
    """Return the mean of paired differences; where all are equal, with the share of items that may differ unseen.

    A score has a range of 1, so the interval and an unseen difference are within -1 to 1. If all are 0, the share is
    the upper end of Wilson's interval for 0 of these items, in their clusters; if not, it is exact, with the `p` of a
    sign test if all are 1.
    """
    found = clustered_mean(changes, *clusters)
    if found is None or found.clusters < FEWEST_CLUSTERS:
        return found
    if max(changes) - min(changes) > _EQUAL:
        low, high = (None if end is None else min(1.0, max(-1.0, end)) for end in (found.low, found.high))
        return replace(found, low=low, high=high)
    estimate = found.estimate
    alone = min(len(changes) ** 2 / sum(size**2 for size in Counter(labels).values()) for labels in clusters)
    if not found.error and found.error is not None:
        unseen = wilson(0.0, alone, NormalDist().inv_cdf((1 + found.level) / 2))[1]
        return replace(found, low=-unseen, high=unseen)
    unseen = 1 - ((1 - found.level) / 2) ** (1 / alone)
    p = min(1.0, 2 * (1 + abs(estimate)) ** -alone)
    return replace(found, low=estimate - unseen * (1 + estimate), high=estimate + unseen * (1 - estimate), p=p)


def for_whom(clusters: list[str]) -> str:
    """Return for whom an interval over items is valid: `new items like these 40, in 20 clusters`."""
    count, groups = len(clusters), len(set(clusters))
    return f"new items like these {count}" + (f", in {counted(groups, 'cluster')}" if groups < count else "")
