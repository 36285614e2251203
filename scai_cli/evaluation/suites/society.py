"""The suite `society`: people talk with each system about tasks and rate it, as in an epoch; who gains and who loses.

The people and tasks are those that were held out while the rules were written, or else the members themselves.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from scai_cli.analysis.measured import utility_words
from scai_cli.analysis.paired import Cells, PairedDifference, paired, person_changes
from scai_cli.analysis.verdicts import between, for_whom, gained_or_lost, signed
from scai_cli.concurrency import together
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.paired_scores import compared, difference_of
from scai_cli.evaluation.people import members, rater_problem, setting, talk, talk_items
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
    System,
)
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.simulation.dialogue_lines import calls_of
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import cell, mean
from scai_cli.social_choice.welfare import WelfareFunction, parse
from scai_cli.stats.intervals import Interval
from scai_cli.stats.student import quantile, tail
from scai_cli.text.counts import counted

_OWN, _CROSS = "rating", "rating by "
"""The names of the scores: the user's own rating, and those of the others."""
_OBSERVED, _MEASURED = "observed", "measured "
"""The names of the scores by programs: the user's utility, and a declared measure."""
_FEWEST: Final = 2
"""The minimal number of people of a group."""
_NAMED: Final = 12
"""The number of losers that a note names; the tables have all."""
_ROUNDING: Final = 1e-9
_LEVEL, _WIDE_LEVEL = 0.95, 0.999
_FREEDOM: Final = (1.0, 1e6)
"""The range of the degrees of freedom of an interval."""


class Society:
    """Conversations of every person about every task under each system, with own and cross ratings."""

    judged = False

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Return an item for each person and task."""
        return talk_items("society", source, members(source.config)[0])

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the calls of all conversations and ratings."""
        config, systems = source.config, len(source.rules)
        raters = config.ratings.cross_raters
        others = len(members(config)[0]) - 1
        per_system = calls_of(config) + Counter(cross_rating=others if raters == "all" else min(raters, others))
        opened = {"opening": per_system.pop("opening") * len(items)} if "opening" in per_system else {}
        return {**opened, **{purpose: count * len(items) * systems for purpose, count in per_system.items()}}

    async def probe(self, context: SuiteContext) -> str | None:
        """Return why the users' models cannot rate."""
        return await rater_problem(context)

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """Play the conversation under each system, with the opening of the first."""
        first, *others = context.systems
        played = [await _play(context, first, item, None)]
        played += await together(_play(context, system, item, played[0]) for system in others)
        return {s.name: _answer(context, c) for s, c in zip(context.systems, played, strict=True)}

    def results(self, source: ResultSource) -> SuiteResult:
        """Return welfare by the declared function and by others, and the changes of people and groups."""
        sides = {system: _cells(source, system) for system in source.systems}
        declared = parse(source.config.welfare)
        functions = {declared.label: declared, "utilitarian": parse("utilitarian"), "rawlsian": parse("rawlsian")}
        measures = [_measure(source, sides, function, declared) for function in functions.values()]
        measures += _declared(source)
        changes = {other: person_changes(sides[source.reference], sides[other]) for other in source.others}
        groups = {other: _groups(source.config, sides[source.reference], sides[other]) for other in source.others}
        named = {person.id: person.called for person in members(source.config)[0]}
        people = {o: [(named.get(p, p), interval) for p, interval in changes[o].items()] for o in source.others}
        tables = [table for o in source.others for table in _tables(source.reference, o, people[o], groups[o])]
        notes = [note for o in source.others for note in _losers(o, people[o], groups[o])]
        notes.insert(0, f"People and tasks are those of {source.config.name}; --config EXPERIMENT takes others.")
        if not source.new:
            notes.insert(0, "Members only: these people and tasks wrote or accepted the rules; strangers may differ.")
        if words := utility_words(source.config.ratings):
            notes.insert(0, f"Welfare is {words}.")
        return SuiteResult("society", measures, tables, notes)


async def _play(context: SuiteContext, system: System, item: Item, first: Conversation | None) -> Conversation:
    place = setting(context, system)
    openings = {(first.persona.id, first.task.id): first.messages[0]} if first and first.messages else {}
    return await talk(replace(place, openings=openings), item)


