"""The program starts where only POSIX systems have a module or a function. (Nobody has tried it on Windows itself.)"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SIGNALS

from scai_cli.errors import Interrupted
from scai_cli.jobs.interruption import Interruption, ProcessSignals

MISSING = ("fcntl", "grp", "pwd", "readline", "resource", "termios", "tty", "uvloop")
PROGRAM = f"""
import importlib, os, pkgutil, sys
for name in {MISSING}:
    sys.modules[name] = None
for name in ("pread", "get_blocking", "set_blocking", "fork"):
    delattr(os, name)
import scai_cli
from scai_cli.cli import main
for module in pkgutil.walk_packages(scai_cli.__path__, "scai_cli."):
    if module.name != "scai_cli.__main__":
        importlib.import_module(module.name)
main()
"""
VIEWS = [("--help",), ("show", "RUN"), ("show", "RUN", "--json"), ("list",), ("export", "RUN", "--format", "dpo")]


@pytest.mark.slow
@pytest.mark.parametrize("command", VIEWS, ids=" ".join)
def test_every_module_is_imported_and_a_run_is_read(finished: Path, command: tuple[str, ...]) -> None:
    arguments = [str(finished) if word == "RUN" else word for word in command]
    called = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert (called.returncode, "Traceback" in called.stderr) == (0, False), called.stderr
    assert called.stdout


class WindowsLoop(asyncio.SelectorEventLoop):
    def add_signal_handler(self, *_: object) -> None:
        raise NotImplementedError

    def remove_signal_handler(self, *_: object) -> bool:
        raise NotImplementedError


def test_a_signal_stops_in_good_order() -> None:
    stopped: list[Interrupted] = []

    async def work() -> None:
        heard = asyncio.Event()

        def stop(error: Interrupted) -> None:
            stopped.append(error)
            heard.set()

        with Interruption(stop):
            os.kill(os.getpid(), signal.SIGINT)
            await heard.wait()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)

    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    ProcessSignals().install()
    try:
        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(Interrupted) as raised, asyncio.Runner(loop_factory=WindowsLoop) as runner:
            runner.run(work())
        assert signal.getsignal(signal.SIGINT) == before
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert raised.value is stopped[0]
    assert str(stopped[0]) == "interrupted by Ctrl-C"


def test_the_signals_of_another_program_are_left_alone() -> None:
    async def work() -> None:
        before = signal.getsignal(signal.SIGINT)
        with Interruption(lambda _: None):
            assert signal.getsignal(signal.SIGINT) == before

    asyncio.run(work())
