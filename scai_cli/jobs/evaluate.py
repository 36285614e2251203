"""Start or resume an evaluation: systems and items -> manifest -> models -> rows in order -> the evaluation's folder.

The rows of probes come first: a suite whose judge or raters fail theirs has no further row.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from scai_cli import __version__, plugins
from scai_cli.concurrency import in_order
from scai_cli.errors import ENDS, CallFailed, RunError
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.manifest import EvaluationManifest, dump_evaluation, read_evaluation
from scai_cli.evaluation.results import kept_files, people_of
from scai_cli.evaluation.row import EvaluationRow, RowKind, SystemAnswer, evaluation_rows
from scai_cli.evaluation.suite import Suite, SuiteContext, System
from scai_cli.experiment.config import ExperimentConfig, ModelRole, calls_at_once
from scai_cli.experiment.load import Overrides, dump_experiment, load_resolved
from scai_cli.experiment.model_code import code_of
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import Persona
from scai_cli.jobs.addresses import refuse_other_address
from scai_cli.jobs.evaluate_calls import RowStages, item_places, plan_count
from scai_cli.jobs.evaluate_items import EvaluationItems
from scai_cli.jobs.evaluate_source import EvaluateSource, models_of
from scai_cli.jobs.interruption import resumable
from scai_cli.jobs.model_pool import AgentModel, ModelPool
from scai_cli.jobs.observers import watched
from scai_cli.jobs.row_recorder import RowRecorder, RowsResult, calls_to_come, keep_settings, refuse_taken
from scai_cli.jobs.saved_experiment import (
    ADDRESS,
    digests,
    refuse_changed,
    refuse_foreign_code,
    refuse_foreign_observers,
)
from scai_cli.jobs.session import Observer, Outcome, work
from scai_cli.messages import Message
from scai_cli.models.call_count import CallCount
from scai_cli.runs.file_names import EVALUATION, ROWS
from scai_cli.runs.find import resume_command
from scai_cli.runs.history.status import outcome_of
from scai_cli.runs.jsonl import decoded, sha256
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.row_directory import EVALUATED, EXPERIMENT, ITEMS, PEOPLE, RowDirectory
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.epoch import AT_ONCE
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.stops import stop_if_too_many
from scai_cli.text.characters import clean

_ANSWERS: Final = msgspec.json.Decoder(dict[str, SystemAnswer])


@dataclass(frozen=True, slots=True)
class EvaluationStarted:
    """The first item that an observer gets: a session on an evaluation starts."""

    manifest: EvaluationManifest
    written: int
    """The number of rows from earlier sessions."""

    @property
    def type(self) -> str:
        """The type as observers see it, beside those of a run's events."""
        return "evaluation_started"


EvaluationEvent = EvaluationStarted | EvaluationRow


EvaluateOutcome = Outcome[RowsResult]


async def start(
    source: EvaluateSource,
    found: EvaluationItems,
    runs: Path,
    run_id: str | None,
    observer: Observer[EvaluationEvent],
) -> EvaluateOutcome:
    """Create an evaluation from what `read_source` and `read_evaluation_items` returned.

    An error that stops the work but allows a resume is in the outcome. Raises ConfigError and RunError before anything
    is written, and OutputError if a file cannot be written.
    """
    if run_id is not None:
        refuse_taken("evaluation", runs / run_id)
    config = source.config
    observer = watched(config, observer)
    with ModelPool.connect(config, more=models_of(source)) as pool:
        directory = RowDirectory.create(runs, run_id, source.stem, EVALUATED)
        with directory.folder.discarded_on_failure(*EVALUATED.names, CALLS, ROWS):
            lines = (item.model_dump_json(exclude_defaults=True).encode() for item in found.items)
            await directory.write_source(ITEMS, lines)
            if found.people:
                people = (person.model_dump_json(exclude_defaults=True).encode() for person in found.people)
                await directory.write_source(PEOPLE, people)
            manifest = EvaluationManifest(
                run_id=directory.folder.run_id,
                scai=__version__,
                systems=tuple(source.systems),
                suites=tuple(found.suites),
                judges=tuple(source.judges),
                principle=source.principle,
                new=tuple(sorted(found.new)),
                notes=tuple(source.notes),
                seen=tuple(found.seen),
                items_sha256=sha256(directory.folder.path / ITEMS),
                people_sha256=sha256(directory.folder.path / PEOPLE) if found.people else None,
                digests=digests(config),
                config=config,
            )
            directory.complete(dump_experiment(config), dump_evaluation(manifest))
        with closing(directory.folder):
            for note in source.notes:
                observer.say(note)
            return await _session(pool, directory, manifest, observer)


