"""The runs in a folder, each told by as little of its events as will do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import RunError
from scai_cli.events import RunStarted
from scai_cli.history.ending import outcome_of, status_of
from scai_cli.history.reading import look, read_event
from scai_cli.store import EVENTS, all_runs, lines, newest_first

_BLOCK: Final = 1 << 20


def list_entries(runs: Path) -> list[dict[str, Any]]:
    """What `scai list` tells of every run, newest first; a run that cannot be read is listed as such."""
    return [_entry(path) for path in newest_first(all_runs(runs))]


def _entry(path: Path) -> dict[str, Any]:
    started = _started(path)
    done, finished = _progress(path / EVENTS)
    return {
        "run_id": path.name,
        "name": started.name if started else None,
        "status": status_of(path, finished, outcome_of(path)),
        "started": started.time if started else None,
        "epochs_done": done,
        "epochs": started.epochs if started else None,
        "model": ", ".join(dict.fromkeys(started.models.values())) if started else None,
    }


def _started(path: Path) -> RunStarted | None:
    for number, line in lines(path / EVENTS):
        try:
            event = read_event(path, number, line)
        except RunError:
            return None
        return event if isinstance(event, RunStarted) else None
    return None


def _progress(file: Path) -> tuple[int, bool]:
    """How many epochs ended with a revision, and whether the run finished: read from the end as far as need be."""
    finished = False
    for line in _backwards(file):
        place, kind = look(line)
        finished = finished or kind == b"run_finished"
        if kind == b"revision":
            number = place.removeprefix(b"e").partition(b"/")[0]
            return (int(number) if number.isdigit() else 0), finished
    return 0, finished


def last_rated(path: Path) -> int | None:
    """The last epoch of a run in which anything was rated, found from the end of its events; None without."""
    for line in _backwards(path / EVENTS):
        place, kind = look(line)
        if kind == b"rating":
            number = place.removeprefix(b"e").partition(b"/")[0]
            return int(number) if number.isdigit() else None
    return None


def _backwards(path: Path) -> Iterator[bytes]:
    """The complete lines of a file, the last first."""
    if not path.exists():
        return
    with path.open("rb") as file:
        at, begun, torn = file.seek(0, os.SEEK_END), b"", True
        while at > 0:
            start = max(0, at - _BLOCK)
            file.seek(start)
            begun, *found = (file.read(at - start) + begun).split(b"\n")
            at = start
            for line in reversed(found):
                if not torn:
                    yield line + b"\n"
                torn = False
        if not torn:
            yield begun + b"\n"
