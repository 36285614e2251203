"""One cell of a sweep: play or continue its run. It knows no engine, and an engine knows only this module."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self

from scai_cli.analysis.cell_numbers import CellNumbers, cell_numbers
from scai_cli.errors import BatchesWait, Interrupted, LimitReached, ProviderError, RunError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, load_saved
from scai_cli.jobs.addresses import refuse_other_address
from scai_cli.jobs.plan import cost_of, plan_experiment
from scai_cli.jobs.run import continue_run, run
from scai_cli.jobs.saved_experiment import changed_keys, digests
from scai_cli.jobs.session import Observer, Outcome, SessionStart, Spending
from scai_cli.jobs.sweep_budget import with_limits
from scai_cli.messages import Usage
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.file_names import CONFIG
from scai_cli.runs.find import is_run
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.status import outcome_of
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.outcome import is_finished, read_outcome
from scai_cli.runs.sweep_directory import CellRecord, CellStatus
from scai_cli.simulation.stages import expected_calls
from scai_cli.text.characters import one_line

State = Literal["new", "unfinished", "finished"]
_CONTINUE: Final = re.compile(r"(?:[;,]? (?:when this is solved,|(?:and )?then))? continue with `scai resume [^`]*`$")
_REPORTED_S: Final = 0.5
"""The seconds from one report on a cell's progress to the next."""
_NONE: Final = CellNumbers({}, None, None)


@dataclass(frozen=True, slots=True)
class ExpectedUse:
    """What a whole cell is expected to use; `usd` is None if a price is unknown."""

    calls: int
    usage: Usage
    usd: float | None


@dataclass(frozen=True, slots=True)
class CellProgress:
    """How far the calls of a cell are in all its sessions, and the money spent; `usd` is None if a price is unknown."""

    done: int
    total: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class CellListener:
    """Listens to a cell at work: its messages for the user, and, now and then, its progress."""

    say: Callable[[str], None] = lambda _: None
    report: Callable[[CellProgress], None] = lambda _: None


@dataclass(slots=True)
class _CellObserver(Observer[object]):
    """Passes the messages and the progress of a cell on; its events and rows are in its folder."""

    listener: CellListener
    _session: SessionStart | None = None
    _timer: asyncio.TimerHandle | None = None
    _last: CellProgress | None = None

    def begin(self, session: SessionStart) -> None:
        self._session = session
        self._report()

    def say(self, line: str) -> None:
        self.listener.say(line)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _report(self) -> None:
        assert self._session is not None
        count = self._session.count
        now = CellProgress(count.done, count.total, self._session.spent().usd)
        if now != self._last:
            self._last = now
            self.listener.report(now)
        self._timer = asyncio.get_running_loop().call_later(_REPORTED_S, self._report)


class CellJob(Protocol):
    """The work of a cell: a run, or a generated set. A job can be pickled."""

    @property
    def config(self) -> ExperimentConfig:
        """The experiment."""

    @property
    def connected(self) -> ExperimentConfig:
        """The experiment with the models that the work calls."""

    def limited(self, limits: Mapping[str, Any]) -> Self:
        """Return the job with other limits."""

    def state(self, path: Path) -> State:
        """Return how far the folder of the cell is; raises RunError if it has other work, with the keys that differ."""

    async def play(self, path: Path, observer: Observer[Any]) -> Outcome[Any]:
        """Start or continue the work; an error that allows to continue is in the outcome."""

    def numbers(self, path: Path) -> CellNumbers:
        """Return what the sweep's table shows of the finished work."""

    def expected_calls(self) -> int | None:
        """Return the expected calls without a rehearsal; None if that would take long."""

    def plan(self) -> ExpectedUse:
        """Rehearse the work."""

    def plan_key(self) -> str:
        """Return a text that only jobs with the same plan share."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """A cell that is a run."""

    config: ExperimentConfig

    @property
    def connected(self) -> ExperimentConfig:
        """The experiment without a judge."""
        return self.config.without_judge

    def limited(self, limits: Mapping[str, Any]) -> RunJob:
        """Return the job with other limits."""
        return replace(self, config=with_limits(self.config, limits))

    def state(self, path: Path) -> State:
        """Return how far the run is; raises RunError if its experiment differs, or for other work in the folder."""
        if not is_run(path):
            if path.is_dir() and any(file.suffix == ".yaml" for file in path.iterdir()):
                raise RunError(f"{path}: exists already and is not a run")
            return "new"
        saved = load_saved(path / CONFIG)
        done = is_finished(path)
        # What has failed continues with another remedy, as by `scai resume --set`.
        before, now = (digests(each, with_remedies=done) for each in (saved, self.config))
        return state_of("run", path, saved, changed_keys(before, now), is_done=done)

    async def play(self, path: Path, observer: Observer[Any]) -> Outcome[Any]:
        """Start or continue the run; an error that allows to continue is in the outcome."""
        if is_run(path):
            return await continue_run(path, self.config, observer)
        return await run(self.config, path.parent, path.name, observer)

    def numbers(self, path: Path) -> CellNumbers:
        """Return the welfare of the run's product and the held-out gain."""
        return cell_numbers(read_history(path, messages=False, ratings=False))

    def expected_calls(self) -> int:
        """Return the expected calls of the run."""
        return math.ceil(sum(expected_calls(self.config).values()))

    def plan(self) -> ExpectedUse:
        """Rehearse the run."""
        plan = plan_experiment(self.config)
        return ExpectedUse(sum(plan.calls.values()), sum(plan.usage.values(), Usage()), plan.usd)

    def plan_key(self) -> str:
        """Return the experiment without its seed."""
        return self.config.model_dump_json(exclude={"seed"})


