"""When a signal comes, to the microsecond: what it does on a virtual clock, and that no moment is a bad one."""

import asyncio
import signal
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import SIGNALS, scai
from moments import disturbed, moments_of
from virtual_time import clock, run

from scai_cli.errors import Interrupted
from scai_cli.jobs.interruption import GRACE_S, Interruption, ProcessSignals


@pytest.fixture
def signals():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = ProcessSignals()
    taken.install()
    yield taken
    for number, handler in before.items():
        signal.signal(number, handler)


def stopped(*moments):
    """When work of an hour ends that gets these (seconds, signal), what it raises, and what it was told to stop by."""
    told = []
    ProcessSignals().install()

    async def main():
        for seconds, number in moments:
            asyncio.get_running_loop().call_later(seconds, signal.raise_signal, number)
        try:
            with Interruption(told.append):
                await asyncio.sleep(3600)
        except Interrupted as error:
            return clock(), str(error), [str(error) for error in told]

    return run(main())


@pytest.mark.usefixtures("signals")
def test_calls_in_flight_are_given_a_grace_after_the_first_signal():
    assert stopped((100, signal.SIGINT)) == (100 + GRACE_S, "interrupted by Ctrl-C", ["interrupted by Ctrl-C"])


@pytest.mark.usefixtures("signals")
def test_the_second_signal_cancels_at_once_and_the_first_is_the_reason():
    ended = stopped((100, signal.SIGTERM), (102, signal.SIGINT))
    assert ended == (102, "interrupted by SIGTERM", ["interrupted by SIGTERM"])


@pytest.mark.usefixtures("signals")
def test_a_hang_up_that_comes_twice_cuts_no_call_short():
    ended = stopped((100, signal.SIGHUP), (101, signal.SIGHUP))
    assert ended == (100 + GRACE_S, "interrupted by SIGHUP", ["interrupted by SIGHUP"])
    assert stopped((100, signal.SIGUSR1), (101, signal.SIGTERM))[0] == 101


@pytest.mark.usefixtures("signals")
def test_a_signal_that_is_ignored_from_the_start_stays_so_but_for_ctrl_c():
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    ProcessSignals().install()
    assert [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN] == [signal.SIGINT]


def test_in_a_loop_outside_of_an_interruption_a_signal_cancels(signals):
    async def main():
        asyncio.get_running_loop().call_later(1, signal.raise_signal, signal.SIGINT)
        await asyncio.sleep(3600)

    with pytest.raises(asyncio.CancelledError):
        run(main())
    assert str(signals.error) == "interrupted by Ctrl-C"


@pytest.mark.usefixtures("signals")
def test_a_signal_stops_all_works_of_a_loop_and_those_that_begin_after_it():
    told = []

    async def work(name, begin):
        await asyncio.sleep(begin)
        try:
            with Interruption(lambda error: told.append((name, str(error)))):
                await asyncio.sleep(3600)
        except Interrupted:
            return name, clock(), asyncio.current_task().cancelling()

    async def main():
        for seconds, number in ((100, signal.SIGTERM), (103, signal.SIGINT)):
            asyncio.get_running_loop().call_later(seconds, signal.raise_signal, number)
        return await asyncio.gather(work("a", 0), work("b", 50), work("c", 102), work("d", 200))

    assert run(main()) == [("a", 103, 0), ("b", 103, 0), ("c", 103, 0), ("d", 200 + GRACE_S, 0)]
    assert told == [(name, "interrupted by SIGTERM") for name in "abcd"]


@pytest.mark.usefixtures("signals")
def test_work_that_ends_in_time_leaves_the_signals_to_the_others():
    async def main():
        with Interruption(lambda _: None):
            pass
        asyncio.get_running_loop().call_later(1, signal.raise_signal, signal.SIGTERM)
        with Interruption(lambda _: None):
            await asyncio.sleep(3600)

    with pytest.raises(Interrupted, match="SIGTERM"):
        run(main())


