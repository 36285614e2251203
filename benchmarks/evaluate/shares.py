"""Rows of tables, figures beside the wanted ones; shares with Wilson's interval."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.documents import line
from scai_cli.stats.clustered import wilson

HEAD = (line("what", "wanted", "found"), line("---", "---", "---"))


@dataclass(frozen=True, slots=True)
class Found:
    """A row: the measure, the figure that is wanted (empty for one that explains), and the one that was found."""

    what: str
    wanted: str
    found: str

    def __str__(self) -> str:
        """Return the row in Markdown."""
        return line(self.what, self.wanted or "–", self.found)


def counted(hits: int, of: int) -> str:
    """Return `47 of 50`, with the share and its 95 % interval."""
    if not of:
        return "none"
    low, high = wilson(hits / of, of, 1.96)
    return f"{hits} of {of} ({100 * hits / of:.1f} %, {100 * low:.0f} to {100 * high:.0f})"
