"""The live view of a run or a set on a terminal."""

import io
import re

from rich.console import Console

from scai_cli.display.terminal.generate_progress import GenerateProgress
from scai_cli.display.terminal.run_progress import ProgressView
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.jobs.session import SessionStart

CONTROL = re.compile(r"\x1b\[\??[0-9;]*[A-Za-z]")
CONFIG = ExperimentConfig.model_validate(
    {
        "name": "tiny",
        "personas": [{"id": "ann", "description": "Ann is in a hurry."}],
        "tasks": [{"id": "t", "prompt": "How?"}],
    }
)


def shown(*lines: str, height: int = 24) -> list[str]:
    """Return the rows that the view leaves on a screen of 40 columns."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system=None, width=40, height=height)
    view = ProgressView(console, GenerateProgress())
    view.begin(SessionStart("rows", CONFIG, []))
    for line in lines:
        view.say(line)
    view.end()
    frames = [text for text in CONTROL.split(screen.getvalue()) if text.strip()]
    return frames[-1].strip("\r\n").splitlines()


def test_a_line_is_shown_in_full_as_its_end_is_the_remedy() -> None:
    rows = shown("warning: 4 of 4 answers of raters were cut off (max_tokens): raise roles.user.max_tokens.")
    assert [row.strip() for row in rows[:3]] == [
        "warning: 4 of 4 answers of raters were",
        "cut off (max_tokens): raise",
        "roles.user.max_tokens.",
    ]


def test_the_newest_rows_fit_the_screen() -> None:
    assert len(shown(*[f"line {n} " + "word " * 20 for n in range(20)], height=12)) == 12 - 2
