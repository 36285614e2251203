"""Define the options and arguments that several commands share."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from scai_cli.cli import completion
from scai_cli.runs import find
from scai_cli.text.characters import json_line, one_line, visible

_UsageError: Final[Any] = typer.BadParameter.__bases__[0]
Config = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG", help="Experiment file (YAML).", show_default=False, autocompletion=completion.CONFIGS
    ),
]


def _run(completer: completion.Completer, about: str = "Run id, unique prefix of an id, path, or `latest`.") -> Any:
    return typer.Argument(metavar="RUN", help=about, show_default=False, autocompletion=completer)


_SEVERAL: Final = "Run ids, unique prefixes of ids, paths, or `latest`."
Run = Annotated[str, _run(completion.RUN)]
Read = Annotated[str, _run(completion.READ)]
"""A run, an evaluation or a sweep."""
Work = Annotated[str, _run(completion.WORK)]
"""A run, a generated set or an evaluation."""
Runs = Annotated[list[str], _run(completion.RUN, _SEVERAL)]
Reads = Annotated[list[str], _run(completion.READ, _SEVERAL)]
"""Runs, an evaluation or a sweep."""
RunsDir = Annotated[Path, typer.Option("--runs-dir", help="Folder of the runs.", envvar="SCAI_RUNS_DIR", metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _hush(quiet: bool) -> bool:
    logging.getLogger("scai_cli").disabled = quiet  # it names the hosts that get a key
    return quiet


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Hide progress.", callback=_hush)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a key of the experiment, e.g. --set epochs=8. Repeatable.", metavar="KEY=VALUE"),
]
SetLimit = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Change a limit or a price, e.g. --set limits.calls=500. Repeatable.", metavar="KEY=VALUE"
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Model to call: PROVIDER:NAME, e.g. openai:NAME; or `simulated`, built in.",
        metavar="M",
        autocompletion=completion.words("simulated"),
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed for all random draws.", metavar="N")]
Epoch = Annotated[int | None, typer.Option("--epoch", help="Use only this epoch.", metavar="N")]


def one_of(section: str, name: str, about: str) -> Any:
    """Return the option `name` for the id of one of a run's `personas` or `tasks`, its `section`."""
    return typer.Option(name, help=about, metavar="ID", autocompletion=completion.ids(section))


Persona = Annotated[str | None, one_of("personas", "--persona", "Use only this persona's conversations.")]
Task = Annotated[str | None, one_of("tasks", "--task", "Use only conversations about this task.")]

MaxUsd = Annotated[
    float | None, typer.Option("--max-usd", help="Stop before the cost exceeds this many US dollars.", metavar="USD")
]

Trust = Annotated[
    bool, typer.Option("--trust", help="Load the Python code (`module:name`) that the run's config names.")
]

Force = Annotated[bool, typer.Option("--force", help="Continue although a rater fails the rater check.")]
ForceAll = Annotated[bool, typer.Option("--force", help="Continue although ratings or revisions cannot be trusted.")]

_COMPLETING: Final = "_SCAI_COMPLETE"
"""The variable by which a shell asks for the words that fit."""
RUNS: Final = find.RUNS
"""The default of `RunsDir`."""


class Commands(TyperGroup):
    """The commands; their usage errors quote arguments visibly."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and end the process."""
        if _COMPLETING in os.environ:  # fish would read the second line of a description as a word
            os.environ["COLUMNS"] = "1000"
        try:
            sys.exit(super().main(*args, **extra | {"standalone_mode": False, "complete_var": _COMPLETING}))
        except _UsageError as error:
            error.message = visible(error.message)
            error.show()
            sys.exit(2)


def say(line: str) -> None:
    """Print a line on stderr, its control characters made visible."""
    typer.echo(one_line(line), err=True)


def print_json(value: Any) -> None:
    """Print a value as one line of JSON on stdout."""
    print(json_line(value))  # noqa: T201 - data for stdout


def with_limit(settings: Sequence[str] | None, max_usd: float | None, force: str = "") -> list[str]:
    """Return the settings of `--set`, with those of `--max-usd` and `--force`."""
    more = {"limits.usd": max_usd, "force": force or None}
    return [*(settings or ()), *(f"{key}={value}" for key, value in more.items() if value is not None)]
