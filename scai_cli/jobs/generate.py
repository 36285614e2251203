"""Rows at scale under a constitution: source -> header -> crew -> rows in order -> the generated set's folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from scai_cli import __version__
from scai_cli.datasets.generate.manifest import GenerateManifest, TaskList, dump_generation, read_generation
from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.load import Overrides, dump_experiment
from scai_cli.jobs.generate_session import Onlooker, Outcome, conduct
from scai_cli.jobs.generate_source import GenerateOptions, GenerateSource, by_turns, check, read_source, wanted_tasks
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.run import digests, refuse_foreign
from scai_cli.jobs.session import going_on
from scai_cli.runs.find import is_generated, is_run
from scai_cli.runs.generated_directory import EXPERIMENT, TASKS, GeneratedDirectory
from scai_cli.runs.locked_folder import LockedFolder
from scai_cli.runs.locks import is_locked
from scai_cli.runs.outcome import OUTCOME

__all__ = ["GenerateOptions", "Onlooker", "Outcome", "resume", "start"]


def start(wish: GenerateOptions, runs: Path, run_id: str | None, observer: Onlooker) -> Outcome:
    """Make a new generated set.

    What a resume can go on from is told in the outcome. Raises ConfigError and RunError before anything is written,
    and OutputError when the disk refuses.
    """
    if run_id is not None and (is_generated(runs / run_id) or is_run(runs / run_id)):
        raise _taken(runs / run_id)
    source = read_source(wish, runs)
    check(source, wish)
    pool = ModelPool.connect(source.config)
    try:
        rows = GeneratedDirectory.create(runs, run_id, f"{source.stem}-rows")
        with rows.traceless_on_failure():
            generation = _header(source, wish, rows, _kept(rows, wish, source))
            rows.bear(dump_experiment(source.config), dump_generation(generation))
    except BaseException:
        pool.close_cache()
        raise
    return conduct(pool, rows, generation, observer)


def resume(path: Path, settings: Sequence[str], observer: Onlooker, *, trust: bool = False) -> Outcome:
    """Go on where work on a generated set ended; rows that are written stay as they are.

    `settings` may change what does not decide about the rows' content, as with a run. Raises RunError when anything
    else differs from what the set began with, when it is in use or damaged, or names code that is not trusted.
    """
    generation = read_generation(path, Overrides(settings=settings))
    if not trust:
        refuse_foreign(generation.config, path)
    now = digests(generation.config)
    began = generation.digests
    if changed := [key for key in {**began, **now} if began.get(key) != now.get(key)]:
        raise RunError(
            f"generated set {path.name!r} cannot go on: it began with other {', '.join(changed)} than "
            f"{path / EXPERIMENT} and the options say now; undo the change, or begin a new one"
        )
    rows = GeneratedDirectory.reopen(path)
    try:
        if rows.tasks_digest() != generation.tasks.sha256:
            raise RunError(
                f"{path / TASKS}: is not what the set began with; restore it from a copy, or begin a new set"
            )
        pool = ModelPool.connect(generation.config)
        _rewrite(rows.folder, dump_experiment(generation.config))
    except BaseException:
        rows.folder.close()
        raise
    return conduct(pool, rows, generation, observer)


def _kept(rows: GeneratedDirectory, wish: GenerateOptions, source: GenerateSource) -> TaskList:
    """Write the tasks into the folder, one after the other."""
    tasks = wanted_tasks(wish, source)
    count = rows.write_tasks(task.model_dump_json(exclude_defaults=True).encode() for task in tasks)
    if not count:
        raise ConfigError(f"{wish.tasks}: there is no task in it")
    name = wish.tasks.name if wish.tasks else wish.config.name if wish.config else source.name
    return TaskList(name=name, count=count, sha256=rows.tasks_digest())


def _header(
    source: GenerateSource, wish: GenerateOptions, rows: GeneratedDirectory, tasks: TaskList
) -> GenerateManifest:
    return GenerateManifest(
        run_id=rows.folder.run_id,
        scai=__version__,
        source=source.name,
        initial=source.initial,
        learned=source.learned,
        names={persona.id: persona.called for persona in source.config.train_personas},
        by_turns=by_turns(source),
        tasks=tasks,
        orders=wish.orders.model_copy(update={"n": tasks.count if wish.n is None else wish.n}),
        digests=digests(source.config),
        config=source.config,
    )


def _rewrite(folder: LockedFolder, experiment: str) -> None:
    """Keep what the options have changed; an untouched file keeps its date."""
    if (folder.path / EXPERIMENT).read_bytes() != experiment.encode():
        folder.write_text(EXPERIMENT, experiment)


def _taken(path: Path) -> RunError:
    """Why a set of that id cannot be begun."""
    if is_run(path):
        return RunError(f"{path.name!r} is the id of a run; take another --run-id")
    if is_locked(path):
        return RunError(f"generated set {path.name!r} is there already and being worked on; take another --run-id")
    try:
        finished = json.loads((path / OUTCOME).read_bytes())["status"] == "finished"
    except (OSError, ValueError, KeyError, TypeError):
        finished = False
    if finished:
        return RunError(f"generated set {path.name!r} is there already and finished; take another --run-id")
    return RunError(f"generated set {path.name!r} is there already and not finished; go on with `{going_on(path)}`")
