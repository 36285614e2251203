"""Personas: the people of the simulated group."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from scai_cli.experiment.item_source import ItemSource, SourceField
from scai_cli.experiment.measure_settings import MeasureName, Weight, plain_name
from scai_cli.experiment.model_settings import ModelChanges
from scai_cli.experiment.scalars import AnyScalar, Scalar
from scai_cli.text.characters import hidden, printable
from scai_cli.values import SafeId, SeenText, Split, Text, Value

HUMAN: Final = "human"
"""The provider and model name of human participants."""

FREE_PLACES: Final = ("*.attributes.*", "personas.*.attributes.*")
"""The places of a persona file whose scalars are as they are written."""

_LATER_KEYS: Final = frozenset({"timeout_s", "send_seed", "options"})


class Persona(Value):
    """One user: description, opinions on the tasks, and preferences for answers."""

    id: SafeId
    """A short id, valid in file names; part of the ids of the run."""
    name: SeenText = ""
    """The persona's name; the id if left out."""
    description: Text = ""
    """A short biography, in the third person."""
    attributes: Mapping[str, AnyScalar] = {}
    """Demographics and other facts: age, country, occupation, religion, ...; any keys, shown as they are written."""
    stances: Mapping[str, Text] = {}
    """The persona's opinions: task id or topic -> one or two sentences."""
    preferences: Mapping[MeasureName, Weight] = {}
    """The persona's preferences: measure of an answer -> weight, from -1 (dislikes it) to +1 (wants it). The traits are
    measures; others are declared in `ratings.measures`, or are `module:attribute`."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """The number of people that this persona represents."""
    split: Split | None = None
    """The split of the population: train, dev or test."""
    source: SourceField = ItemSource()
    """The source of the persona; "fictional" for invented ones."""
    model: ModelChanges | None = None
    """Keys that override the users' model for this persona."""
    human: bool = False
    """Whether a real person at the terminal plays this persona instead of a model."""

    @model_validator(mode="after")
    def _human_or_model(self) -> Self:
        if self.human and self.model is not None:
            raise ValueError("a human persona has no model; drop `model:` or `human:`")
        return self

    @model_serializer(mode="wrap")
    def _without_later_keys(self, as_mapping: SerializerFunctionWrapHandler) -> Any:
        """Leave out null keys of a model that version 0.1 did not have, so that its runs print the same JSON."""
        data = as_mapping(self)
        if data.get("model"):
            data["model"] = {k: v for k, v in data["model"].items() if v is not None or k not in _LATER_KEYS}
        return data

    @property
    def has_own_agent(self) -> bool:
        """Whether the persona has its own model or is a real person."""
        return self.human or self.model is not None

    @property
    def called(self) -> str:
        """The name in one line, or the id if there is none."""
        return " ".join(self.name.split()) or self.id

    def with_mark(self, mark: Scalar) -> str:
        """Return the name in one line with an attribute or the id behind it, for namesakes."""
        return " ".join(f"{self.called} ({mark})".split())

    def stance(self, task_id: str, topic: str) -> str:
        """Return the opinion on a task or its topic; empty if there is none."""
        return self.stances.get(task_id) or self.stances.get(topic) or ""

    def portrait(self, task_id: str = "", topic: str = "") -> str:
        """Return the persona as text for a prompt: name, biography, facts, preferences, stance on the task."""
        lines = [f"Name: {self.called}"]
        if self.description:
            lines.append(self.description.strip())
        if self.attributes:
            lines.append("Facts: " + "; ".join(f"{key}: {value}" for key, value in self.attributes.items()))
        if self.preferences:
            wants = "; ".join(f"{plain_name(name).replace('_', ' ')} {w:+.2f}" for name, w in self.preferences.items())
            lines.append(f"In an answer, from -1 (minds it strongly) to +1 (wants it strongly): {wants}")
        if stance := self.stance(task_id, topic):
            lines.append(f"On this task: {stance.strip()}")
        return "\n".join(lines)


def people_mean(values: Iterable[tuple[str, float | None]], personas: Iterable[Persona]) -> float | None:
    """Return the mean of the known (persona id, value), by the personas' weights; None if there is none."""
    weights = {persona.id: persona.weight for persona in personas}
    largest = max(weights.values(), default=1.0)  # so that equal weights are exactly 1, and no sum is infinite
    known = [(value, weights.get(persona, largest) / largest) for persona, value in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


_SEVERAL: Final = re.compile(r", | and |:|(?:,| and)$")
"""What a list of names, or the colon after it, has between names."""


def names_of(personas: Iterable[Persona]) -> dict[str, str]:
    """Return id -> a name that nobody else has, to be read back from a list of names.

    Namesakes have an attribute behind their names in which they differ, or else their ids. A name that reads like
    several, or like the id of another, has its id in its place.
    """
    personas = list(personas)
    namesakes: dict[str, list[Persona]] = defaultdict(list)
    for persona in personas:
        namesakes[persona.called.casefold()].append(persona)
    ids = {persona.id.casefold() for persona in personas}
    names = {}
    for called, group in namesakes.items():
        key = _distinguishing(group) if len(group) > 1 else None
        for persona in group:
            mark = persona.attributes[key] if key else persona.id
            name = persona.called if len(group) == 1 else persona.with_mark(mark)
            is_legible = not _SEVERAL.search(name) and printable(name) == name and not hidden(name)
            is_clear = is_legible and (called not in ids or called == persona.id.casefold())
            names[persona.id] = name if is_clear else persona.id
    # "Ann (nurse)" may also be somebody's whole name.
    return names if len({name.casefold() for name in names.values()}) == len(names) else {p.id: p.id for p in personas}


def _distinguishing(namesakes: Sequence[Persona]) -> str | None:
    """Return the first attribute whose values, each a word or a few, differ between all of them."""
    for key in namesakes[0].attributes:
        values = [" ".join(str(persona.attributes.get(key, "")).split()) for persona in namesakes]
        fitting = [v for v in values if 0 < len(v) <= 40 and not _SEVERAL.search(v) and not re.search(r"[()\n]", v)]
        if len({value.casefold() for value in fitting}) == len(namesakes):
            return key
    return None
