"""Compare the scores of systems item by item: paired differences with intervals clustered by the items' clusters."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from scai_cli.evaluation.row import EvaluationRow
from scai_cli.evaluation.suite import Difference, Measure, MeasureResult, ResultSource
from scai_cli.simulation.utilities import mean
from scai_cli.stats.clustered import ClusteredMean, clustered_mean, clustered_rate
from scai_cli.stats.judge_error import Calibration, corrected_difference
from scai_cli.text.counts import counted

Score = Callable[[EvaluationRow, str], float | None]
"""The score of a system in a row; None if it is missing."""


def score_named(name: str) -> Score:
    """Return the score with this name."""
    return lambda row, system: row.answers[system].scores.get(name) if system in row.answers else None


def compared(
    source: ResultSource, measure: Measure, score: Score | None = None, calibration: Calibration | None = None
) -> MeasureResult:
    """Return the mean score of each system, and its difference to the reference over the items that both have.

    With a `calibration` of the judge on a score of 0 or 1, the difference is corrected by the judge's errors.
    """
    score = score or score_named(measure.name)
    known = {system: {row.id: score(row, system) for row in source.rows} for system in source.systems}
    values = {system: mean(scores.values()) for system, scores in known.items()}
    differences = {other: _difference(source, known, other, calibration) for other in source.others}
    return MeasureResult(measure, values, differences, known)


def _difference(
    source: ResultSource, known: dict[str, dict[str, float | None]], other: str, calibration: Calibration | None
) -> Difference | None:
    pairs = [(row, known[source.reference][row.id], known[other][row.id]) for row in source.rows]
    changes = [(row, after - before) for row, before, after in pairs if before is not None and after is not None]
    clusters = [source.items[row.item].cluster for row, _ in changes]
    found = difference_of([change for _, change in changes], clusters)
    if found is not None and found.estimate and calibration is not None:
        found = corrected_difference(found, calibration)
    return Difference.of(found, for_whom(clusters))


def difference_of(changes: Sequence[float], *clusters: Sequence[Hashable]) -> ClusteredMean | None:
    """Return the mean of paired differences; where all are 0, with the share of items that may differ unseen.

    That share is the upper end of Wilson's interval for 0 of these items, in their clusters; a score has a range of 1.
    """
    found = clustered_mean(changes, *clusters)
    unseen = clustered_rate([change != 0 for change in changes], clusters[0])
    if found is None or unseen is None or unseen.estimate or unseen.high is None:
        return found
    return replace(found, low=-unseen.high, high=unseen.high)


def for_whom(clusters: list[str]) -> str:
    """Return for whom an interval over items is valid: `new items like these 40, in 20 clusters`."""
    count, groups = len(clusters), len(set(clusters))
    return f"new items like these {count}" + (f", in {counted(groups, 'cluster')}" if groups < count else "")
