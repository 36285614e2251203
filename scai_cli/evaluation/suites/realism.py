"""The suite `realism`: do simulated users write as real ones do?

It measures the users and no system: everyone talks with the reference, and a program counts what their turns look like
(`evaluation.turns`). Beside them are the people of `--human`, each an item with numbers and without texts, so that
results need no file; without it, published numbers. Real people in the experiment are left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Final

from scai_cli.errors import ConfigError
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.people import members, setting, simulated, talk, talk_items, without_cross_ratings
from scai_cli.evaluation.row import SystemAnswer
from scai_cli.evaluation.suite import (
    Difference,
    Measure,
    MeasureResult,
    ResultSource,
    ResultTable,
    SuiteContext,
    SuiteResult,
    SuiteSource,
)
from scai_cli.evaluation.turns import MEASURES, PUBLISHED, TurnMeasure, turn_scores
from scai_cli.evaluation.verdict import ALPHA, difference_words
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.messages import Message
from scai_cli.populations.human.record import HumanData
from scai_cli.simulation.dialogue_lines import calls_of, lines_of
from scai_cli.stats.clustered import clustered_mean
from scai_cli.stats.significance import holm
from scai_cli.stats.two_samples import difference_of_means
from scai_cli.text.counts import counted

REAL: Final = "real people"
"""The name of the real people among the values; no system can have it, as it is not valid."""
_ALIKE: Final = 0.5
"""Simulated users are like real ones if the interval is within this share of the real people's standard deviation."""
_OTHER_LANGUAGE: Final = 0.5
"""A difference of the shares of English conversations from which on the people write in different languages."""
_LANGUAGES: Final = (
    "English conversations are {:.0%} of simulated people's and {:.0%} of real people's: words, word triples and "
    "capitals of different languages cannot be compared."
)
_LARGE: Final = 10
"""A number of this size has one digit after the point."""
_OTHERWISE: Final = (
    "No verdict: published numbers are of other tasks and people, and counted otherwise; --human FILE compares with "
    "conversations of your own."
)
_PROMPTED: Final = (
    "Later turns are comments of at most three sentences that `prompts.feedback` asks for: their length and "
    "disagreement are partly the prompt's."
)

Scores = Mapping[str, float | None]


class Realism:
    """Conversations of every simulated person about every task with the reference, and what the turns look like."""

    judged = False
    wants_human = True

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Return an item for each simulated person and task, and one for each real person of `--human`."""
        talks = talk_items("realism", source, simulated(members(source.config)[0]))
        return [*talks, *(() if source.human is None else _real_items(source.config, source.human))]

    def parts(self, items: Sequence[Item]) -> Sequence[Sequence[Item]]:  # noqa: ARG002
        """Return no items: systems are not compared."""
        return []

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the calls of the conversations."""
        talks = sum(item.persona is not None for item in items)
        return {purpose: count * talks for purpose, count in calls_of(source.config).items()}

    async def probe(self, context: SuiteContext) -> str | None:  # noqa: ARG002
        """Return None: no rating counts."""
        return None

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """Play the conversation with the reference and count; a real person has been counted."""
        name = context.systems[0].name
        if item.scores is not None:
            return {name: SystemAnswer(dict(item.scores))}
        conversation = await talk(without_cross_ratings(setting(context, context.systems[0])), item)
        context.failures.extend(conversation.errors)
        said = tuple((message.role, message.content) for message in conversation.messages)
        if conversation.errors:
            return {name: SystemAnswer({}, said, problem="the call failed")}
        unread = next((rating.problem for rating in conversation.ratings if rating.problem), None)
        return {name: SystemAnswer(_counted(context.config, [_messages(said)]), said, problem=unread)}

    def results(self, source: ResultSource) -> SuiteResult:
        """Return what turns look like, over all people and by person, beside real people's."""
        people, real = _people(source), _real(source)
        measures = [_measured(measure, source.reference, people, real) for measure in MEASURES]
        by_person = _by_person(source, people)
        if not real:
            tables = [_beside_published(people), by_person]
            return SuiteResult("realism", measures, tables, list(_notes(source, {})), _OTHERWISE)
        verdicts = _verdicts(measures, people, real)
        tables = [_beside_real(measures, verdicts, people, real), by_person]
        by_verdict: defaultdict[str, list[str]] = defaultdict(list)
        for measure, verdict in zip(MEASURES, verdicts, strict=True):
            if verdict:
                by_verdict[verdict.partition(":")[0]].append(measure.words)
        notes = list(_notes(source, by_verdict))
        english = [fmean(_known(scores, "english") or [0.0]) for scores in (people.values(), real)]
        if abs(english[0] - english[1]) > _OTHER_LANGUAGE:
            notes.append(_LANGUAGES.format(*english))
        return SuiteResult("realism", measures, tables, notes, _sentence(by_verdict, len(people), len(real)))