def state_of(kind: str, path: Path, saved: ExperimentConfig, changed: Sequence[str], *, is_done: bool) -> State:
    """Return how far a cell's folder is; raises RunError if keys have changed, or if calls would go elsewhere."""
    if changed:
        raise RunError(f"{kind} {path.name!r} exists already, with other values of {', '.join(changed)}")
    if is_done:
        return "finished"
    refuse_other_address((model for _, model in saved.models()), Overrides())
    return "unfinished"


@dataclass(frozen=True, slots=True)
class CellOrder:
    """A cell for an engine, small enough to be pickled; `path` is the folder of its run, absolute."""

    path: Path
    values: Mapping[str, Any]
    job: CellJob


@dataclass(frozen=True, slots=True)
class CellResult:
    """The record of a cell at its end, and the exit code of its error: 0 if it is finished."""

    record: CellRecord
    exit_code: int = 0


async def run_cell(order: CellOrder, listener: CellListener = CellListener()) -> CellResult:
    """Start or continue a cell; every error that a user can meet is in the result."""
    try:
        outcome = await order.job.play(order.path, _CellObserver(listener))
    except ScaiError as error:
        return failed(order, error)
    if outcome.error is not None:
        return failed(order, outcome.error, outcome.spent)
    return CellResult(_record(order, "finished", outcome.spent, order.job.numbers(order.path)))


def kept(order: CellOrder) -> CellRecord:
    """Return the record of a cell that is finished already."""
    spent = Spending.read(outcome_of(order.path)) or Spending()
    return _record(order, "finished", spent, order.job.numbers(order.path))


def spent_before(order: CellOrder, record: CellRecord) -> CellRecord:
    """Return the record of an unfinished cell with the sums of its call log, as its process may have been killed."""
    try:
        index = CallIndex.read(order.path / CALLS)
    except RunError:  # a damaged line, which the cell itself reports
        return record
    usage, wall = sum(index.spent.values(), Usage()), read_outcome(order.path).get("wall_s")
    spent = {
        "calls": index.paid_calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "usd": cost_of(order.job.config, index.spent),
        "wall_s": wall if isinstance(wall, float) else 0.0,
    }
    return record.model_copy(update=spent)


def failed(order: CellOrder, error: ScaiError, spent: Spending | None = None) -> CellResult:
    """Return the result for an error."""
    status: CellStatus = "failed"
    problem = _CONTINUE.sub("", str(error))
    if isinstance(error, LimitReached | BatchesWait | Interrupted):
        status = "interrupted" if isinstance(error, Interrupted) else "stopped"
        problem = problem.partition(";")[0]  # the sweep's own message has the remedy
    elif isinstance(error, RunError):
        status = "refused"
    record = _record(order, status, spent or Spending(), _NONE)
    return CellResult(record.model_copy(update={"problem": problem}), error.exit_code)


def given_up(order: CellOrder, problem: str) -> CellResult:
    """Return the result for what no user can fix: a bug, or a process that has died."""
    record = _record(order, "failed", Spending(), _NONE)
    return CellResult(record.model_copy(update={"problem": one_line(problem, 400)}), ProviderError.exit_code)


def _record(order: CellOrder, status: CellStatus, spent: Spending, numbers: CellNumbers) -> CellRecord:
    return CellRecord(
        run_id=order.path.name,
        values=order.values,
        status=status,
        welfare=numbers.welfare,
        measured_on=numbers.measured_on,
        gain=numbers.gain,
        made=numbers.made,
        calls=spent.calls,
        input_tokens=spent.usage.input_tokens,
        output_tokens=spent.usage.output_tokens,
        usd=None if spent.usd is None else round(spent.usd, 6),
        wall_s=round(spent.wall_s, 3),
    )
