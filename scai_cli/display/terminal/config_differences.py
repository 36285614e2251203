"""The different settings of compared runs: a column per run if there are few, else the runs beside each value."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import RenderableType

from scai_cli.analysis.config_differences import Differences, Members, split_members
from scai_cli.display.terminal.consoles import plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING, MUTED
from scai_cli.text.characters import one_line

_SHOWN: Final = 20
"""The maximal number of keys on the screen."""

_COLUMNS: Final = 3
"""The maximal number of runs with a column each."""


def setting_lines(
    differences: Differences, letters: Mapping[str, str], people: Mapping[str, str]
) -> Iterator[RenderableType]:
    """Yield the settings that differ in the order of the experiment file, personas (by name) and tasks last."""
    if not differences:
        yield styled("Settings: all equal", HEADING)
        return
    each = len(letters) <= _COLUMNS
    table = plain_table()
    table.add_column("Settings that differ", no_wrap=True)
    for title in letters.values() if each else [""]:
        table.add_column(title, overflow="fold")
    settings, members = split_members(differences)
    if "personas" in members:
        members["personas"] = _by_name(members["personas"], people)
    rows = [*_setting_rows(settings, letters, each=each), *_member_rows(members, letters, each=each)]
    for key, cells in rows[:_SHOWN]:
        table.add_row(styled(one_line(key, 34)), *map(styled, cells))
    yield table
    if len(rows) > _SHOWN:
        yield styled(f"({len(rows) - _SHOWN} more settings; see --json)", MUTED)


def _by_name(runs_of: Mapping[str, list[str]], people: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the runs of each person by name, of people with one name by id."""
    counts = Counter(people.get(user, user) for user in runs_of)
    return {(name if counts[name := people.get(user, user)] == 1 else user): runs for user, runs in runs_of.items()}


def _setting_rows(settings: Differences, letters: Mapping[str, str], *, each: bool) -> Iterator[tuple[str, list[str]]]:
    for key, values in settings.items():
        texts = {run: _text(value) for run, value in values.items()}
        yield key, list(texts.values()) if each else [_grouped(texts, letters)]


def _grouped(texts: Mapping[str, str], letters: Mapping[str, str]) -> str:
    """Return `A C nash · B utilitarian`."""
    runs = {text: " ".join(letters[run] for run in texts if texts[run] == text) for text in texts.values()}
    return " · ".join(f"{who} {text}" for text, who in runs.items())


def _member_rows(members: Members, letters: Mapping[str, str], *, each: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield for each kind the members by run, or the runs by member if there are many."""
    for kind, runs_of in members.items():
        if each:
            names = [", ".join(member for member, runs in runs_of.items() if run in runs) for run in letters]
            yield f"{kind} not in all", [one_line(text, 60) or "–" for text in names]
        else:
            texts = (f"{member} {' '.join(letters[run] for run in runs)}" for member, runs in runs_of.items())
            yield f"{kind} not in all", [one_line(" · ".join(texts), 400)]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return "yes" if value is True else "no" if value is False else one_line(str(value), 32)