def _real_items(config: ExperimentConfig, human: HumanData) -> Iterator[Item]:
    """Yield an item for each real person with conversations: numbers alone, without a name or a text.

    Of both sides the same turns count: without the first ones, where those of simulated users are the tasks' texts.
    """
    found: defaultdict[str, list[Sequence[Message]]] = defaultdict(list)
    for conversation in human.conversations:
        found[conversation.person].append(conversation.messages)
    if not found:
        raise ConfigError(f"--human: {human.source or 'the data'} has no conversations; name a file that has some")
    for number, talks in enumerate(found.values(), 1):
        name = f"~real/{number}"
        yield Item(
            id=name,
            suite="realism",
            prompt="Conversations of a real person, whose texts are not kept.",
            label="real",
            cluster=name,
            source=human.source or "human data",
            licence=human.licence,
            scores=_counted(config, talks),
        )


def _people(source: ResultSource) -> dict[str, Scores]:
    """Return simulated person -> the scores of all its conversations together."""
    found: defaultdict[str, list[list[Message]]] = defaultdict(list)
    for row in source.rows:
        answer, item = row.answers.get(source.reference), source.items[row.item]
        if answer is not None and item.scores is None and answer.scores:
            found[item.cluster].append(_messages(answer.messages))
    return {person: _counted(source.config, talks) for person, talks in found.items()}


def _counted(config: ExperimentConfig, talks: Sequence[Sequence[Message]]) -> dict[str, float | None]:
    return turn_scores(talks, first_turns=config.opening == "own_words")


def _messages(said: Sequence[tuple[str, str]]) -> list[Message]:
    return [Message("assistant" if role == "assistant" else "user", text) for role, text in said]


def _real(source: ResultSource) -> list[Scores]:
    return [item.scores for row in source.rows if (item := source.items[row.item]).scores is not None]


def _known(scores: Iterable[Scores], name: str) -> list[float]:
    return [value for each in scores if (value := each.get(name)) is not None]


def _measured(
    measure: TurnMeasure, reference: str, people: Mapping[str, Scores], real: Sequence[Scores]
) -> MeasureResult:
    """Return the means over simulated and real people, each of whom counts once, and their difference."""
    ours, theirs = _known(people.values(), measure.name), _known(real, measure.name)
    values = {reference: fmean(ours) if ours else None}
    found = difference_of_means(ours, theirs) if measure.tested else None
    whom = f"{len(ours):,} simulated and {len(theirs):,} real people"
    compared = {REAL: Difference.of(found, whom)} if real else {}
    if real:
        values[REAL] = fmean(theirs) if theirs else None
    return MeasureResult(Measure(measure.name, measure.words, None, declared=False), values, compared)


def _beside_real(
    measures: Sequence[MeasureResult], verdicts: Sequence[str], people: Mapping[str, Scores], real: Sequence[Scores]
) -> ResultTable:
    rows = [
        (
            measure.words,
            _mean_words(measure, people.values()),
            _mean_words(measure, real),
            difference_words(measured.differences.get(REAL)),
            verdict,
        )
        for measure, measured, verdict in zip(MEASURES, measures, verdicts, strict=True)
    ]
    title = "Turns of simulated and of real people: means over people, with 95 % intervals"
    return ResultTable(title, ("", "simulated", "real", "difference", ""), rows)


