"""Synthetic-Persona-Chat (Google): CSV with two people per row, each described in sentences of their own."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, sentence, tidy
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat

_KEYS: Final = ("user 1 personas", "user 2 personas")


def drafts(values: Mapping[str, Any]) -> Iterator[PersonaDraft]:
    """Turn both people into personas; the conversation is not used."""
    for key in _KEYS:
        sentences = [sentence(line.strip()) for line in tidy(values.get(key), key).split("\n") if line.strip()]
        if not sentences:
            raise BadRow(f"has no text in the column {key!r}")
        yield PersonaDraft(key=sentences[0], description="In their own words: " + " ".join(sentences))


PERSONAS: Final = PopulationFormat(drafts, "Synthetic-Persona-Chat", "CC BY 4.0")
