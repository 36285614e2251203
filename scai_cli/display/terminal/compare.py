"""`scai compare`: runs side by side, each under a letter, held against the first."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, product
from string import ascii_uppercase
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from scai_cli.analysis.comparison import Comparison
from scai_cli.analysis.text_similarity import text_similarity
from scai_cli.datasets.export.row_writers import guarded
from scai_cli.display.terminal.config_differences import setting_lines
from scai_cli.display.terminal.consoles import out
from scai_cli.display.terminal.constitution import whom, word_diff
from scai_cli.display.terminal.escape import counted, estimate, number, one_line, sparkline, styled
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.runs.history.history import History

_COLUMNS: Final = 4
"""More runs than these have no column each: they stand below each other."""

_MATRIX: Final = (6, 11)
"""Beside a matrix of up to so many runs there is room for what their versions have in common; and the largest shown."""

_ALIKE: Final = 0.4
"""Rules that are less alike are not shown as one that changed, but as one that went and one that came."""

_SHOWN: Final = ("utilitarian", "rawlsian", "nash", "gini_coefficient")
_ENDS: Final = ("first", "last", "product")


def print_comparison(found: Comparison) -> None:
    """Print what differs, welfare, how sure it is, the constitutions, and how alike they are."""
    console = out()
    letters = dict(zip(found.runs, _letters(), strict=False))
    for part in _parts(found, letters):
        console.print(part)


def print_csv(found: Comparison) -> None:
    """Print a row for each number and each setting that differs, a column for each run."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["metric", *(guarded(run) for run in found.runs)])
    writer.writerow(["status", *(history.status for history in found.runs.values())])
    for key, values in found.differences.items():
        writer.writerow([guarded(f"config.{key}"), *(_csv_cell(values[run]) for run in found.runs)])
    for name, numbers in found.metrics.items():
        writer.writerow([guarded(name), *(_csv_cell(numbers[run]) for run in found.runs)])
    for name in dict.fromkeys(name for by_name in found.paired.values() for name in by_name):
        for part in ("estimate", "low", "high"):
            differences = {run: by_name[name] for run, by_name in found.paired.items() if name in by_name}
            cells = [getattr(differences[run].interval, part) if run in differences else None for run in found.runs]
            writer.writerow([guarded(f"paired.{name}.{part}"), *(_csv_cell(cell) for cell in cells)])


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"
    return guarded(one_line(str(value)))


