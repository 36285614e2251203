"""The tables of the suite `calibration`, and how its sentences and tables show numbers."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from scai_cli.analysis.verdicts import signed
from scai_cli.evaluation.rating_agreement import AGAIN, EXPLAINED, NOBODY, OWN, SWAPPED, Agreement
from scai_cli.evaluation.suite import ResultSource, ResultTable
from scai_cli.evaluation.survey_agreement import SurveyAgreement
from scai_cli.stats.clustered import ClusteredMean

Estimates = Mapping[tuple[str, str], ClusteredMean | None]
"""(Statistic, condition) -> estimate; the condition `-none` is the own persona minus nobody."""

Groups = Sequence[tuple[str, Sequence[int]]]
"""The name of each group of people, and its members."""

HEADS: Final = {OWN: "own persona", NOBODY: "nobody", SWAPPED: "another's", AGAIN: "again"}
_MINUS: Final = {f"-{NOBODY}": "own minus nobody", f"-{SWAPPED}": "own minus another's"}
_GROUP: Final = 5
"""The least people of a group."""
_MOST_VALUES, _MOST_GROUPS = 6, 24


def estimate_tables(
    title: str, words: Mapping[str, str], found: Estimates, heads: Mapping[str, str]
) -> Iterator[ResultTable]:
    """Yield the statistics in `words` by the conditions in `heads`, then those of the own persona minus controls."""
    shown = [c for c in heads if any(found[name, c] is not None for name in words)]
    known = [name for name in words if found[name, OWN] is not None]
    rows = [
        (words[name], *(_interval(found[name, c]) if c == OWN else _estimate(found[name, c]) for c in shown))
        for name in known
    ]
    yield ResultTable(title, ("", *(heads[c] for c in shown)), rows)
    minus = [c for c in _MINUS if any(found[name, c] is not None for name in words)]
    if minus:
        rows = [(words[name], *(_difference(found[name, c]) for c in minus)) for name in known]
        yield ResultTable("The own persona against controls", ("", *(_MINUS[c] for c in minus)), rows)


def groups_of(source: ResultSource, people: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """Yield the groups of people by attributes with few values, five people or more in each, at most 24.

    Members are places in `people`.
    """
    by_value: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for n, person in enumerate(people):
        for key, value in source.people[person].attributes.items():
            by_value[key][str(value)].append(n)
    yielded = 0
    for key, values in by_value.items():
        large = {value: members for value, members in values.items() if len(members) >= _GROUP}
        if len(large) >= 2 and len(values) <= _MOST_VALUES and yielded + len(large) <= _MOST_GROUPS:
            yielded += len(large)
            yield from ((f"{key}: {value}", large[value]) for value in sorted(large, key=_natural))


def _natural(value: str) -> tuple[float, str]:
    """Return a key that sorts numbers, and bands by their lower end, before words."""
    digits = re.match(r"\d+", value)
    return (float(digits[0]) if digits else math.inf, value)


def ratings_by_group(ratings: Agreement, groups: Groups) -> ResultTable:
    """Return a row for each group of people who rated."""
    wanted = [(name, condition) for name in ("within", EXPLAINED) for condition in (OWN, SWAPPED)]
    title = "By group: the own persona's rank correlation within a person, and what it explains"
    shown = {"within": "within", EXPLAINED: "explains"}
    return _by_group(title, groups, shown, lambda members, level: ratings.estimates(wanted, members, level))


def answers_by_group(survey: SurveyAgreement, groups: Groups) -> ResultTable:
    """Return a row for each group of people who answered."""
    title = "Answers by group: overlap of the own persona's and people's, and its chance of the own answer"
    return _by_group(title, groups, {"overlap": "overlap", "own answer": "own answer"}, survey.estimates)


def _by_group(
    title: str, groups: Groups, shown: Mapping[str, str], estimates: Callable[[Sequence[int], float], Estimates]
) -> ResultTable:
    """Return a row per group: two statistics of the own persona, and the gain of the second, both with intervals."""
    (first, second), rows = shown, []
    for name, members in groups:
        found = estimates(members, 1 - 0.05 / (2 * len(groups)))  # two intervals are shown
        minus = _difference(found[second, f"-{SWAPPED}"])
        rows.append((name, str(len(members)), _estimate(found[first, OWN]), _interval(found[second, OWN]), minus))
    return ResultTable(title, ("group", "people", *shown.values(), "minus another's"), rows)


def ratings_by_person(source: ResultSource, ratings: Agreement) -> ResultTable:
    """Return a row for each person who rated."""
    rows = []
    for person in ratings.people:
        values = [person.within["within"][c] for c in (OWN, NOBODY, SWAPPED)]
        values += [person.within[name][OWN] for name in ("agreement", "distance")]
        rows.append((source.people[person.id].called, str(len(person.items)), *map(number, values)))
    heads = ("", "ratings", *(HEADS[c] for c in (OWN, NOBODY, SWAPPED)), "same of two", "distance")
    title = "By person: rank correlation with each persona; same of two and mean distance of the own one"
    return ResultTable(title, heads, rows)


def number(value: float | None) -> str:
    """Return a number with two digits, `–` if it is missing."""
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}"


def ends_of(found: ClusteredMean) -> str:
    """Return the ends of an interval, within -1 and 1 as all of these statistics are."""
    low, high = (None if end is None else min(1.0, max(-1.0, end)) for end in (found.low, found.high))
    return f"{number(low)} to {number(high)}"


def _estimate(found: ClusteredMean | None) -> str:
    return "–" if found is None else number(found.estimate)


def _interval(found: ClusteredMean | None) -> str:
    return _estimate(found) + (f" ({ends_of(found)})" if found is not None and found.low is not None else "")


def in_sentence(found: ClusteredMean) -> str:
    """Return a difference and its interval for a sentence."""
    return _difference(found).replace(" (", " (95 % interval ")


def _difference(found: ClusteredMean | None) -> str:
    if found is None:
        return "–"
    ends = "" if found.low is None or found.high is None else f" ({signed(found.low, 2)} to {signed(found.high, 2)})"
    return signed(found.estimate, 2) + ends
