"""Agents of EDSL (Expected Parrot): an AgentList as JSON (also gzipped) or JSONL, a list of agents, or one agent."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from scai_cli.populations.clean_text import LONGEST_FACT, BadRow, readable, sentence
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import Notify, TableRow, json_rows

_BIOGRAPHY: Final = ("persona", "description", "biography", "bio", "background")
_LISTS: Final = ("agent_list", "agents")
_LEFT_OUT: Final = {
    "about the file": ("edsl_version", "edsl_class_name", "n_agents"),
    "a template for prompts": ("traits_presentation_template",),
    "a grouping of the traits": ("trait_categories",),
    "code": (
        *("dynamic_traits_function_source_code", "dynamic_traits_function_name"),
        *("answer_question_directly_source_code", "answer_question_directly_function_name"),
    ),
}


def rows(file: str, _: Notify) -> Iterator[TableRow]:
    """Read the agents, each with what the header of an AgentList says about all of them."""
    shared: dict[str, Any] = {}
    number = 0
    for row in json_rows(file):
        agents, header = _agents(row.value)
        shared = shared if header is None else header
        for agent in agents:
            number += 1
            value = {**shared, **agent} if isinstance(agent, Mapping) else agent
            yield replace(row, number=number, value=value)


def _agents(value: Any) -> tuple[list[Any], dict[str, Any] | None]:
    """Return the agents of a value, and what it says about all agents if it is an AgentList or its header."""
    if not isinstance(value, Mapping) or "traits" in value:
        return [value], None
    inner = next((key for key in _LISTS if isinstance(value.get(key), list)), None)
    if inner is None and value.get("edsl_class_name") != "AgentList":
        return [value], None
    header = {key: part for key, part in value.items() if key != inner}
    return list(value[inner]) if inner else [], header


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Turn traits into attributes; text traits (`persona`, or longer than an attribute) go into the biography."""
    traits = row.part("traits")
    if not isinstance(row.values.get("traits"), Mapping):
        raise BadRow("has no object under 'traits'")
    name = row.line("name", "name") or traits.line("name", "name")
    long = [key for key in traits.values if _is_text(key, traits.values[key]) and not traits.is_read(key)]
    texts = [traits.text(key, "description") for key in long]
    attributes = traits.rest()
    texts += [row.text("instruction", "description"), _meanings(row.part("codebook"), attributes)]
    row.leave_out_all(_LEFT_OUT)
    if not attributes and not any(texts) and not row.reading.looking:
        raise BadRow("has no traits")
    key = name or next(filter(None, texts), "") or "-".join(str(value) for value in attributes.values())
    description = " ".join(map(sentence, filter(None, texts)))
    yield PersonaDraft(key=key, name=name, description=description, attributes=attributes)


def _is_text(key: str, value: Any) -> bool:
    return key.lower() in _BIOGRAPHY or len(readable(value)) > LONGEST_FACT


def _meanings(codebook: Record, attributes: Mapping[str, Any]) -> str:
    """Return what the attributes mean; a codebook explains traits, a survey's by its questions."""
    meanings = []
    for key in codebook.values:
        if key not in attributes:
            codebook.leave_out(key, "about a trait that this agent lacks, or that is a text")
        elif meaning := codebook.line(key, "description"):
            meanings.append(f"{key}: {meaning}")
    return f"What the facts mean: {'; '.join(meanings)}" if meanings else ""


PERSONAS: Final = PopulationFormat(people, "EDSL", rows=rows, open=True)
