"""Answers of simulated people to a survey beside those of the real ones, question by question, with weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from scai_cli.evaluation.human_items import SURVEY
from scai_cli.evaluation.item import LETTERS
from scai_cli.evaluation.rating_agreement import NOBODY, OWN, SWAPPED
from scai_cli.evaluation.suite import ResultSource
from scai_cli.stats.clustered import ClusteredMean
from scai_cli.stats.jackknife import jackknife

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CONDITIONS: Final = (OWN, NOBODY, SWAPPED)
STATISTICS: Final = {
    "ordinal": "nearness on the scale",
    "overlap": "overlap of distributions",
    "own answer": "chance of the own answer",
}
"""Name of a statistic -> its words; each is the mean over the questions, in [0, 1]."""


def score_name(condition: str, letter: str) -> str:
    """Return the name of the score with the probability of an option."""
    return f"{condition} {letter}"


@dataclass(frozen=True, slots=True)
class _Answer:
    person: int
    place: int
    predicted: Mapping[str, Array]
    ordered: bool


@dataclass(frozen=True, slots=True)
class SurveyAgreement:
    """The answers by question, the people's ids and weights, and how many answers lack a prediction."""

    questions: Sequence[Sequence[_Answer]]
    people: Sequence[str]
    weights: Sequence[float]
    missing: int

    def estimates(self, numbers: Sequence[int], level: float = 0.95) -> dict[tuple[str, str], ClusteredMean | None]:
        """Return (statistic, condition) -> estimate of these people; `-none` is the own persona minus nobody."""
        kept = set(numbers)
        # Answers of others are left out once, as 40 parts of the group are read.
        group = replace(self, questions=[[each for each in q if each.person in kept] for q in self.questions])
        keys = [(name, condition) for name in STATISTICS for condition in (*CONDITIONS, f"-{NOBODY}", f"-{SWAPPED}")]
        return dict(zip(keys, jackknife(group._values, numbers, level=level), strict=True))

    def _values(self, numbers: Sequence[int]) -> list[float | None]:
        kept = set(numbers)
        values: list[float | None] = []
        found = {condition: self._of(condition, kept) for condition in CONDITIONS}
        for name in STATISTICS:
            own, *others = (found[condition].get(name) for condition in CONDITIONS)
            values += [own, *others, *(None if own is None or v is None else own - v for v in others)]
        return values

    def _of(self, condition: str, people: set[int]) -> dict[str, float]:
        """Return the statistics of a condition, means over the questions.

        On the scale: 1 - Wasserstein distance / (options - 1), the representativeness of OpinionQA (Santurkar et al.
        2023, arXiv 2303.17548), of questions whose options are a scale; its steps are equal here. Overlap: 1 - total
        variation. Both sides are distributions of the same people by their weights.
        """
        import numpy as np

        scores: dict[str, list[float]] = defaultdict(list)
        for question in self.questions:
            known = [answer for answer in question if answer.person in people and condition in answer.predicted]
            if not known:
                continue
            shares = np.array([self.weights[answer.person] for answer in known])
            shares /= shares.sum()
            predicted = np.array([answer.predicted[condition] for answer in known])
            places = np.array([answer.place for answer in known])
            distribution = shares @ predicted
            human = np.bincount(places, shares, minlength=len(distribution))
            moved = float(abs(np.cumsum(human - distribution)[:-1]).sum())
            if known[0].ordered:
                scores["ordinal"].append(1 - moved / (len(distribution) - 1))
            scores["overlap"].append(1 - float(abs(human - distribution).sum()) / 2)
            scores["own answer"].append(float(shares @ predicted[np.arange(len(known)), places]))
        return {name: sum(each) / len(each) for name, each in scores.items()}


def survey_of(source: ResultSource) -> SurveyAgreement:
    """Return the answers of the rows, those that every condition has."""
    import numpy as np

    people: dict[str, int] = {}
    questions: dict[tuple[str, int], list[_Answer]] = defaultdict(list)
    missing = 0
    for row in source.rows:
        item = source.items[row.item]
        answer = row.answers.get(source.reference)
        if item.label != SURVEY or answer is None:
            continue
        letters = LETTERS[: len(item.options)]
        asked = [OWN, NOBODY, *([SWAPPED] if item.swapped else [])]
        given = {name: [answer.scores.get(score_name(name, letter)) for letter in letters] for name in asked}
        if any(None in values for values in given.values()):
            missing += 1
            continue
        predicted = {name: np.array(values, dtype=np.float64) for name, values in given.items()}
        person = people.setdefault(item.cluster, len(people))
        questions[item.task or item.id, len(letters)].append(
            _Answer(person, int(item.human[0]), predicted, item.ordered)
        )
    weights = [source.people[name].weight for name in people]
    return SurveyAgreement([*questions.values()], [*people], weights, missing)