def _beside_published(people: Mapping[str, Scores]) -> ResultTable:
    rows: list[Sequence[str]] = []
    for measure in MEASURES:
        ours = _mean_words(measure, people.values())
        for row in PUBLISHED.get(measure.name, ()):
            rows.append((measure.words, ours, f"{row['number']:g} {row['unit']}", row["data"], row["where"]))
        if measure.name not in PUBLISHED:
            rows.append((measure.words, ours, "no published number", "", ""))
    columns = ("", "simulated", "real, published", "data", "where")
    return ResultTable("Turns of simulated users, and published numbers of real ones", columns, rows)


def _verdicts(measures: Sequence[MeasureResult], people: Mapping[str, Scores], real: Sequence[Scores]) -> list[str]:
    """Return whether simulated users are outside the real ones, by measure; p-values by Holm (1979) over all."""
    found = [measured.differences.get(REAL) for measured in measures]
    p_values = {n: each.p for n, each in enumerate(found) if each is not None and each.p is not None}
    adjusted = dict(zip(p_values, holm([*p_values.values()]), strict=True))
    sides = [(_known(people.values(), measure.name), _known(real, measure.name)) for measure in MEASURES]
    return [
        _verdict(found[n], adjusted.get(n), *sides[n]) if measure.tested else "" for n, measure in enumerate(MEASURES)
    ]


def _verdict(difference: Difference | None, p: float | None, ours: Sequence[float], theirs: Sequence[float]) -> str:
    if difference is None:
        return "cannot tell"
    if not any((*ours, *theirs)):
        return "none of either"
    if difference.low is None or difference.high is None or p is None:
        return "cannot tell"
    if p < ALPHA:
        return "outside: more" if difference.estimate > 0 else "outside: less"
    most = max(abs(difference.low), abs(difference.high))
    return "alike" if most <= _ALIKE * stdev(theirs) else "cannot tell"


def _by_person(source: ResultSource, people: Mapping[str, Scores]) -> ResultTable:
    shown = [measure for measure in MEASURES if measure.short]
    names = {person.id: person.called for person in source.config.personas.inline}
    rows = [
        (names.get(person, person), *(_number(scores.get(measure.name)) for measure in shown))
        for person, scores in people.items()
    ]
    return ResultTable("Simulated people", ("", *(measure.short for measure in shown)), rows)


def _mean_words(measure: TurnMeasure, scores: Iterable[Scores]) -> str:
    """Return a mean over people with its interval for people like these, in the measure's range."""
    values = _known(scores, measure.name)
    found = clustered_mean(values, range(len(values)))
    if found is None:
        return "–"
    if found.low is None or found.high is None or found.low == found.high:  # none of a few is not none of all
        return _number(found.estimate)
    high = min(1.0, found.high) if measure.share else found.high
    return f"{_number(found.estimate)} ({_number(max(0.0, found.low))} to {_number(high)})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}" if abs(value) >= _LARGE else f"{value:.2f}"


def _sentence(by_verdict: Mapping[str, Sequence[str]], people: int, real: int) -> str:
    """Return in how many statistics simulated people are outside real ones, alike, and neither for certain."""
    tested = sum(map(len, by_verdict.values()))
    outside, alike, unclear = (len(by_verdict.get(verdict, ())) for verdict in ("outside", "alike", "cannot tell"))
    neither = len(by_verdict.get("none of either", ()))
    seen_in_none = f", {neither} seen in neither" if neither else ""
    return (
        f"{counted(people, 'simulated person', 'simulated people')} beside {counted(real, 'real one')}: outside what "
        f"real people write in {outside} of {counted(tested, 'statistic')}, alike in {alike}{seen_in_none}, "
        f"cannot tell in {unclear}."
    )


def _notes(source: ResultSource, by_verdict: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if outside := by_verdict.get("outside"):
        yield f"Outside what real people write: {', '.join(outside)}."
    if by_verdict:
        yield "alike: the interval is within half of the standard deviation between real people."
    if "feedback" in (line.call for line in lines_of(source.config)):
        yield _PROMPTED
    if source.config.opening == "task":
        both = "; nor do those of real people" if by_verdict else ""
        yield f"The first turns are the tasks' texts (`opening: task`), and do not count{both}."
    empty = sum(
        not text.strip()
        for row in source.rows
        if (answer := row.answers.get(source.reference)) is not None
        for role, text in answer.messages
        if role == "user"
    )
    if empty:
        yield f"{counted(empty, 'turn')} could not be read, and {'counts' if empty == 1 else 'count'} nowhere."
