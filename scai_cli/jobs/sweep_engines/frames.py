"""The messages between a driver and its worker processes: pickled values over pipes, each after its length."""

from __future__ import annotations

import asyncio
import pickle
import struct
from dataclasses import dataclass
from typing import Any, Final

from scai_cli.jobs.sweep_cell import CellOrder, CellProgress, CellResult

_LENGTH: Final = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Stop:
    """To a worker: end all cells as a first signal does, or `at_once` as a second one."""

    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """To the driver: a message of a cell for the user."""

    run_id: str
    line: str


@dataclass(frozen=True, slots=True)
class Reported:
    """To the driver: how far a cell is."""

    run_id: str
    progress: CellProgress


@dataclass(frozen=True, slots=True)
class Ended:
    """To the driver: the end of a cell."""

    run_id: str
    result: CellResult


Message = CellOrder | Stop | Said | Reported | Ended


def frame(message: Message) -> bytes:
    """Return a message as bytes."""
    data = pickle.dumps(message)
    return _LENGTH.pack(len(data)) + data


async def read_message(pipe: asyncio.StreamReader) -> Any:
    """Return the next message, or None at the end of the pipe."""
    try:
        [size] = _LENGTH.unpack(await pipe.readexactly(_LENGTH.size))
        return pickle.loads(await pipe.readexactly(size))  # noqa: S301 - from a process of ours
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
