"""The items of an evaluation, and whether any of them had a part in writing the rules."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scai_cli import plugins
from scai_cli.errors import ConfigError, ScaiError
from scai_cli.evaluation.gold_file import gold_notes
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.manifest import SuiteSettings
from scai_cli.evaluation.people import members
from scai_cli.evaluation.seen import seen_items
from scai_cli.evaluation.suite import Kind, Suite, SuiteSource
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.evaluate_source import EvaluateOptions, EvaluateSource
from scai_cli.models.notices import Notices
from scai_cli.runs.find import all_generated
from scai_cli.runs.history.history import History
from scai_cli.runs.history.listings import generated_source
from scai_cli.runs.jsonl import decoded
from scai_cli.runs.row_directory import TASKS
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted
from scai_cli.text.words import comparable, usual

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class EvaluationItems:
    """The items of all suites in the order in which they are played, and which kinds are new."""

    suites: Sequence[SuiteSettings]
    items: Sequence[Item]
    new: frozenset[Kind]
    seen: Sequence[str]
    """Items that had a part in writing the rules, allowed by the user."""
    calls: Mapping[str, Mapping[str, int]]
    """Suite -> purpose -> calls."""
    people: Sequence[Persona] = ()
    """The people of real data whom the items name."""


def read_evaluation_items(source: EvaluateSource, options: EvaluateOptions, runs: Path) -> EvaluationItems:
    """Read or make the items of each suite; raises ConfigError for an unknown suite, or for seen items."""
    rules = {system.name: system.constitution for system in source.systems}
    new = _new_kinds(source)
    settings: list[SuiteSettings] = []
    items: list[Item] = []
    calls: dict[str, Mapping[str, int]] = {}
    people: dict[str, Persona] = {}
    gold_used = judged = False
    for name, file in _files(options.suites).items():
        wanted = SuiteSource(source.config, rules, file, options.n, new, options.principle, source.human)
        is_judged, labelled, found, calls[name] = _made(name, wanted, options.gold, len(source.judges))
        people |= {person.id: person for person in _people(name, wanted, found)}
        judged, gold_used = judged or is_judged, gold_used or bool(labelled)
        if not found:
            few = f"--n {options.n} is fewer than the items of one cluster; raise it" if options.n else ""
            remedy = few or "there is nothing to ask; name other items, or leave the suite out"
            raise ConfigError(f"--suite {name}: {remedy}")
        settings.append(_settings(name, found))
        items += [*labelled, *found]
    if options.gold is not None and not gold_used:
        raise ConfigError(
            f"--gold {options.gold}: no suite of this evaluation uses labels; add --suite refusal or pairs"
        )
    notice = Notices()
    for line in () if options.gold is None else gold_notes(options.gold):
        notice(line)
    if options.principle is not None and "pairs" not in _files(options.suites):
        raise ConfigError("--principle: is for the suite pairs; add --suite pairs, or leave it out")
    if options.judges and not judged:
        raise ConfigError("--judge: no suite of this evaluation asks a judge; leave it out")
    seen = _unequal(source, items)
    if seen and not options.allow_seen:
        raise ConfigError(
            f"{', '.join(name for name, _ in seen[:_SHOWN])}: had a part in writing the rules of {seen[0][1]}, not of "
            "every run; name people and tasks that are new to all runs with --config, or --allow-seen, and say so "
            "beside the result"
        )
    seen += seen_items([i for i in items if i.persona is None], _texts(source.histories, runs))
    if seen and not options.allow_seen:
        where = "; ".join(f"{item} ({place})" for item, place in seen[:_SHOWN])
        raise ConfigError(
            f"{counted(len(seen), 'item')} had a part in writing the rules: {where}; use other items, or "
            "--allow-seen, and say so beside the result"
        )
    allowed = [f"{item} ({place})" for item, place in seen]
    return EvaluationItems(settings, items, new, allowed, calls, list(people.values()))


def _made(
    name: str, wanted: SuiteSource, gold: Path | None, judges: int
) -> tuple[bool, Sequence[Item], Sequence[Item], Mapping[str, int]]:
    """Return whether a suite is judged, its labelled items, its others, and its calls.

    Raises ConfigError, also for a third party's error.
    """
    connect = plugins.resolve("suite", name)
    try:
        suite: Suite = connect()
        read = getattr(suite, "gold_items", None)
        labelled = [] if gold is None or read is None else list(read(gold))
        found = list(suite.items(wanted))
        whole = [item if isinstance(item, Item) else Item.model_validate(item) for item in (*labelled, *found)]
        if other := next((item for item in whole if item.suite != name), None):
            raise ValueError(f"item {other.id!r} has the suite {other.suite!r}, not {name!r}")
        if len({item.id for item in whole}) < len(whole):
            raise ValueError("two items have the same id")
        split = len(labelled)
        return suite.judged, whole[:split], whole[split:], dict(suite.calls(wanted, whole, judges))
    except Exception as error:
        if isinstance(error, ScaiError) or not plugins.is_foreign("suite", name):
            raise
        raise ConfigError(one_line(f"--suite {name}: its items failed: {type(error).__name__}: {error}")) from error


def _people(name: str, wanted: SuiteSource, items: Sequence[Item]) -> Sequence[Persona]:
    """Return the people of real data whom a suite's items name."""
    named = getattr(plugins.resolve("suite", name)(), "people", None)
    people: Sequence[Persona] = () if named is None else named(wanted, items)
    return people


