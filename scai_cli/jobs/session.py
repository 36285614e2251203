"""One session of work on a run or generated set, with its outcome, its cost and the command that continues it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from scai_cli.analysis.health import answer_warnings
from scai_cli.errors import (
    ENDS,
    AnswerLost,
    BatchesWait,
    EndpointFailed,
    Interrupted,
    LimitReached,
    RunError,
    ScaiError,
)
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.jobs.interruption import Interruption, resumable, signals_later
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.messages import Usage
from scai_cli.models.call_count import CallCount
from scai_cli.models.tally import Meter
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.find import resume_command
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.runs.history.status import outcome_of
from scai_cli.runs.locked_folder import CALLS, LockedFolder
from scai_cli.runs.outcome import begin_session, end_session, is_finished
from scai_cli.simulation.epoch_context import Agents

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Status = Literal["finished", "stopped", "failed", "interrupted"]
Returned = TypeVar("Returned")
Seen = TypeVar("Seen", contravariant=True)


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The start of a session: its run or set, the experiment, and what changes while it works.

    These are a meter per endpoint, how far the calls are, and what all sessions have spent.
    """

    run_id: str
    config: ExperimentConfig
    meters: Sequence[Meter]
    count: CallCount = field(default_factory=CallCount)
    spent: Callable[[], Spending] = field(default=lambda: Spending())


class Observer(Protocol[Seen]):
    """Watches a session: the events of a run, or the rows of a generated set or evaluation.

    A class that inherits from it needs only the methods that it uses.
    """

    # Each returns explicitly: type checkers take a method with nothing but a docstring for abstract.

    def begin(self, session: SessionStart) -> None:  # noqa: ARG002
        """Called first."""
        return

    def see(self, item: Seen) -> None:  # noqa: ARG002
        """Called for every event or row; on a resume also for those of earlier sessions, except rows of a set."""
        return

    def say(self, line: str) -> None:  # noqa: ARG002
        """Called with a message for the user."""
        return

    def end(self) -> None:
        """Called last, after a failure as well."""
        return


@dataclass(slots=True)
class HealthWatch:
    """Says each warning about the answers when it first applies, and at the end again if its numbers have changed."""

    config: ExperimentConfig
    say: Callable[[str], None]
    counts: AnswerCounts = field(default_factory=AnswerCounts)
    said: dict[str, str] = field(default_factory=dict)

    def warnings(self, *, at_end: bool) -> list[str]:
        """Return the warnings so far, after the new ones are said."""
        found = answer_warnings(self.counts, self.config)
        if not self.config.force:  # the error says it
            found.pop("rater_check", None)
        for reason in [r for r in found if r not in self.said or (at_end and self.said[r] != found[r])]:
            self.say(f"warning: {found[reason]}")
            self.said[reason] = found[reason]
        return list(found.values())


@dataclass
class SilentObserver(Observer[object]):
    """Shows nothing, except for the messages, if there is a function that shows them."""

    show: Callable[[str], object] | None = None

    def say(self, line: str) -> None:
        """Show a message."""
        if self.show is not None:
            self.show(line)


@dataclass(frozen=True, slots=True)
class Spending:
    """The calls, tokens and money spent in all sessions; `usd` is None if a price is unknown."""

    calls: int = 0
    usage: Usage = field(default=Usage())
    usd: float | None = None
    wall_s: float = 0.0

    @classmethod
    def of(cls, pool: ModelPool, earlier: CallIndex, earlier_usd: float | None) -> Spending:
        """Return the sum of a pool's spending and of the logged calls of earlier sessions."""
        meters = pool.meters
        unknown = earlier_usd is None or any(meter.usd is None for meter in meters)
        return cls(
            earlier.paid_calls + sum(meter.calls for meter in meters),
            sum((meter.usage for meter in meters), sum(earlier.spent.values(), Usage())),
            None if unknown else pool.budget.used.usd,
            pool.budget.seconds,
        )

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Spending | None:
        """Return the spending that an outcome has; None if another version wrote it, or a user."""
        try:
            usage = {**said["usage"]}
            return cls(said["calls"], usd=usage.pop("usd"), usage=Usage(**usage), wall_s=said["wall_s"])
        except (LookupError, TypeError, ValueError):
            return None

    def as_object(self) -> dict[str, Any]:
        """Return the keys `calls`, `usage` and `wall_s` of `--json`."""
        # Rounded twice, as a sum of floats depends on its order: without the first one a tie could go either way.
        usd = None if self.usd is None else round(round(self.usd, 10), 6)
        return {
            "calls": self.calls,
            "usage": {**asdict(self.usage), "usd": usd},
            "wall_s": round(self.wall_s, 3),
        }


Result = TypeVar("Result", bound="DataclassInstance")
"""The result of the work, e.g. its numbers of epochs or rows."""


