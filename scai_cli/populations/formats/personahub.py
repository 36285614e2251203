"""Personas of PersonaHub (Tencent AI Lab): JSONL, one sentence each under `persona` or `input persona`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, sentence, tidy
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat

_KEYS: Final = ("persona", "input persona")


def drafts(values: Mapping[str, Any]) -> Iterator[PersonaDraft]:
    """Turn the sentence into the description."""
    text = next((tidy(values[key], key) for key in _KEYS if values.get(key)), "")
    if not text:
        raise BadRow("has no text under 'persona' or 'input persona'")
    yield PersonaDraft(key=text, description=sentence(text[0].upper() + text[1:]))


PERSONAS: Final = PopulationFormat(drafts, "PersonaHub", "CC BY-NC-SA 4.0")