def _files(suites: Sequence[str]) -> dict[str, Path | None]:
    """Return suite -> the user's file, from `NAME` or `NAME=PATH`; raises ConfigError for a suite named twice."""
    found: dict[str, Path | None] = {}
    for text in suites:
        name, _, path = text.strip().partition("=")
        if name in found:
            raise ConfigError(f"--suite {name}: is named twice; name it once")
        found[name] = Path(path) if path else None
    if not found:
        raise ConfigError("--suite: names no suite; give one, such as society or choice")
    return found


def _settings(name: str, items: Sequence[Item]) -> SuiteSettings:
    sources = ", ".join(dict.fromkeys(item.source for item in items))
    return SuiteSettings(
        name=name, source=sources, items=len(items), licences=tuple(dict.fromkeys(item.licence for item in items))
    )


def _new_kinds(source: EvaluateSource) -> frozenset[Kind]:
    """Return the kinds of the experiment's people and tasks that had no part in writing any run's rules."""
    if not source.config.personas.inline or not source.config.tasks.inline:
        return frozenset()
    people, tasks = members(source.config)
    used = [_of_person(p) for history in source.histories for p in history.config.train_personas]
    asked = [_of_task(t) for history in source.histories for t in history.config.train_tasks]
    new_people = not any(_of_person(person) in used for person in people)
    new_tasks = not any(_of_task(task) in asked for task in tasks)
    holdout = source.config.holdout
    from_file = any(system.is_file for system in source.systems)
    if from_file and (holdout.personas or holdout.tasks):  # who wrote a file is not known: any of the others may
        new_people, new_tasks = new_people and bool(holdout.personas), new_tasks and bool(holdout.tasks)
    kinds: dict[Kind, bool] = {"people": new_people, "tasks": new_tasks}
    return frozenset(kind for kind, is_new in kinds.items() if is_new)


def _unequal(source: EvaluateSource, items: Sequence[Item]) -> list[tuple[str, str]]:
    """Return (person or task, runs) for each of `society` that wrote the rules of some runs and not of others."""
    played = [item for item in items if item.suite == "society"]
    ids, tasks = {item.persona for item in played}, {item.task for item in played}
    asked = {f"person {p.id}": _of_person(p) for p in source.config.personas.inline if p.id in ids}
    asked |= {f"task {t.id}": _of_task(t) for t in source.config.tasks.inline if t.id in tasks}
    wrote: defaultdict[str, list[str]] = defaultdict(list)
    for run in source.histories:
        texts = {*map(_of_person, run.config.train_personas), *map(_of_task, run.config.train_tasks)}
        for name, text in asked.items():
            if text in texts:
                wrote[name].append(run.run_id)
    return [(name, ", ".join(runs)) for name, runs in sorted(wrote.items()) if len(runs) < len(source.histories)]


def _of_person(person: Persona) -> str:
    return " ".join(usual(person.portrait()).split())


def _of_task(task: Task) -> str:
    return comparable(task.prompt)


def _texts(histories: Sequence[History], runs: Path) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of the tasks that wrote the rules, and of the sets that were generated from them."""
    names = {history.run_id for history in histories}
    for history in histories:
        yield from ((f"a task of run {history.run_id}", task.prompt) for task in history.config.train_tasks)
    for path in all_generated(runs) if names else ():
        if generated_source(path) in names:
            yield from (
                (f"the set {path.name}", task.prompt) for task in decoded(path / TASKS, Task.model_validate_json)
            )
