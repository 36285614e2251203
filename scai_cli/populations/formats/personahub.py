"""Personas of PersonaHub (Tencent AI Lab): JSONL, one sentence each under `persona` or `input persona`."""

from collections.abc import Iterator
from typing import Final

from scai_cli.populations.clean_text import BadRow, sentence
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.record import Record

_KEYS: Final = ("persona", "input persona")
_NOT_ABOUT_IT: Final = ("synthesized text", "description")


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Turn the sentence into the description; other columns (domains) become attributes."""
    found = row.find(row.first(_KEYS) or "")
    if found is None:
        raise BadRow("has no text under 'persona' or 'input persona'")
    if not isinstance(found[1], str):
        raise BadRow(f"{found[0]} is not text")
    text = row.text(found[0], "description")
    if not text:
        raise BadRow(f"has no text under {found[0]!r}")
    row.leave_out_all({"written for the persona, not about it": _NOT_ABOUT_IT})
    texts = [text[0].upper() + text[1:], *row.long_rest()]
    yield PersonaDraft(key=text, description=" ".join(map(sentence, texts)), attributes=row.rest())


PERSONAS: Final = PopulationFormat(people, "PersonaHub", "CC BY-NC-SA 4.0", open=True)
