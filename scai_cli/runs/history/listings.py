"""List the runs, generated sets, evaluations and sweeps in a folder from the first and last lines of their logs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.yaml_source import read_yaml
from scai_cli.runs.events import RunStarted
from scai_cli.runs.find import all_evaluations, all_generated, all_runs, all_sweeps, created, newest_first, strange_file
from scai_cli.runs.history.event_lines import first_event, glance
from scai_cli.runs.history.status import outcome_of, status_of
from scai_cli.runs.jsonl import lines_backwards
from scai_cli.runs.row_directory import EVALUATION, GENERATION, ROWS
from scai_cli.runs.run_directory import EVENTS
from scai_cli.runs.sweep_directory import read_sweep_directory


def list_entries(runs: Path) -> list[dict[str, Any]]:
    """Return the entries of `scai list` for all runs, newest first; an unreadable one has unknown values."""
    return [_entry(path) for path in newest_first(all_runs(runs))]


def _entry(path: Path) -> dict[str, Any]:
    readable = strange_file(path) is None
    started = _started(path) if readable else None
    done, finished = _progress(path / EVENTS) if readable else (0, False)
    outcome = outcome_of(path) if readable else {}
    return {
        "run_id": path.name,
        "name": started.name if started else None,
        "status": status_of(path, finished, outcome) if readable else "failed",
        "started": started.time if started else None,
        "epochs_done": done,
        "epochs": started.epochs if started else None,
        "model": ", ".join(dict.fromkeys(started.models.values())) if started else None,
        "health": outcome.get("health") or [],
    }


def list_generated(runs: Path) -> list[dict[str, Any]]:
    """Return the entries of `scai list` for all generated sets, newest first."""
    return [_generated(path) for path in newest_first(all_generated(runs))]


def _generated(path: Path) -> dict[str, Any]:
    readable = strange_file(path) is None
    source, first, wanted = _header(path / GENERATION)
    rows = max(0, _rows(path / ROWS) - first) if readable else 0
    started = datetime.fromtimestamp(created(path)[0] / 1e9, UTC)
    return {
        "run_id": path.name,
        "source": source,
        "status": status_of(path, rows == wanted, outcome_of(path)) if readable else "failed",
        "started": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "rows": rows,
        "wanted": wanted,
    }


def list_evaluations(runs: Path) -> list[dict[str, Any]]:
    """Return the entries of `scai list` for all evaluations, newest first."""
    return [_evaluation(path) for path in newest_first(all_evaluations(runs))]


def _evaluation(path: Path) -> dict[str, Any]:
    readable = strange_file(path) is None
    outcome = outcome_of(path) if readable else {}
    started = datetime.fromtimestamp(created(path)[0] / 1e9, UTC)
    return {
        "run_id": path.name,
        "systems": _systems(path / EVALUATION),
        "status": status_of(path, outcome.get("status") == "finished", outcome) if readable else "failed",
        "started": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "rows": _rows(path / ROWS) if readable else 0,
    }


def list_sweeps(runs: Path) -> list[dict[str, Any]]:
    """Return the entries of `scai list` for all sweeps, newest first; an unreadable one has unknown values."""
    return [_sweep(path) for path in newest_first(all_sweeps(runs))]


def _sweep(path: Path) -> dict[str, Any]:
    started = datetime.fromtimestamp(created(path)[0] / 1e9, UTC)
    entry = {"run_id": path.name, "started": started.strftime("%Y-%m-%dT%H:%M:%SZ")}
    try:
        sweep = read_sweep_directory(path) if strange_file(path) is None else None
    except (ConfigError, RunError):
        sweep = None
    if sweep is None:
        return {**entry, "status": "failed", "finished": 0, "cells": None, "axes": None}
    finished = sum(cell.status == "finished" for cell in sweep.cells)
    status = "running" if sweep.is_running else "finished" if finished == len(sweep.cells) else "stopped"
    return {**entry, "status": status, "finished": finished, "cells": len(sweep.cells), "axes": ", ".join(sweep.axes)}


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
    except (ConfigError, LookupError, TypeError, ValueError, AttributeError):
        return None, 0, None


def _rows(file: Path) -> int:
    """Return the number after the last row's (`r149`: 150), as rows are written in order; 0 without rows."""
    last = next(lines_backwards(file), None)
    try:
        return 0 if last is None else int(str(json.loads(last)["id"]).removeprefix("r")) + 1
    except (ValueError, LookupError, TypeError):
        return 0


def _started(path: Path) -> RunStarted | None:
    try:
        return first_event(path)
    except RunError:
        return None


def _progress(file: Path) -> tuple[int, bool]:
    """Return the number of epochs that ended with a revision, and whether the run finished; reads from the end."""
    finished = False
    for line in lines_backwards(file):
        name, kind = glance(line)
        finished = finished or kind == b"run_finished"
        if kind == b"revision":
            return _epoch_of(name) or 0, finished
    return 0, finished


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
