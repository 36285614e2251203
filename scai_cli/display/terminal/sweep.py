"""The table of a sweep, as text and as CSV, its plan, and its progress in one line."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from scai_cli.analysis.sweep_axes import Row, main_differences
from scai_cli.datasets.export.row_writers import guarded
from scai_cli.display.numbers import change, number
from scai_cli.display.terminal.consoles import out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.plan import cost_line
from scai_cli.experiment.sweep_file import axis_labels
from scai_cli.jobs.sweep_plan import PlannedCell, SweepPlan
from scai_cli.runs.sweep_directory import CellRecord, Gain, Sweep
from scai_cli.text.characters import one_line, visible
from scai_cli.text.counts import counted

_LONGEST: Final = 24
"""Characters of a value in the table."""


def print_sweep(sweep: Sweep) -> None:
    """Print a row for each cell, then why cells are not finished.

    `welfare` is the value of the cell's own welfare function; generated sets have their number of rows instead.
    """
    numbers = _number_columns(sweep)
    table = plain_table()
    for title in (*_headings(sweep.axes), "status"):
        table.add_column(styled(title), no_wrap=True)
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    for at, cell in enumerate(sweep.cells):
        row = (*shown_values(sweep.axes, cell.values), cell.status, *(column[at] for column in numbers.values()))
        table.add_row(*(styled(text) for text in row))
    console = out()
    console.print(table)
    console.print(styled(one_line(summary_line(sweep.cells))), soft_wrap=True)
    for cell in sweep.cells:
        if cell.problem is not None and cell.status != "finished":
            console.print(styled(one_line(f"{cell.run_id}: {cell.problem}")), soft_wrap=True)
    if done := next((cell for cell in sweep.cells if cell.status == "finished"), None):
        hint = f"every cell is a run of its own, e.g. `scai show {done.run_id}`"
        if sweep.command == "generate":
            hint = f"export the rows of all cells, in this order: `scai export {sweep.name} --format F -o FILE`"
        console.print(styled(hint), soft_wrap=True)


def print_differences(rows: Sequence[Row]) -> None:
    """Print each value of an axis against its first one, in a sentence each."""
    for difference in (each for row in rows for each in main_differences(row)):
        out().print(styled(one_line(difference.sentence)), soft_wrap=True)


def _number_columns(sweep: Sweep) -> dict[str, list[str]]:
    """Return title -> a number of each cell; only the columns that say something."""
    cells = sweep.cells
    if sweep.command == "generate":
        return {"made": ["–" if cell.made is None else f"{cell.made:,}" for cell in cells], **_spent_columns(cells)}
    declared = [next(iter(cell.welfare.values()), None) for cell in cells]
    mean, worst_off = ([cell.welfare.get(label) for cell in cells] for label in ("utilitarian", "rawlsian"))
    columns = {"welfare": [*map(number, declared)]}
    columns |= {"mean": [*map(number, mean)]} if mean != declared else {}
    columns |= {"worst off": [*map(number, worst_off)]} if worst_off != declared else {}
    columns |= {"held-out gain": [_gain(cell.gain) for cell in cells]} if any(cell.gain for cell in cells) else {}
    return {**columns, **_spent_columns(cells)}


def _spent_columns(cells: Sequence[CellRecord]) -> dict[str, list[str]]:
    calls, costs = zip(*map(_spent, cells), strict=True)
    return {"calls": [*calls]} | ({"cost": [*costs]} if any(cell.usd != 0 for cell in cells if cell.calls) else {})


def _headings(axes: Sequence[str]) -> list[str]:
    """Return the labels of the axes as in the ids of the cells."""
    return [one_line(label, _LONGEST) for label in axis_labels(axes)]


def _spent(cell: CellRecord | PlannedCell) -> tuple[str, str]:
    return f"{cell.calls:,}", "–" if cell.usd is None else f"${cell.usd:.4f}"


def sweep_csv(sweep: Sweep) -> str:
    """Return the table as CSV; a text that a spreadsheet would run as a formula has an apostrophe before it."""
    labels = welfare_labels(sweep.cells)
    made = ["made"] if sweep.command == "generate" else []
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    spent = ("calls", "input_tokens", "output_tokens", "usd", "wall_s")
    gain = ("gain", "gain_low", "gain_high")
    numbers = (*made, *labels, "measured_on", *gain, *spent)
    writer.writerow(map(_in_csv, ("run_id", *sweep.axes, "status", "problem", *numbers)))
    for cell in sweep.cells:
        values = (cell.values.get(axis, "") for axis in sweep.axes)
        own = cell.gain or Gain.model_construct(value=None, low=None, high=None)
        row = [
            cell.run_id,
            *values,
            cell.status,
            cell.problem,
            *(getattr(cell, name) for name in made),
            *(cell.welfare.get(label) for label in labels),
            cell.measured_on,
            own.value,
            own.low,
            own.high,
            *(getattr(cell, name) for name in spent),
        ]
        writer.writerow([_in_csv(value) for value in row])
    return file.getvalue()


def _in_csv(value: Any) -> Any:
    if isinstance(value, bool | dict | list):
        value = json.dumps(value)
    return guarded(visible(value)) if isinstance(value, str) else value


def welfare_labels(cells: Iterable[CellRecord]) -> list[str]:
    """Return the welfare functions of all cells, in the order of the first one that has each."""
    return list(dict.fromkeys(label for cell in cells for label in cell.welfare))


def shown_values(axes: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """Return a cell's values on the axes in few characters; nothing on an axis that it leaves as it is."""
    texts = {axis: value if isinstance(value, str) else json.dumps(value) for axis, value in values.items()}
    return [one_line(texts.get(axis, ""), _LONGEST) for axis in axes]


