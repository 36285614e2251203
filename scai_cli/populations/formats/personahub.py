"""PersonaHub (Tencent AI Lab): JSONL, one sentence a person under `persona` or `input persona`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, sentence, tidy
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.table_rows import mapping, rows

_KEYS: Final = ("persona", "input persona")


def drafts(row: Any, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """The person, in the words of the data set."""
    values = mapping(row)
    found = next((tidy(values[key], key) for key in _KEYS if values.get(key)), "")
    if not found:
        raise BadRow("has no text under 'persona' or 'input persona'")
    yield PersonaDraft(key=found, description=sentence(found[0].upper() + found[1:]))


FORMAT: Final = PopulationFormat(rows, drafts, "PersonaHub", "CC BY-NC-SA 4.0")
