"""Decide which answers of a generated row are better: by the ratings, by the judge, or because one revises the other.

`ends` compares the final answer with the first one, and if that decides nothing, the last revision. If the filters ask
for no label, the first one that decides counts, in the order ratings, judge, revision; a tie decides nothing. So the
users win over a judge who contradicts them. `all` decides each pair of the row's answers by its own labels.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal

from msgspec import Struct

from scai_cli.datasets.generate.row import Answered, GeneratedRow
from scai_cli.datasets.samples.filters import Pairs, SampleFilter
from scai_cli.datasets.samples.preferred import Preference, VoteCount, group_preference, rater_preferences

_Two = tuple[Answered, Answered]
"""A later and an earlier answer."""


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
    """The rules of the comparison, or of the revisions in between; () for the rules in force."""


def decide(row: GeneratedRow, filters: SampleFilter, pairs: Pairs, votes: VoteCount) -> list[PairComparison]:
    """Return the comparisons that decide; with `per_persona` one for each rater with a preference."""
    if pairs == "ends":
        return _decide(row, _ends(row), filters, votes)
    answers = [*row.firsts, *row.revisions, *(() if row.final is None else (row.final,))]
    twos = ((later, earlier) for earlier, later in combinations(answers, 2))
    return [found for two in twos for found in _decide(row, [two], filters, votes)]


def revised(row: GeneratedRow) -> PairComparison | None:
    """Return the last revision as better than the first answer, as in Constitutional AI; None without a revision."""
    return _revised(row, _ends(row)) if row.steps else None


def _decide(row: GeneratedRow, twos: Sequence[_Two], filters: SampleFilter, votes: VoteCount) -> list[PairComparison]:
    if filters.per_persona:
        return list(_by_rater(row, twos))
    comparison = None
    if filters.labels in (None, "ratings"):
        comparison = _rated(row, twos, votes)
    if comparison is None and filters.labels in (None, "judge"):
        comparison = _judged(row, twos)
    if comparison is None and filters.labels in (None, "revision"):
        comparison = _revised(row, twos)
    return [] if comparison is None else [comparison]


def _ends(row: GeneratedRow) -> list[_Two]:
    if row.initial is None:
        return []
    pairs = [] if row.final is None else [(row.final, row.initial)]
    return [*pairs, (row.steps[-1].revision, row.initial)] if row.steps else pairs


def _revised(row: GeneratedRow, twos: Sequence[_Two]) -> PairComparison | None:
    if row.initial is None:
        return None
    chain = [row.initial.id, *(answer.id for answer in row.revisions)]
    for later, earlier in twos:
        if later.id in chain and earlier.id in chain:
            between = row.steps[chain.index(earlier.id) : chain.index(later.id)]
            principles = tuple(dict.fromkeys(step.principle for step in between))
            return PairComparison(later, earlier, "revision", principles=principles)
    return None


def _ratings(row: GeneratedRow, answer: Answered) -> dict[tuple[str, str], float]:
    return {(r.kind, r.rater): r.value for r in row.ratings if r.answer == answer.id and r.value is not None}


def _rated(row: GeneratedRow, twos: Sequence[_Two], votes: VoteCount) -> PairComparison | None:
    for later, earlier in twos:
        preference = group_preference(_ratings(row, later), _ratings(row, earlier), votes)
        if preference is not None and preference.margin:
            return _preferred(later, earlier, preference, None)
    return None


def _by_rater(row: GeneratedRow, twos: Sequence[_Two]) -> Iterator[PairComparison]:
    decided = set()
    for later, earlier in twos:
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


def _judged(row: GeneratedRow, twos: Sequence[_Two]) -> PairComparison | None:
    for later, earlier in twos:
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
