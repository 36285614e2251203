"""Runs, rows and evaluations inside other programs: several in one event loop, in threads, cut by a timeout."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import events

import scai_cli as scai
from scai_cli.jobs.session import SilentObserver


def _without_times(run: str) -> list[dict[str, object]]:
    return [
        {key: value for key, value in event.items() if key not in ("time", "run_id")}
        for event in events(Path("runs", run))
    ]


def test_much_work_at_the_same_time_in_one_loop_is_as_alone(tiny: Path) -> None:
    config = scai.load_experiment(tiny, ["epochs=1"])

    async def notebook() -> list[str]:
        await scai.run(config, run_id="alone")
        work = (
            *(scai.run(config) for _ in range(3)),
            scai.generate("alone", n=3),
            scai.evaluate(["none", "alone"], ["choice"], n=2),
        )
        return [outcome.run_id for outcome in await asyncio.gather(*work)]

    names = asyncio.run(notebook())
    assert names == ["tiny", "tiny-2", "tiny-3", "alone-rows", "none-vs-alone-evaluation"]
    for name in names[:3]:
        assert _without_times(name) == _without_times("alone")
    assert [result.suite for result in scai.verdicts(names[-1]).results] == ["choice"]


def test_threads_have_loops_of_their_own(tiny: Path) -> None:
    config = scai.load_experiment(tiny, ["epochs=1"])
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda _: asyncio.run(scai.run(config)), range(3)))
    assert sorted(outcome.run_id for outcome in outcomes) == ["tiny", "tiny-2", "tiny-3"]
    assert _without_times("tiny") == _without_times("tiny-2") == _without_times("tiny-3")


@pytest.mark.parametrize("kind", ["run", "rows", "evaluation"])
def test_a_timeout_leaves_work_that_is_unlocked_and_can_be_resumed(tiny: Path, kind: str) -> None:
    class FirstItem(SilentObserver):
        deadline: asyncio.Timeout

        def see(self, item: object) -> None:
            self.deadline.reschedule(0)

    async def notebook() -> None:
        await scai.run(scai.load_experiment(tiny, ["epochs=1"]), run_id="r")
        observer = FirstItem()
        work = {
            "run": lambda: scai.run(scai.load_experiment(tiny), run_id="cut", observer=observer),
            "rows": lambda: scai.generate("r", n=3, run_id="cut", observer=observer),
            "evaluation": lambda: scai.evaluate(["none", "r"], ["choice"], n=2, run_id="cut", observer=observer),
        }
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60) as observer.deadline:
                await work[kind]()
        assert (await scai.resume("cut")).status == "finished"

    asyncio.run(notebook())
