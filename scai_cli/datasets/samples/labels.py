"""Decide which answer of a generated row is better: by the ratings, by the judge, or because one revises the other.

The final answer is compared with the first one; if that decides nothing, the last revision is. If the filters ask for
no label, the first one that decides counts, in the order ratings, judge, revision; a tie decides nothing. So the users
win over a judge who contradicts them.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from scai_cli.datasets.generate.row import Answered, GeneratedRow
from scai_cli.datasets.samples.filters import SampleFilter
from scai_cli.datasets.samples.preferred import Preference, group_preference, rater_preferences


class PairComparison(Struct, frozen=True, gc=False):
    """Two answers of a row, the better one first, and the label that decided."""

    chosen: Answered
    rejected: Answered
    by: Literal["ratings", "judge", "revision"]
    p: float | None = None
    margin: float | None = None
    disagreement: float | None = None
    rater: str | None = None
    raters: tuple[str, ...] = ()
    principles: tuple[str, ...] = ()
    """The principles of the comparison, or of the revisions in between; () for the principles in force."""


def decide(row: GeneratedRow, filters: SampleFilter, cross_weight: float) -> list[PairComparison]:
    """Return the comparison that decides; with `per_persona` one for each rater with a preference."""
    if filters.per_persona:
        return list(_by_rater(row))
    comparison = None
    if filters.labels in (None, "ratings"):
        comparison = _rated(row, cross_weight)
    if comparison is None and filters.labels in (None, "judge"):
        comparison = _judged(row)
    if comparison is None and filters.labels in (None, "revision"):
        comparison = revised(row)
    return [] if comparison is None else [comparison]


def revised(row: GeneratedRow) -> PairComparison | None:
    """Return the last revision as better than the first answer, as in Constitutional AI; None without a revision."""
    if row.initial is None or not row.steps:
        return None
    principles = tuple(dict.fromkeys(step.principle for step in row.steps))
    return PairComparison(row.steps[-1].revision, row.initial, "revision", principles=principles)


def _compared(row: GeneratedRow) -> list[tuple[Answered, Answered]]:
    if row.initial is None:
        return []
    pairs = [] if row.final is None else [(row.final, row.initial)]
    return [*pairs, (row.steps[-1].revision, row.initial)] if row.steps else pairs


def _ratings(row: GeneratedRow, answer: Answered) -> dict[tuple[str, str], float]:
    return {(r.kind, r.rater): r.value for r in row.ratings if r.answer == answer.id and r.value is not None}


def _rated(row: GeneratedRow, cross_weight: float) -> PairComparison | None:
    for later, earlier in _compared(row):
        preference = group_preference(_ratings(row, later), _ratings(row, earlier), cross_weight)
        if preference is not None and preference.margin:
            return _preferred(later, earlier, preference, None)
    return None


def _by_rater(row: GeneratedRow) -> Iterator[PairComparison]:
    decided = set()
    for later, earlier in _compared(row):
        for preference in rater_preferences(_ratings(row, later), _ratings(row, earlier)):
            rater = preference.raters[0]
            if preference.margin and rater not in decided:
                decided.add(rater)
                yield _preferred(later, earlier, preference, rater)


def _preferred(later: Answered, earlier: Answered, preference: Preference, rater: str | None) -> PairComparison:
    chosen, rejected = (later, earlier) if preference.margin > 0 else (earlier, later)
    return PairComparison(
        chosen,
        rejected,
        "ratings",
        margin=abs(preference.margin),
        disagreement=preference.disagreement,
        rater=rater,
        raters=preference.raters,
    )


def _judged(row: GeneratedRow) -> PairComparison | None:
    for later, earlier in _compared(row):
        verdicts = []
        for judgement in row.judgements:
            p = judgement.p if judgement.soft is None else judgement.soft
            if p is not None and {judgement.first, judgement.second} == {later.id, earlier.id}:
                verdicts.append((p if judgement.first == later.id else 1 - p, judgement.principle))
        if not verdicts:
            continue
        p = sum(p for p, _ in verdicts) / len(verdicts)
        principles = tuple(dict.fromkeys(principle for _, principle in verdicts))
        if p > 0.5:
            return PairComparison(later, earlier, "judge", p=p, raters=("judge",), principles=principles)
        if p < 0.5:
            return PairComparison(earlier, later, "judge", p=1 - p, raters=("judge",), principles=principles)
    return None
