"""Agents of TinyTroupe (Microsoft): `{"type": "TinyPerson", "persona": {...}}`, a list, or a folder of files.

Older versions have the same keys and some others under `_configuration`; a persona can also be the whole object.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.clean_text import BadRow, LeftOut, readable
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import Notify, TableRow, json_rows
from scai_cli.populations.titled_texts import TitledTexts

_OUTER: Final = ("persona", "_persona", "_configuration")
_BY_WEIGHT: Final = (
    *("occupation", "occupation_description", "education", "personality", "personality_traits", "style", "beliefs"),
    *("long_term_goals", "goals", "preferences", "interests", "professional_interests", "personal_interests"),
    *("likes", "dislikes", "skills", "behaviors", "routines", "relationships", "health", "other_facts"),
)
"""The keys of a persona from the most important one; other keys follow."""
_UNTITLED: Final = ("traits", "big_five", "preferences", "behaviors", "general", "description")
_ATTRIBUTES: Final = {
    "age": ("age",),
    "gender": ("gender",),
    "nationality": ("nationality",),
    "residence": ("residence", "country_of_residence"),
    "occupation": ("occupation.title", "occupation"),
}
"""Attribute -> its keys; the first one with a value counts."""
_LONGEST_SHORT: Final = 200
"""The most characters of a text that becomes an attribute; a longer one goes into the description."""
_STATE: Final = "the state of a simulation"
_MEMORY: Final = (
    *("_mental_state", "_mental_faculties", "mental_faculties", "episodic_memory", "semantic_memory", "_rng"),
    *("simulation_id", "_displayed_communications_buffer", "current_messages", "_actions_buffer"),
)


def rows(file: str, _: Notify) -> Iterator[TableRow]:
    """Read the agents of a file, or of a folder's *.json files in the order of their names."""
    if not os.path.isdir(file):
        yield from json_rows(file)
        return
    files = sorted(Path(file).glob("*.json"))
    if not files:
        raise ConfigError(f"{file}: has no .json file")
    agents = ((path, row) for path in files for row in json_rows(str(path)))
    for number, (path, agent) in enumerate(agents, 1):
        yield replace(agent, number=number, file=str(path))


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Describe an agent by all of its texts, in order of weight; age, gender and short facts become attributes."""
    if str(row.values.get("type", "")).lower() == "fragment":
        raise LeftOut("fragments, which are parts of a person")
    outer = row.first(_OUTER)
    persona = row.part(outer) if outer else row
    if not (outer or any(key in row.values for key in (*_BY_WEIGHT, *_ATTRIBUTES))):
        raise BadRow("has no object under 'persona'")
    name = next(filter(None, [one.line("name", "name") for one in (persona, row)]), "")
    if not name:
        raise BadRow("has no name")
    attributes = _attributes(persona)
    row.leave_out_all({"about the file": ("type", "json_serializable_class_name"), _STATE: _MEMORY})
    persona.leave_out_all({_STATE: (key for key in persona.values if key.startswith(("current_", "currently_")))})
    yield PersonaDraft(key=name, name=name, description=_described(name, persona, attributes), attributes=attributes)


def _attributes(persona: Record) -> dict[str, Scalar]:
    paths = ((attribute, persona.first(keys)) for attribute, keys in _ATTRIBUTES.items())
    short = [(attribute, path) for attribute, path in paths if path and _is_short(persona, path)]
    named = ((attribute, persona.fact(path, f"attributes.{attribute}")) for attribute, path in short)
    return {attribute: value for attribute, value in named if value is not None}


def _is_short(persona: Record, path: str) -> bool:
    found = persona.find(path)
    is_single = found is not None and not isinstance(found[1], Mapping | list | tuple)
    return found is not None and is_single and len(readable(found[1])) <= _LONGEST_SHORT


def _described(name: str, persona: Record, attributes: Mapping[str, Scalar]) -> str:
    texts, work = TitledTexts(_UNTITLED), persona.part("occupation")
    if work.is_read("title") and "occupation" in attributes:
        place = work.line("organization", "description")
        texts.say(f"{name} is {attributes['occupation']}{f' at {place}' if place else ''}.")
    for key in dict.fromkeys((*_BY_WEIGHT, *persona.values)):
        if key in persona.values and not persona.is_read(key):
            texts.add(persona, key)
    return texts.joined()


PERSONAS: Final = PopulationFormat(people, "TinyTroupe", rows=rows)
