"""The results of the suite `calibration`: a verdict in a sentence, and the tables behind it."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from scai_cli.analysis.participants import PROGRAM
from scai_cli.analysis.verdicts import signed
from scai_cli.evaluation.fitted_map import FittedMap, fitted_map
from scai_cli.evaluation.human_items import FEWEST_PEOPLE
from scai_cli.evaluation.rating_agreement import (
    AGAIN,
    CONDITIONS,
    EXPLAINED,
    NOBODY,
    OWN,
    STATISTICS,
    SWAPPED,
    Agreement,
    agreement_of,
)
from scai_cli.evaluation.suite import ResultSource, ResultTable, SuiteResult
from scai_cli.evaluation.survey_agreement import STATISTICS as SURVEY_STATISTICS
from scai_cli.evaluation.survey_agreement import SurveyAgreement, survey_of
from scai_cli.runs.file_names import CALIBRATION
from scai_cli.stats.clustered import ClusteredMean
from scai_cli.text.counts import counted

Estimates = Mapping[tuple[str, str], ClusteredMean | None]
"""(Statistic, condition) -> estimate; the condition `-none` is the own persona minus nobody."""

Groups = Sequence[tuple[str, Sequence[int]]]
"""The name of each group of people, and its members."""

_HEADS: Final = {OWN: "own persona", NOBODY: "nobody", SWAPPED: "another's", AGAIN: "again"}
_MINUS: Final = {f"-{NOBODY}": "own minus nobody", f"-{SWAPPED}": "own minus another's"}
_RELEVANT: Final = 0.05
"""The smallest share explained that matters."""
_WIDEST: Final = 0.5
"""The width of an interval from which on the share is not known."""
_GROUP: Final = 5
"""The least people of a group."""
_MOST_VALUES, _MOST_GROUPS = 6, 24
_NOT_DESCRIBED: Final = (
    "Cannot tell what persona text explains: nothing but an id is known of these people; name a file that describes "
    "them, too."
)


def calibration_results(source: ResultSource) -> SuiteResult:
    """Return the verdict, the numbers and the tables."""
    ratings, survey = agreement_of(source), survey_of(source)
    notes = [_whom(source)]
    verdicts: list[str] = []
    tables: list[ResultTable] = []
    numbers: dict[str, float | None] = {}
    if not ratings.people and ratings.missing:
        verdicts.append(f"Cannot tell what persona text explains: {_without(ratings.missing)}.")
    if ratings.people:
        found = ratings.estimates([(n, c) for n in STATISTICS for c in CONDITIONS], range(len(ratings.people)))
        second = _second_ratings(ratings)
        verdicts.append(verdict(found, ratings) if _are_described(source) else _NOT_DESCRIBED)
        notes += [*_rating_notes(ratings), _again_note(found[EXPLAINED, AGAIN], ratings, second)]
        notes += _map_notes(fitted_map(ratings.people))
        heads = {name: words for name, words in _HEADS.items() if name != AGAIN or len(second) >= FEWEST_PEOPLE}
        title = "Simulated ratings beside people's own (95 % intervals for new people)"
        tables += _tables(title, STATISTICS, found, heads)
        numbers |= _numbers("ratings", found)
        if groups := list(_groups(source, [person.id for person in ratings.people])):
            notes.append(_groups_note("Ratings", len(groups)))
            tables.append(_ratings_by_group(ratings, groups))
        tables.append(_by_person(source, ratings))
    if not survey.people and survey.missing:
        verdicts.append(f"Cannot tell what persona text says of answers: {_without(survey.missing)}.")
    if survey.people:
        answers = survey.estimates(range(len(survey.people)))
        verdicts.append(_survey_verdict(answers, len(survey.people)))
        notes += _survey_notes(survey)
        title = "Survey answers beside those of the same people, by their weights (95 % intervals for new people)"
        tables += _tables(title, SURVEY_STATISTICS, answers, {c: _HEADS[c] for c in CONDITIONS if c != AGAIN})
        numbers |= _numbers("survey", answers)
        if groups := list(_groups(source, survey.people)):
            notes.append(f"{_groups_note('Answers', len(groups))} By chance, the overlap is lower for few people.")
            tables.append(_answers_by_group(survey, groups))
    return SuiteResult("calibration", tables=tables, notes=notes, verdict=" ".join(verdicts), numbers=numbers)


def _without(missing: int) -> str:
    return f"each of {counted(missing, 'answer')} of real people lacks one of the simulated ones beside it"


def verdict(found: Estimates, ratings: Agreement) -> str:
    """Return what persona text explains, in a sentence; `cannot tell` where the data do not suffice.

    Where people rated different answers, what differs is between people and answers.
    """
    own, gain = found[EXPLAINED, OWN], found[EXPLAINED, f"-{SWAPPED}"]
    unknown = "Cannot tell what persona text explains"
    differs = f"of what differs between people{'' if ratings.is_shared else ' and answers'}"
    if (people := len(ratings.people)) < FEWEST_PEOPLE:
        return f"{unknown}: the ratings of {counted(people, 'person', 'people')} are too few; it takes {FEWEST_PEOPLE}."
    if own is None:
        return f"{unknown}: these people do not differ in what they rated."
    if own.low is None and not own.estimate:
        explains = f"Persona text explains nothing {differs}"
        return f"{explains}: simulated ratings do not rise with people's; no more than a shuffled persona."
    if own.low is None or own.high is None:
        return f"{unknown}: {_value(own.estimate)} {differs}, without an interval, as all groups of people agree in it."
    if own.high - own.low > _WIDEST:
        return f"{unknown}: the 95 % interval, {_ends(own)}, is too wide; take more people, or more ratings of each."
    said = f"Persona text explains {_value(own.estimate)} (95 % interval {_ends(own)}) {differs}"
    if own.estimate < 0 and own.high < _RELEVANT:
        said = f"Persona text explains nothing ({_value(own.estimate)}, 95 % interval {_ends(own)}) {differs}"
    if gain is None or gain.low is None or gain.high is None:
        return f"{said}; cannot tell whether a shuffled persona explains less."
    if gain.low > 0:
        return f"{said}; a shuffled persona explains {_value(own.estimate - gain.estimate)}."
    if min(own.high, gain.high) < _RELEVANT:  # a shuffled one explains nothing, or more
        return f"{said}; no more than a shuffled persona."
    return f"{said}; cannot tell whether more than a shuffled persona: {_known(gain)}."


def _are_described(source: ResultSource) -> bool:
    """Return whether anything but an id is known of anyone."""
    return any(p.name or p.description or p.attributes or p.preferences for p in source.people.values())


def _whom(source: ResultSource) -> str:
    """Return which model was asked."""
    label = source.config.model_for("rater").label
    model = f"{label} ({PROGRAM})" if label == "simulated" else label
    whose = "raters" if source.config.has_rater else "users"
    return f"Asked of the {whose}' model, {model}; no system was asked."


def _rating_notes(ratings: Agreement) -> Iterator[str]:
    count = sum(len(person.items) for person in ratings.people)
    yield (
        f"{counted(count, 'rating')} of {counted(len(ratings.people), 'person', 'people')}; what an answer deserves is "
        + (
            "the mean over the people who rated it."
            if ratings.is_shared
            else "what nobody's rating says, as hardly any answer was rated by two people: answers may differ in more."
        )
    )
    yield (
        "Explains: how much of the distance of people's ratings from what an answer deserves the personas' ratings "
        "predict: 0 is nothing (by chance a little less), 1 is all."
    )
    if len({person.weight for person in ratings.people}) > 1:
        yield "People count by their weights; in the rank correlations over all ratings and of people's means, alike."
    if ratings.missing:
        yield f"{counted(ratings.missing, 'rating')} left out: a simulated rating is missing."


def _second_ratings(ratings: Agreement) -> list[int]:
    """Return the number of second ratings of each person with any; of shared answers, those of two people or more."""
    at = CONDITIONS.index(AGAIN) + 1
    found = [
        (person.id, item)
        for person in ratings.people
        for item, value in zip(person.items, person.table[:, at].tolist(), strict=True)
        if not math.isnan(value)
    ]
    raters = Counter(item for _, item in found)
    return [*Counter(person for person, item in found if not ratings.is_shared or raters[item] > 1).values()]


def _again_note(again: ClusteredMean | None, ratings: Agreement, second: Sequence[int]) -> str:
    """Return how much people's second ratings explain, and how much a persona could."""
    unknown = "Cannot tell how far people agree with themselves"
    twice, own = ratings.asked_again()
    if not twice:
        return f"{unknown}: nobody rated an answer twice."
    if again is None or not second:
        few = f"{counted(twice, 'second rating')} of answers that hardly anyone else rated twice"
        return f"{unknown}: there {'is' if twice == 1 else 'are'} {few}."
    if len(second) < FEWEST_PEOPLE:
        whose = f"{counted(sum(second), 'second rating')} of {counted(len(second), 'person', 'people')}"
        return f"{unknown}: {whose} {'is' if sum(second) == 1 else 'are'} too few."
    interval = "" if again.low is None else f" (95 % interval {_ends(again)})"
    # Both ratings have noise: with the reliability r, one explains r^2 of the other, and what people mean r.
    return (
        f"People themselves, asked again, explain {_value(again.estimate)} of it{interval} in "
        f"{counted(twice, 'rating')}, of which the own persona explains {_value(own)}; one that knew what they mean, "
        f"without the noise of a rating, could explain {_value(math.sqrt(max(0.0, again.estimate)))}, the square root."
    )


