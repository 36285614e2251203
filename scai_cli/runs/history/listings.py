"""List the runs, generated sets, evaluations and sweeps in a folder from the first and last lines of their logs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.load import load_saved
from scai_cli.experiment.personas import Persona, people_mean
from scai_cli.experiment.yaml_source import read_yaml
from scai_cli.runs.events import HoldoutCompared, RunStarted, WelfareMeasured
from scai_cli.runs.file_names import CONFIG, EVALUATION, EVENTS, GENERATION, ROWS
from scai_cli.runs.find import all_evaluations, all_generated, all_runs, all_sweeps, created, newest_first, strange_file
from scai_cli.runs.history.event_lines import decode_event, first_event, glance
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.jsonl import lines, lines_backwards
from scai_cli.runs.sweep_directory import read_sweep_directory

Entry = dict[str, Any]
_WEIGHT: Final = re.compile(rb"\bweight: ")
"""A persona with a weight of its own, in a saved experiment."""
ReadEntry = Callable[[Path, Callable[[Path], Entry]], Entry]
"""Reads the entry of a folder with a function, or returns it as it was read before."""


def _read_now(path: Path, read: Callable[[Path], Entry]) -> Entry:
    return read(path)


def list_entries(runs: Path, without: Collection[str] = (), entry: ReadEntry = _read_now) -> list[Entry]:
    """Return the entries of `scai list` for all runs, newest first; an unreadable one has unknown values.

    Runs with an id in `without` are left out.
    """
    return [entry(path, _entry) for path in newest_first([p for p in all_runs(runs) if p.name not in without])]


def _entry(path: Path) -> Entry:
    readable = strange_file(path) is None
    started = _started(path) if readable else None
    end = _read_end(path / EVENTS) if readable else _End()
    outcome = outcome_of(path) if readable else {}
    return {
        "run_id": path.name,
        "name": started.name if started else None,
        "status": status_of(path, end.finished, outcome) if readable else "failed",
        "started": started.time if started else None,
        "epochs_done": end.epochs,
        "epochs": started.epochs if started else None,
        "model": ", ".join(dict.fromkeys(started.models.values())) if started else None,
        "health": outcome.get("health") or [],
        "scale": list(started.scale) if started else None,
        **_results(path, end),
        **_spent(outcome),
    }


def _results(path: Path, end: _End) -> dict[str, Any]:
    """Return the mean own rating by the users' weights, of the version played last, and the held-out's change."""
    measured, holdout = (_decoded(path / EVENTS, line) for line in (end.welfare, end.holdout))
    played = measured if isinstance(measured, WelfareMeasured) else None
    gain = holdout.difference if isinstance(holdout, HoldoutCompared) else None
    return {
        "satisfaction": people_mean(played.satisfaction.items(), _weighted(path)) if played else None,
        "version": played.version if played else None,
        "held_out_gain": {"value": gain.estimate, "low": gain.low, "high": gain.high} if gain else None,
    }


def _weighted(path: Path) -> Sequence[Persona]:
    """Return the personas of a run; none if all have the weight 1, which spares the reading of the experiment."""
    try:
        has_weights = _WEIGHT.search((path / CONFIG).read_bytes())
        return load_saved(path / CONFIG).personas.inline if has_weights else ()
    except (OSError, ConfigError, RunError):
        return ()


def _spent(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return the calls and the price of a run whose last session has ended; None for what a changed file lacks."""
    return {"calls": outcome.get("calls"), "usd": (outcome.get("usage") or {}).get("usd")}


def list_generated(runs: Path, without: Collection[str] = (), entry: ReadEntry = _read_now) -> list[Entry]:
    """Return the entries of `scai list` for all generated sets, newest first, without those ids."""
    return [entry(path, _generated) for path in newest_first([p for p in all_generated(runs) if p.name not in without])]


def _generated(path: Path) -> Entry:
    readable = strange_file(path) is None
    source, first, wanted = _header(path / GENERATION)
    rows = max(0, _rows(path / ROWS) - first) if readable else 0
    return {
        "run_id": path.name,
        "source": source,
        "status": status_of(path, rows == wanted, outcome_of(path)) if readable else "failed",
        "started": _created(path),
        "rows": rows,
        "wanted": wanted,
    }


def list_evaluations(runs: Path, entry: ReadEntry = _read_now) -> list[Entry]:
    """Return the entries of `scai list` for all evaluations, newest first."""
    return [entry(path, _evaluation) for path in newest_first(all_evaluations(runs))]