def _parts(found: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    for run, history in found.runs.items():
        yield styled(f"{letters[run]}  {one_line(run)} · {_state(history)}", "bold")
    yield ""
    yield from setting_lines(found.differences, letters)
    yield ""
    yield _welfare(found, letters)
    yield from _differences(found, letters)
    yield from _constitutions(found, letters)
    yield ""
    yield from _likeness(found, letters)


def _state(history: History) -> str:
    started = history.started
    if started is None:
        return f"{history.status} · no events yet"
    models = one_line(", ".join(dict.fromkeys(started.models.values())), 40)
    return f"{history.status} · {len(history.measured)} of {started.epochs} epochs · {models}"


def _welfare(found: Comparison, letters: Mapping[str, str]) -> Table:
    """A column for each run, or a line for each of many: first -> last, and the product's."""
    rows = [("satisfaction", "satisfaction"), *((name, f"welfare.{name}") for name in _functions(found))]
    metrics = found.metrics
    if len(letters) > _COLUMNS:
        table = Table(box=None, padding=(0, 1, 0, 0))
        table.add_column("")
        for title, _ in rows:
            table.add_column("Gini (less)" if title == "gini_coefficient" else one_line(title, 12), no_wrap=True)
        for run in found.runs:
            cells = [_way([metrics.get(f"{key}.{end}", {}).get(run) for end in _ENDS[:2]]) for _, key in rows]
            table.add_row(letters[run], *cells)
        return table
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("first -> last (product)", min_width=26)
    for run in found.runs:
        table.add_column(letters[run])
    for title, key in rows:
        cells = [_way([metrics.get(f"{key}.{end}", {}).get(run) for end in _ENDS]) for run in found.runs]
        table.add_row(f"{title} (less is better)" if title == "gini_coefficient" else title, *cells)
    for name in ("rules", "calls", "usd"):
        counts = [metrics[name][run] for run in found.runs]
        if any(counts):
            table.add_row(name, *(number(value, 4 if name == "usd" else 0) for value in counts))
    return table


def _functions(found: Comparison) -> list[str]:
    """The functions that some run declares, and those that are always shown."""
    declared = [m.declared for history in found.runs.values() for m in history.measured[-1:]]
    return list(dict.fromkeys((*declared, *_SHOWN)))


def _way(ends: Sequence[float | None]) -> str:
    first, last, *made = ends
    return f"{number(first)} -> {number(last)}" + "".join(f" ({number(value)})" for value in made if value is not None)


def _differences(found: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    for run, by_name in found.paired.items():
        pair = f"{letters[run]} - {letters[found.first]}"
        yield ""
        if not by_name:
            yield styled(f"{pair}: they share no user and task that were rated in the last epoch (or held out) of both")
            continue
        some = next(iter(by_name.values()))
        level = f"{some.interval.level:.0%} interval, " if some.interval.low is not None else ""
        users, tasks = counted(some.users, "user"), counted(some.tasks, "task")
        extent = f"{users} held out, means over {tasks}" if some.where == "holdout" else f"{users} x {tasks} of both"
        last = "" if some.where == "holdout" else ", last epochs"
        yield styled(f"{pair} ({level}{extent}{last})", "bold")
        for name, difference in by_name.items():
            yield styled(f"{name} {estimate(difference.interval)}")


def _constitutions(found: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    """The first run's rules as they are, the others' as what differs from them."""
    base = _final(found.runs[found.first])
    for run, history in found.runs.items():
        constitution = _final(history)
        against = "" if run == found.first else f", against {letters[found.first]}"
        yield ""
        yield styled(f"{letters[run]}: constitution, version {constitution.version}{against}", "bold")
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for rule_id, text in (
            _plain_rules(constitution, history) if run == found.first else _changed(base, constitution, history)
        ):
            table.add_row(Text(rule_id, style="bold"), text)
        yield table if table.rows else styled("(empty)")


def _final(history: History) -> Constitution:
    return history.product[0] if history.started else Constitution()


def _plain_rules(constitution: Constitution, history: History) -> Iterator[tuple[str, Text]]:
    for rule in constitution.rules:
        yield rule.id, Text.assemble(_whom(rule, history), one_line(rule.text))


def _whom(rule: Principle | Clause, history: History) -> tuple[str, str]:
    return (f"for {whom(rule, history.names, whole=False)}: " if isinstance(rule, Clause) else "", "italic")


def _changed(base: Constitution, other: Constitution, history: History) -> Iterator[tuple[str, Text]]:
    """Each rule beside the one of the first run that it is most like: ids of different runs have nothing in common."""
    partners = _partners([rule.text for rule in base.rules], [rule.text for rule in other.rules])
    for at, rule in enumerate(other.rules):
        partner = partners.get(at)
        words = word_diff(base.rules[partner].text if partner is not None else "", rule.text)
        yield rule.id, Text.assemble(_whom(rule, history), words)
    for at, rule in enumerate(base.rules):
        if at not in partners.values():
            yield "", word_diff(rule.text, "")


def _partners(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Which of the other rules goes with which of the base: the most alike pairs first, each in one pair."""
    alike = text_similarity([*base, *other])
    pairs = sorted(product(range(len(other)), range(len(base))), key=lambda p: -alike[len(base) + p[0]][p[1]])
    found: dict[int, int] = {}
    for here, there in pairs:
        near = alike[len(base) + here][there] >= _ALIKE
        if near and here not in found and there not in found.values():
            found[here] = there
    return found


def _likeness(found: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    likeness = found.likeness
    runs = [run for run, history in found.runs.items() if history.started]
    yield styled(f"Similarity of constitutions (0 to 1, by {one_line(likeness.method, 60)})", "bold")
    beside, most = _MATRIX
    if len(runs) > most:
        yield styled(f"({len(runs)} runs with each other are too wide for a screen; --json holds them)", "dim")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for run in runs:
        table.add_column(letters[run], justify="right")
    if len(runs) <= beside:
        table.add_column("each version to the one before")
    for run in runs:
        row = [likeness.values[likeness.last(run)][likeness.last(other)] for other in runs]
        table.add_row(letters[run], *map(number, row), *([_path(likeness.path(run))] if len(runs) <= beside else []))
    yield table


def _path(alike: Sequence[float]) -> str:
    """How alike a run's versions are to those before: the last ones in numbers."""
    return f"{sparkline(alike[-20:], 0, 1)} {' '.join(number(value) for value in alike[-4:])}".strip()


def _letters() -> Iterator[str]:
    """A, B, ... Z, A2, B2, ..."""
    for turn in count(1):
        yield from (letter if turn == 1 else f"{letter}{turn}" for letter in ascii_uppercase)
