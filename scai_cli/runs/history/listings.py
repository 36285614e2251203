"""The runs and generated sets in a folder, each told by as little of its events or rows as will do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.yaml_source import read_yaml
from scai_cli.runs.events import RunStarted
from scai_cli.runs.find import all_generated, all_runs, newest_first
from scai_cli.runs.generated_directory import GENERATION, ROWS
from scai_cli.runs.history.event_lines import first_event, glance
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.jsonl import lines_backwards
from scai_cli.runs.run_directory import EVENTS


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


def list_generated(runs: Path) -> list[dict[str, Any]]:
    """What `scai list` tells of every generated set, newest first; one that cannot be read is listed as such."""
    return [_generated(path) for path in newest_first(all_generated(runs))]


def _generated(path: Path) -> dict[str, Any]:
    made = _header(path / GENERATION)
    rows, wanted = _rows(path / ROWS), made.orders.n if made else None
    born = datetime.fromtimestamp((path / GENERATION).stat().st_mtime, UTC)
    return {
        "run_id": path.name,
        "source": made.source if made else None,
        "status": status_of(path, rows == wanted, outcome_of(path)),
        "started": born.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "rows": rows,
        "wanted": wanted,
    }


class _Orders(msgspec.Struct):
    n: int


class _Header(msgspec.Struct):
    """What is needed of `generation.yaml`."""

    source: str
    orders: _Orders


def _header(file: Path) -> _Header | None:
    try:
        return msgspec.convert(read_yaml(file).data, _Header)
    except (ConfigError, msgspec.ValidationError):
        return None


class _Row(msgspec.Struct):
    id: str


def _rows(file: Path) -> int:
    """How many rows there are: they are written in their order, so that the last one's id, `r149`, tells it."""
    last = next(lines_backwards(file), None)
    try:
        return 0 if last is None else int(msgspec.json.decode(last, type=_Row).id.removeprefix("r")) + 1
    except ValueError:
        return 0


def _started(path: Path) -> RunStarted | None:
    try:
        return first_event(path)
    except RunError:
        return None


def _progress(file: Path) -> tuple[int, bool]:
    """How many epochs ended with a revision, and whether the run finished: read from the end as far as need be."""
    finished = False
    for line in lines_backwards(file):
        place, kind = glance(line)
        finished = finished or kind == b"run_finished"
        if kind == b"revision":
            number = place.removeprefix(b"e").partition(b"/")[0]
            return (int(number) if number.isdigit() else 0), finished
    return 0, finished


def last_rated(path: Path) -> int | None:
    """The last epoch of a run in which anything was rated, found from the end of its events; None without."""
    for line in lines_backwards(path / EVENTS):
        place, kind = glance(line)
        if kind == b"rating":
            number = place.removeprefix(b"e").partition(b"/")[0]
            return int(number) if number.isdigit() else None
    return None
