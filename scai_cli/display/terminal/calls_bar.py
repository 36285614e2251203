"""How far the calls of some work are: a bar with its numbers on a terminal, a line elsewhere."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.text import Text

from scai_cli.experiment.config import LimitsConfig
from scai_cli.experiment.sweep_file import SweepLimits
from scai_cli.jobs.session import Spending
from scai_cli.models.tally import Meter
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted

_LEAST_BAR, _LONGEST_BAR = 10, 40
_LEAST_PACE_S, _PACE_S = 5.0, 600.0
"""The last seconds that the rate and the time left rest on: half of the time so far, so that a quick start, which a
limit per minute allows, is soon forgotten; at least and at most these."""
_LOOK_S, _LINE_S = 1.0, 10.0
"""The least seconds from one look at the pace to the next, and from one line to the next."""
_ALL_TENTHS: Final = 10
_ECHO: Final = 2
"""Columns left free after a row: a terminal writes ^C there, which would break a full line and repeat the frame."""
_BAR: Final = "\0"
"""The place of the bar among the texts of a row."""


class Calls(Protocol):
    """How far the calls are."""

    @property
    def done(self) -> int:
        """The answered calls, at most `total`."""

    @property
    def total(self) -> int:
        """The calls in all."""

    @property
    def is_estimated(self) -> bool:
        """Whether `total` is an estimate; else it is the number of calls that the work took."""

    @property
    def is_foreseen(self) -> bool:
        """Whether `total` says something about calls that have not begun."""


class CallsBar:
    """Shows calls; `spent` returns the money or the tokens in words, `meters` count the calls in flight."""

    def __init__(self, console: Console, calls: Calls, spent: Callable[[], str], meters: Sequence[Meter] = ()) -> None:
        self._calls, self._spent, self._meters = calls, spent, meters
        self._progress = Progress(console=console, auto_refresh=False)
        done = calls.done
        self._bar = self._progress.add_task("", total=None, completed=done)
        # Rich forgets the pace of a task whose total changes.
        self._pace = self._progress.add_task("", total=None, completed=done, visible=False)
        self.update()

    def update(self) -> None:
        """Take over how far the calls are now."""
        done = self._calls.done
        total = max(done, self._calls.total) if self._calls.is_foreseen else None
        half = (self._progress.tasks[self._pace].elapsed or 0.0) / 2
        self._progress.speed_estimate_period = min(_PACE_S, max(_LEAST_PACE_S, half))
        self._progress.update(self._bar, completed=done, total=total)
        self._progress.update(self._pace, completed=done)

    def row(self, width: int) -> RenderableType:
        """Return the bar and its numbers in one line; the less important ones are left out if it is narrow."""
        self.update()
        texts = [self._count(), self._left(), self._spent(), _BAR, *self._details()]
        chosen, room, least_bar = list[str](), width + 1 - _ECHO, max(_LEAST_BAR, width // 8)
        for text in filter(None, texts):
            size = (least_bar if text == _BAR else cell_len(text)) + 1
            if size <= room:
                chosen.append(text)
                room -= size
        if not chosen:
            return Text(one_line(texts[0], width - _ECHO))
        columns: list[ProgressColumn] = []
        if _BAR in chosen:
            columns.append(BarColumn(min(_LONGEST_BAR, least_bar + room)))
            chosen.remove(_BAR)
        columns += [TextColumn(text.replace("{", "{{").replace("}", "}}"), markup=False) for text in chosen]
        self._progress.columns = tuple(columns)
        return self._progress.make_tasks_table(self._progress.tasks)

    def line(self) -> str:
        """Return the progress in words: the share, the calls, the time left, the money."""
        task = self._progress.tasks[self._bar]
        share = f"{int(task.percentage)} %: " if task.total else ""
        return share + ", ".join(filter(None, (self._count(), self._left(), self._spent())))

    @property
    def tenth(self) -> int:
        """The number of tenths that are done; 0 while the total is unknown."""
        return int(self._progress.tasks[self._bar].percentage) // 10

    def _count(self) -> str:
        task = self._progress.tasks[self._bar]
        done = int(task.completed)
        if task.total is None:
            return counted(done, "call")
        about = "about " if self._calls.is_estimated else ""
        return f"{done:,} of {about}{counted(int(task.total), 'call')}"

    def _left(self) -> str:
        task, speed = self._progress.tasks[self._bar], self._progress.tasks[self._pace].speed
        if task.total is None or not task.remaining or not speed:
            return ""
        return f"{_clock(task.remaining / speed)} left"

    def _details(self) -> list[str]:
        """Return the retries, the rate, the time so far, the calls in flight and the tokens."""
        pace = self._progress.tasks[self._pace]
        retries, in_flight = sum(m.retries for m in self._meters), sum(m.in_flight for m in self._meters)
        tokens = sum(m.usage.total for m in self._meters)
        return [
            f"{retries:,} {'retry' if retries == 1 else 'retries'}" if retries else "",
            _rate(pace.speed) if pace.speed else "",
            f"{_clock(pace.elapsed or 0.0)} elapsed",
            f"{in_flight:,} in flight" if in_flight else "",
            f"{tokens:,} tokens" if tokens else "",
        ]


class CallsLines:
    """Says how far calls are after each tenth, but not often, for pipes and files."""

    def __init__(self, bar: CallsBar, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._bar, self._say, self._clock = bar, say, clock
        self._tenth, self._said = bar.tenth, clock()
        self._looked = self._said

    def look(self) -> None:
        """Say a line if a further tenth is done; called after each call."""
        now = self._clock()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        self._bar.update()
        if self._tenth < self._bar.tenth < _ALL_TENTHS and now - self._said >= _LINE_S:
            self._tenth, self._said = self._bar.tenth, now
            self._say(self._bar.line())


def spent_words(spent: Spending, limits: LimitsConfig | SweepLimits) -> str:
    """Return the money of the maximum; tokens or calls where these are limited and money is not; else nothing."""
    if spent.usd is not None and (spent.usd or limits.usd is not None):
        return _dollars(spent.usd) + ("" if limits.usd is None else f" of {_dollars(limits.usd)}")
    if limits.tokens is not None:
        return f"{spent.usage.total:,} of {limits.tokens:,} tokens"
    if limits.calls is not None:
        return f"{spent.calls:,} of {limits.calls:,} allowed"
    return ""


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.4f}"


def _rate(speed: float) -> str:
    """Return calls per second, or per minute if it is less than one."""
    number, unit = (speed, "s") if speed >= 1 else (60 * speed, "min")
    return f"{number:,.{0 if number >= 10 else 1}f} calls/{unit}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
