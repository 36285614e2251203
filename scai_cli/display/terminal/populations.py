"""`scai personas describe`: a file of personas, or the files of a folder."""

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from scai_cli.display.numbers import number
from scai_cli.display.terminal.consoles import number_table, out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING
from scai_cli.display.terminal.wrap import wrapped
from scai_cli.text.characters import one_line

_INDENT: Final = "  "
_PAIRS: Final = 10
"""The maximal number of similar pairs on the screen."""


def print_description(file: str, described: Mapping[str, Any]) -> None:
    """Print the description of a population."""
    console = out()
    size = described["personas"]
    console.print(styled(f"{file}: {size:,} personas, representing {described['weight']:,.6g} people", HEADING))
    console.print(_attributes(described["attributes"], size))
    if described["quotas"]:
        console.print(_quotas(described["quotas"]))
    for line in _lines(described):
        console.print(styled(line), soft_wrap=True)


def print_account(lines: Iterable[str]) -> None:
    """Print the lines of an import's account on stderr; a terminal gets them wrapped, the rest of each indented."""
    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else None
    for line in lines:
        sys.stderr.write("\n".join(account_lines(one_line(line), width)) + "\n")


def account_lines(line: str, width: int | None) -> list[str]:
    """Return a line as lines of at most `width` columns (None: no limit), all but the first indented."""
    if width is None:
        return [line]
    first, *more = wrapped(line, max(20, width - len(_INDENT)), max(20, width))
    return [first, *(f"{_INDENT}{rest}" for rest in more)]


def print_files(files: Iterable[tuple[Path, int | None, str | None]]) -> None:
    """Print the files with their numbers of personas, or the reason why one cannot be read."""
    table = plain_table(header=False)
    table.add_column()
    table.add_column(justify="right")
    for path, size, problem in files:
        table.add_row(
            styled(one_line(str(path))), "–" if size is None else f"{size:,}", styled(one_line(problem or "", 60))
        )
    out().print(table)


def _attributes(attributes: Mapping[str, Any], size: int) -> Table:
    table = number_table("attribute", "known", "different")
    table.add_column("values")
    for name, counted in attributes.items():
        known = f"{counted['known'] / size:.0%}"
        table.add_row(styled(one_line(name, 30)), known, str(counted["distinct"]), styled(_values(counted)))
    return table


def _values(counted: Mapping[str, Any]) -> str:
    if "range" in counted:
        spread = counted["range"]
        return f"{spread['lowest']:g} to {spread['highest']:g}, median {spread['median']:g}"
    listed = ", ".join(f"{one_line(value, 30)} ({n:,})" for value, n in counted["values"].items())
    return listed + (", ..." if len(counted["values"]) < counted["distinct"] else "")


def _quotas(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Return the shares of people; if weights change any, the shares of the weight too."""
    rows = list(rows)
    shares = ["wanted", "reached", *(["weighted"] if any(row["weighted"] != row["reached"] for row in rows) else [])]
    table = number_table("quota", *shares)
    for row in rows:
        label = one_line(f"{row['attribute']}={row['value']}", 50)
        table.add_row(styled(label), *(f"{row[share] or 0:.0%}" for share in shares))
    return table


def _lines(described: Mapping[str, Any]) -> list[str]:
    missing = ", ".join(f"{part} {n:,}" for part, n in described["missing"].items() if n)
    words = [number(described[name]) for name in ("distinct_1", "distinct_2")]
    same, near = described["duplicates"], described["near_duplicates"]
    lines = [
        f"words a text: {number(described['mean_words'], 1)}; "
        f"different words {words[0]}, different pairs of words {words[1]}",
        f"without: {missing or 'nothing is missing'}",
        f"the same text twice: {len(same):,}; nearly the same: {len(near):,}",
    ]
    lines += [f"  {one} = {other}" for one, other in same[:_PAIRS]]
    lines += [f"  {one} ~ {other} ({alike:.2f})" for one, other, alike in near[:_PAIRS]]
    return lines
