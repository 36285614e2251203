"""Start or resume a generated set: source -> manifest -> models -> rows in order -> the set's folder."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from scai_cli import __version__
from scai_cli.concurrency import in_order
from scai_cli.datasets.generate.make_row import MadeRow, RowContext, make_row
from scai_cli.datasets.generate.manifest import (
    GenerateManifest,
    TaskList,
    dump_generation,
    read_generation,
)
from scai_cli.datasets.generate.row import GeneratedRow, JudgedWins, count_answers, rows
from scai_cli.datasets.generate.row_plan import row_plans
from scai_cli.errors import RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.generate_settings import RED_TEAM
from scai_cli.experiment.item_files import without_tasks
from scai_cli.experiment.load import Overrides, dump_experiment
from scai_cli.jobs.addresses import refuse_other_address, with_address
from scai_cli.jobs.generate_calls import plan_count
from scai_cli.jobs.generate_source import (
    GenerateOptions,
    GenerateSource,
    by_turns,
    check_source,
    doubts,
    row_settings,
    wanted_tasks,
)
from scai_cli.jobs.interruption import resumable
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.observers import watched
from scai_cli.jobs.row_recorder import RowRecorder, RowsResult, calls_to_come, keep_settings, refuse_taken
from scai_cli.jobs.saved_experiment import (
    digests,
    refuse_changed,
    refuse_foreign_code,
    refuse_foreign_observers,
    refuse_lost_judge,
    refuse_without_forms,
)
from scai_cli.jobs.session import HealthWatch, Observer, Outcome, work
from scai_cli.models.call_count import CallCount
from scai_cli.runs.file_names import ROWS
from scai_cli.runs.find import resume_command
from scai_cli.runs.jsonl import sha256
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.row_directory import EXPERIMENT, GENERATED, TASKS, RowDirectory
from scai_cli.simulation.epoch import AT_ONCE
from scai_cli.simulation.epoch_context import Agents


@dataclass(frozen=True, slots=True)
class GenerateStarted:
    """The first item that an observer gets: a session on a set starts."""

    manifest: GenerateManifest
    written: int
    """The number of rows from earlier sessions."""
    wins: JudgedWins = field(default_factory=JudgedWins)
    """What the judge preferred in these rows."""

    @property
    def type(self) -> str:
        """The type as observers see it, beside those of a run's events."""
        return "generate_started"


GenerateEvent = GenerateStarted | GeneratedRow


GenerateOutcome = Outcome[RowsResult]


async def start(
    source: GenerateSource,
    options: GenerateOptions,
    runs: Path,
    run_id: str | None,
    observer: Observer[GenerateEvent],
) -> GenerateOutcome:
    """Create a generated set from the source that `read_source` returned for the options.

    An error that stops the work but allows a resume is in the outcome. Raises ConfigError and RunError before anything
    is written, and OutputError if a file cannot be written.
    """
    if run_id is not None:
        refuse_taken("generated set", runs / run_id)
    source = replace(source, config=with_address(source.config, options.overrides))
    check_source(source, options)
    observer = watched(source.config, observer)
    with ModelPool.connect(source.config) as pool:
        first, name = 0, f"{source.stem}-rows"
        if options.part is not None:
            first, end = options.part
            name = f"{name}-{first}-{end}"
        directory = RowDirectory.create(runs, run_id, name, GENERATED, first)
        with directory.folder.discarded_on_failure(*GENERATED.names, CALLS, ROWS):
            tasks = await _keep_tasks(directory, options, source)
            manifest = manifest_of(source, options, directory.folder.run_id, tasks)
            directory.complete(dump_experiment(source.config), dump_generation(manifest))
        with closing(directory.folder):
            return await _session(pool, directory, manifest, observer)


async def resume(
    path: Path, settings: Sequence[str], observer: Observer[GenerateEvent], *, trust: bool = False
) -> GenerateOutcome:
    """Continue an unfinished generated set; written rows stay unchanged.

    `settings` may change limits, prices, addresses and observers. Raises RunError if any other setting differs from
    the first session, if the set is in use or damaged, or if it names code that is not trusted.
    """
    overrides = Overrides(settings)
    manifest = read_generation(path, overrides)
    refuse_other_address((model for _, model in manifest.config.models()), overrides)
    refuse_foreign_code(manifest.config, path.name, trust=trust)
    refuse_foreign_observers(manifest.config, overrides, path.name, trust=trust)
    return await _continued(path, manifest, observer)


async def continue_set(path: Path, config: ExperimentConfig, observer: Observer[GenerateEvent]) -> GenerateOutcome:
    """Continue a generated set with an experiment that is equal except for limits, prices and addresses.

    Raises RunError if it differs, or if the set is in use or damaged.
    """
    manifest = read_generation(path)
    return await _continued(path, manifest.model_copy(update={"config": with_address(config)}), observer)


