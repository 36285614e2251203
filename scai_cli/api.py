"""The public API: everything that plug-ins, scripts and notebooks import.

    import scai_cli as scai

    config = scai.load("experiment.yaml", ["epochs=2"])
    outcome = await scai.run(config)  # in a script: asyncio.run(scai.run(config))
    history = scai.history(outcome.run_id)
    rows = list(scai.export(["latest"], "ratings"))

Every other module of the package may change without notice.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scai_cli.concurrency import in_thread
from scai_cli.datasets.export.export import export_rows
from scai_cli.datasets.formats.format import Format, Layout, Row, find_format
from scai_cli.datasets.samples.filters import SampleFilter
from scai_cli.datasets.samples.sample import Answer, Pair, RatingSample, RunSample
from scai_cli.errors import CallFailed, CallTransient, ConfigError, EndpointFailed, ScaiError, UnusedResponse
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.paired_scores import compared
from scai_cli.evaluation.results import Evaluation, read_results
from scai_cli.evaluation.row import EvaluationRow, SystemAnswer
from scai_cli.evaluation.suite import (
    Difference,
    Measure,
    MeasureResult,
    ResultSource,
    ResultTable,
    Suite,
    SuiteContext,
    SuiteResult,
    SuiteSource,
    System,
)
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Add, Merge, Modify, Remove
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.jobs import evaluate as evaluations
from scai_cli.jobs import generate as sets
from scai_cli.jobs import run as runs
from scai_cli.jobs.evaluate_items import read_evaluation_items
from scai_cli.jobs.evaluate_source import EvaluateOptions, read_source
from scai_cli.jobs.generate_source import GenerateOptions
from scai_cli.jobs.generate_source import read_source as read_generate_source
from scai_cli.jobs.row_recorder import RowsResult
from scai_cli.jobs.run import RUNS, run
from scai_cli.jobs.session import Observer, Outcome, SilentObserver
from scai_cli.jobs.starting_constitution import starting_from
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.human import ParticipantPrompt
from scai_cli.runs.find import find_evaluation, find_run, find_source, find_work, is_evaluation, is_generated
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.records import Candidate
from scai_cli.simulation.acceptance.improves import scores_of, try_candidates
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext
from scai_cli.simulation.strategies.rewrite import rewrite

__all__ = [
    "AcceptanceResult",
    "Add",
    "Answer",
    "CallFailed",
    "CallTransient",
    "Candidate",
    "ChatModel",
    "ChatRequest",
    "Completion",
    "ConfigError",
    "Difference",
    "EndpointFailed",
    "Evaluation",
    "EvaluationRow",
    "ExperimentConfig",
    "Format",
    "History",
    "Item",
    "Layout",
    "Measure",
    "MeasureResult",
    "Merge",
    "Message",
    "ModelSettings",
    "Modify",
    "Observer",
    "Pair",
    "RatingSample",
    "Remove",
    "ResultSource",
    "ResultTable",
    "RevisionContext",
    "RunSample",
    "ScaiError",
    "Suite",
    "SuiteContext",
    "SuiteResult",
    "SuiteSource",
    "System",
    "SystemAnswer",
    "UnusedResponse",
    "Usage",
    "compared",
    "evaluate",
    "export",
    "generate",
    "history",
    "in_thread",
    "load",
    "resume",
    "rewrite",
    "run",
    "scores_of",
    "try_candidates",
    "verdicts",
]


def load(
    path: str | Path,
    settings: Sequence[str] = (),
    *,
    model: str | None = None,
    seed: int | None = None,
    runs_dir: Path = RUNS,
) -> ExperimentConfig:
    """Load an experiment file.

    `settings` (`epochs=2`), `model` and `seed` override keys as `--set`, `--model` and `--seed` do; `runs_dir` has
    the run of `constitution.from`. Raises ConfigError with file, line and key.
    """
    return load_experiment(Path(path), Overrides(settings, model, seed), starting_from(runs_dir))


async def resume(
    run: str | Path,
    runs_dir: Path = RUNS,
    settings: Sequence[str] = (),
    observer: Observer[Any] | None = None,
    *,
    trust: bool = False,
    prompt: ParticipantPrompt | None = None,
) -> Outcome[Any]:
    """Continue an unfinished run, generated set or evaluation, given by id, unique prefix of an id, path, or `latest`.

    Finished work stays unchanged. `settings` (`limits.calls=500`) may change limits, prices and addresses. Raises
    RunError if any other setting differs from the first session, if the work is in use or damaged, or if it names
    third-party code and `trust` is not given.
    """
    path, seen = find_work(runs_dir, str(run)), observer or SilentObserver()
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
    runs_dir: Path = RUNS,
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
    found = read_generate_source(options, runs_dir)
    return await sets.start(found, options, runs_dir, run_id, observer or SilentObserver())


async def evaluate(
    systems: Sequence[str],
    suites: Sequence[str] = ("society",),
    *,
    n: int | None = None,
    judges: Sequence[str] | None = None,
    gold: Path | None = None,
    principle: str | None = None,
    config: Path | None = None,
    settings: Sequence[str] = (),
    model: str | None = None,
    seed: int | None = None,
    allow_seen: bool = False,
    trust: bool = False,
    runs_dir: Path = RUNS,
    run_id: str | None = None,
    observer: Observer[Any] | None = None,
) -> Outcome[RowsResult]:
    """Compare systems on the same items, in a new folder that `verdicts` reads; the options are the command's.

    An error that stops the evaluation but allows a resume is in the outcome. Raises ConfigError and RunError before
    anything is written, and OutputError if a file cannot be written.
    """
    overrides = Overrides(settings, model, seed)
    options = EvaluateOptions(systems, suites, n, judges, gold, principle, config, overrides, allow_seen, trust)
    source = read_source(options, runs_dir)
    found = read_evaluation_items(source, options, runs_dir)
    return await evaluations.start(source, found, runs_dir, run_id, observer or SilentObserver())


def history(run: str | Path, runs_dir: Path = RUNS) -> History:
    """Read a run: its epochs with constitutions, conversations, ratings and revisions.

    `run` is an id, a unique prefix of an id, a path, or `latest`. Raises RunError for an unknown or damaged run.
    """
    return read_history(find_run(runs_dir, str(run)))


def verdicts(name: str | Path, runs_dir: Path = RUNS) -> Evaluation:
    """Read an evaluation: its rows, results and verdicts; `name` is given as for `history`.

    Raises RunError for an unknown or damaged evaluation.
    """
    return read_results(find_evaluation(runs_dir, str(name)), trust=True)


def export(
    runs: Sequence[str | Path],
    format_name: str,
    *,
    epoch: int | None = None,
    persona: str | None = None,
    task: str | None = None,
    system: str = "drop",
    runs_dir: Path = RUNS,
) -> Iterator[Row]:
    """Yield the rows of runs and generated sets in a format, one at a time.

    `system` is the rows' system message: `drop` (none), `keep` (the one that the answer was given under), or a text;
    only `keep` yields answers made under one user's clauses. `scai export` writes files, splits and cards. Raises
    ConfigError for an unknown format, RunError for an unknown or damaged run.
    """
    form = find_format(format_name)
    find = find_run if form.kind == "runs" else find_source
    paths = [find(runs_dir, str(run)) for run in runs]
    return export_rows(paths, form, SampleFilter(epoch=epoch, persona=persona, task=task), Layout.parse(system))
