"""The results of the suite `calibration`: a verdict in a sentence, and the tables behind it."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from scai_cli.analysis.participants import PROGRAM
from scai_cli.evaluation.calibration_tables import (
    HEADS,
    Estimates,
    answers_by_group,
    ends_of,
    estimate_tables,
    groups_of,
    in_sentence,
    number,
    ratings_by_group,
    ratings_by_person,
)
from scai_cli.evaluation.fitted_map import FittedMap, fitted_map
from scai_cli.evaluation.human_items import FEWEST_PEOPLE
from scai_cli.evaluation.rating_agreement import (
    AGAIN,
    CONDITIONS,
    EXPLAINED,
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

_RELEVANT: Final = 0.05
"""The smallest share explained that matters."""
_WIDEST: Final = 0.5
"""The width of an interval from which on the share is not known."""
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
        heads = {name: words for name, words in HEADS.items() if name != AGAIN or len(second) >= FEWEST_PEOPLE}
        title = "Simulated ratings beside people's own (95 % intervals for new people)"
        tables += estimate_tables(title, STATISTICS, found, heads)
        numbers |= _numbers("ratings", found)
        if groups := list(groups_of(source, [person.id for person in ratings.people])):
            notes.append(_groups_note("Ratings", len(groups)))
            tables.append(ratings_by_group(ratings, groups))
        tables.append(ratings_by_person(source, ratings))
    if not survey.people and survey.missing:
        verdicts.append(f"Cannot tell what persona text says of answers: {_without(survey.missing)}.")
    if survey.people:
        answers = survey.estimates(range(len(survey.people)))
        verdicts.append(_survey_verdict(answers, len(survey.people)))
        notes += _survey_notes(survey)
        title = "Survey answers beside those of the same people, by their weights (95 % intervals for new people)"
        tables += estimate_tables(title, SURVEY_STATISTICS, answers, {c: HEADS[c] for c in CONDITIONS if c != AGAIN})
        numbers |= _numbers("survey", answers)
        if groups := list(groups_of(source, survey.people)):
            notes.append(f"{_groups_note('Answers', len(groups))} By chance, the overlap is lower for few people.")
            tables.append(answers_by_group(survey, groups))
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
        return f"{unknown}: {number(own.estimate)} {differs}, without an interval, as all groups of people agree in it."
    if own.high - own.low > _WIDEST:
        return f"{unknown}: the 95 % interval, {ends_of(own)}, is too wide; take more people, or more ratings of each."
    said = f"Persona text explains {number(own.estimate)} (95 % interval {ends_of(own)}) {differs}"
    if own.estimate < 0 and own.high < _RELEVANT:
        said = f"Persona text explains nothing ({number(own.estimate)}, 95 % interval {ends_of(own)}) {differs}"
    if gain is None or gain.low is None or gain.high is None:
        return f"{said}; cannot tell whether a shuffled persona explains less."
    if gain.low > 0:
        return f"{said}; a shuffled persona explains {number(own.estimate - gain.estimate)}."
    if min(own.high, gain.high) < _RELEVANT:  # a shuffled one explains nothing, or more
        return f"{said}; no more than a shuffled persona."
    return f"{said}; cannot tell whether more than a shuffled persona: {in_sentence(gain)}."


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
    interval = "" if again.low is None else f" (95 % interval {ends_of(again)})"
    # Both ratings have noise: with the reliability r, one explains r^2 of the other, and what people mean r.
    return (
        f"People themselves, asked again, explain {number(again.estimate)} of it{interval} in "
        f"{counted(twice, 'rating')}, of which the own persona explains {number(own)}; one that knew what they mean, "
        f"without the noise of a rating, could explain {number(math.sqrt(max(0.0, again.estimate)))}, the square root."
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
        return f"Persona text makes a person's own answer more probable than a shuffled one: {in_sentence(gain)}."
    return f"Cannot tell whether persona text says more of an answer than a shuffled persona: {in_sentence(gain)}."


def _survey_notes(survey: SurveyAgreement) -> Iterator[str]:
    answers = sum(map(len, survey.questions))
    people = counted(len(survey.people), "person", "people")
    yield f"{counted(answers, 'answer')} of {people} to {counted(len(survey.questions), 'question')}."
    if survey.missing:
        yield f"{counted(survey.missing, 'answer')} left out: a simulated answer is missing."


def _numbers(kind: str, found: Estimates) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {}
    for (name, condition), estimate in found.items():
        key = f"{kind}: {name}, {condition.replace('-', 'own minus ')}"
        numbers[key] = None if estimate is None else estimate.estimate
        if estimate is not None and estimate.low is not None:
            numbers[f"{key}, low"], numbers[f"{key}, high"] = estimate.low, estimate.high
    return numbers


def _groups_note(what: str, groups: int) -> str:
    return (
        f"{what} by group: the intervals of the {groups} groups are valid together (Bonferroni): each is at "
        f"1 - 0.05 / {2 * groups}."
    )
