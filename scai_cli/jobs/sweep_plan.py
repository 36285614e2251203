"""Count the calls, tokens and cost of a sweep's cells; call no model and write nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scai_cli.experiment.sweep_file import SweepFile
from scai_cli.jobs.plan import tokens_of, total_cost
from scai_cli.jobs.sweep_cell import ExpectedUse, State
from scai_cli.jobs.sweep_jobs import doubts, load_cells, states
from scai_cli.messages import Usage


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """What a whole cell is expected to use, and how far it is; `usd` is None if a price is unknown."""

    run_id: str
    values: Mapping[str, Any]
    state: State
    calls: int
    usage: Usage
    usd: float | None


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """The cells of a sweep, and what those that are not finished are expected to use."""

    name: str
    axes: Sequence[str]
    cells: Sequence[PlannedCell]
    warnings: Sequence[str]
    """The reasons to doubt an axis, a line each."""

    @property
    def _left(self) -> list[PlannedCell]:
        return [cell for cell in self.cells if cell.state != "finished"]

    @property
    def calls(self) -> int:
        """The calls of the cells that are not finished, earlier sessions included."""
        return sum(cell.calls for cell in self._left)

    @property
    def usage(self) -> Usage:
        """Their tokens."""
        return sum((cell.usage for cell in self._left), Usage())

    @property
    def usd(self) -> float | None:
        """Their cost; None if a price is unknown."""
        return total_cost([cell.usd for cell in self._left])

    def as_object(self) -> dict[str, Any]:
        """Return what `scai sweep --dry-run --json` prints."""
        cells = [
            {"run_id": cell.run_id, "values": cell.values, "state": cell.state}
            | {"calls": cell.calls, "usd": cell.usd, "tokens": tokens_of(cell.usage)}
            for cell in self.cells
        ]
        whole = {"calls": self.calls, "tokens": tokens_of(self.usage), "usd": self.usd}
        return {"name": self.name, "axes": list(self.axes), "cells": cells, **whole, "warnings": list(self.warnings)}


def plan_sweep(file: SweepFile, runs: Path) -> SweepPlan:
    """Load and check all cells, and rehearse those that differ in more than the seed; raises as a sweep does."""
    known: dict[str, ExpectedUse] = {}
    cells, orders = [], load_cells(file, runs)
    for ready in states(file, orders):
        job = ready.order.job
        key = job.plan_key()
        use = known[key] = known.get(key) or job.plan()
        cells.append(PlannedCell(ready.order.path.name, ready.order.values, ready.state, use.calls, use.usage, use.usd))
    return SweepPlan(file.name, file.axes, cells, [*doubts(file, orders), *_too_much(file, cells)])


def _too_much(file: SweepFile, cells: Sequence[PlannedCell]) -> Iterator[str]:
    """Yield the limits of the whole sweep that are too low for its cells, with what these take."""
    sums = {
        "calls": sum(cell.calls for cell in cells),
        "tokens": sum(cell.usage.total for cell in cells),
        "usd": round(total_cost([cell.usd for cell in cells]) or 0.0, 4),
    }
    for key, need in sums.items():
        limit = getattr(file.keys.limits, key)
        if limit is not None and need > limit:
            yield f"limits.{key}: {limit:,} is not enough, as all cells take about {need:,}; some will stop unfinished"
