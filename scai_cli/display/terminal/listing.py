"""`scai list`: the runs, generated sets, evaluations and sweeps of a folder as tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from scai_cli.datasets.generate.manifest import read_generation
from scai_cli.display.numbers import change, number
from scai_cli.display.terminal.consoles import out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.next_steps import after_generate, command, print_steps_below
from scai_cli.display.terminal.styles import DOUBTFUL, MUTED, style_of
from scai_cli.errors import ConfigError
from scai_cli.text.characters import one_line

_WIDE: Final = 100
"""Columns of a terminal that has space for models and for the time of day."""

_NARROW: Final = 60
"""Columns below which only the first three of a table are shown, and a quarter more for runs."""

_EXPLAINED: Final = (
    "mean rating: of each run's people, real or simulated, by weight; last version",
    "held-out change: of people or tasks without a part in the rules; welfare, 0 to 1",
)

Entries = Sequence[Mapping[str, Any]]
"""Objects of one kind as `runs.history.listings` returns them, newest first."""


def print_lists(folder: Path, runs: Entries, generated: Entries, evaluations: Entries, sweeps: Entries) -> None:
    """Print a table of each kind; `runs` and `generated` are without the cells of sweeps."""
    if runs or not (generated or evaluations):
        _print_runs(runs, sweeps)
    _print_others(
        ("generated", "status", "rows", "from", "started"),
        [(e, f"{e['rows']}/{e['wanted'] or '?'}", e["source"]) for e in generated],
    )
    _print_others(
        ("evaluation", "status", "items", "systems", "started"),
        [(e, str(e["answered"]), (e["systems"] or "").replace(", ", ",")) for e in evaluations],
    )
    _print_others(
        ("sweep", "status", "cells", "over", "started"),
        [(e, f"{e['finished']}/{e['cells'] or '?'}", e["axes"]) for e in sweeps],
    )
    print_steps_below(list(_steps(folder, runs, generated, sweeps)))


def _steps(folder: Path, runs: Entries, generated: Entries, sweeps: Entries) -> Iterator[tuple[str, str]]:
    if sweeps:
        name = sweeps[0]["run_id"]
        yield f"the cells of {one_line(name, 30)}", command("show", name, runs=folder)
    if runs:
        yield "the newest run", command("show", runs[0]["run_id"], runs=folder)
    played = [run["run_id"] for run in runs if run["epochs_done"]]
    if len(played) > 1:
        yield "two runs side by side", command("compare", played[1], played[0], runs=folder)
    if generated:
        name, status = generated[0]["run_id"], generated[0]["status"]
        if status == "finished":
            with suppress(ConfigError):  # a damaged set, which the list shows as it can
                yield after_generate(folder / name, read_generation(folder / name))[0]
        elif status != "running":
            yield "the rest of the rows", command("resume", name, runs=folder)
    if runs or generated:
        yield "all of them in a browser", command("view", runs=folder)


def _print_runs(runs: Entries, sweeps: Entries) -> None:
    console = out()
    if not runs:
        none = "All runs are cells of sweeps." if sweeps else "There are no runs yet; make one with `scai run CONFIG`."
        console.print(styled(none))
        return
    titles = ["run", "status", "epochs", "mean rating\nat the end", "held-out\nchange", "cost", "started"]
    if console.width >= _WIDE:
        titles.append("model")
    elif console.width < _NARROW * 5 // 4:
        titles = titles[:3]
    table = plain_table()
    table.pad_edge = False
    for title in titles:
        # No id is cut, so that it can be used in another command.
        right = title.startswith(("mean", "held", "cost"))
        table.add_column(
            title, no_wrap=title not in ("run", "model"), overflow="fold", justify="right" if right else "left"
        )
    for entry in runs:
        table.add_row(*_cells(entry, console.width)[: len(titles)])
    console.print(table)
    if any(entry["health"] for entry in runs):
        console.print(styled("* with reasons not to trust its numbers: see `scai show RUN`", DOUBTFUL))
    for line in _EXPLAINED if len(titles) > 3 else ():
        console.print(styled(line, MUTED))


def _cells(entry: Mapping[str, Any], width: int) -> list[Text]:
    scale, gain, usd = entry["scale"], entry["held_out_gain"], entry["usd"]
    rated = entry["satisfaction"]
    known = gain is not None and None not in (gain["low"], gain["high"])
    verdict = "" if not known else "gained" if gain["low"] > 0 else "lost" if gain["high"] < 0 else ""
    cost = "–" if usd is None else f"${usd:.4f}" if usd else "nothing"
    return [
        styled(one_line(entry["run_id"])),
        Text.assemble((entry["status"], style_of(entry["status"])), ("*" * bool(entry["health"]), DOUBTFUL)),
        styled(f"{entry['epochs_done']}/{entry['epochs'] or '?'}"),
        styled("–" if rated is None or not scale else f"{number(rated, 1)} of {scale[1]:g}"),
        styled(change(gain["value"] if gain else None), style_of(verdict)),
        styled(cost),
        styled(_when(entry["started"], width), MUTED),
        styled(one_line(entry["model"] or "")),
    ]


def _print_others(titles: Sequence[str], rows: Sequence[tuple[Mapping[str, Any], str, str | None]]) -> None:
    """Print a row for each: id, status, progress, source and start; the last two only if there is space."""
    if not rows:
        return
    console, table = out(), plain_table()
    shown = len(titles) if console.width >= _NARROW else 3
    for number_, title in enumerate(titles[:shown]):
        table.add_column(title, no_wrap=number_ not in (0, 3), overflow="fold")
    for entry, progress, source in rows:
        cells = (
            styled(one_line(entry["run_id"])),
            styled(entry["status"], style_of(entry["status"])),
            styled(progress),
            styled(one_line(source or "")),
            styled(_when(entry["started"], console.width), MUTED),
        )
        table.add_row(*cells[:shown])
    console.print()
    console.print(table)


def _when(started: str | None, width: int) -> str:
    """Return the day, on a wide terminal with the time in UTC."""
    return (started or "")[: 16 if width >= _WIDE else 10].replace("T", " ")
