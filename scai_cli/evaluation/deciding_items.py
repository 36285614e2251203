"""The items that decide a difference: those on which a system and the reference differ most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.evaluation.results import Evaluation
from scai_cli.evaluation.row import EvaluationRow
from scai_cli.evaluation.suite import MeasureResult
from scai_cli.evaluation.verdict import Finding

MOST: Final = 4
"""The number of items for a difference, and of those against it half as many."""


@dataclass(frozen=True, slots=True)
class DecidingItem:
    """An item with the scores of the reference and the system; `against` if it speaks against the difference."""

    row: EvaluationRow
    before: float
    after: float
    against: bool


def deciding_items(evaluation: Evaluation, finding: Finding) -> list[DecidingItem]:
    """Return the items with the greatest difference in the direction of the whole, then some in the other one."""
    measured = _measured(evaluation, finding)
    if measured is None or finding.difference is None or not finding.difference.estimate:
        return []
    sign = 1 if finding.difference.estimate > 0 else -1
    before, after = (measured.scores.get(system, {}) for system in (finding.reference, finding.system))
    pairs = [
        (row, b, a)
        for row in evaluation.rows
        if (b := before.get(row.id)) is not None and (a := after.get(row.id)) is not None
    ]
    pairs.sort(key=lambda pair: -sign * (pair[2] - pair[1]))
    ahead = [DecidingItem(row, b, a, against=False) for row, b, a in pairs[:MOST] if sign * (a - b) > 0]
    return [*ahead, *_against(pairs, sign)]


def _against(pairs: Sequence[tuple[EvaluationRow, float, float]], sign: int) -> list[DecidingItem]:
    last = reversed(pairs[-(MOST // 2) :])
    return [DecidingItem(row, b, a, against=True) for row, b, a in last if sign * (a - b) < 0]


def _measured(evaluation: Evaluation, finding: Finding) -> MeasureResult | None:
    return next(
        (
            measured
            for result in evaluation.results
            for measured in result.measures
            if result.suite == finding.suite and measured.measure == finding.measure
        ),
        None,
    )