def _map_notes(fitted: FittedMap | None) -> Iterator[str]:
    if fitted is None:
        yield f"No mapping of ratings: it takes ratings of {FEWEST_PEOPLE} people."
        return
    errors = ", ".join(f"{kind} {error:.3f}" for kind, error in fitted.errors.items() if kind != "none")
    said = f"on people who had no part in the fit, ratings are off by {fitted.errors['none']:.3f} (RMSE; {errors})"
    if fitted.best is None:
        than = {"none": "none at all", "constant": "one rating for all answers"}[fitted.no_better_than or "none"]
        yield f"No mapping of ratings is written: none is better than {than}, beyond chance; {said}."
    else:
        yield f"{CALIBRATION} maps ratings to people's ({fitted.best}); {said}. A run uses it by `ratings.calibration`."


def _survey_verdict(found: Estimates, people: int) -> str:
    gain = found["own answer", f"-{SWAPPED}"]
    if people < FEWEST_PEOPLE:
        few = f"the answers of {counted(people, 'person', 'people')} are too few; it takes {FEWEST_PEOPLE}"
        return f"Cannot tell whether persona text says what a person answers: {few}."
    if gain is not None and gain.low is None and not gain.estimate:
        return "Persona text changes no answer: simulated people answer alike, whosever persona they have."
    if gain is None or gain.low is None or gain.high is None:
        return "Cannot tell whether persona text says what a person answers."
    if gain.low > 0:
        return f"Persona text makes a person's own answer more probable than a shuffled one: {_known(gain)}."
    return f"Cannot tell whether persona text says more of an answer than a shuffled persona: {_known(gain)}."