@dataclass(slots=True)
class Outcome(Generic[Result]):
    """The outcome of a session; `error` is the error that stopped it early; counts include earlier sessions."""

    run_id: str
    path: Path
    result: Result
    status: Status = "finished"
    error: ScaiError | None = None
    spent: Spending = field(default=Spending())

    def stopped_by(self, error: ScaiError) -> None:
        """Record the error that stopped the session."""
        self.error = error
        self.status = "stopped" if isinstance(error, LimitReached | BatchesWait) else "failed"
        if isinstance(error, Interrupted):
            self.status = "interrupted"

    def summary(self) -> dict[str, Any]:
        """Return the object of `--json` and `outcome.json`."""
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
    """Run a job until it ends or is stopped, and return the outcome; log each call, or answer it from the index."""
    outcome = Outcome(folder.run_id, folder.path, result)
    # Earlier sessions count towards the limits before the first call, or each resume would start with a full budget.
    earlier_usd = pool.count_earlier(index, begin_session(folder.path, CALLS))
    pool.keep_batches(folder)
    agents = pool.agents(folder.log_call, index)
    spent = partial(Spending.of, pool, index, earlier_usd)
    observer.begin(SessionStart(folder.run_id, pool.config, pool.meters, pool.count, spent))
    for line in folder.repairs:
        observer.say(line)
    pool.notices.listener = observer.say
    try:
        await stoppable(pool, job(agents), resume_command(folder.path))
        pool.count.finish()
    except AnswerLost:
        raise
    except ENDS as stop:
        outcome.stopped_by(_with_command(stop, resume_command(folder.path)))
    finally:
        if pool.cache is not None and pool.cache.problem:
            observer.say(pool.cache.problem)
        observer.end()
    outcome.spent = Spending.of(pool, index, earlier_usd)
    # A session that a bug or a kill ends keeps the status `running`, which the next one takes for an interruption.
    try:
        folder.sync()  # before the outcome says how the logs end
        end_session(folder.path, outcome.summary())
    except ScaiError as error:
        outcome.error = outcome.error or error
    return outcome


def finished_before(path: Path, result: type[Result]) -> Outcome[Result] | None:
    """Return the outcome of finished work if its files are as its last session left them, else None."""
    if not is_finished(path):
        return None
    said = outcome_of(path)
    spent = Spending.read(said)
    if spent is None or any(each.name not in said for each in fields(result)):  # of another version
        return None
    return Outcome(path.name, path, result(**{each.name: said[each.name] for each in fields(result)}), spent=spent)


def _with_command(stop: ScaiError, command: str) -> ScaiError:
    """Return the error with the command that continues this work, unless another sampling needs a new run."""
    text = re.sub(r"`scai resume(?=`| --)", lambda _: f"`{command}", str(stop))
    if isinstance(stop, EndpointFailed) and not any(words in text for words in ("`scai resume", "new run")):
        text += f"; then continue with `{command}`"
    stop.args = (text, *stop.args[1:])
    return stop


async def stoppable(pool: ModelPool, job: Awaitable[Returned], command: str) -> Returned:
    """Await a job that calls the models of a pool, then close their connections.

    A signal stops it cleanly (see `Interruption`); the Interrupted contains the command that continues the work.
    """
    with resumable(command), Interruption(pool.stop):
        try:
            return await job
        finally:
            # While signals are still handled, so that a second one also ends a connection that does not close; and
            # before the folder is closed, since a call that is cut off here may still write its line.
            await pool.aclose()


def run_on_loop(job: Coroutine[Any, Any, Returned]) -> Returned:
    """Run a job on a new event loop, for callers without a running loop."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner, signals_later() as deliver:

        async def work() -> Returned:
            deliver()
            return await job

        return runner.run(work())


def run_watched(
    pool: ModelPool, job: Coroutine[Any, Any, Returned], command: str, observer: Observer[Any], start: SessionStart
) -> Returned:
    """Run a job as `stoppable` does, on a new event loop; the observer sees no item, only how far the calls are."""
    try:
        observer.begin(start)
        returned = run_on_loop(stoppable(pool, job, command))
        pool.count.finish()
        return returned
    finally:
        observer.end()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop if it is installed, as it halves the CPU cost of a call over a network."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def with_remedy(error: LimitReached, remedy: str) -> LimitReached:
    """Return the error with another remedy."""
    return LimitReached(f"{str(error).partition(';')[0]}; {remedy}")


def taken(kind: str, path: Path, status: str, changed: Sequence[str] = ()) -> RunError:
    """Build the error for an id in use, from the status of the existing work and its changed keys."""
    there = f"{kind} {path.name!r} exists already and"
    if status == "running":
        return RunError(f"{there} is in progress; choose another --run-id")
    if status == "finished":
        return RunError(f"{there} is finished; choose another --run-id")
    other = f" (the experiment has changed since: {', '.join(changed)})" if changed else ""
    remedy = f"continue with `{resume_command(path)}`, or choose another --run-id"
    return RunError(f"{there} is not finished{other}; {remedy}")
