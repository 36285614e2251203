"""The commands below a screen: they exist, they are quoted, and nobody gets them who did not ask for a screen."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import typer.main
from conftest import scai
from terminal import on_a_terminal

from scai_cli.cli import app
from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.display.terminal import next_steps
from scai_cli.display.terminal.next_steps import Steps, after_check, eight_seeds
from scai_cli.experiment.load import Overrides
from scai_cli.experiment.sweep_file import read_sweep


@dataclass
class Made:
    """A manifest of rows with all that an export can take."""

    has_pairs: bool = True
    has_critiques: bool = True
    by_turns: bool = True


RUN = Path("my runs") / "tea's"
ALL: dict[str, Steps] = {
    "run": next_steps.after_run(RUN),
    "summary": next_steps.after_summary(RUN, "finished"),
    "running": next_steps.after_summary(RUN, "running"),
    "ratings": next_steps.after_ratings(RUN, "an id"),
    "constitution": next_steps.after_constitution(RUN),
    "check": after_check(Path("a b.yaml"), Overrides(("name=a b",), "openai:m", 3), RUN.parent, 0.012),
    "init": next_steps.after_init(Path("a b")),
    "personas": next_steps.after_import("personas", Path("a b.yaml")),
    "tasks": next_steps.after_import("tasks", Path("a b.yaml")),
    "generate": next_steps.after_generate(RUN, cast("GenerateManifest", Made())),
    "rows": next_steps.after_rows(RUN, None),
    "message": next_steps.after_message(RUN),
    "evaluation": next_steps.after_evaluation(RUN),
    "comparison": next_steps.after_comparison([RUN, RUN.parent / "b", Path("elsewhere/c")]),
    "explanation": next_steps.after_explanation(RUN),
    "report": next_steps.after_report(RUN),
    "sweep": next_steps.after_sweep(RUN, is_finished=True),
}


@pytest.mark.parametrize("steps", ALL.values(), ids=ALL.keys())
def test_every_command_is_one_that_exists_with_its_options(steps: Steps) -> None:
    assert 1 <= len(steps) <= 3
    for _, line in steps:
        for part in re.split(r"; | && ", line):
            words = shlex.split(part)
            if words[0] != "scai":
                continue
            command, rest = typer.main.get_command(app), words[1:]
            while hasattr(command, "commands") and rest[0] in command.commands:
                command, rest = command.commands[rest[0]], rest[1:]
            if rest[0] == "view":  # has no argument and no option but --runs-dir
                continue
            assert not hasattr(command, "commands"), line
            known = {name for parameter in command.params for name in parameter.opts}
            assert {word for word in rest if word.startswith("-") and word != "-"} <= known, line


def test_no_step_continues_a_sweep() -> None:
    assert [line.split()[1] for _, line in next_steps.after_sweep(RUN, is_finished=False)] == ["show", "report"]


def test_a_price_becomes_a_limit_that_is_not_below_it() -> None:
    found = [after_check(Path("a.yaml"), Overrides(), Path("runs"), usd)[0][1] for usd in (None, 0, 0.0123, 3.21, 45)]
    assert found[:2] == ["scai run a.yaml"] * 2
    assert [line.partition("--max-usd ")[2] for line in found[2:]] == ["0.019", "4.9", "68"]


def test_the_eight_seeds_are_a_sweep() -> None:
    run = Path("my: runs' #1") / "tea"
    written, _, sweep = eight_seeds(run).partition("; ")
    words = shlex.split(written)
    assert words[:2] == ["printf", r"%s\n"]
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("personas: [{id: a, name: A, description: A.}]\ntasks: [{id: t, prompt: T?}]\n")
    Path(words[-1]).write_text("\n".join(words[2:-2]), encoding="utf-8")
    assert shlex.split(sweep)[-2:] == ["--runs-dir", str(run.parent)]
    assert len(read_sweep(Path(shlex.split(sweep)[2])).cells) == 8


@pytest.mark.slow
def test_a_screen_has_them_on_stderr_and_data_has_none(finished: Path) -> None:
    runs = ("--runs-dir", finished.parent)
    assert "scai report tiny" in on_a_terminal("show", "tiny", *runs)
    for command in (("show", "tiny"), ("list",), ("show", "tiny", "--ratings")):
        called = scai(*command, *runs)
        assert [line for line in called.lines if line in called.out] == []
        assert 1 <= len(called.lines) <= 3
        assert scai(*command[:2], "--json", *runs).err == ""