def _survey_notes(survey: SurveyAgreement) -> Iterator[str]:
    answers = sum(map(len, survey.questions))
    people = counted(len(survey.people), "person", "people")
    yield f"{counted(answers, 'answer')} of {people} to {counted(len(survey.questions), 'question')}."
    if survey.missing:
        yield f"{counted(survey.missing, 'answer')} left out: a simulated answer is missing."


def _tables(title: str, words: Mapping[str, str], found: Estimates, heads: Mapping[str, str]) -> Iterator[ResultTable]:
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


def _numbers(kind: str, found: Estimates) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {}
    for (name, condition), estimate in found.items():
        key = f"{kind}: {name}, {condition.replace('-', 'own minus ')}"
        numbers[key] = None if estimate is None else estimate.estimate
        if estimate is not None and estimate.low is not None:
            numbers[f"{key}, low"], numbers[f"{key}, high"] = estimate.low, estimate.high
    return numbers


def _groups(source: ResultSource, people: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
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


def _groups_note(what: str, groups: int) -> str:
    return (
        f"{what} by group: the intervals of the {groups} groups are valid together (Bonferroni): each is at "
        f"1 - 0.05 / {2 * groups}."
    )


def _ratings_by_group(ratings: Agreement, groups: Groups) -> ResultTable:
    wanted = [(name, condition) for name in ("within", EXPLAINED) for condition in (OWN, SWAPPED)]
    title = "By group: the own persona's rank correlation within a person, and what it explains"
    shown = {"within": "within", EXPLAINED: "explains"}
    return _by_group(title, groups, shown, lambda members, level: ratings.estimates(wanted, members, level))


def _answers_by_group(survey: SurveyAgreement, groups: Groups) -> ResultTable:
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


def _by_person(source: ResultSource, ratings: Agreement) -> ResultTable:
    rows = []
    for person in ratings.people:
        values = [person.within["within"][c] for c in (OWN, NOBODY, SWAPPED)]
        values += [person.within[name][OWN] for name in ("agreement", "distance")]
        rows.append((source.people[person.id].called, str(len(person.items)), *map(_value, values)))
    heads = ("", "ratings", *(_HEADS[c] for c in (OWN, NOBODY, SWAPPED)), "same of two", "distance")
    title = "By person: rank correlation with each persona; same of two and mean distance of the own one"
    return ResultTable(title, heads, rows)


def _value(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}"


def _ends(found: ClusteredMean) -> str:
    """Return the ends of an interval, within -1 and 1 as all of these statistics are."""
    low, high = (None if end is None else min(1.0, max(-1.0, end)) for end in (found.low, found.high))
    return f"{_value(low)} to {_value(high)}"


def _estimate(found: ClusteredMean | None) -> str:
    return "–" if found is None else _value(found.estimate)


def _interval(found: ClusteredMean | None) -> str:
    return _estimate(found) + (f" ({_ends(found)})" if found is not None and found.low is not None else "")


def _known(found: ClusteredMean) -> str:
    """Return a difference and its interval for a sentence."""
    return _difference(found).replace(" (", " (95 % interval ")


def _difference(found: ClusteredMean | None) -> str:
    if found is None:
        return "–"
    ends = "" if found.low is None or found.high is None else f" ({signed(found.low, 2)} to {signed(found.high, 2)})"
    return signed(found.estimate, 2) + ends