async def _continued(path: Path, manifest: GenerateManifest, observer: Observer[GenerateEvent]) -> GenerateOutcome:
    config = manifest.config
    observer = watched(config, observer)
    directory = RowDirectory.reopen(path, GENERATED, manifest.orders.numbers.start)
    with closing(directory.folder):
        refuse_changed("generated set", manifest.digests, config, path / EXPERIMENT, of_rows=True)
        is_unfinished = directory.written < len(manifest.orders.numbers)
        if config.generate.by_users and is_unfinished:
            refuse_without_forms("generated set", config, manifest.scai, path)
        if config.generate.by_model and is_unfinished:
            refuse_lost_judge(path / EXPERIMENT)
        if sha256(directory.folder.path / TASKS) != manifest.tasks.sha256:
            raise RunError(
                f"{path / TASKS}: changed since the set was started; restore it from a copy, or start a new set"
            )
        with ModelPool.connect(config, is_finished=not is_unfinished) as pool:
            keep_settings(directory, config)
            return await _session(pool, directory, manifest, observer)


async def _session(
    pool: ModelPool, directory: RowDirectory, manifest: GenerateManifest, observer: Observer[GenerateEvent]
) -> GenerateOutcome:
    folder, written = directory.folder, directory.written
    result = RowsResult(written, len(manifest.orders.numbers), directory.problems)
    health = HealthWatch(pool.config, observer.say)
    plan_count(pool.count, manifest, folder.path)
    recorder = _Recorder(directory, observer, result, pool.config.max_failures, health=health, count=pool.count)
    wins = JudgedWins()
    for row in rows(folder.path) if written else ():
        count_answers(recorder.health.counts, row)
        wins.add(row)

    async def make_rows(agents: Agents) -> None:
        observer.see(GenerateStarted(manifest, written, wins))
        if written:
            recorder.judge()
        has_red_team = bool(manifest.tasks.red_team)
        for line in doubts(manifest.orders, manifest.learned, has_turns=manifest.by_turns, has_red_team=has_red_team):
            observer.say(line)
        context = RowContext.of(agents, manifest)
        jobs = (make_row(context, row) for row in row_plans(manifest, folder.path, directory.next))
        calls = pool.config.calls_at_once
        await in_order(jobs, recorder.take, running=2 * calls, started=max(AT_ONCE, 4 * calls))

    with resumable(resume_command(folder.path)), calls_to_come(directory, pool.count) as index:
        return await work(pool, folder, index, observer, result, make_rows)


@dataclass(slots=True)
class _Recorder(RowRecorder):
    """Also watches the answers of all rows, those of earlier sessions included."""

    health: HealthWatch = field(kw_only=True)
    count: CallCount = field(kw_only=True)

    def take(self, made: MadeRow) -> None:
        """Write a row and count its answers."""
        self.count.reach(self.count.stage_of(made.row.id).place)
        self.write(made.row, made.failure)
        count_answers(self.health.counts, made.row)
        if self.result.rows == self.result.wanted or self.result.rows % 10 == 0:
            self.judge()

    def judge(self) -> None:
        """Judge the answers."""
        self.result.health = self.health.warnings(at_end=self.result.rows == self.result.wanted)


async def _keep_tasks(directory: RowDirectory, options: GenerateOptions, source: GenerateSource) -> TaskList:
    """Copy the tasks into the folder, one at a time."""
    red_team = 0

    def lines() -> Iterator[bytes]:
        nonlocal red_team
        for task in wanted_tasks(options, source):
            red_team += task.kind == RED_TEAM
            yield task.model_dump_json(exclude_defaults=True).encode()

    count = await directory.write_source(TASKS, lines())
    if not count:
        raise without_tasks(options.tasks)
    name = options.tasks.name if options.tasks else options.config.name if options.config else source.name
    return TaskList(name=name, count=count, sha256=sha256(directory.folder.path / TASKS), red_team=red_team)


def manifest_of(source: GenerateSource, options: GenerateOptions, run_id: str, tasks: TaskList) -> GenerateManifest:
    """Return the manifest of a new set."""
    return GenerateManifest(
        run_id=run_id,
        scai=__version__,
        source=source.name,
        initial=source.initial,
        learned=source.learned,
        criteria=source.criteria,
        few_shot=source.few_shot,
        names={persona.id: persona.called for persona in source.config.train_personas},
        by_turns=by_turns(source),
        tasks=tasks,
        orders=row_settings(source, options, tasks.count),
        digests=digests(source.config, of_rows=True),
        config=source.config,
    )
