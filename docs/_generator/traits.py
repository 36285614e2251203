"""Write the page of the traits."""

from __future__ import annotations

from typing import Final

from _generator.tables import cell, table
from scai_cli.measures.catalogue import TRAITS

INTRO: Final = """\
# Traits

A trait is a property of a text that a program measures, from 0 to 1 ([definition](../science.md#traits)). A persona's
`preferences` weight traits from -1 (dislikes) to 1 (wants). Traits that exclude each other cannot both be strong in
one text.
"""
KINDS: Final = (("style", "Style"), ("substance", "Substance"))


def page() -> str:
    """Return the whole page."""
    parts = [INTRO]
    for kind, heading in KINDS:
        rows = [
            [f"`{trait.name}`", cell(trait.label), f"`{trait.excludes}`" if trait.excludes else ""]
            for trait in TRAITS.values()
            if trait.kind == kind
        ]
        head = ["name", "meaning", "excludes"]
        if not any(row[2] for row in rows):
            head, rows = head[:2], [row[:2] for row in rows]
        parts.append(f"## {heading}\n\n{table(head, rows)}")
    return "\n".join(parts)
