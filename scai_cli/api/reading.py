"""Read experiment files and what work has left: runs, evaluations, rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scai_cli.api.loaded_run import Run
from scai_cli.datasets.export.export import export_rows
from scai_cli.datasets.formats.format import Layout, Row, find_format
from scai_cli.datasets.samples.filters import SampleFilter
from scai_cli.errors import RunError
from scai_cli.evaluation.results import Evaluation, read_results
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides
from scai_cli.experiment.load import load_experiment as read_experiment
from scai_cli.jobs.session import Outcome
from scai_cli.jobs.starting_constitution import starting_from
from scai_cli.runs.find import (
    RUNS,
    find_evaluation,
    find_run,
    find_source,
    is_evaluation,
    is_generated,
    is_sweep,
)

Work = str | Path | Outcome[Any]
"""A run, a generated set or an evaluation: an id, a unique prefix of an id, a path, `latest`, or an outcome."""


def load(run: Work, runs_dir: str | Path = RUNS) -> Run:
    """Return a run, finished or not, as tables, texts and a page.

    `run` is an id, a unique prefix of an id, a path, `latest`, or the outcome of `scai.run`. Raises RunError for an
    unknown run, and for an experiment file, a generated set, an evaluation or a sweep, which other functions read.
    """
    name, folder = name_of(run), Path(runs_dir)
    if other := _other(name, Path(name) if "/" in name else folder / name):
        raise RunError(other)
    return Run(find_run(folder, name))


def _other(name: str, path: Path) -> str | None:
    """Return an error for work of another kind, with the function that reads it; None for a run or an unknown name."""
    if Path(name).suffix in (".yaml", ".yml") and not path.is_dir():
        return f"{name}: is an experiment file; use scai.load_experiment({name!r}), or play it with scai.run({name!r})"
    if is_generated(path):
        return f"{name!r} is a generated set; read its rows with scai.export([{name!r}], FORMAT)"
    if is_evaluation(path):
        return f"{name!r} is an evaluation; read it with scai.verdicts({name!r})"
    if is_sweep(path):
        return f"{name!r} is a sweep; load one of the runs that `scai show {name}` lists, by its path"
    return None


def load_experiment(
    path: str | Path,
    settings: Sequence[str] = (),
    *,
    model: str | None = None,
    seed: int | None = None,
    runs_dir: str | Path = RUNS,
) -> ExperimentConfig:
    """Load an experiment file.

    `settings` (`epochs=2`), `model` and `seed` override keys as `--set`, `--model` and `--seed` do; `runs_dir` has
    the run of `constitution.from`. Raises ConfigError with file, line and key.
    """
    return read_experiment(Path(path), Overrides(settings, model, seed), starting_from(Path(runs_dir)))


def verdicts(name: Work, runs_dir: str | Path = RUNS) -> Evaluation:
    """Read an evaluation: its rows, results and verdicts; `name` is given as for `load`.

    Raises RunError for an unknown or damaged evaluation.
    """
    return read_results(find_evaluation(Path(runs_dir), name_of(name)), trust=True)


def export(
    runs: Sequence[Work],
    format_name: str,
    *,
    epoch: int | None = None,
    persona: str | None = None,
    task: str | None = None,
    system: str = "drop",
    runs_dir: str | Path = RUNS,
) -> Iterator[Row]:
    """Yield the rows of runs and generated sets in a format, one at a time.

    `system` is the rows' system message: `drop` (none), `keep` (the one that the answer was given under), or a text;
    only `keep` yields answers made under one user's clauses. `scai export` writes files, splits and cards. Raises
    ConfigError for an unknown format, RunError for an unknown or damaged run.
    """
    form = find_format(format_name)
    find = find_run if form.kind == "runs" else find_source
    paths = [find(Path(runs_dir), name_of(run)) for run in runs]
    return export_rows(paths, form, SampleFilter(epoch=epoch, persona=persona, task=task), Layout.parse(system))


def name_of(work: Work) -> str:
    """Return the id or path that names work; of an outcome its whole path, which needs no folder of runs."""
    return str(work.path.resolve()) if isinstance(work, Outcome) else str(work)
