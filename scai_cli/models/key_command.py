"""Keys that expire: a shell command in the environment prints the key, and later the next one.

`NAME_COMMAND` is the command for the key of the variable `NAME`; `SCAI_KEY_COMMAND` is that for OPENAI_API_KEY. Like a
key, a command comes from the environment alone: a file of another person could otherwise run any program.

1. The command is run once for all connections of a process, when the first one opens.
2. It is run again when the key's lifetime ends: a minute before the `exp` of a JSON web token, else after 5 minutes.
3. It is run again after a response with HTTP 401 to the newest key.

Calls that need a new key at the same time wait for one run.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import signal
import subprocess
import threading
import time
from base64 import urlsafe_b64decode
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from types import FrameType
from typing import Any, Final

from scai_cli.errors import CallTransient, ConfigError
from scai_cli.models.key_trust import KEY_VARIABLE
from scai_cli.text.characters import one_line

_OWN_VARIABLE: Final = "SCAI_KEY_COMMAND"
_IS_KEY: Final = re.compile("KEY|TOKEN|SECRET", re.IGNORECASE)
"""The variables of keys: SUDO_COMMAND and PROMPT_COMMAND are commands, too."""
_TIMEOUT_S: Final = 60.0
_LIFETIME_S: Final = 300.0
_EARLY_S: Final = 60.0
_PAUSE_S: Final = 30.0
"""The shortest time between two runs of a command that prints the same key, or one that has expired already."""
_REMEMBERED: Final = 20
"""The newest keys of a command that are hidden in foreign texts; earlier ones have expired for long."""
_QUOTED: Final = 160


def command_variable(variable: str) -> str | None:
    """Return the variable with the command for the key of a variable; None if there is no command."""
    named = f"{variable}_COMMAND" if _IS_KEY.search(variable) else ""
    names = (named, _OWN_VARIABLE if variable == KEY_VARIABLE else "")
    return next((name for name in names if name and os.environ.get(name, "").strip()), None)


def unused_command(variable: str) -> str:
    """Return why the command for the key of a variable is not run, as a part of a sentence; empty if there is none."""
    if _IS_KEY.search(variable) or f"{variable}_COMMAND" not in os.environ:
        return ""
    return f" ({variable}_COMMAND has no effect: only names with KEY, TOKEN or SECRET have a command)"


def key_command(variable: str) -> KeyCommand | None:
    """Return the command for the key of a variable, shared by all connections; None if there is none. Runs nothing."""
    name = command_variable(variable)
    return None if name is None else _shared(name, os.environ[name])


class KeyCommand:
    """A command that prints a key; `variable` is where it comes from."""

    def __init__(self, variable: str, command: str) -> None:
        self.variable = variable
        self._command = command
        self._printed: deque[str] = deque(maxlen=_REMEMBERED)
        self._until = self._unchanged_at = -float("inf")
        self._run: asyncio.Task[str] | None = None

    @property
    def keys(self) -> Sequence[str]:
        """The last keys, the newest one at the end."""
        return self._printed

    def first(self) -> str:
        """Return the key for a new connection; waits for the command, unless it has been run before.

        Raises ConfigError if the command fails, or prints no key.
        """
        if self._is_fresh():
            return self._printed[-1]
        process = self._start()
        with _ended_by_signals(process):
            return self._take(self._finish(process))

    async def current(self) -> str:
        """Return the key for a call, a new one if its lifetime has ended; raises CallTransient if the command fails."""
        return self._printed[-1] if self._is_fresh() else await self._run_once()

    async def other_than(self, refused: str) -> str | None:
        """Return a key for a call whose key was refused; None if the command prints that key again.

        Raises CallTransient if the command fails.
        """
        is_newest = not self._printed or self._printed[-1] == refused
        if is_newest and time.monotonic() > self._unchanged_at + _PAUSE_S:
            await self._run_once()
        return self._printed[-1] if self._printed[-1] != refused else None

    def _is_fresh(self) -> bool:
        return time.monotonic() < self._until

    async def _run_once(self) -> str:
        """Return the key of the run in progress, or of a new run."""
        if self._run is None or self._run.done() or self._run.get_loop() is not asyncio.get_running_loop():
            self._run = asyncio.create_task(self._run_aside())
            self._run.add_done_callback(lambda run: run.cancelled() or run.exception())  # also if nothing waits for it
        try:
            return await asyncio.shield(self._run)  # a call that ends leaves the run to the others
        except ConfigError as error:
            raise CallTransient(str(error)) from None

    async def _run_aside(self) -> str:
        """Run the command without blocking the event loop."""
        process = self._start()
        try:
            return self._take(await asyncio.to_thread(self._finish, process))
        except asyncio.CancelledError:
            _kill(process)  # the thread ends with it
            raise

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S602 - it is the user's own
                self._command,
                shell=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # all its processes can be killed, and Ctrl-C is scai's alone
            )
        except OSError as error:
            raise ConfigError(f"{self.variable}: the command cannot be started: {error.strerror}") from None

    def _finish(self, process: subprocess.Popen[bytes]) -> str:
        """Wait for the command; return the key that it printed."""
        with process:
            try:
                printed, complaint = process.communicate(timeout=_TIMEOUT_S)
            except BaseException as error:  # also the one that a signal raises
                _kill(process)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                raise ConfigError(f"{self.variable}: the command did not end within {_TIMEOUT_S:.0f} s") from None
        if process.returncode:
            status = f"exit status {process.returncode}"
            raise ConfigError(f"{self.variable}: the command failed with {status}{self._last_line(complaint)}")
        key = printed.decode(errors="replace").strip()
        if not key:
            raise ConfigError(f"{self.variable}: the command printed nothing{self._last_line(complaint)}")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ConfigError(f"{self.variable}: the command printed more than one word, or characters that no key has")
        return key

    def _last_line(self, complaint: bytes) -> str:
        """Return the last line that the command wrote on stderr, without any key."""
        text = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        for key in self._printed:
            text = text.replace(key, "[key]")
        return f": {one_line(text.strip(), _QUOTED)}" if text else ""

    def _take(self, key: str) -> str:
        """Keep a key that was printed."""
        now = time.monotonic()
        if self._printed and self._printed[-1] == key:
            self._unchanged_at = now
        else:
            self._printed.append(key)
        expires = _expires(key)
        rest = _LIFETIME_S if expires is None else expires - time.time() - _EARLY_S
        self._until = now + max(rest, _PAUSE_S)
        return key


@cache
def _shared(variable: str, command: str) -> KeyCommand:
    return KeyCommand(variable, command)


def is_web_token(key: str) -> bool:
    """Return whether a key is a JSON web token."""
    return _claims(key) is not None


def _claims(key: str) -> Mapping[str, Any] | None:
    """Return what a JSON web token says about itself; None for any other key."""
    parts = key.split(".")
    if len(parts) == 3:
        with suppress(ValueError, RecursionError):
            claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
            return claims if isinstance(claims, dict) else None
    return None


def _expires(key: str) -> float | None:
    """Return when a key expires, in seconds since 1970, if it is a JSON web token that says so."""
    expires = (_claims(key) or {}).get("exp")
    with suppress(OverflowError):
        return float(expires) if isinstance(expires, int | float) and math.isfinite(expires) else None
    return None


@contextmanager
def _ended_by_signals(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Inside the block, Ctrl-C and SIGTERM end the command, too: inside an event loop their handlers only cancel tasks.

    The current task is then cancelled here, since its command has failed by the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        came.append(number)
        _kill(process)
        if callable(handler := before[signal.Signals(number)]):
            handler(number, frame)

    handled = [number for number, handler in before.items() if callable(handler)]
    for number in handled:
        signal.signal(number, end)
    try:
        yield
    except ConfigError:
        if came:
            raise asyncio.CancelledError from None
        raise
    finally:
        for number in handled:
            signal.signal(number, before[number])


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command and the processes that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
