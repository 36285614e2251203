"""`scai dataset describe`: a data set on one screen."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.table import Table

from scai_cli.display.numbers import number
from scai_cli.display.terminal.consoles import number_table, out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted

_LENGTHS = {"row": "prompt, longer answer", "answer": "answer", "rejected": "rejected answer"}


def print_dataset(description: Mapping[str, Any]) -> None:
    """Print the object that `describe` returned."""
    console = out()
    formats = " and ".join(description["formats"])
    path, rows = one_line(description["path"]), counted(description["rows"], "row")
    console.print(styled(f"{path}: {rows} in the format {formats}", HEADING))
    for line in description["health"]:
        console.print(styled(f"Warning: {one_line(line)}"))
    console.print()
    console.print(_files(description["files"]))
    console.print()
    console.print(_lengths(description["lengths"]))
    console.print()
    table = plain_table(header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in _lines(description):
        table.add_row(styled(title, HEADING), styled(text))
    console.print(table)


def _files(files: Iterable[Mapping[str, Any]]) -> Table:
    table = number_table("file", "rows")
    table.add_column("columns")
    for file in files:
        columns = one_line(", ".join(file["columns"]), 44)
        table.add_row(styled(one_line(file["name"], 24)), f"{file['rows']:,}", styled(columns or "–"))
    return table


def _lengths(lengths: Mapping[str, Any]) -> Table:
    table = number_table("characters (tokens)", "mean", "median", "95 % below", "longest")
    for part, name in _LENGTHS.items():
        if (length := lengths[part]) is not None:
            cells = (f"{length['characters'][key]:,.0f} ({length['tokens'][key]:,})" for key in length["characters"])
            table.add_row(name, *cells)
    return table


def _lines(description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    variety, near = description["diversity"], description["near_duplicates"]
    yield (
        "variety",
        f"self-BLEU {number(variety['self_bleu'])} of {variety['self_bleu_of']:,} answers drawn with seed "
        f"{variety['seed']} (1: every phrase occurs in others)",
    )
    yield (
        "repeated",
        f"the very same row {_percent(description['duplicates']['share'])}; "
        f"nearly the same prompt and answers {_percent(near['share'])} of {near['of']:,}",
    )
    if (labels := description["labels"]) is not None:
        yield "labels", f"good {_range(labels['share_good'])}: {labels['good']:,} good, {labels['bad']:,} bad"
    if (bias := description["length_bias"]) is not None:
        longer = "–" if bias["chosen_longer"] is None else _range(bias["chosen_longer"])
        yield (
            "length",
            f"the chosen answer is the longer one in {longer} of {bias['pairs']:,} pairs "
            f"({bias['same_length']:,} of equal length)\nby {_mean(bias['difference'])} characters on average",
        )
    if (later := description["later_chosen"]) is not None:
        yield "order", f"the later answer (by epoch or revision) is the chosen one in {_range(later)}"
    refusals = description["refusals"]
    rejected = "" if refusals["rejected"] is None else f", rejected answers {_percent(refusals['rejected'])}"
    yield "refusals", f"answers {_percent(refusals['answers'])}{rejected}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _range(interval: Mapping[str, float]) -> str:
    return f"{interval['estimate']:.1%} [{interval['low']:.1%}, {interval['high']:.1%}]"


def _mean(interval: Mapping[str, float | None]) -> str:
    between = "" if interval["low"] is None else f" [{interval['low']:+,.0f}, {interval['high']:+,.0f}]"
    return f"{interval['estimate']:+,.0f}{between}"
