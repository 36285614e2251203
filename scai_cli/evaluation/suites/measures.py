"""The suite `measures`: does an answer do what the rules ask for? A program observes it; there is no judge.

Every system answers the tasks. The traits are those that the rules of any system ask for or against, so that a model
trained on rules is measured by them without any rule in front. If no system has one, the experiment's rules count.
Beside them are the measures of the experiment's `ratings.measures`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from scai_cli.concurrency import together
from scai_cli.errors import ConfigError
from scai_cli.evaluation.draw import drawn
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.paired_scores import MOST_UNREAD, compared, score_named
from scai_cli.evaluation.prompts import request
from scai_cli.evaluation.row import SystemAnswer
from scai_cli.evaluation.suite import (
    Measure,
    MeasureResult,
    ResultSource,
    ResultTable,
    SuiteContext,
    SuiteResult,
    SuiteSource,
    System,
)
from scai_cli.evaluation.suite_items import suite_items
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_start import initial_constitution
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.requested import requested
from scai_cli.simulation.observed import Measures as TextMeasures
from scai_cli.simulation.utilities import mean
from scai_cli.text.counts import counted

_CUT: Final = Measure("cut", "answers cut at the limit of their length", better=None, declared=False)
_WORDS: Final = "words"
"""The score with the number of words, for the table."""
_NO_WORDS: Final = "the answer has no words"
_ANYONE: Final = Persona(id="anyone")
"""The persona of a measure's call: the tasks belong to nobody."""


