"""The public API: everything that plug-ins, scripts and notebooks import.

    import scai_cli as scai

    config = scai.load("experiment.yaml", ["epochs=2"])
    outcome = await scai.run(config)  # in a script: asyncio.run(scai.run(config))
    history = scai.history("latest")
    rows = list(scai.export(["latest"], "ratings"))

Every other module of the package may change without notice.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

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
from scai_cli.jobs.run import RUNS, resume, run
from scai_cli.jobs.session import Observer
from scai_cli.jobs.starting_constitution import starting_from
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models.base import ChatModel
from scai_cli.runs.find import find_evaluation, find_run, find_source
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
    "export",
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
