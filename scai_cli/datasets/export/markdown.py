"""Markdown: tables, lists, and foreign text in them that stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from scai_cli.text.characters import clean, printable, visible

_SPECIAL: Final = re.compile(r"[\\`*_\[\]|~$!]|^[#+=-]|^\d+(?=[.)])")
"""What means something anywhere, or at the start of a line."""

_LOOKALIKES: Final = str.maketrans("`|<>", "'¦‹›")
"""Nothing can be escaped between backticks."""


def escaped(text: str) -> str:
    """Foreign text for Markdown: one line, no markup, no HTML."""
    plain = line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(_backslashed, plain)


def _backslashed(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def code(text: str) -> str:
    """Foreign text between backticks, in a table or not."""
    return line(text).translate(_LOOKALIKES)


def line(text: str) -> str:
    """The text in one line, without what terminals obey."""
    return " ".join(printable(clean(text)).split())


def fenced(text: str) -> str:
    """A block of shell that ends where it should, whatever the text holds."""
    plain = visible(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", plain)), default=0))
    return f"{fence}sh\n{plain}\n{fence}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are escaped already."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bullets(items: Iterable[str]) -> str:
    """A list of items that are escaped already."""
    return "\n".join(f"- {item}" for item in items)