class Measures:
    """Answers to tasks, and how strongly they show what the rules ask for or against and the experiment measures."""

    judged = False

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Return the tasks that were held out, else all, or the items of the user's file."""
        if not _wanted(source.rules, source.config):
            raise ConfigError(
                "--suite measures: no rule of any system asks for a trait that a program can measure (short answers, "
                "plain words, ...); add a system with a rule of this kind: NAME=RULES.md, or ratings.measures to the "
                "experiment"
            )
        if taken := {_CUT.name, _WORDS}.intersection(each.name for each in source.config.ratings.measures):
            raise ConfigError(f"ratings.measures: the suite measures has a score {min(taken)!r}; choose another `name`")
        if source.file is not None:
            return suite_items("measures", source)
        config = source.config
        tasks = config.held_out[1] or config.tasks.inline
        if not tasks:
            raise ConfigError(
                "--suite measures: there is no task; name a run, an experiment with --config, or --suite measures=FILE"
            )
        items = [
            Item(
                id=task.id,
                suite="measures",
                prompt=task.prompt,
                label=task.topic or None,
                cluster=task.id,
                source=config.name,
                licence=task.source.licence or "not stated",
                task=task.id,
            )
            for task in tasks
        ]
        return drawn(items, source.n, config.seed)

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return an answer for each item and system."""
        return {"answer": len(items) * len(source.rules)}

    async def probe(self, context: SuiteContext) -> str | None:  # noqa: ARG002
        """Return None: there is no judge."""
        return None

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """Return the answer of each system, with its traits."""
        wanted = _wanted({system.name: system.constitution for system in context.systems}, context.config)
        measures = TextMeasures(context.config.ratings.measures, wanted)
        answers = await together(_answer(context, system, item, measures, wanted) for system in context.systems)
        return dict(zip((s.name for s in context.systems), answers, strict=True))

    def results(self, source: ResultSource) -> SuiteResult:
        """Return a measure for each trait, and a table with the means and ranks of all systems."""
        wanted = _wanted(source.rules, source.config)
        words = source.config.ratings.measure_words
        traits = [compared(source, _measure(name, sign, words.get(name))) for name, sign in wanted.items()]
        problems = {system: why for system in source.systems if (why := _silent(source, system))}
        contrary = [name for name, sign in wanted.items() if not sign and name not in words]
        tables, notes = [_means(source, traits)], [*_contrary(contrary), *_untold(source, traits)]
        if source.reference in problems:
            return SuiteResult("measures", tables=tables, notes=notes, problem=problems[source.reference])
        return SuiteResult("measures", [*traits, compared(source, _CUT)], tables, notes, problems=problems)


def _wanted(rules: Mapping[str, Constitution], config: ExperimentConfig) -> dict[str, float]:
    """Return trait -> 1 if principles ask for it, -1 if against it, 0 if they contradict each other.

    Clauses are for some users alone, and have no part in it. Declared measures count by the sign of their weight.
    """
    declared = {each.name: math.copysign(1.0, each.weight) if each.weight else 0.0 for each in config.ratings.measures}
    found = _asked(rules.values()) or _asked([initial_constitution(config.constitution)])
    both = {name for name, sign in found.items() if sign > 0 and found.get(TRAITS[name].excludes or "", 0.0) > 0}
    return {name: 0.0 if name in both else found[name] for name in TRAITS if name in found} | declared


def _asked(constitutions: Iterable[Constitution]) -> dict[str, float]:
    found: dict[str, float] = {}
    for constitution in constitutions:
        for principle in constitution.principles:
            for name, sign in requested(principle.text).items():
                found[name] = sign if found.get(name, sign) == sign else 0.0
    return found


def _measure(name: str, sign: float, words: str | None) -> Measure:
    label = words or (TRAITS[name].label if name in TRAITS else name)
    return Measure(name, label, better="higher" if sign > 0 else "lower" if sign else None)


async def _answer(
    context: SuiteContext, system: System, item: Item, measures: TextMeasures, wanted: Iterable[str]
) -> SystemAnswer:
    job = system.assistant.say(
        f"{context.variant(system)}/answer", "answer", request(system.message, item.conversation)
    )
    completion = await context.attempt(job)
    if completion is None:
        return SystemAnswer({}, problem="the call failed")
    shown = (*((m.role, m.content) for m in item.conversation), ("assistant", completion.text))
    if completion.ended == "withheld" or not completion.text.split():
        return SystemAnswer(dict.fromkeys(wanted), shown, problem=_NO_WORDS)
    task = next((task for task in context.config.tasks.inline if task.id == item.task), None)
    task = task or Task(id="item", prompt=item.conversation[-1].content)
    scores = measures.values(_ANYONE, task, completion.text, wanted)
    scores[_CUT.name], scores[_WORDS] = float(completion.ended == "cut"), float(len(completion.text.split()))
    return SystemAnswer(scores, shown)


def _silent(source: ResultSource, system: str) -> str | None:
    """Return why a system is not judged: most of its answers have no words, and show no trait for want of them."""
    answers = [row.answers[system] for row in source.rows if system in row.answers]
    share = mean(float(answer.problem == _NO_WORDS) for answer in answers if answer.scores)
    if share is None or share <= MOST_UNREAD:
        return None
    return f"{100 * share:.0f} % of the answers of {system} have no words"


def _contrary(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield f"No verdict on {TRAITS[name].label}: the rules of the systems contradict each other."


def _untold(source: ResultSource, measured: Iterable[MeasureResult]) -> Iterator[str]:
    """Yield the measures that could not tell of a part of the answers with words."""
    answers = [answer for row in source.rows for answer in row.answers.values() if answer.problem != _NO_WORDS]
    for one in measured:
        name = one.measure.name
        values = [answer.scores[name] for answer in answers if name in answer.scores]
        if share := mean(float(value is None) for value in values):
            yield f"{name} cannot tell of {100 * share:.0f} % of the answers: in another language, or too short."


def _means(source: ResultSource, traits: Sequence[MeasureResult]) -> ResultTable:
    """Return the mean of each trait with its rank, 1 for the best, and the mean number of words."""
    rows = []
    for system in source.systems:
        cells = [_cell(measured, system) for measured in traits]
        words = [score_named(_WORDS)(row, system) for row in source.rows]
        number = mean(words)
        rows.append((system, *cells, "–" if number is None else f"{number:.0f}"))
    titles = [m.measure.name + (" (less)" if m.measure.better == "lower" else "") for m in traits]
    items = counted(len(source.rows), "task")
    return ResultTable(f"Means of {items}, with ranks", ("", *titles, "words"), rows)


def _cell(measured: MeasureResult, system: str) -> str:
    value, better = measured.values[system], measured.measure.better
    if value is None:
        return "–"
    others = [other for other in measured.values.values() if other is not None]
    ahead = sum(round(o, 9) > round(value, 9) if better == "higher" else round(o, 9) < round(value, 9) for o in others)
    return f"{value:.2f}" if better is None else f"{value:.2f} ({ahead + 1})"
