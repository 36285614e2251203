"""The forms of JSON answers, as pydantic models; unknown keys are ignored."""

import math
from collections.abc import Collection
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scai_cli.experiment.constitution import RuleDraft
from scai_cli.simulation.placeholders import is_rule
from scai_cli.text.scale_numbers import read_on_scale
from scai_cli.values import Text


def _whole(schema: dict[str, Any]) -> None:
    """Require every field and allow no other, as OpenAI's strict structured output does."""
    fields = schema.get("properties", {})
    for field in fields.values():
        field.pop("default", None)
    schema["required"] = list(fields)
    schema["additionalProperties"] = False


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, json_schema_extra=_whole)


def _number(value: Any, info: ValidationInfo) -> Any:
    """Accept a number in words of its scale, as `read_on_scale` does; no truth value is a number."""
    if isinstance(value, str):
        read = read_on_scale(value, *(info.context or (-math.inf, math.inf)))
        return value if read is None else read.number
    return math.nan if isinstance(value, bool) else value


def _as_list(value: Any) -> Any:
    """Accept "A" for ["A"] and null for [], as models write these."""
    return [value] if isinstance(value, str) else [] if value is None else value


def _as_text(value: Any) -> Any:
    """Accept null for an empty text, as models write it."""
    return "" if value is None else value


_Words = Annotated[Text, BeforeValidator(_as_text)]
_Names = Annotated[tuple[Text, ...], BeforeValidator(_as_list)]


def _on_the_scale(value: float, info: ValidationInfo) -> float:
    low, high = info.context or (-math.inf, math.inf)
    if not low <= value <= high:
        raise ValueError(f"must be a number from {low:g} to {high:g}")
    return value


def _a_rule(text: str) -> str:
    if not is_rule(text):
        raise ValueError("is not a rule; write one sentence")
    return text


_Rating = Annotated[float, BeforeValidator(_number), AfterValidator(_on_the_scale)]
_Rule = Annotated[RuleDraft, AfterValidator(_a_rule)]


class Feedback(_Form):
    """A user's comment on the last answer, then the own rating, in this order so that the rating fits the comment."""

    feedback: Text
    rating: _Rating


class CrossRating(_Form):
    """A user's opinion on another user's answer, then the rating."""

    reason: _Words = ""
    rating: _Rating


class WrittenPrinciple(_Form):
    """A principle of a rewritten constitution; `id` is the id of the same or reworded principle, None if new."""

    id: Text | None = None
    text: _Rule
    reason: _Words = ""
    evidence: _Names = ()


class WrittenClause(_Form):
    """A contract clause of a rewritten constitution; `for` is a list of user ids."""

    id: Text | None = None
    text: _Rule
    users: Annotated[_Names, Field(alias="for", min_length=1)]
    reason: _Words = ""
    evidence: _Names = ()


class WrittenRemoval(_Form):
    """A rule that a rewritten constitution leaves out."""

    id: Text
    reason: _Words = ""
    evidence: _Names = ()


class Rewrite(_Form):
    """A whole new constitution, or `no_change`; an omitted part stays unchanged."""

    critique: _Words = ""
    no_change: bool = False
    principles: tuple[WrittenPrinciple, ...] = ()
    contract: tuple[WrittenClause, ...] = ()
    removed: tuple[WrittenRemoval, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.no_change and not {"principles", "contract"} & self.model_fields_set:
            raise ValueError('must contain "principles" and "contract", or "no_change": true')
        return self


class WrittenEdit(_Form):
    """An edit as a model writes it; `op` determines the fields used."""

    op: Literal["add", "modify", "merge", "remove"]
    id: Text | None = None
    ids: _Names = ()
    text: Annotated[RuleDraft, BeforeValidator(_as_text)] = ""
    users: Annotated[_Names, Field(alias="for")] = ()
    reason: _Words = ""
    evidence: _Names = ()

    @model_validator(mode="after")
    def _has_a_rule(self) -> Self:
        if self.op != "remove":
            _a_rule(self.text)
        return self


class Edits(_Form):
    """A critique and its edits; no edits mean no change."""

    critique: _Words = ""
    edits: tuple[WrittenEdit, ...]


class Ranking(_Form):
    """Letters from best to worst; an inner list is a tie, and omitted letters tie for the last place."""

    ranking: tuple[Annotated[tuple[str, ...], BeforeValidator(_as_list)], ...]

    @field_validator("ranking")
    @classmethod
    def _known_once(cls, ranking: tuple[tuple[str, ...], ...], info: ValidationInfo) -> tuple[tuple[str, ...], ...]:
        letters = [letter for tier in ranking for letter in tier]
        known: Collection[str] = info.context or ()
        if not letters or len(set(letters)) < len(letters) or not set(letters).issubset(known):
            raise ValueError(f"must name the letters {', '.join(sorted(known))}, each once")
        return ranking


def is_read_when_cut(form: type[BaseModel]) -> bool:
    """Return whether a complete object counts in an answer that was cut off after it: a rating or a vote."""
    return form in (Feedback, CrossRating, Ranking)


@cache
def form_schema(form: type[BaseModel], context: Any) -> dict[str, Any]:
    """Return the JSON schema of a form, with the scale or the letters in `context`."""
    schema = form.model_json_schema()
    fields = schema["properties"]
    if "rating" in fields:
        fields["rating"] |= {"minimum": context[0], "maximum": context[1]}
    if form is Ranking:
        fields["ranking"]["items"]["items"]["enum"] = sorted(context)
    return schema
