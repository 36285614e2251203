"""The progress of a sweep: its cells by status, and the calls of all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from rich.console import Console

from scai_cli.display.terminal.calls_bar import CallsBar, CallsLines, spent_words
from scai_cli.display.terminal.frames import Frames
from scai_cli.display.terminal.sweep import state_words, summary_line
from scai_cli.jobs.session import Spending
from scai_cli.jobs.sweep import SweepStart
from scai_cli.jobs.sweep_cell import CellProgress
from scai_cli.messages import Usage
from scai_cli.runs.sweep_directory import CellRecord
from scai_cli.text.characters import one_line


@dataclass(slots=True)
class _CellCalls:
    """Adds the calls of cells up: a finished cell took what it took, a cell at work reports, others are expected."""

    cells: dict[str, CellRecord] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    reports: dict[str, CellProgress] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return sum(map(self._done, list(self.cells.values())))

    @property
    def total(self) -> int:
        cells = list(self.cells.values())
        known = {cell.run_id: total for cell in cells if (total := self._total(cell)) is not None}
        usual = round(fmean(known.values())) if known else 0
        return sum(max(self._done(cell), known.get(cell.run_id, usual)) for cell in cells)

    @property
    def is_estimated(self) -> bool:
        return any(cell.status != "finished" for cell in list(self.cells.values()))

    @property
    def is_foreseen(self) -> bool:
        return any(self._total(cell) is not None for cell in list(self.cells.values()))

    def spent(self) -> Spending:
        """Return the spending so far; tokens are those of the cells that have ended."""
        cells, costs = list(self.cells.values()), []
        for cell in cells:
            report = self.reports.get(cell.run_id)
            both = [cell.usd if cell.calls else 0.0, report.usd if report else 0.0]
            costs.append(None if None in both else max(cost or 0.0 for cost in both))
        usage = Usage(sum(cell.input_tokens for cell in cells), sum(cell.output_tokens for cell in cells))
        usd = None if None in costs else sum(cost or 0.0 for cost in costs)
        return Spending(self.done, usage, usd)

    def _done(self, cell: CellRecord) -> int:
        report = self.reports.get(cell.run_id)
        return max(cell.calls, report.done if report else 0)

    def _total(self, cell: CellRecord) -> int | None:
        if cell.status == "finished":
            return self._done(cell)
        report = self.reports.get(cell.run_id)
        return report.total if report else self.expected.get(cell.run_id)


class SweepProgress:
    """Shows cells and calls live on a terminal, elsewhere a line for each cell that ends; and all messages."""

    def __init__(self, console: Console) -> None:
        self._name, self._calls = "", _CellCalls()
        self._frames = Frames(console, lambda width: one_line(self._state(state_words), width))
        self._lines: CallsLines | None = None

    def begin(self, start: SweepStart) -> None:
        """Start the view."""
        self._name = start.name
        self._calls = calls = _CellCalls({cell.run_id: cell for cell in start.cells}, dict(start.expected()))
        bar = CallsBar(self._frames.console, calls, lambda: spent_words(calls.spent(), start.limits))
        self._frames.start(bar)
        if not self._frames.is_live:
            self._lines = CallsLines(bar, self.say)
            self.say(self._state(summary_line))

    def see(self, record: CellRecord) -> None:
        """Count a record; show the end of a cell."""
        self._calls.cells[record.run_id] = record
        if record.status != "running" and (not self._frames.is_live or record.status != "finished"):
            words = record.problem or record.status
            self.say(words if words.startswith(record.status) else f"{record.status}: {words}", record.run_id)

    def report(self, run_id: str, progress: CellProgress) -> None:
        """Take over how far a cell is."""
        self._calls.reports[run_id] = progress
        if self._lines is not None:
            self._lines.look()

    def say(self, line: str, run_id: str | None = None) -> None:
        """Show a message, of a cell with its id in front."""
        self._frames.say(line if run_id is None else f"{run_id}: {line}")

    def end(self) -> None:
        """Leave the last state on the screen."""
        if self._calls.cells and not self._frames.is_live:
            self.say(self._state(summary_line))
        self._frames.end()

    def _state(self, words: Callable[[Sequence[CellRecord]], str]) -> str:
        return f"{self._name} · {words(list(self._calls.cells.values()))}"