def _gain(gain: Gain | None) -> str:
    if gain is None:
        return "–"
    interval = "" if gain.low is None or gain.high is None else f" [{change(gain.low)}, {change(gain.high)}]"
    return f"{change(gain.value)}{interval}"


def summary_line(cells: Sequence[CellRecord]) -> str:
    """Return the numbers of cells by status, the calls and, if all prices are known, the cost."""
    counts = Counter(cell.status for cell in cells)
    costs = [cell.usd for cell in cells if cell.calls]
    money = "" if None in costs or not any(costs) else f" · ${sum(cost or 0.0 for cost in costs):.4f}"
    states = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"{counted(len(cells), 'cell')}: {states} · {sum(cell.calls for cell in cells):,} calls{money}"


def print_sweep_plan(plan: SweepPlan) -> None:
    """Print the cells of a sweep, what each is expected to use, and the sum of those that are not finished."""
    table = plain_table()
    for title in (*_headings(plan.axes), "status"):
        table.add_column(styled(title), no_wrap=True)
    for title in ("calls", "tokens", "cost"):
        table.add_column(title, justify="right", no_wrap=True)
    for cell in plan.cells:
        calls, cost = _spent(cell)
        row = (*shown_values(plan.axes, cell.values), cell.state, calls, f"{cell.usage.total:,}", cost)
        table.add_row(*(styled(text) for text in row))
    console = out()
    console.print(table)
    unfinished = sum(cell.state != "finished" for cell in plan.cells)
    console.print(
        f"{unfinished} of {len(plan.cells)} cells to finish: {plan.calls:,} calls, {plan.usage.total:,} tokens"
    )
    console.print(cost_line(plan.usd))


class SweepProgress:
    """Shows one line that changes on a terminal, elsewhere a line for each cell that ends; and all messages."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""
        self._cells: dict[str, CellRecord] = {}
        self._live: Live | None = None

    def begin(self, name: str, cells: Sequence[CellRecord]) -> None:
        """Start the line."""
        self._name, self._cells = name, {cell.run_id: cell for cell in cells}
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._line, refresh_per_second=4)
            self._live.start()
        else:
            self.say(self._line().plain)

    def see(self, record: CellRecord) -> None:
        """Count a record; show the end of a cell."""
        self._cells[record.run_id] = record
        if record.status != "running" and (self._live is None or record.status != "finished"):
            self.say(record.status if record.problem is None else f"{record.status}: {record.problem}", record.run_id)

    def say(self, line: str, run_id: str | None = None) -> None:
        """Show a message, of a cell with its id in front."""
        text = line if run_id is None else f"{run_id}: {line}"
        self._console.print(Text(one_line(text)), soft_wrap=True)

    def end(self) -> None:
        """Leave the last state on the screen."""
        if self._live is not None:
            self._live.stop()
        elif self._cells:
            self.say(self._line().plain)

    def _line(self) -> Text:
        return Text(one_line(f"{self._name} · {summary_line(list(self._cells.values()))}", self._console.width))
