"""Agents of TinyTroupe (Microsoft): `{"type": "TinyPerson", "persona": {...}}`, a list, or a folder of files."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.populations.clean_text import BadRow, facts, one_line, sentence, tidy
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.table_rows import Notify, TableRow, json_rows

_SHOWN: Final = 4
"""The number of entries per list in the biography."""


def rows(file: str, _: Notify) -> Iterator[TableRow]:
    """Read the agents of a file, or of a folder's *.json files in the order of their names."""
    if not os.path.isdir(file):
        yield from json_rows(file)
        return
    files = sorted(Path(file).glob("*.json"))
    if not files:
        raise ConfigError(f"{file}: has no .json file")
    agents = ((str(path), row) for path in files for row in json_rows(str(path)))
    for number, (path, agent) in enumerate(agents, 1):
        yield TableRow(number, agent.value, agent.line, agent.problem, path)


def drafts(values: Mapping[str, Any]) -> Iterator[PersonaDraft]:
    """Describe an agent by occupation, personality, style, beliefs, likes and dislikes."""
    persona = values.get("persona") or values.get("_configuration") or values.get("_persona")
    if not isinstance(persona, Mapping):
        raise BadRow("has no object under 'persona'")
    name = one_line(persona.get("name") or values.get("name"), "name")
    if not name:
        raise BadRow("has no name")
    work = persona.get("occupation")
    title = work.get("title") if isinstance(work, Mapping) else work
    yield PersonaDraft(
        key=name,
        name=name,
        description=_described(name, persona, work if isinstance(work, Mapping) else {}),
        attributes=facts(
            age=persona.get("age"),
            gender=persona.get("gender"),
            nationality=_brief(persona.get("nationality")),
            residence=_brief(persona.get("residence") or persona.get("country_of_residence")),
            occupation=_brief(title),
        ),
    )


def _described(name: str, persona: Mapping[str, Any], work: Mapping[str, Any]) -> str:
    wants = persona.get("preferences")
    wants = wants if isinstance(wants, Mapping) else {}
    character = persona.get("personality")
    character = character if isinstance(character, Mapping) else {"traits": persona.get("personality_traits")}
    place = f" at {one_line(work['organization'])}" if work.get("organization") else ""
    sentences = [f"{name} is {one_line(work['title'])}{place}." if work.get("title") else ""]
    sentences += [
        _titled("Education", persona.get("education")),
        _titled("Personality", character.get("traits")),
        _titled("Style", persona.get("style")),
        _titled("Beliefs", persona.get("beliefs")),
        _titled("Interests", wants.get("interests")),
        _titled("Likes", wants.get("likes")),
        _titled("Dislikes", wants.get("dislikes")),
        _titled("More", persona.get("other_facts")),
    ]
    return tidy(" ".join(filter(None, sentences)))


def _titled(title: str, value: Any) -> str:
    """Return a sentence with a title, for a text, a list of texts, or a list of mappings with one text each."""
    parts = value if isinstance(value, list) else [value]
    texts = [next(iter(part.values()), None) if isinstance(part, Mapping) else part for part in parts]
    shown = [one_line(text).rstrip(".") for text in texts if isinstance(text, str) and text.strip()]
    return f"{title}: {sentence('; '.join(shown[:_SHOWN]))}" if shown else ""


def _brief(value: Any) -> Any:
    return value if not isinstance(value, str) or len(value) <= 200 else None


PERSONAS: Final = PopulationFormat(drafts, "TinyTroupe", rows=rows)