def _answer(context: SuiteContext, conversation: Conversation) -> SystemAnswer:
    context.failures.extend(conversation.errors)
    final = [rating for rating in conversation.ratings if rating.final]
    scores = {_OWN if r.kind == "own" else f"{_CROSS}{r.rater}": r.value for r in final}
    scores |= _measured(context, conversation)
    problems = [rating.problem for rating in final if rating.problem]
    said = tuple((message.role, message.content) for message in conversation.messages)
    return SystemAnswer(scores, said, problem=problems[0] if problems else None)


def _measured(context: SuiteContext, conversation: Conversation) -> dict[str, float | None]:
    """Return what programs measure in the final answer, where the experiment declares measures or counts them."""
    measures, answer = context.agents.measures, conversation.final_answer
    persona, task, weight = conversation.persona, conversation.task, context.config.ratings.measured_weight
    if answer is None or not (measures.weights or weight):
        return {}
    values = measures.values(persona, task, answer.content, measures.weights)
    observed = next((r.observed for r in conversation.ratings if r.kind == "own" and r.final), None)
    return {_OBSERVED: observed, **{f"{_MEASURED}{name}": value for name, value in values.items()}}


def _declared(source: ResultSource) -> Iterator[MeasureResult]:
    """Yield the declared measures of the experiment."""
    for each in source.config.ratings.measures:
        better: Literal["higher", "lower"] | None = "higher" if each.weight > 0 else "lower" if each.weight else None
        name = f"{_MEASURED}{each.name}"
        yield compared(source, Measure(name, each.words or each.name, better=better, declared=False))


def _cells(source: ResultSource, system: str) -> Cells:
    """Return the utilities of persons and tasks under a system, as `epoch_utilities` computes them."""
    own: dict[tuple[str, str], float | None] = {}
    cross: dict[tuple[str, str], list[float | None]] = defaultdict(list)
    observed: dict[tuple[str, str], float | None] = {}
    for row in source.rows:
        item = source.items[row.item]
        person, task = item.persona or "", item.task or ""
        for name, value in row.answers[system].scores.items() if system in row.answers else ():
            if name == _OWN:
                own[person, task] = value
            elif name == _OBSERVED:
                observed[person, task] = value
            elif name.startswith(_CROSS):
                cross[name.removeprefix(_CROSS), task].append(value)
    pairs, ratings = dict.fromkeys([*own, *cross]), source.config.ratings
    cells = {p: cell(own.get(p), mean(cross.get(p, ())), ratings, observed.get(p)) for p in pairs}
    people, _ = members(source.config)
    weights = {person.id: person.weight for person in people}
    return Cells(system, {pair: value for pair, value in cells.items() if value is not None}, weights, source.new)


def _measure(
    source: ResultSource, sides: Mapping[str, Cells], function: WelfareFunction, declared: WelfareFunction
) -> MeasureResult:
    measure = Measure(
        f"welfare ({function.label})",
        f"{function.label} welfare",
        relevant=0.05,
        declared=function == declared,
    )
    values = {system: _welfare(cells, function) for system, cells in sides.items()}
    reference = sides[source.reference]
    differences = {other: _difference(reference, sides[other], function, source.config) for other in source.others}
    scores = {system: _ratings(source, system) for system in source.systems}
    return MeasureResult(measure, values, differences, scores)


def _ratings(source: ResultSource, system: str) -> dict[str, float | None]:
    """Return row -> the user's own rating, on its scale."""
    return {row.id: row.answers[system].scores.get(_OWN) for row in source.rows if system in row.answers}


def _welfare(cells: Cells, function: WelfareFunction) -> float | None:
    people: dict[str, list[float]] = defaultdict(list)
    for (person, _), value in cells.cells.items():
        people[person].append(value)
    return function([mean(values) for values in people.values()], [cells.weights.get(p, 1.0) for p in people])


def _difference(before: Cells, after: Cells, function: WelfareFunction, config: ExperimentConfig) -> Difference | None:
    found = paired(before, after, function)
    if found is None:
        return None
    interval = found.interval
    p = _p_value(interval, paired(before, after, function, level=_WIDE_LEVEL))
    of_people = "people" in interval.estimand
    n, noun = (interval.people, "people") if of_people else (interval.tasks, "tasks")
    if interval.estimand == "new people and tasks":  # more people alone leave the tasks' part of the error
        noun = "people, with as many times the tasks,"
    error, freedom = None, float(max(1, n - 1))
    if interval.low is not None and interval.high is not None:
        error = (interval.high - interval.low) / 2 / quantile(interval.level, freedom)
    if interval.low == interval.high == 0.0:
        interval = _unseen(interval, [pair[0 if of_people else 1] for pair in before.cells if pair in after.cells])
    return Difference(
        interval.estimate,
        interval.low,
        interval.high,
        p,
        _whom(interval, before, config),
        n,
        noun,
        error=error,
        freedom=freedom,
    )


