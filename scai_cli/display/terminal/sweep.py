"""The table of a sweep, as text and as CSV, and its plan."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console

from scai_cli.analysis.sweep_axes import Row, main_differences
from scai_cli.analysis.sweep_seeds import Repeats
from scai_cli.analysis.verdicts import between, change_words
from scai_cli.datasets.export.row_writers import guarded
from scai_cli.display.numbers import change, listed, number, sentence_case
from scai_cli.display.terminal.consoles import out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.next_steps import command
from scai_cli.display.terminal.plan import cost_line
from scai_cli.experiment.sweep_file import axis_labels
from scai_cli.jobs.sweep_plan import PlannedCell, SweepPlan
from scai_cli.runs.file_names import SWEEP
from scai_cli.runs.sweep_directory import CellRecord, Gain, Sweep
from scai_cli.text.characters import one_line, visible
from scai_cli.text.counts import counted

_LONGEST: Final = 24
"""Characters of a value in the table."""
_GAP: Final = 2
_INTERVAL: Final = "95\u00a0% interval"
_LEFT_OUT_FIRST: Final = ("calls", "mean", "worst off", _INTERVAL, "held-out gain", "tokens")
"""What a narrow terminal does not show: it follows from other columns, or matters less than they do."""


def print_sweep(sweep: Sweep) -> None:
    """Print a row for each cell, then why cells are not finished.

    `welfare` is the value of the cell's own welfare function; generated sets have their number of rows instead.
    """
    console, cells = out(), [(cell.values, cell.status) for cell in sweep.cells]
    if left_out := _print_table(console, sweep.axes, cells, _number_columns(sweep)):
        rest = command("show", sweep.name, "--json")
        line = f"no space in {console.width} columns: {', '.join(left_out)}; `{rest}` has all"
        console.print(styled(one_line(line)), soft_wrap=True)
    console.print(styled(one_line(summary_line(sweep.cells))), soft_wrap=True)
    for cell in sweep.cells:
        if cell.problem is not None and cell.status != "finished":
            console.print(styled(one_line(f"{cell.run_id}: {cell.problem}")), soft_wrap=True)
    if done := next((cell for cell in sweep.cells if cell.status == "finished"), None):
        hint = f"every cell is a run of its own, e.g. `{command('show', done.run_id)}`"
        if sweep.command == "generate":
            export = command("export", sweep.name, "--format", "F", "-o", "FILE")
            hint = f"export the rows of all cells, in this order: `{export}`"
        console.print(styled(hint), soft_wrap=True)


def _print_table(
    console: Console,
    axes: Sequence[str],
    cells: Iterable[tuple[Mapping[str, Any], str]],
    numbers: Mapping[str, Sequence[str]],
) -> list[str]:
    """Print the values and the status of each cell with its numbers; return the titles of the columns left out.

    No title and no number is cut. On a narrow terminal titles have a word a line, then columns are left out, and at
    last values take several lines.
    """
    texts = [
        *zip((*_headings(axes), "status"), zip(*(_texts(axes, *cell) for cell in cells), strict=True), strict=True)
    ]
    text_widths = [max(map(cell_len, (title, *column))) for title, column in texts]
    widths = {title: max(map(cell_len, (title, *column))) for title, column in numbers.items()}

    def is_too_wide() -> bool:
        every = (*text_widths, *widths.values())
        return sum(every) + _GAP * (len(every) - 1) > console.width

    titles, left_out = {title: title for title in numbers}, []
    if is_too_wide():
        for title, column in numbers.items():
            titles[title] = title.replace(" ", "\n")
            widths[title] = max(map(cell_len, (*title.split(" "), *column)))
    for title in filter(numbers.__contains__, _LEFT_OUT_FIRST):
        if is_too_wide():
            left_out.append(title)
            del widths[title]
    *values, _status = range(len(texts))
    while is_too_wide() and max(text_widths[at] for at in values) > 1:
        text_widths[max(values, key=text_widths.__getitem__)] -= 1
    table = plain_table()
    table.pad_edge = False
    for (title, _), width in zip(texts, text_widths, strict=True):
        table.add_column(styled(title), overflow="fold", width=width)
    for title, width in widths.items():
        table.add_column(titles[title], justify="right", no_wrap=True, width=width)
    for row in zip(*(column for _, column in texts), *(numbers[title] for title in widths), strict=True):
        table.add_row(*map(styled, row))
    console.print(table)
    return left_out


def _texts(axes: Sequence[str], values: Mapping[str, Any], status: str) -> tuple[str, ...]:
    return (*shown_values(axes, values), status)


def _headings(axes: Sequence[str]) -> list[str]:
    """Return the labels of the axes as in the ids of the cells."""
    return [one_line(label, _LONGEST) for label in axis_labels(axes)]


def print_continuation(sweep: Sweep) -> None:
    """Print the command that continues a sweep, if it has ended with cells that are not finished."""
    if not sweep.is_running and not sweep.is_finished:
        again = command("sweep", sweep.path / SWEEP, runs=sweep.path.parent)
        out().print(styled(f"continue with `{again}`"), soft_wrap=True)


def print_differences(rows: Sequence[Row]) -> None:
    """Print each value of an axis against its first one, in a sentence each; those without a number together."""
    unknown: dict[tuple[str, str, str], list[str]] = {}
    for found in (each for row in rows for each in main_differences(row)):
        if found.estimate is None:
            unknown.setdefault((found.axis, found.against, found.words), []).append(found.value)
        else:
            out().print(styled(one_line(found.sentence)), soft_wrap=True)
    for (axis, against, why), values in unknown.items():
        line = f"{axis} = {listed(values, 6)} against {against}: {why}."
        out().print(styled(one_line(line)), soft_wrap=True)


def print_repeats(found: Repeats) -> None:
    """Print what the runs of a sweep over seeds alone have in common."""
    over = f"over {counted(found.runs, 'seed')}"
    result = f"{sentence_case(found.metric)} of {found.participants}: {change_words(found.change, 1, over=over)}."
    lines = [result, found.runs_words]
    for what, counts in (("Gained", found.gained), ("Lost", found.lost)):
        lines.append(f"{what} beyond chance: {found.people_words(counts) or 'nobody, in any run'}.")
    if found.gain is not None:
        lines.append(
            f"Held out, without a part in the rules, welfare from 0 to 1: {change_words(found.gain, 2, over=over)}."
        )
    for line in lines:
        out().print(styled(one_line(line)))


def _number_columns(sweep: Sweep) -> dict[str, list[str]]:
    """Return title -> a number of each cell; only the columns that say something."""
    cells = sweep.cells
    if sweep.command == "generate":
        return {"made": ["–" if cell.made is None else f"{cell.made:,}" for cell in cells], **_spent_columns(cells)}
    declared = [next(iter(cell.welfare.values()), None) for cell in cells]
    mean, worst_off = ([cell.welfare.get(label) for cell in cells] for label in ("utilitarian", "rawlsian"))
    # An axis may have that title itself.
    columns = {"own welfare" if "welfare" in _headings(sweep.axes) else "welfare": [*map(number, declared)]}
    columns |= {"mean": [*map(number, mean)]} if mean != declared else {}
    columns |= {"worst off": [*map(number, worst_off)]} if worst_off != declared else {}
    if gains := [cell.gain for cell in cells if cell.gain]:
        columns["held-out gain"] = [change(cell.gain.value if cell.gain else None) for cell in cells]
        columns |= {_INTERVAL: [_interval(cell.gain) for cell in cells]} if any(gain.low for gain in gains) else {}
    return {**columns, **_spent_columns(cells)}


def _spent_columns(cells: Sequence[CellRecord]) -> dict[str, list[str]]:
    calls, costs = zip(*map(_spent, cells), strict=True)
    return {"calls": [*calls]} | ({"cost": [*costs]} if any(cell.usd != 0 for cell in cells if cell.calls) else {})


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


def _interval(gain: Gain | None) -> str:
    if gain is None or gain.low is None or gain.high is None:
        return "–"
    return between(gain, 2) if gain.low or gain.high else "no change at all"


def summary_line(cells: Sequence[CellRecord]) -> str:
    """Return the numbers of cells by status, the calls and, if all prices are known, the cost."""
    costs = [cell.usd for cell in cells if cell.calls]
    money = "" if None in costs or not any(costs) else f" · ${sum(cost or 0.0 for cost in costs):.4f}"
    return f"{state_words(cells)} · {sum(cell.calls for cell in cells):,} calls{money}"


def state_words(cells: Sequence[CellRecord]) -> str:
    """Return the numbers of cells by status."""
    counts = Counter(cell.status for cell in cells)
    states = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"{counted(len(cells), 'cell')}: {states}"


def print_sweep_plan(plan: SweepPlan) -> None:
    """Print the cells of a sweep, what each is expected to use, and the sum of those that are not finished."""
    calls, costs = zip(*map(_spent, plan.cells), strict=True)
    tokens = [f"{cell.usage.total:,}" for cell in plan.cells]
    console = out()
    cells = [(cell.values, cell.state) for cell in plan.cells]
    _print_table(console, plan.axes, cells, {"calls": calls, "tokens": tokens, "cost": costs})
    unfinished = sum(cell.state != "finished" for cell in plan.cells)
    console.print(
        f"{unfinished} of {len(plan.cells)} cells to finish: {plan.calls:,} calls, {plan.usage.total:,} tokens"
    )
    console.print(cost_line(plan.usd))
