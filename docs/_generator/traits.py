"""The traits by name."""

from __future__ import annotations

from typing import Final

from _generator.tables import cell, table
from scai_cli.measures.catalogue import TRAITS

INTRO: Final = """\
# Traits

A trait is something that a program observes in a text, from 0 to 1 ([how](../science.md#traits)). A persona's
`preferences` give weights from -1 (minds it) to 1 (wants it). A text cannot show two traits well that exclude
each other.
"""
KINDS: Final = (("style", "Style"), ("substance", "Substance"))


def page() -> str:
    """The whole page."""
    parts = [INTRO]
    for kind, heading in KINDS:
        rows = [
            [f"`{trait.name}`", cell(trait.label), f"`{trait.excludes}`" if trait.excludes else ""]
            for trait in TRAITS.values()
            if trait.kind == kind
        ]
        head = ["name", "what it is", "excludes"]
        if not any(row[2] for row in rows):
            head, rows = head[:2], [row[:2] for row in rows]
        parts.append(f"## {heading}\n\n{table(head, rows)}")
    return "\n".join(parts)
