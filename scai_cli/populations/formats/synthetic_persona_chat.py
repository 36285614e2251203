"""Synthetic-Persona-Chat (Google): CSV, two people a row, each some sentences about themselves, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, sentence, tidy
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.table_rows import mapping, rows

_KEYS: Final = ("user 1 personas", "user 2 personas")


def drafts(row: Any, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Both people, in their own words; the conversation is left aside."""
    values = mapping(row)
    for key in _KEYS:
        said = [sentence(line.strip()) for line in tidy(values.get(key), key).split("\n") if line.strip()]
        if not said:
            raise BadRow(f"has no text in the column {key!r}")
        yield PersonaDraft(key=said[0], description="In their own words: " + " ".join(said))


FORMAT: Final = PopulationFormat(rows, drafts, "Synthetic-Persona-Chat", "CC BY 4.0")
