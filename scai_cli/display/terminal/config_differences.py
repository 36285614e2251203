"""In which settings compared runs differ: a column for each of a few runs, else the runs beside each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table

from scai_cli.analysis.config_differences import Differences
from scai_cli.display.terminal.escape import one_line, styled

_SHOWN: Final = 20
"""So many keys are shown."""

_COLUMNS: Final = 3
"""More runs than these have no column each."""

_KINDS: Final = ("personas", "tasks")


def setting_lines(differences: Differences, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    """What is not the same in all runs, in the order of the experiment file, people and tasks last."""
    if not differences:
        yield styled("Settings: all alike", "bold")
        return
    each = len(letters) <= _COLUMNS
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Settings that differ", no_wrap=True)
    for title in letters.values() if each else [""]:
        table.add_column(title, overflow="fold")
    rows = [*_settings(differences, letters, each=each), *_people(differences, letters, each=each)]
    for key, cells in rows[:_SHOWN]:
        table.add_row(styled(one_line(key, 34)), *map(styled, cells))
    yield table
    if len(rows) > _SHOWN:
        yield styled(f"({len(rows) - _SHOWN} more settings; --json holds them)", "dim")


def _settings(differences: Differences, letters: Mapping[str, str], *, each: bool) -> Iterator[tuple[str, list[str]]]:
    for key, values in differences.items():
        if _is_member(key, values):
            continue
        told = {run: _told(value) for run, value in values.items()}
        yield key, list(told.values()) if each else [_grouped(told, letters)]


def _grouped(told: Mapping[str, str], letters: Mapping[str, str]) -> str:
    """`A C nash · B utilitarian`."""
    runs = {value: " ".join(letters[run] for run in told if told[run] == value) for value in told.values()}
    return " · ".join(f"{who} {value}" for value, who in runs.items())


def _people(differences: Differences, letters: Mapping[str, str], *, each: bool) -> Iterator[tuple[str, list[str]]]:
    """Who or what not all runs have: by run, or else by whom has it."""
    for kind in _KINDS:
        members = {
            key.partition(".")[2]: values
            for key, values in differences.items()
            if key.startswith(f"{kind}.") and _is_member(key, values)
        }
        if not members:
            continue
        if each:
            there = ([member for member, values in members.items() if values[run]] for run in letters)
            yield f"{kind} not in all", [one_line(", ".join(names), 60) or "–" for names in there]
        else:
            having = (f"{m} {' '.join(letters[r] for r in letters if values[r])}" for m, values in members.items())
            yield f"{kind} not in all", [one_line(" · ".join(having), 400)]


def _is_member(key: str, values: Mapping[str, Any]) -> bool:
    """Whether a key says no more than which runs have a persona or task."""
    kind, _, rest = key.partition(".")
    return kind in _KINDS and "." not in rest and all(value is True or value is None for value in values.values())


def _told(value: Any) -> str:
    if value is None:
        return "–"
    return "yes" if value is True else "no" if value is False else one_line(str(value), 32)
