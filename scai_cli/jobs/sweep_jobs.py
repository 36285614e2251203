"""Load the cells of a sweep and check them all, before the first one begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from scai_cli.analysis.config_warnings import axis_warnings
from scai_cli.errors import ConfigError, RunError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution_start import FindEarlier
from scai_cli.experiment.load import GivenValues, Overrides, load_experiment
from scai_cli.experiment.model_settings import parse_model
from scai_cli.experiment.sweep_file import SweepCell, SweepFile
from scai_cli.jobs.interruption import GRACE_S
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.starting_constitution import starting_from
from scai_cli.jobs.sweep_budget import with_limits
from scai_cli.jobs.sweep_cell import CellJob, CellOrder, RunJob, State
from scai_cli.jobs.sweep_generate import GenerateJobs
from scai_cli.runs.file_names import LATEST
from scai_cli.runs.locks import is_locked
from scai_cli.text.counts import counted

_PATIENCE_S: Final = 2 * GRACE_S
"""The time in which the workers of a killed sweep end in good order."""
_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class ReadyCell:
    """A cell that may start, and how far it is."""

    order: CellOrder
    state: State


def load_cells(file: SweepFile, runs: Path) -> list[CellOrder]:
    """Load every cell; raises ConfigError with file, cell and key for the first wrong one."""
    if file.name == LATEST:
        raise ConfigError(f"{file.path}: name: {LATEST!r} means the newest run; give the sweep another `name:`")
    find, folder, sets = starting_from(runs), runs.resolve(), GenerateJobs(file, runs)
    job = sets.job if file.keys.command == "generate" else partial(_run_job, file, find)
    return [CellOrder(folder / cell.run_id, cell.values, job(cell)) for cell in file.cells]


def _run_job(file: SweepFile, find: FindEarlier, cell: SweepCell) -> CellJob:
    config = load_experiment(file.path.parent / (file.keys.experiment or ""), overrides(file, cell), find)
    if human := next((persona.id for persona in config.personas.inline if persona.human), None):
        raise ConfigError(
            f"{file.where(cell)}: persona {human!r} is a real person, whom only `scai run` asks; leave them out"
        )
    return RunJob(config)


def overrides(file: SweepFile, cell: SweepCell) -> Overrides:
    """Return what a cell sets; `model: PROVIDER:NAME` is the option `--model`."""
    given, place = {**cell.settings}, file.where(cell)
    model = given.pop("model") if isinstance(given.get("model"), str) else None
    if model is not None:
        parse_model(model, f"{place}: model")
    return Overrides(model=model, given=GivenValues(place, given))


def doubts(file: SweepFile, orders: Sequence[CellOrder]) -> list[str]:
    """Return the reasons to doubt an axis of runs, a line each."""
    configs = [order.job.config for order in orders] if file.keys.command == "run" else []
    return axis_warnings(file.axes, configs) if configs else []


def states(file: SweepFile, orders: Sequence[CellOrder]) -> list[ReadyCell]:
    """Return how far each cell is; raises RunError for a folder with other work."""
    cells, refused = [], []
    for order in orders:
        try:
            cells.append(ReadyCell(order, order.job.state(order.path)))
        except ScaiError as error:
            refused.append(f"cell {order.path.name}: {error}")
    if refused:
        more = f" (and {counted(len(refused) - 1, 'more cell')})" if refused[1:] else ""
        raise RunError(f"{file.path}: {refused[0]}{more}; move it, give the sweep another `name:`, or give --runs-dir")
    return cells


def check_models(file: SweepFile, configs: Sequence[ExperimentConfig]) -> None:
    """Connect every distinct set of models once, so that a missing key or price is known before any cell starts.

    Raises ConfigError or KeyUntrusted.
    """
    limits = {"usd": file.keys.limits.usd} if file.keys.limits.usd is not None else {}
    seen = set()
    for config in configs:
        models = (
            *(model.model_dump_json() for _, model in config.models()),
            config.model_dump_json(include={"prices"}),
        )
        if models not in seen:
            seen.add(models)
            with ModelPool.connect(with_limits(config, limits)):
                pass


async def wait_for_folders(orders: Sequence[CellOrder], say: Callable[[str], None]) -> None:
    """Wait until the workers of a killed sweep have left the folders; raises RunError if others are in use."""
    ends, said = time.monotonic() + _PATIENCE_S, False
    for order in orders:
        while is_locked(order.path):
            if time.monotonic() > ends:
                raise RunError(f"{order.path}: in use by another process; wait until it ends, or stop it")
            if not said:
                say("waiting for the processes of an earlier sweep, which end in good order")
                said = True
            await asyncio.sleep(_POLL_S)
