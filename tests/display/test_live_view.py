"""The live view of a session on a terminal, and its lines in a pipe."""

import io
import itertools

import pytest
from rich.console import Console

from scai_cli.display.terminal.calls_bar import CallsBar, spent_words
from scai_cli.display.terminal.generate_progress import GenerateProgress
from scai_cli.display.terminal.progress_view import ProgressView
from scai_cli.experiment.config import ExperimentConfig, LimitsConfig
from scai_cli.jobs.session import SessionStart, Spending
from scai_cli.messages import Usage
from scai_cli.models.call_count import CallCount

CONFIG = ExperimentConfig.model_validate(
    {
        "name": "tiny",
        "personas": [{"id": "ann", "description": "Ann is in a hurry."}],
        "tasks": [{"id": "t", "prompt": "How?"}],
    }
)


def console(width: int = 40, *, terminal: bool = True, **more: object) -> tuple[Console, io.StringIO]:
    screen = io.StringIO()
    given = {"color_system": None, "height": 24, **more}
    return Console(file=screen, force_terminal=terminal, width=width, **given), screen  # type: ignore[arg-type]


def counted(done: int, total: int) -> CallCount:
    """A count of so many calls of so many."""
    count = CallCount(expect=lambda: {(0, 0): total})
    for call in map(str, range(done)):
        count.end(count.begin(call))
    return count


def test_a_line_is_shown_in_full_above_the_bar_as_its_end_is_the_remedy() -> None:
    screen, written = console()
    view = ProgressView(screen, GenerateProgress())
    view.begin(SessionStart("rows", CONFIG, [], counted(3, 8)))
    remedy = "warning: 4 of 4 answers of raters were cut off (max_tokens): raise roles.user.max_tokens."
    view.say(remedy)
    view.end()
    shown = " ".join(written.getvalue().split())
    assert remedy in shown
    assert "3 of about 8 calls" in shown.split(remedy)[1]


@pytest.mark.parametrize("width", [12, 24, 36, 40, 60, 80, 120, 200])
def test_the_row_fits_any_width_and_the_important_numbers_come_first(width: int) -> None:
    screen, written = console(width)
    bar = CallsBar(screen, counted(1204, 1665), lambda: "$0.12 of $5.00")
    screen.print(bar.row(width))
    [row] = written.getvalue().splitlines()
    assert len(row) <= width - 2, "a terminal writes ^C after it"
    if width >= 36:
        assert "1,204 of about 1,665 calls" in row
    if width >= 60:
        assert "━" in row
        assert "$0.12 of $5.00" in row


def test_without_colours_the_bar_is_plain_text() -> None:
    screen, written = console(80, color_system="truecolor", no_color=True, legacy_windows=False)
    screen.print(CallsBar(screen, counted(4, 8), str).row(80))
    assert "\x1b[3" not in written.getvalue()


def test_a_pipe_gets_a_line_for_each_tenth_but_not_often() -> None:
    screen, written = console(terminal=False)
    now, count = itertools.count(0, 6), counted(0, 100)
    view = ProgressView(screen, GenerateProgress(), clock=lambda: float(next(now)))
    view.begin(SessionStart("rows", CONFIG, [], count, lambda: Spending(usd=0.5)))
    for call in map(str, range(100)):
        count.end(count.begin(call))
    count.finish()
    view.end()
    lines = written.getvalue().splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"{tenth}0 %" for tenth in range(1, 10)]
    assert all(line.endswith("$0.50") for line in lines)
    assert "\x1b" not in written.getvalue()
    assert "\r" not in written.getvalue()


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen, written = console()
    view = ProgressView(screen, GenerateProgress())
    view.begin(SessionStart("rows", CONFIG, [], counted(3, 8)))
    view.say("a line")
    view.end()
    assert written.getvalue() == "a line\n"


@pytest.mark.parametrize(
    ("limits", "spent", "words"),
    [
        ({"usd": 5}, Spending(usd=0.125), "$0.12 of $5.00"),
        ({"usd": 0.5}, Spending(usd=0.0021), "$0.0021 of $0.50"),
        ({}, Spending(usd=0.5), "$0.50"),
        ({}, Spending(usd=None), ""),
        ({}, Spending(usd=0.0), ""),
        ({"tokens": 9000}, Spending(usage=Usage(1000, 200)), "1,200 of 9,000 tokens"),
        ({"calls": 500}, Spending(calls=96), "96 of 500 allowed"),
    ],
)
def test_the_money_has_its_maximum(limits: dict[str, float], spent: Spending, words: str) -> None:
    assert spent_words(spent, LimitsConfig.model_validate(limits)) == words
