"""The same experiment under several welfare functions, each a run of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from scai_cli.analysis.pareto import ParetoFront, ParetoPoint, product_point
from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.jobs.run import resume_blocking, run_blocking
from scai_cli.jobs.saved_experiment import CHANGEABLE, changed_keys, digests
from scai_cli.jobs.session import Observer
from scai_cli.runs.events import Event
from scai_cli.runs.find import is_run
from scai_cli.runs.history.fold import read_history
from scai_cli.social_choice import welfare

_BLIND = ("always", "vote")
"""Acceptance rules that do not look at the declared welfare."""


def frontier(
    file: Path, over: str, overrides: Overrides, runs: Path, observer: Callable[[], Observer[Event]]
) -> ParetoFront:
    """Run an experiment once for each welfare function of `over` (`welfare=utilitarian,nash`).

    A run is called `NAME-FUNCTION`; one that has finished with an equal experiment is not made again, one that has not
    is gone on with. Raises ConfigError, RunError, or what stopped a run: then the same command goes on.
    """
    functions = _functions(over)
    configs = [load_experiment(file, _with(overrides, function)) for function in functions]
    revision = configs[0].revision
    if revision.acceptance in _BLIND and not revision.best_so_far:
        raise ConfigError(
            f"{file}: revision.acceptance: under {revision.acceptance!r} the welfare function decides nothing; "
            "take improves or both, or revision.best_so_far=true"
        )
    points = [_point(config, f, runs, observer()) for config, f in zip(configs, functions, strict=True)]
    return ParetoFront(points)


def _functions(over: str) -> list[str]:
    key, _, names = over.partition("=")
    found = [name.strip() for name in re.findall(r"[^,(]+(?:\([^)]*\))?", names)]
    if key.strip() != "welfare" or not found:
        raise ConfigError(f"--over {over}: write welfare=A,B,..., e.g. --over welfare=utilitarian,rawlsian,nash")
    try:
        labels = [welfare.parse(name).label for name in found]
    except ValueError as error:
        raise ConfigError(f"--over {over}: {error}") from None
    return list(dict.fromkeys(labels))


def _with(overrides: Overrides, function: str) -> Overrides:
    settings: Sequence[str] = [*overrides.settings, f"welfare={function}"]
    return Overrides(settings, overrides.model, overrides.seed)


def _point(config: ExperimentConfig, function: str, runs: Path, observer: Observer[Event]) -> ParetoPoint:
    path = runs / f"{config.name[:40]}-{re.sub(r'[^a-z0-9.]+', '-', function).strip('-')}"
    if is_run(path):
        _check_equal(config, path)
        if read_history(path, messages=False, ratings=False).status != "finished":
            _finish(resume_blocking(path, _bounds(config), observer, trust=True).error)
    else:
        _finish(run_blocking(config, runs, path.name, observer).error)
    return product_point(read_history(path, messages=False, ratings=False), function)


def _bounds(config: ExperimentConfig) -> list[str]:
    """What the experiment says now of all that does not decide about a run's content, as settings."""
    data = config.model_dump(mode="json", include=set(CHANGEABLE))
    return [f"{key}={json.dumps(value)}" for key, value in data.items()]


def _check_equal(config: ExperimentConfig, path: Path) -> None:
    history = read_history(path, messages=False, ratings=False)
    changed = changed_keys(history.started.digests, digests(config)) if history.started else []
    if changed:
        raise RunError(
            f"run {path.name!r} is there already, of an experiment with other {', '.join(changed)}; "
            "move it away, or name another --runs-dir"
        )


def _finish(error: Exception | None) -> None:
    if error is not None:
        raise error