def _evaluation(path: Path) -> Entry:
    readable = strange_file(path) is None
    outcome = outcome_of(path) if readable else {}
    return {
        "run_id": path.name,
        "systems": _systems(path / EVALUATION),
        "status": status_of(path, outcome.get("status") == "finished", outcome) if readable else "failed",
        "started": _created(path),
        "answered": _answered_items(path / ROWS) if readable else 0,
    }


def list_sweeps(runs: Path, entry: ReadEntry = _read_now) -> list[Entry]:
    """Return the entries of `scai list` for all sweeps, newest first; an unreadable one has unknown values."""
    return [entry(path, _sweep) for path in newest_first(all_sweeps(runs))]


def _sweep(path: Path) -> Entry:
    entry: Entry = {"run_id": path.name, "started": _created(path), "runs": []}
    try:
        sweep = read_sweep_directory(path) if strange_file(path) is None else None
    except (ConfigError, RunError, OSError):
        sweep = None
    if sweep is None:
        return {**entry, "status": "failed", "finished": 0, "cells": None, "axes": None}
    return {
        **entry,
        "status": sweep.status,
        "finished": sum(cell.status == "finished" for cell in sweep.cells),
        "cells": len(sweep.cells),
        "axes": ", ".join(sweep.axes),
        "runs": [cell.run_id for cell in sweep.cells],
    }


def _systems(file: Path) -> str | None:
    """Return the names of the systems, None for a damaged file."""
    try:
        return ", ".join(str(system["name"]) for system in read_yaml(file).data["systems"])
    except (ConfigError, LookupError, TypeError):
        return None


def generated_source(path: Path) -> str | None:
    """Return the run or file that a generated set comes from, None for a damaged set."""
    return _header(path / GENERATION)[0]


def _header(file: Path) -> tuple[str | None, int, int | None]:
    """Return the source, the first row and the wanted rows from `generation.yaml`; None for a damaged file."""
    try:
        made = read_yaml(file).data
        first, end = made["orders"].get("rows") or (0, made["orders"]["n"])
        return str(made["source"]), int(first), int(end) - int(first)
    except (ConfigError, LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None, 0, None


def _rows(file: Path) -> int:
    """Return the number after the last row's (`r149`: 150), as rows are written in order; 0 without rows."""
    last = next(_backwards(file), None)
    try:
        return 0 if last is None else int(str(json.loads(last)["id"]).removeprefix("r")) + 1
    except (ValueError, LookupError, TypeError, RecursionError):
        return 0


def _answered_items(file: Path) -> int:
    """Return the number of rows of an evaluation that are items, not probes of its raters or judges."""
    try:
        return sum(b'"kind":"item"' in line[:40] for *_, line in lines(file))
    except OSError:
        return 0


def _created(path: Path) -> str | None:
    """Return when a folder was made, in UTC; None for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(created(path)[0] / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None


def _backwards(log: Path) -> Iterator[bytes]:
    """Yield the lines from the last one on; none of a file that cannot be read, so that the list stays whole."""
    with suppress(OSError):
        yield from lines_backwards(log)


def _started(path: Path) -> RunStarted | None:
    try:
        return first_event(path)
    except (RunError, OSError):
        return None


@dataclass(slots=True)
class _End:
    """What the last events of a run say: the epochs that ended with a revision, and the last lines of two types."""

    epochs: int = 0
    finished: bool = False
    welfare: bytes | None = None
    holdout: bytes | None = None


def _read_end(log: Path) -> _End:
    """Read a run's events from the end to the last revision and the last welfare, which are near each other."""
    end, is_revised = _End(), False
    for line in _backwards(log):
        name, kind = glance(line)
        if kind == b"run_finished":
            end.finished = True
        elif kind == b"holdout":
            end.holdout = end.holdout or line
        elif kind == b"welfare":
            end.welfare = end.welfare or line
        elif kind == b"revision" and not is_revised:
            end.epochs, is_revised = _epoch_of(name) or 0, True
        if is_revised and end.welfare is not None:
            break
    return end


def _decoded(log: Path, line: bytes | None) -> object:
    """Return the event on a line; None without a line, and for a damaged one."""
    try:
        return None if line is None else decode_event(log, 0, line)
    except RunError:
        return None


def last_rated(path: Path) -> int | None:
    """Return the last epoch with a rating, or None; reads the events from the end."""
    for line in lines_backwards(path / EVENTS):
        name, kind = glance(line)
        if kind == b"rating":
            return _epoch_of(name)
    return None


def _epoch_of(name: bytes) -> int | None:
    """Return the epoch in an event's id: `e2/ann/tea/m1` -> 2."""
    number = name.removeprefix(b"e").partition(b"/")[0]
    return int(number) if number.isdigit() else None
