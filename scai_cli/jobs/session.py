"""One session of work on a run or a generated set: what may stop it, how it ended, what it cost, how to continue."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from scai_cli.errors import STOPS, Interrupted, LimitReached, RunError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import HUMAN
from scai_cli.jobs.interruption import Interruption, resumable
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.messages import AgentRole, Usage
from scai_cli.models.gate import Meter
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.locked_folder import CALLS, LockedFolder
from scai_cli.runs.outcome import begin_session, end_session
from scai_cli.simulation.epoch_context import Agents

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Status = Literal["finished", "stopped", "failed", "interrupted"]
Returned = TypeVar("Returned")
Seen = TypeVar("Seen", contravariant=True)


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The work that a session begins or continues, with a meter for each endpoint."""

    run_id: str
    config: ExperimentConfig
    meters: Sequence[Meter]


class Observer(Protocol[Seen]):
    """Watches a session: the events of a run, or the rows of a generated set."""

    def begin(self, session: SessionStart) -> None:
        """Called first."""

    def see(self, item: Seen) -> None:
        """Called for everything that happens; a resumed run also shows what happened before."""

    def say(self, line: str) -> None:
        """Called with a message for the user."""

    def end(self) -> None:
        """Called last, also after a failure."""


class SilentObserver:
    """Shows nothing."""

    def begin(self, session: SessionStart) -> None:
        """Show nothing."""

    def see(self, item: object) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class Spending:
    """The calls, tokens and money spent so far, earlier sessions included; `usd` is None where a price is unknown."""

    calls: int = 0
    usage: Usage = field(default=Usage())
    usd: float | None = None
    wall_s: float = 0.0

    @classmethod
    def of(cls, pool: ModelPool, earlier: CallIndex, earlier_usd: float | None) -> Spending:
        """Add what a pool has spent to what the logged calls of earlier sessions cost."""
        meters = pool.meters
        unknown = earlier_usd is None or any(meter.usd is None for meter in meters)
        return cls(
            earlier.paid_calls + sum(meter.calls for meter in meters),
            sum((meter.usage for meter in meters), sum(earlier.spent.values(), Usage())),
            None if unknown else pool.budget.used.usd,
            pool.budget.seconds,
        )

    def as_object(self) -> dict[str, Any]:
        """Return what `--json` prints: `calls`, `usage` and `wall_s`."""
        return {
            "calls": self.calls,
            "usage": {**asdict(self.usage), "usd": None if self.usd is None else round(self.usd, 6)},
            "wall_s": round(self.wall_s, 3),
        }


Result = TypeVar("Result", bound="DataclassInstance")
"""What the work counts itself, e.g. epochs or rows."""


@dataclass(slots=True)
class Outcome(Generic[Result]):
    """How a session ended: `error` is what stopped it before the end of the work; counts include earlier sessions."""

    run_id: str
    path: Path
    result: Result
    status: Status = "finished"
    error: ScaiError | None = None
    spent: Spending = field(default=Spending())

    def stopped_by(self, error: ScaiError) -> None:
        """Note what stopped the session."""
        self.error = error
        self.status = "stopped" if isinstance(error, LimitReached) else "failed"
        if isinstance(error, Interrupted):
            self.status = "interrupted"

    def summary(self) -> dict[str, Any]:
        """Return what `--json` prints and `outcome.json` keeps."""
        return {
            "run_id": self.run_id,
            "path": str(self.path),
            "status": self.status,
            "reason": str(self.error) if self.error else None,
            **asdict(self.result),
            **self.spent.as_object(),
        }


async def work(
    pool: ModelPool,
    folder: LockedFolder,
    index: CallIndex,
    observer: Observer[Any],
    result: Result,
    job: Callable[[Agents], Coroutine[Any, Any, None]],
) -> Outcome[Result]:
    """Do a job with the agents of a pool until it is finished or stopped; what stopped it is in the outcome.

    Every call is logged in the folder and answered from the index where that has an answer.
    """
    outcome = Outcome(folder.run_id, folder.path, result)
    # Earlier sessions count towards the limits before the first call, or each resume would start with a full budget.
    earlier_usd = pool.count_earlier(index, begin_session(folder.path, CALLS))
    agents = pool.agents(folder.log_call, index if len(index) or index.failed else None)
    observer.begin(SessionStart(folder.run_id, pool.config, pool.meters))
    try:
        await stoppable(pool, job(agents), resume_command(folder.path))
    except STOPS as stop:
        outcome.stopped_by(stop)
    finally:
        if pool.cache is not None and pool.cache.problem:
            observer.say(pool.cache.problem)
        observer.end()
    outcome.spent = Spending.of(pool, index, earlier_usd)
    # A session that a bug or a kill ends keeps the status `running`, which the next one takes for an interruption.
    end_session(folder.path, outcome.summary())
    return outcome


def say_mended(folder: LockedFolder, observer: Observer[Any]) -> None:
    """Say which logs lost a torn last line when the folder was opened."""
    for name, cut in folder.mended.items():
        observer.say(f"{name}: its last line was torn ({cut} bytes) and is cut off; what it told is done again")


async def stoppable(pool: ModelPool, job: Awaitable[Returned], command: str) -> Returned:
    """Await a job that asks the models of a pool, then close their connections.

    A signal stops it in order (see `Interruption`); the Interrupted names the command that continues the work.
    """
    with resumable(command), Interruption(pool.stop):
        try:
            return await job
        finally:
            # While signals are still handled, so that a second one also ends a connection that does not close; and
            # before the folder is closed, since a call that is cut off here may still write its line.
            await pool.aclose()


def run_on_loop(models: Iterable[tuple[AgentRole, ModelSettings]], job: Coroutine[Any, Any, Returned]) -> Returned:
    """Run a job that asks these models on a new event loop; for callers without a running loop, as the command line."""
    with asyncio.Runner(loop_factory=loop_factory(models)) as runner:
        return runner.run(job)


def loop_factory(
    models: Iterable[tuple[AgentRole, ModelSettings]],
) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed and a network is used: it halves the cost of a call there."""
    if all(model.provider in ("simulated", HUMAN) for _, model in models):
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def resume_command(path: Path) -> str:
    """Return the command that continues the work on a folder."""
    return f"scai resume {shlex.quote(path.name if path.parent == Path('runs') else str(path))}"


def with_remedy(error: LimitReached, remedy: str) -> LimitReached:
    """Return the error with a remedy in the place of a run's."""
    return LimitReached(f"{str(error).partition(';')[0]}; {remedy}")


def taken(kind: str, path: Path, status: str, changed: Sequence[str] = ()) -> RunError:
    """Return the error for an id that is in use, by the status of the work there and what has changed since."""
    there = f"{kind} {path.name!r} is there already and"
    if status == "running":
        return RunError(f"{there} being worked on; take another --run-id")
    if status == "finished":
        return RunError(f"{there} finished; take another --run-id")
    other = f" (the experiment has changed since: {', '.join(changed)})" if changed else ""
    return RunError(f"{there} not finished{other}; go on with `{resume_command(path)}`")