@pytest.mark.usefixtures("signals")
def test_in_another_thread_nothing_is_installed_and_nothing_fails():
    async def main():
        with Interruption(lambda _: None):
            return await asyncio.sleep(0, "done")

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, main()).result() == "done"


def test_a_program_that_keeps_its_signals_is_left_alone():
    async def main():
        before = signal.getsignal(signal.SIGINT)
        with Interruption(lambda _: None):
            assert signal.getsignal(signal.SIGINT) is before

    run(main())


@pytest.mark.usefixtures("signals")
def test_a_signal_whose_error_python_drops_comes_again():
    class Thing:
        pass

    def wait():
        thing = Thing()
        watching = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
        del thing
        time.sleep(60)
        return watching

    with pytest.raises(Interrupted, match="interrupted by SIGTERM"):
        wait()


# --- every moment


TALK = "interruption.py:ctrl_c_ends_input"
"""A talk from the first prompt on."""


@pytest.fixture
def talk(tiny):
    assert scai("run", tiny, "-q", "--set", "epochs=1").code == 0
    return "chat", "tiny"


def check(ended, moments):
    """Interrupted in one line, or left as by Ctrl-D; never killed by the signal itself, never hanging.

    Below the line may be what Python says of an object that was half made when the signal came.
    """
    for one, when in zip(ended, moments, strict=True):
        assert one.code in (0, 130), (when, one)
        assert "KeyboardInterrupt" not in one.said, (when, one)
        assert one.code == 0 or one.said.count("scai: interrupted by Ctrl-C") == 1, (when, one)


def spread(moments, most):
    return list(moments)[:: max(1, len(moments) // most)]


@pytest.mark.slow
def test_two_signals_while_handlers_change_end_in_one_line(talk):
    places = moments_of(*talk, since=TALK, keys="/quit\n")
    changes = [n for n, place in enumerate(places, 1) if place.partition(":")[0] in ("interruption.py", "signal.py")]
    at = [[(n, "SIGINT"), (n + 1, "SIGINT")] for n in spread(changes, 16)]
    check(disturbed(*talk, since=TALK, at=at, keys="/quit\n"), at)


@pytest.mark.slow
@pytest.mark.parametrize("gap", [1, 40])
@pytest.mark.parametrize("keys", ["/quit\n", "Hello\n/quit\n"])
def test_two_signals_at_any_moment_of_a_talk_end_in_one_line(talk, keys, gap):
    every = range(1, len(moments_of(*talk, since=TALK, keys=keys)))
    at = [[(n, "SIGINT"), (n + gap, "SIGINT")] for n in spread(every, 8)]
    check(disturbed(*talk, since=TALK, at=at, keys=keys), at)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_a_command_computes_is_one_line(tiny, name):
    command, since = ("plan", tiny, "--json"), "main.py:__call__"
    ended = moments_of(*command, since=since).index("__init__.py:main")  # from here on a signal comes too late
    at = [[(n, name)] for n in (*spread(range(1, ended), 8), ended)]
    called = "Ctrl-C" if name == "SIGINT" else name
    for one in disturbed(*command, since=since, at=at):
        assert (one.code, one.said) == (130, f"scai: interrupted by {called}\n")


@pytest.mark.slow
def test_a_signal_in_whose_place_a_library_raises_an_error_is_one_line(tiny):
    [ended] = disturbed("check", tiny, since="item_source.py:_short", at=[[(1, "SIGINT")]])
    assert (ended.code, ended.said) == (130, "scai: interrupted by Ctrl-C\n")


@pytest.mark.slow
def test_a_signal_while_the_event_loop_starts_is_one_line(tiny):
    command, since = ("run", tiny, "-q"), "runners.py:run"
    starts = [n for n, place in enumerate(moments_of(*command, since=since), 1) if place == "socket.py:socketpair"]
    assert starts
    at = [[(n, "SIGINT")] for n in starts[:4]]
    for one in disturbed(*command, since=since, at=at):
        assert (one.code, one.said.count("scai: interrupted by Ctrl-C")) == (130, 1), one
