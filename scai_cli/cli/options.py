"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment file (YAML).", show_default=False)]
Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run id, a unique prefix of one, a path, or `latest`.", show_default=False),
]
Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN", help="Run ids, unique prefixes of them, paths, or `latest`.", show_default=False),
]
RunsDir = Annotated[
    Path, typer.Option("--runs-dir", help="Where the run directories are.", envvar="SCAI_RUNS_DIR", metavar="DIR")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Set a key of the experiment, e.g. --set epochs=8; may be repeated.", metavar="KEY=VALUE"
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model", help="The model of every role: `simulated` or PROVIDER:NAME, e.g. openai:NAME.", metavar="M"
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Everything drawn at random follows from it.", metavar="N")]
Epoch = Annotated[int | None, typer.Option("--epoch", help="Only this epoch.", metavar="N")]
Persona = Annotated[str | None, typer.Option("--persona", help="Only this persona's conversations.", metavar="ID")]
Task = Annotated[str | None, typer.Option("--task", help="Only conversations about this task.", metavar="ID")]

MaxUsd = Annotated[float | None, typer.Option("--max-usd", help="Stop before more US dollars.", metavar="USD")]

Trust = Annotated[bool, typer.Option("--trust", help="Load code that the run names and that is not scai's.")]

RUNS = Path("runs")
"""The default of `RunsDir`."""


def print_json(value: Any) -> None:
    """Print a value as one line of JSON on stdout."""
    from scai_cli.text.characters import json_line

    print(json_line(value))  # noqa: T201 - data for stdout


def with_limit(settings: Sequence[str] | None, max_usd: float | None) -> list[str]:
    """Return the settings of `--set` with that of `--max-usd`."""
    return [*(settings or ()), *(() if max_usd is None else (f"limits.usd={max_usd}",))]
