"""Agents of EDSL (Expected Parrot): an AgentList as JSON (also gzipped) or JSONL, a list of agents, or one agent."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.populations.clean_text import LONGEST_FACT, BadRow, fact, one_line, sentence, tidy
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.table_rows import Notify, TableRow, json_rows

_BIOGRAPHY: Final = ("persona", "description", "biography", "bio", "background")


def rows(file: str, _: Notify) -> Iterator[TableRow]:
    """Read the agents, without the header of an AgentList."""
    agents = ((row, agent) for row in json_rows(file) for agent in _agents(row.value))
    for number, (row, agent) in enumerate(agents, 1):
        yield TableRow(number, agent, row.line, row.problem)


def _agents(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        if isinstance(value.get("agent_list"), list):
            return list(value["agent_list"])
        if value.get("edsl_class_name") == "AgentList" and "traits" not in value:
            return []
    return [value]


def drafts(values: Mapping[str, Any]) -> Iterator[PersonaDraft]:
    """Turn traits into attributes; text traits (`persona`, or longer than an attribute) go into the biography."""
    traits = values.get("traits")
    if not isinstance(traits, Mapping):
        raise BadRow("has no object under 'traits'")
    attributes, texts = {}, []
    for key, value in traits.items():
        if isinstance(value, str) and (key.lower() in _BIOGRAPHY or len(value) > LONGEST_FACT):
            texts.append(sentence(tidy(value, key)))
        elif not isinstance(value, Mapping) and (known := fact(value, key)) is not None:
            attributes[one_line(key)] = known
    name = one_line(values.get("name") or traits.get("name"), "name")
    texts.append(sentence(tidy(values.get("instruction"), "instruction")))
    if not attributes and not any(texts):
        raise BadRow("has no traits")
    key = name or next((part for part in texts if part), "") or "-".join(str(part) for part in attributes.values())
    yield PersonaDraft(key=key, name=name, description=" ".join(filter(None, texts)), attributes=attributes)


PERSONAS: Final = PopulationFormat(drafts, "EDSL", rows=rows)
