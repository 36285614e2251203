"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

MaxCalls = Annotated[int | None, typer.Option("--max-calls", help="Stop before more model calls.", metavar="N")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", help="Stop before more tokens.", metavar="N")]
MaxUsd = Annotated[float | None, typer.Option("--max-usd", help="Stop before more US dollars.", metavar="USD")]
MaxSeconds = Annotated[float | None, typer.Option("--max-seconds", help="Stop after so many seconds.", metavar="S")]

Cached = Annotated[
    bool | None,
    typer.Option("--cache/--no-cache", help="Keep answers across runs and take them from there.", show_default=False),
]

Trust = Annotated[bool, typer.Option("--trust", help="Load code that the run names and that is not scai's.")]

RUNS = Path("runs")
"""The default of `RunsDir`."""


def limits(
    calls: int | None, tokens: int | None, usd: float | None, seconds: float | None, cache: bool | None
) -> list[str]:
    """The `--max-...` options and `--cache` as settings."""
    given = {"calls": calls, "tokens": tokens, "usd": usd, "seconds": seconds}
    settings = [f"limits.{key}={value}" for key, value in given.items() if value is not None]
    return settings if cache is None else [*settings, f"cache={str(cache).lower()}"]
