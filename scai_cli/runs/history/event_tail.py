"""Follow a run's events while another process writes them, until the run is finished or its process ends."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import RunError
from scai_cli.runs.file_names import EVENTS
from scai_cli.runs.history.event_lines import ReadEvent, decode_event, glance, selects
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.jsonl import damaged, lines
from scai_cli.runs.locks import is_locked

POLL_S: Final = 0.3
"""The seconds between two reads of the events."""


def follow_events(path: Path, selection: Selection) -> Iterator[tuple[ReadEvent, bool]]:
    """Yield a run's events as they are written, and whether each is selected; raises RunError for a damaged line."""
    selected = selects(selection)
    for number, line in _new_lines(path / EVENTS):
        name, _ = glance(line)
        if (event := decode_event(path / EVENTS, number, line)) is not None:
            yield event, selected(name)


def follow_objects(path: Path, selection: Selection) -> Iterator[Any]:
    """Yield events as plain objects as they are written, without unselected messages and ratings; raises RunError."""
    selected = selects(selection)
    for number, line in _new_lines(path / EVENTS):
        name, kind = glance(line)
        if kind in (b"message", b"rating") and not selected(name):
            continue
        try:
            yield json.loads(line)
        except ValueError:
            raise RunError(damaged(path / EVENTS, number)) from None


def _new_lines(log: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the complete lines of a run's events with their numbers, waiting for more while the run is written."""
    while is_locked(log.parent) and not log.exists():
        time.sleep(POLL_S)
    if not log.exists():
        return
    number = at = 0
    while True:
        # Asked before the lines are read: what the writer wrote before it let go of the lock is read below.
        is_written, is_finished, earlier = is_locked(log.parent), False, number
        for count, offset, line in lines(log, at):  # a line that is half written is read again
            number, at = earlier + count, offset + len(line)
            is_finished = glance(line)[1] == b"run_finished"
            yield number, line
        if is_finished or not is_written:
            return
        time.sleep(POLL_S)
