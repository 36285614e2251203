"""Personas: the people of the simulated group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from scai_cli.experiment.item_source import ItemSource, SourceField
from scai_cli.experiment.model_settings import ModelChanges
from scai_cli.measures.catalogue import TRAITS
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import SafeId, Split, Text, Value

Scalar = str | int | float | bool

HUMAN: Final = "human"
"""The provider and model name of a persona that a real person plays."""

_LATER_KEYS: Final = frozenset({"timeout_s", "send_seed", "options"})


class Persona(Value):
    """One person: who they are, what they think about the tasks, what they want from an answer."""

    id: SafeId
    """A short id, safe as a part of a path; it stands in every id of the run."""
    name: str = ""
    """What the person is called; the id if left out."""
    description: Text = ""
    """A short biography, in the third person."""
    attributes: Mapping[str, Scalar] = {}
    """Demographics and other facts: age, country, occupation, religion, ...; any keys."""
    stances: Mapping[str, Text] = {}
    """What the person thinks about a task: task id or topic -> a sentence or two."""
    preferences: Mapping[str, Annotated[float, Field(ge=-1, le=1)]] = {}
    """What the person wants (+1) or minds (-1) in an answer: trait -> weight."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """How many people of the population this one stands for."""
    split: Split | None = None
    """Which part of the population the person belongs to: train, dev or test."""
    source: SourceField = ItemSource()
    """Where the persona came from; "fictional" for invented ones."""
    model: ModelChanges | None = None
    """What differs from the users' model when this person is played."""
    human: bool = False
    """Whether a real person at the terminal plays the part, rather than a model."""

    @field_validator("preferences")
    @classmethod
    def _known_traits(cls, preferences: Mapping[str, float]) -> Mapping[str, float]:
        for name in preferences:
            if name not in TRAITS:
                raise ValueError(f"unknown trait {name!r}{did_you_mean(name, TRAITS)}")
        return preferences

    @model_validator(mode="after")
    def _human_or_model(self) -> Self:
        if self.human and self.model is not None:
            raise ValueError("a human persona has no model; drop `model:` or `human:`")
        return self

    @model_serializer(mode="wrap")
    def _without_later_keys(self, as_mapping: SerializerFunctionWrapHandler) -> Any:
        """Leave out a model's keys that 0.1 did not know while they are null, so that its runs print as they did."""
        data = as_mapping(self)
        if data.get("model"):
            data["model"] = {k: v for k, v in data["model"].items() if v is not None or k not in _LATER_KEYS}
        return data

    @property
    def has_own_agent(self) -> bool:
        """Whether a real person or a model of its own plays the persona, rather than the users' model."""
        return self.human or self.model is not None

    @property
    def called(self) -> str:
        """The name, or the id where there is none."""
        return self.name or self.id

    def stance(self, task_id: str, topic: str) -> str:
        """Return what the person thinks about a task or its topic; empty where the persona does not say."""
        return self.stances.get(task_id) or self.stances.get(topic) or ""

    def portrait(self, task_id: str = "", topic: str = "") -> str:
        """Return the persona as a prompt shows it: name, biography, facts, preferences, stance on the task."""
        lines = [f"Name: {self.called}"]
        if self.description:
            lines.append(self.description.strip())
        if self.attributes:
            lines.append("Facts: " + "; ".join(f"{key}: {value}" for key, value in self.attributes.items()))
        if self.preferences:
            wants = "; ".join(f"{name.replace('_', ' ')} {w:+.2f}" for name, w in self.preferences.items())
            lines.append(f"In an answer, from -1 (minds it strongly) to +1 (wants it strongly): {wants}")
        if stance := self.stance(task_id, topic):
            lines.append(f"On this task: {stance.strip()}")
        return "\n".join(lines)
