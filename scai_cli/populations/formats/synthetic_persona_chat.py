"""Synthetic-Persona-Chat (Google): CSV with two people per row, each described in sentences of their own."""

from collections.abc import Iterator
from typing import Final

from scai_cli.populations.clean_text import BadRow, sentence
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.record import Record

_KEYS: Final = ("user 1 personas", "user 2 personas")


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Turn both people into personas; the conversation is not used."""
    row.leave_out_all({"a conversation of both people": ("Best Generated Conversation",)})
    for key in _KEYS:
        lines = row.text(key, "description").split("\n")
        sentences = [sentence(line.strip()) for line in lines if line.strip()]
        if not sentences:
            raise BadRow(f"has no text in the column {key!r}")
        yield PersonaDraft(key=sentences[0], description="In their own words: " + " ".join(sentences))


PERSONAS: Final = PopulationFormat(people, "Synthetic-Persona-Chat", "CC BY 4.0")
