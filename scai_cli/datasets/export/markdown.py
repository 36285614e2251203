"""Write Markdown tables, lists and code, with foreign text escaped."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from scai_cli.text.characters import one_line, visible

_SPECIAL: Final = re.compile(r"[\\`*_\[\]|~$!]|^[#+=-]|^\d+(?=[.)])")
"""Characters with a meaning anywhere, or at the start of a line."""

_LOOKALIKES: Final = str.maketrans("`|<>", "'¦‹›")
"""Characters that cannot be escaped between backticks."""


def escaped(text: str) -> str:
    """Escape foreign text for Markdown: one line, without markup or HTML."""
    plain = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(lambda match: f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}", plain)


def code(text: str) -> str:
    """Prepare foreign text for a place between backticks, in a table or elsewhere."""
    return one_line(text).translate(_LOOKALIKES)


def fenced(text: str) -> str:
    """Return a fenced shell block; the fence is longer than any run of backticks in the text."""
    plain = visible(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", plain)), default=0))
    return f"{fence}sh\n{plain}\n{fence}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the cells are escaped already."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bullets(items: Iterable[str]) -> str:
    """Return a list; the items are escaped already."""
    return "\n".join(f"- {item}" for item in items)