async def resume(
    path: Path, settings: Sequence[str], observer: Observer[EvaluationEvent], *, trust: bool = False
) -> EvaluateOutcome:
    """Continue an unfinished evaluation; written rows stay unchanged.

    `settings` may change limits, prices, addresses and observers. Raises RunError if any other setting differs from
    the first session, if the evaluation is in use or damaged, or if it names code that is not trusted.
    """
    overrides = Overrides(settings=settings)
    written = read_evaluation(path, overrides)
    manifest = _moved(written, load_resolved(path / EXPERIMENT))
    config = manifest.config
    refuse_other_address((model for _, model in _all_models(manifest)), overrides)
    refuse_foreign_code(config, path.name, trust=trust)
    refuse_foreign_observers(config, overrides, path.name, trust=trust)
    named: list[tuple[plugins.Kind, str]] = [("suite", suite.name) for suite in manifest.suites]
    named += [code for _, model in models_of(manifest) for code in code_of(model)]
    for kind, name in () if trust else named:
        if plugins.is_foreign(kind, name):
            raise RunError(f"evaluation {path.name!r} names third-party code, {kind} {name!r}; add --trust to load it")
    observer = watched(config, observer)
    directory = RowDirectory.reopen(path, EVALUATED)
    with closing(directory.folder):
        refuse_changed("evaluation", manifest.digests, config, path / EXPERIMENT)
        if sha256(path / ITEMS) != manifest.items_sha256:
            raise RunError(
                f"{path / ITEMS}: changed since the start; restore it from a copy, or start a new evaluation"
            )
        is_finished = outcome_of(path).get("status") == "finished"
        with ModelPool.connect(config, more=models_of(manifest), is_finished=is_finished) as pool:
            if manifest != written:  # first: after a kill between the two, the systems are at their new addresses
                directory.folder.write_text(EVALUATION, dump_evaluation(manifest), lasting=True)
            keep_settings(directory, config)
            return await _session(pool, directory, manifest, observer)


def _moved(manifest: EvaluationManifest, before: ExperimentConfig) -> EvaluationManifest:
    """Return the manifest with the addresses and keys that options give the models of the experiment `before`."""
    address = manifest.config.model.base_url

    def moved(model: ModelSettings, role: ModelRole) -> ModelSettings:
        old, new = before.model_for(role), manifest.config.model_for(role)
        if model.endpoint == old.endpoint:
            changed = {key: getattr(new, key) for key in ADDRESS if getattr(new, key) != getattr(old, key)}
            return model.model_copy(update=changed)
        if model.base_url_from and address != before.model.base_url:  # a model that the experiment does not have
            return model.model_copy(update={"base_url": address, "base_url_from": None})
        return model

    systems = [each.model_copy(update={"model": moved(each.model, "assistant")}) for each in manifest.systems]
    judges = [moved(judge, "judge") for judge in manifest.judges]
    return manifest.model_copy(update={"systems": tuple(systems), "judges": tuple(judges)})


def _all_models(manifest: EvaluationManifest) -> list[AgentModel]:
    return [*manifest.config.models(), *models_of(manifest)]


def suites_of(manifest: EvaluationManifest) -> dict[str, Suite]:
    """Return the suites of an evaluation by name; raises ConfigError for an unknown one."""
    return {suite.name: plugins.resolve("suite", suite.name)() for suite in manifest.suites}


