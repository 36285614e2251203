"""Load the cells of a sweep and check them all, before the first one begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
from scai_cli.runs.locks import is_locked

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
    find, folder = starting_from(runs), runs.resolve()
    return [CellOrder(folder / cell.run_id, cell.values, _job(file, cell, find)) for cell in file.cells]


def _job(file: SweepFile, cell: SweepCell, find: FindEarlier) -> CellJob:
    if file.keys.command == "generate":
        raise ConfigError(f"{file.path}: command: generate is not possible yet")
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


async def check_cells(file: SweepFile, orders: Sequence[CellOrder], say: Callable[[str], None]) -> list[ReadyCell]:
    """Check the models and the folders of all cells; raises ConfigError, KeyUntrusted or RunError.

    A folder that a worker of a killed sweep still writes is waited for.
    """
    _connect_once(file, [order.job.config for order in orders])
    await _wait_for(orders, say)
    return states(file, orders)


def states(file: SweepFile, orders: Sequence[CellOrder]) -> list[ReadyCell]:
    """Return how far each cell is; raises RunError for a folder with other work."""
    cells, refused = [], []
    for order in orders:
        try:
            cells.append(ReadyCell(order, order.job.state(order.path)))
        except ScaiError as error:
            refused.append(f"cell {order.path.name}: {error}")
    if refused:
        more = f" (and {len(refused) - 1} more cells)" if refused[1:] else ""
        raise RunError(f"{file.path}: {refused[0]}{more}; move it, give the sweep another `name:`, or give --runs-dir")
    return cells


def _connect_once(file: SweepFile, configs: Sequence[ExperimentConfig]) -> None:
    """Connect every distinct set of models once: a missing key or price is known before any cell starts."""
    limits = {"usd": file.keys.limits.usd} if file.keys.limits.usd is not None else {}
    seen = set()
    for config in configs:
        models = (
            *(model.model_dump_json() for _, model in config.models()),
            config.model_dump_json(include={"prices"}),
        )
        if models not in seen:
            seen.add(models)
            with ModelPool.connect(with_limits(config, limits).without_judge):
                pass


async def _wait_for(orders: Sequence[CellOrder], say: Callable[[str], None]) -> None:
    ends, said = time.monotonic() + _PATIENCE_S, False
    for order in orders:
        while is_locked(order.path):
            if time.monotonic() > ends:
                raise RunError(f"{order.path}: in use by another process; wait until it ends, or stop it")
            if not said:
                say("waiting for the processes of an earlier sweep, which end in good order")
                said = True
            await asyncio.sleep(_POLL_S)