def _unseen(interval: Interval, clusters: Sequence[str]) -> Interval:
    """Return the interval where no rating differs: a difference that these people or tasks may have missed."""
    found = difference_of([0.0] * len(clusters), clusters)
    return interval if found is None else replace(interval, low=found.low, high=found.high)


def _whom(interval: Interval, cells: Cells, config: ExperimentConfig) -> str:
    whom = for_whom(interval, " held out" if config.held_out != ((), ()) else "")
    return whom if cells.held_out else f"members only: {whom}"


def _p_value(interval: Interval, wide: PairedDifference | None) -> float | None:
    """Return 1 minus the highest level whose interval does not contain 0; None without an interval.

    The widths of the intervals at two levels have the ratio of the quantiles of t, which determines its degrees of
    freedom.
    """
    if interval.low is None or interval.high is None or wide is None or wide.interval.high is None:
        return None
    half, wide_half = interval.high - interval.estimate, wide.interval.high - interval.estimate
    if not half:
        return 1.0
    few, many = map(math.log, _FREEDOM)
    for _ in range(30):
        freedom = math.exp((few + many) / 2)
        is_wider = quantile(_WIDE_LEVEL, freedom) / quantile(_LEVEL, freedom) > wide_half / half
        few, many = (math.log(freedom), many) if is_wider else (few, math.log(freedom))
    return tail(interval.estimate / half * quantile(_LEVEL, freedom), freedom)


def _tables(
    reference: str, other: str, people: Sequence[tuple[str, Interval]], groups: Mapping[str, Interval]
) -> Iterator[ResultTable]:
    """Yield who gains and who loses, by person and by the groups of their attributes; the worst first."""
    columns = ("", "change", "95 % interval", "beyond chance")
    for title, changes in (("People", people), ("Groups", [*groups.items()])):
        if changes or title == "People":
            rows = [(name, *_change(i)) for name, i in sorted(changes, key=lambda pair: pair[1].estimate)]
            yield ResultTable(f"{title}: {other} minus {reference}", columns, rows)


def _change(interval: Interval) -> tuple[str, str, str]:
    verdict = gained_or_lost(interval)
    return signed(interval.estimate, 2), between(interval, 2), "" if verdict == "cannot tell" else verdict


def _groups(config: ExperimentConfig, before: Cells, after: Cells) -> dict[str, Interval]:
    """Return `attribute: value` -> the change of its people, for all attributes that make groups.

    The intervals are valid together (Bonferroni), for these people and tasks again.
    """
    people, _ = members(config)
    of: dict[tuple[str, str], set[str]] = defaultdict(set)
    for person in people:
        for key, value in person.attributes.items():
            of[key, str(value)].add(person.id)
    groups = {
        f"{key}: {value}": ids for (key, value), ids in of.items() if _FEWEST <= len(ids) <= len(people) - _FEWEST
    }
    found = {}
    for name, ids in groups.items():
        sides = [
            replace(side, cells={k: v for k, v in side.cells.items() if k[0] in ids}, held_out=frozenset())
            for side in (before, after)
        ]
        change = paired(sides[0], sides[1], level=1 - (1 - _LEVEL) / len(groups))
        if change is not None:
            found[name] = replace(change.interval, level=_LEVEL)
    return found


def _losers(other: str, people: Sequence[tuple[str, Interval]], groups: Mapping[str, Interval]) -> Iterator[str]:
    """Yield who loses beyond chance, and of how many that is not known."""
    kinds = ((f"people with {name}", interval) for name, interval in groups.items()), people
    ordered = [change for changes in kinds for change in sorted(changes, key=lambda pair: pair[1].estimate)]
    lost = [name for name, interval in ordered if gained_or_lost(interval) == "lost"]
    unknown = sum(interval.low is None and abs(interval.estimate) > _ROUNDING for _, interval in people)
    if lost:
        more = [f"{len(lost) - _NAMED:,} more"] if len(lost) > _NAMED else []
        yield f"With {other} loses: {', '.join([*lost[:_NAMED], *more])}."
    if unknown:
        whose = counted(unknown, "person", "people")
        yield f"With {other} cannot tell who loses: the tasks are too few for an interval of {whose}."
    elif not lost:
        yield f"With {other} nobody loses beyond chance."