async def _session(
    pool: ModelPool, directory: RowDirectory, manifest: EvaluationManifest, observer: Observer[EvaluationEvent]
) -> EvaluateOutcome:
    folder, written = directory.folder, directory.written
    items = list(decoded(folder.path / ITEMS, Item.model_validate_json))
    result = RowsResult(written, len(manifest.suites) + len(items), directory.problems)
    stages = plan_count(pool.count, manifest, items)
    recorder = _Recorder(directory, observer, result, pool.config.max_failures, count=pool.count, stages=stages)

    async def evaluate(agents: Agents) -> None:
        observer.see(EvaluationStarted(manifest, written))
        systems = [
            System(s.name, s.constitution, None if s.message is None else Message("system", s.message), _agent(s.model))
            for s in manifest.systems
        ]
        people = people_of(folder.path, manifest)
        maker = _RowMaker(agents, manifest, systems, [_judge(judge) for judge in manifest.judges], people)
        earlier = list(evaluation_rows(folder.path)) if written else []
        for row in earlier:
            observer.see(row)
        probes = [_Planned("probe", suite.name, None, "probe") for suite in manifest.suites]
        recorder.probed.update((row.suite, row.problem) for row in earlier if row.kind == "probe")
        calls = calls_at_once(pool.config.limits, [model for _, model in _all_models(manifest)])
        await recorder.take_all(maker, probes[written:], calls)
        for name, problem in recorder.probed.items():
            if problem is not None:
                result.health.append(f"{name} cannot judge: {problem}")
                observer.say(f"warning: {result.health[-1]}")
        wanted = [planned for planned in _planned(items) if recorder.probed[planned.suite] is None]
        result.wanted = len(probes) + len(wanted)
        plan_count(pool.count, manifest, [planned.item for planned in wanted if planned.item is not None])
        await recorder.take_all(maker, wanted[directory.written - len(probes) :], calls)
        for name, text in kept_files(folder.path, manifest).items():
            folder.write_text(name, text)

    def _agent(model: Any) -> Agent:
        return pool.agent("assistant", model, folder.log_call, index)

    def _judge(model: Any) -> Agent:
        return pool.agent("meta", model, folder.log_call, index)

    with resumable(resume_command(folder.path)), calls_to_come(directory, pool.count) as index:
        return await work(pool, folder, index, observer, result, evaluate)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A row to make: its kind, suite and item, and its place among those of its suite and kind."""

    kind: RowKind
    suite: str
    item: Item | None
    place: str


def _planned(items: Sequence[Item]) -> Iterator[_Planned]:
    for item, place in zip(items, item_places(items), strict=True):
        yield _Planned("item" if item.people is None else "gold", item.suite, item, place)


@dataclass(slots=True)
class _RowMaker:
    agents: Agents
    manifest: EvaluationManifest
    systems: Sequence[System]
    judges: Sequence[Agent]
    people: Mapping[str, Persona]
    suites: Mapping[str, Suite] = field(init=False)

    def __post_init__(self) -> None:
        self.suites = suites_of(self.manifest)

    async def make(self, number: int, planned: _Planned) -> tuple[EvaluationRow, CallFailed | None]:
        """Make a row; return it with its first call that failed for a reason outside its prompt."""
        kind, name, item = planned.kind, planned.suite, planned.item
        # The row's number is no part of the seeds, so that a suite has the same answers beside other suites.
        call = f"~r{number}/{name}/{planned.place}"
        context = SuiteContext(
            self.agents, self.manifest.config, self.systems, self.judges, call, self.manifest.principle, self.people
        )
        answers, problem = {}, None
        try:
            if item is None:
                found = await self.suites[name].probe(context)
                problem = None if found is None else clean(str(found))
            else:
                answers = _storable(await self.suites[name].play(context, item))
        except CallFailed as error:
            context.failures.append(error)
        except ENDS:
            raise
        except Exception as error:  # noqa: BLE001 - a suite of a third party can raise anything; the others go on
            problem = clean(f"the suite failed: {type(error).__name__}: {error}")
        failed = next((error for error in context.failures if not error.is_problem), None)
        if context.failures and problem is None:
            first = min(context.failures, key=lambda error: error.call)
            problem = clean(f"{first.call}: {first}")
        return EvaluationRow(f"r{number}", kind, name, item.id if item else "probe", answers, problem), failed


def _storable(answers: Mapping[str, SystemAnswer]) -> dict[str, SystemAnswer]:
    """Return answers as a row keeps them; raises for any that it cannot keep, as third parties may return them."""
    return _ANSWERS.decode(msgspec.json.encode(dict(answers)))


@dataclass(slots=True)
class _Recorder(RowRecorder):
    """Also keeps what the probes found, and stops at a probe's call that failed."""

    count: CallCount = field(kw_only=True)
    stages: RowStages = field(kw_only=True)
    probed: dict[str, str | None] = field(default_factory=dict)
    """Suite -> why it cannot judge, or None."""

    async def take_all(self, maker: _RowMaker, planned: Sequence[_Planned], calls: int) -> None:
        """Make rows and take them in order."""
        first = self.directory.written
        jobs: list[Coroutine[Any, Any, tuple[EvaluationRow, CallFailed | None]]]
        jobs = [maker.make(first + n, each) for n, each in enumerate(planned)]
        await in_order(jobs, self.take, running=2 * calls, started=max(AT_ONCE, 4 * calls))

    def take(self, made: tuple[EvaluationRow, CallFailed | None]) -> None:
        """Write a row; raise TooManyFailures before it if too many of the last ones failed, or the call of a probe."""
        row, failure = made
        if row.kind == "probe":  # its row would say for ever that the judge cannot be trusted
            stop_if_too_many([failure], 1, self.max_failures, "rows")
            self.probed[row.suite] = row.problem
        self.count.reach(self.stages.of_row(row).place)
        self.write(row, failure)
