"""Run, resume, generate and evaluate, as coroutines for any event loop."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scai_cli.api.reading import Work, load_experiment, name_of
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides
from scai_cli.jobs import evaluate as evaluations
from scai_cli.jobs import generate as sets
from scai_cli.jobs import run as runs
from scai_cli.jobs.evaluate_items import read_evaluation_items
from scai_cli.jobs.evaluate_source import EvaluateOptions, read_source
from scai_cli.jobs.generate_source import GenerateOptions
from scai_cli.jobs.generate_source import read_source as read_generate_source
from scai_cli.jobs.observers import GuardedObserver
from scai_cli.jobs.row_recorder import RowsResult
from scai_cli.jobs.run import RunOutcome
from scai_cli.jobs.session import Observer, Outcome, SilentObserver
from scai_cli.models.human import ParticipantPrompt
from scai_cli.runs.find import RUNS, find_work, is_evaluation, is_generated


async def run(
    config: ExperimentConfig | str | Path,
    runs_dir: str | Path = RUNS,
    run_id: str | None = None,
    observer: Observer[Any] | None = None,
    prompt: ParticipantPrompt | None = None,
    *,
    settings: Sequence[str] = (),
    model: str | None = None,
    seed: int | None = None,
) -> RunOutcome:
    """Run an experiment, or the experiment file at a path, in a new folder that `load` reads.

    The folder is `run_id`, or the next of the experiment's name, `name-2`, ... `settings`, `model` and `seed` override
    keys of a file. `observer` sees the events; without one nothing is shown. Human participants are asked at the
    prompt. An error that stops the run but allows a resume is in the outcome. Raises ConfigError before anything is
    written, RunError, and OutputError if a file cannot be written.
    """
    if not isinstance(config, ExperimentConfig):
        config = load_experiment(config, settings, model=model, seed=seed, runs_dir=runs_dir)
    elif settings or model is not None or seed is not None:
        raise ConfigError("settings, model and seed change an experiment file: give them to `load_experiment`")
    return await runs.run(config, Path(runs_dir), run_id, _guarded(observer), prompt)


async def resume(
    run: Work,
    runs_dir: str | Path = RUNS,
    settings: Sequence[str] = (),
    observer: Observer[Any] | None = None,
    *,
    trust: bool = False,
    prompt: ParticipantPrompt | None = None,
) -> Outcome[Any]:
    """Continue an unfinished run, generated set or evaluation; `run` is given as for `load`.

    Finished work stays unchanged. `settings` (`limits.calls=500`) may change limits, prices, addresses and observers.
    Raises RunError if any other setting differs from the first session, if the work is in use or damaged, or if it
    names third-party code and `trust` is not given.
    """
    path, seen = find_work(Path(runs_dir), name_of(run)), _guarded(observer)
    if is_generated(path):
        return await sets.resume(path, settings, seen, trust=trust)
    if is_evaluation(path):
        return await evaluations.resume(path, settings, seen, trust=trust)
    return await runs.resume(path, settings, seen, trust=trust, prompt=prompt)


async def generate(
    source: str,
    tasks: Path | None = None,
    *,
    n: int | None = None,
    rows: str | None = None,
    personas: Path | None = None,
    config: Path | None = None,
    settings: Sequence[str] = (),
    model: str | None = None,
    judge: str | None = None,
    seed: int | None = None,
    trust: bool = False,
    runs_dir: str | Path = RUNS,
    run_id: str | None = None,
    observer: Observer[Any] | None = None,
) -> Outcome[RowsResult]:
    """Generate dataset rows from a constitution, in a new folder that `export` reads; the options are the command's.

    An error that stops the work but allows a resume is in the outcome. Raises as `evaluate` does.
    """
    options = GenerateOptions(
        source,
        tasks=tasks,
        n=n,
        rows=rows,
        personas=personas,
        config=config,
        overrides=Overrides(settings, model, seed, judge),
        trust=trust,
    )
    found = read_generate_source(options, Path(runs_dir))
    return await sets.start(found, options, Path(runs_dir), run_id, _guarded(observer))


async def evaluate(
    systems: Sequence[str],
    suites: Sequence[str] = ("society",),
    *,
    n: int | None = None,
    judges: Sequence[str] | None = None,
    gold: Path | None = None,
    principle: str | None = None,
    human: Sequence[Path] = (),
    config: Path | None = None,
    settings: Sequence[str] = (),
    model: str | None = None,
    seed: int | None = None,
    allow_seen: bool = False,
    trust: bool = False,
    runs_dir: str | Path = RUNS,
    run_id: str | None = None,
    observer: Observer[Any] | None = None,
) -> Outcome[RowsResult]:
    """Compare systems on the same items, in a new folder that `verdicts` reads; the options are the command's.

    An error that stops the evaluation but allows a resume is in the outcome. Raises ConfigError and RunError before
    anything is written, and OutputError if a file cannot be written.
    """
    overrides = Overrides(settings, model, seed)
    options = EvaluateOptions(systems, suites, n, judges, gold, principle, config, overrides, allow_seen, trust, human)
    source = read_source(options, Path(runs_dir))
    found = read_evaluation_items(source, options, Path(runs_dir))
    return await evaluations.start(source, found, Path(runs_dir), run_id, _guarded(observer))


def _guarded(observer: Observer[Any] | None) -> Observer[Any]:
    """Return an observer whose first failure is a warning, so that it costs the caller no work."""
    if observer is None:
        return SilentObserver()
    return GuardedObserver(type(observer).__name__, lambda: observer, _warn, watching=observer)


def _warn(line: str) -> None:
    warnings.warn(line.removeprefix("warning: "), stacklevel=2)
