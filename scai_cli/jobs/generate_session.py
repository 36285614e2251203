"""One session of work on a generated set: its rows are made, taken in order, counted and written."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from scai_cli.concurrency import Capacity, in_order
from scai_cli.datasets.generate.make_row import RowContext, make_row
from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.datasets.generate.row import GeneratedRow
from scai_cli.datasets.generate.row_plan import row_number, row_plans
from scai_cli.errors import STOPS, Interrupted, ScaiError, TooManyFailures
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.session import Spending, Status, going_on, loop_factory, status_after
from scai_cli.models.gate import Meter
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.generated_directory import GeneratedDirectory
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.outcome import begin_session, end_session
from scai_cli.simulation.epoch import AT_ONCE

RECENT: Final = 100
"""The rows among which no more than `max_failures` may fail."""


class Onlooker(Protocol):
    """Somebody who looks on while rows are made."""

    def begin(self, generation: GenerateManifest, written: int, meters: Sequence[Meter]) -> None:
        """Work begins or goes on, with so many rows there; the meters are those of the endpoints."""
        ...

    def see(self, row: GeneratedRow) -> None:
        """A row was written."""
        ...

    def say(self, line: str) -> None:
        """Something is to be known that is no row."""
        ...

    def end(self) -> None:
        """No more rows will come."""
        ...


@dataclass(slots=True)
class Outcome:
    """How work on a generated set ended; `error` is what stopped it; the counts include earlier sessions."""

    run_id: str
    path: Path
    status: Status = "finished"
    error: ScaiError | None = None
    rows: int = 0
    wanted: int = 0
    problems: int = 0
    """Rows that lack something because a call failed for good."""
    spent: Spending = field(default=Spending())

    def summary(self) -> dict[str, Any]:
        """What `scai generate --json` prints and `outcome.json` keeps."""
        return {
            "run_id": self.run_id,
            "path": str(self.path),
            "status": self.status,
            "reason": str(self.error) if self.error else None,
            "rows": self.rows,
            "wanted": self.wanted,
            "problems": self.problems,
            **self.spent.as_object(),
            "wall_s": round(self.spent.wall_s, 3),
        }


def conduct(pool: ModelPool, rows: GeneratedDirectory, generation: GenerateManifest, observer: Onlooker) -> Outcome:
    """Work on a set until it is finished or stopped; what stopped it is told in the outcome."""
    index = None

    def is_to_come(call: str) -> bool:
        number = row_number(call)
        return number is None or number >= rows.written

    try:
        index = CallIndex.read(rows.folder.path / CALLS, {}, is_to_come)
        with asyncio.Runner(loop_factory=loop_factory(pool.config)) as runner:
            return runner.run(_session(pool, rows, generation, index, observer))
    except Interrupted as error:  # while nothing was in flight
        raise Interrupted(f"{error}; go on with `{going_on(rows.folder.path)}`") from None
    finally:
        if index is not None:
            index.close()
        pool.close_cache()
        rows.folder.close()


async def _session(
    pool: ModelPool, rows: GeneratedDirectory, generation: GenerateManifest, index: CallIndex, observer: Onlooker
) -> Outcome:
    outcome = Outcome(rows.folder.run_id, rows.folder.path, wanted=generation.orders.n, problems=rows.problems)
    cost = pool.charge(index, begin_session(rows.folder.path, CALLS))
    observer.begin(generation, rows.written, [gate.meter for gate in pool.gates.values()])
    for name, cut in rows.folder.mended.items():
        observer.say(f"{name}: its last line was torn ({cut} bytes) and is cut off; what it told is done again")
    if generation.learned.contract and not generation.by_turns:
        observer.say("the contract is with nobody among the personas: rows have no user, and its clauses do not count")
    try:
        with Interruption(pool.stop, going_on(rows.folder.path)) as interruption:
            try:
                await _written(pool, rows, generation, index, _Desk(rows, outcome, observer, pool.config))
            except asyncio.CancelledError:
                if interruption.error is None:
                    raise
                raise interruption.error from None
    except STOPS as stop:
        outcome.status, outcome.error = status_after(stop), stop
    finally:
        if pool.cache is not None and pool.cache.problem:
            observer.say(pool.cache.problem)
        observer.end()
    outcome.spent, outcome.rows = Spending.of(pool, index, cost), rows.written
    end_session(rows.folder.path, outcome.summary())
    return outcome


async def _written(
    pool: ModelPool, rows: GeneratedDirectory, generation: GenerateManifest, index: CallIndex, desk: _Desk
) -> None:
    context = RowContext.of(pool.agents(rows.folder.log_call, index if len(index) else None), generation)
    jobs = (make_row(context, seat) for seat in row_plans(generation, rows.folder.path, rows.written))
    calls = pool.config.limits.concurrency
    try:
        await in_order(jobs, Capacity(2 * calls, max(AT_ONCE, 4 * calls)), desk.take)
    finally:
        await pool.aclose()


@dataclass(slots=True)
class _Desk:
    """Takes every row to the folder and to whoever looks on, and stops the work when too many fail."""

    rows: GeneratedDirectory
    outcome: Outcome
    observer: Onlooker
    config: ExperimentConfig
    recent: deque[str | None] = field(default_factory=lambda: deque(maxlen=RECENT))
    encode: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder)

    def take(self, row: GeneratedRow) -> None:
        """Write a row; raises TooManyFailures."""
        self.rows.write_row(self.encode.encode(row))
        self.outcome.problems += row.problem is not None
        self.observer.see(row)
        self.recent.append(row.problem)
        failed = [problem for problem in self.recent if problem is not None]
        share, wanted = self.config.max_failures, min(RECENT, self.outcome.wanted)
        if len(failed) > (max(1.0, share * wanted) if share else 0.0):
            raise TooManyFailures(
                f"{len(failed)} of the last {len(self.recent)} rows failed, more than max_failures allows; "
                f"the first: {failed[0]}"
            )
