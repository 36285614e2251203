"""Run one experiment under several welfare functions, each in its own run."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scai_cli.analysis.config_warnings import welfare_decides
from scai_cli.analysis.pareto import ParetoFront, ParetoPoint, product_point
from scai_cli.analysis.participants import participants
from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.jobs.run import RunOutcome, resume, run
from scai_cli.jobs.saved_experiment import CHANGEABLE, changed_keys, digests
from scai_cli.jobs.session import Observer, run_on_loop
from scai_cli.jobs.starting_constitution import starting_from
from scai_cli.runs.events import Event
from scai_cli.runs.find import is_run
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.status import outcome_of
from scai_cli.social_choice import welfare


def frontier(
    file: Path, over: str, overrides: Overrides, runs: Path, observer: Callable[[], Observer[Event]]
) -> ParetoFront:
    """Run an experiment once for each welfare function of `over` (`welfare=utilitarian,nash`).

    A run is named `NAME-FUNCTION`. A finished run of an equal experiment is reused; an unfinished one is resumed.
    Raises ConfigError, RunError, or the error that stopped a run; the same command then continues.
    """
    functions, find = _functions(over), starting_from(runs)
    configs = [
        load_experiment(file, replace(overrides, settings=[*overrides.settings, f"welfare={f}"]), find)
        for f in functions
    ]
    if not welfare_decides(configs[0]):
        raise ConfigError(
            f"{file}: revision.acceptance: {configs[0].revision.acceptance!r} ignores the welfare function; "
            "set improves or both, or revision.best_so_far=true"
        )
    points = [_point(config, f, runs, observer()) for config, f in zip(configs, functions, strict=True)]
    return ParetoFront(points, participants(configs[0]))


def _functions(over: str) -> list[str]:
    key, _, names = over.partition("=")
    names_given = [name.strip() for name in re.findall(r"[^,(]+(?:\([^)]*\))?", names)]
    if key.strip() != "welfare" or not names_given:
        raise ConfigError(f"--over {over}: write welfare=A,B,..., e.g. --over welfare=utilitarian,rawlsian,nash")
    try:
        labels = [welfare.parse(name).label for name in names_given]
    except ValueError as error:
        raise ConfigError(f"--over {over}: {error}") from None
    return list(dict.fromkeys(labels))


def _point(config: ExperimentConfig, function: str, runs: Path, observer: Observer[Event]) -> ParetoPoint:
    path = runs / f"{config.name[:40]}-{re.sub(r'[^a-z0-9.]+', '-', function).strip('-')}"
    outcome: RunOutcome | None = None
    if not is_run(path):
        outcome = run_on_loop(run(config, runs, path.name, observer))
    elif _status_of_equal(path, config) != "finished" or not outcome_of(path):  # killed at its very end
        # The current limits, so that a frontier that stopped at one continues with a higher one.
        limits = config.model_dump(mode="json", include=set(CHANGEABLE))
        settings = [f"{key}={json.dumps(value)}" for key, value in limits.items()]
        outcome = run_on_loop(resume(path, settings, observer, trust=True))
    if outcome is not None and outcome.error is not None:
        raise outcome.error
    return product_point(read_history(path, messages=False, ratings=False), function)


def _status_of_equal(path: Path, config: ExperimentConfig) -> str:
    """Return the status of an existing run; raises RunError if its experiment differs."""
    history = read_history(path, messages=False, ratings=False)
    began, now = (digests(each, with_remedies=True) for each in (history.config, config))
    if changed := changed_keys(began, now):
        raise RunError(
            f"run {path.name!r} exists already, with other values of {', '.join(changed)}; "
            "move it to another folder, or give another --runs-dir"
        )
    return history.status
