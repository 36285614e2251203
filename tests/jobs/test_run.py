"""`run` and `resume` as coroutines, within somebody's running event loop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from conftest import events

from scai_cli.api import resume
from scai_cli.errors import LimitReached, RunError
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.jobs.run import run
from scai_cli.jobs.session import SilentObserver
from scai_cli.runs.events import Event, MessageSaid


def test_runs_share_a_loop_that_keeps_its_signals(tiny: Path) -> None:
    async def two() -> None:
        before = signal.getsignal(signal.SIGINT)
        experiment = load_experiment(tiny)
        outcomes = await asyncio.gather(run(experiment), run(experiment))
        assert signal.getsignal(signal.SIGINT) == before
        assert sorted(outcome.run_id for outcome in outcomes) == ["tiny", "tiny-2"]
        assert {outcome.status for outcome in outcomes} == {"finished"}
        assert outcomes[0].result.welfare == outcomes[1].result.welfare

    asyncio.run(two())


def test_what_a_limit_stopped_is_resumed(tiny: Path) -> None:
    class Seen(SilentObserver):
        def __init__(self) -> None:
            self.events: list[Event] = []

        def see(self, item: object) -> None:
            assert isinstance(item, Event)
            self.events.append(item)

    async def twice() -> None:
        stopped = await run(load_experiment(tiny, Overrides(["limits.calls=20"])), Path("mine"), "here")
        assert (stopped.status, stopped.spent.calls) == ("stopped", 20)
        assert isinstance(stopped.error, LimitReached)
        observer = Seen()
        outcome = await resume("he", Path("mine"), ["limits.calls=null"], observer)
        assert (outcome.run_id, outcome.status, outcome.result.epochs) == ("here", "finished", 2)
        assert [event.id for event in observer.events] == [event["id"] for event in events(Path("mine/here"))]

    asyncio.run(twice())


def test_a_cancelled_run_is_unlocked_and_can_be_resumed(tiny: Path) -> None:
    class Heard(SilentObserver):
        def __init__(self) -> None:
            self.message = asyncio.Event()

        def see(self, item: object) -> None:
            if isinstance(item, MessageSaid):
                self.message.set()

    async def cancelled() -> None:
        with pytest.raises(RunError, match="there is no run"):
            await resume("tiny")
        observer = Heard()
        task = asyncio.create_task(run(load_experiment(tiny), observer=observer))
        await observer.message.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await resume("tiny")).status == "finished"

    asyncio.run(cancelled())
