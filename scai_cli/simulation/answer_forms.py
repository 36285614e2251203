"""The forms of JSON answers, as pydantic models; unknown keys are ignored."""

import math
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

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

from scai_cli.experiment.constitution import Condition, RuleDraft, RuleKind
from scai_cli.runs.records import Stance
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


class AnswerForm(BaseModel):
    """An answer in JSON; unknown keys are ignored."""

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


def _as_truth(value: Any) -> Any:
    """Accept null for false, as models write it."""
    return False if value is None else value


def _a_rule(text: str) -> str:
    if not is_rule(text):
        raise ValueError("is not a rule; write one sentence")
    return text


_Rating = Annotated[float, BeforeValidator(_number), AfterValidator(_on_the_scale)]
_Rule = Annotated[RuleDraft, AfterValidator(_a_rule)]


class Feedback(AnswerForm):
    """A user's comment on the last answer, then the own rating, in this order so that the rating fits the comment."""

    feedback: Text
    rating: _Rating


class CrossRating(AnswerForm):
    """A user's opinion on another user's answer, then the rating."""

    reason: _Words = ""
    rating: _Rating


class WrittenPrinciple(AnswerForm):
    """A principle of a rewritten constitution; `id` is the id of the same or reworded principle, None if new."""

    id: Text | None = None
    text: _Rule
    reason: _Words = ""
    evidence: _Names = ()


_When = Annotated[Condition, BeforeValidator(_as_text)]
_Ask = Annotated[bool, BeforeValidator(_as_truth)]
_For = Annotated[_Names, Field(alias="for")]


class _Bound(AnswerForm):
    """What a rule is bound to, in a form whose context is `revision.clauses`: a condition, or users by their ids."""

    # The fields of the forms, which have them in the order in which they are asked for.
    if TYPE_CHECKING:
        when: _When
        ask: _Ask
        users: _For

    @model_validator(mode="before")
    @classmethod
    def _only(cls, data: Any, info: ValidationInfo) -> Any:
        """Leave out what the other kind of clauses is bound to, where a rule is bound to both."""
        if not isinstance(data, dict) or not isinstance(info.context, str):
            return data
        own, others = _bound_by(info.context)
        return {key: value for key, value in data.items() if key not in others} if any(map(data.get, own)) else data

    @property
    def bound(self) -> dict[str, Any]:
        """The fields of an edit; a clause without any is for everyone."""
        return {"when": self.when or None, "kind": self.kind, "users": self.users}

    @property
    def kind(self) -> RuleKind:
        """Whether it is a question to the user."""
        return "ask" if self.ask else "rule"


def _bound_by(clauses: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys by which clauses of this kind are bound, and those of the other kind."""
    conditions, people = ("when", "ask"), ("for", "users")
    return (people, conditions) if clauses == "people" else (conditions, people)


class WrittenClause(_Bound):
    """A clause of a rewritten constitution."""

    id: Text | None = None
    text: _Rule
    when: _When = ""
    ask: _Ask = False
    users: _For = ()
    reason: _Words = ""
    evidence: _Names = ()

    @model_validator(mode="after")
    def _is_for_somebody(self, info: ValidationInfo) -> Self:
        if info.context == "people" and not (self.users or self.when or self.ask):
            raise ValueError('a clause needs "for", a list of user ids')
        return self


class WrittenRemoval(AnswerForm):
    """A rule that a rewritten constitution leaves out."""

    id: Text
    reason: _Words = ""
    evidence: _Names = ()


class Rewrite(AnswerForm):
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


class WrittenEdit(_Bound):
    """An edit as a model writes it; `op` determines the fields used."""

    op: Literal["add", "modify", "merge", "remove"]
    id: Text | None = None
    ids: _Names = ()
    text: Annotated[RuleDraft, BeforeValidator(_as_text)] = ""
    when: _When = ""
    ask: _Ask = False
    users: _For = ()
    reason: _Words = ""
    evidence: _Names = ()

    @model_validator(mode="after")
    def _has_a_rule(self) -> Self:
        if self.op != "remove":
            _a_rule(self.text)
        return self


class Edits(AnswerForm):
    """A critique and its edits; no edits mean no change."""

    critique: _Words = ""
    edits: tuple[WrittenEdit, ...]


def _stance(value: Any) -> Any:
    """Accept "Approve", "approved" and "objects", as models write them."""
    said = value.strip().lower() if isinstance(value, str) else value
    return next((stance for stance in get_args(Stance) if isinstance(said, str) and said.startswith(stance)), said)


def _stance_or_none(value: Any) -> Any:
    """Accept any other word where there is no condition, such as "n/a"."""
    said = _stance(value)
    return said if said in get_args(Stance) else None


_Stance = Annotated[Stance, BeforeValidator(_stance)]


class WrittenOpinion(AnswerForm):
    """A user's opinion on one rule, by its letter; `condition` counts for a rule with a condition."""

    rule: Text
    me: _Stance
    condition: Annotated[Stance | None, BeforeValidator(_stance_or_none)] = None
    everyone: _Stance


class Ballot(AnswerForm):
    """A user's opinions on the rules with the letters in the context; one on each."""

    ballot: tuple[WrittenOpinion, ...]

    @field_validator("ballot")
    @classmethod
    def _each_once(cls, ballot: tuple[WrittenOpinion, ...], info: ValidationInfo) -> tuple[WrittenOpinion, ...]:
        letters, known = [opinion.rule for opinion in ballot], sorted(info.context or ())
        if sorted(letters) != known:
            raise ValueError(f"must have the rules {', '.join(known)}, each once")
        return ballot


def is_read_when_cut(form: type[BaseModel]) -> bool:
    """Return whether a complete object counts in an answer that was cut off after it: a rating."""
    return form in (Feedback, CrossRating)


@cache
def form_schema(form: type[BaseModel], context: Any) -> dict[str, Any]:
    """Return the JSON schema of a form, with the scale, the letters or the kind of clauses in `context`."""
    schema = form.model_json_schema()
    fields = schema["properties"]
    if "rating" in fields:
        fields["rating"] |= {"minimum": context[0], "maximum": context[1]}
    if form is Ballot:
        schema["$defs"]["WrittenOpinion"]["properties"]["rule"]["enum"] = sorted(context)
    for definition in schema.get("$defs", {}).values() if form in (Rewrite, Edits) else ():
        for key in _bound_by(context)[1]:
            definition["properties"].pop(key, None)
        _whole(definition)
    if form is Rewrite and context == "people":  # as it was before 0.6, so that its runs make the same requests
        clause = schema["$defs"]["WrittenClause"]
        clause["description"] = "A contract clause of a rewritten constitution; `for` is a list of user ids."
        items, *rest = clause["properties"]["for"].items()
        clause["properties"]["for"] = dict([items, ("minLength", 1), *rest])
    return schema
