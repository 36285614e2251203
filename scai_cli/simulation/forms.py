"""The answers that must have a form, as pydantic models; what a model writes beyond them is ignored."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from scai_cli.constitution import RuleDraft
from scai_cli.values import Text


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _number(value: Any) -> Any:
    """Models write "7", "7/10" and "7 out of 10" where a number is asked for."""
    if isinstance(value, str) and (
        match := re.match(r"\s*(-?\d{1,9}(?:\.\d{1,9})?)\s*(?:(?:/|out of)\s*\d+\s*)?$", value)
    ):
        return float(match[1])
    return math.nan if isinstance(value, bool) else value


def _as_list(value: Any) -> Any:
    """Models write "A" or null where ["A"] or [] is asked for."""
    return [value] if isinstance(value, str) else [] if value is None else value


def _as_text(value: Any) -> Any:
    """Models write null where there is nothing to say."""
    return "" if value is None else value


_Words = Annotated[Text, BeforeValidator(_as_text)]
_Names = Annotated[tuple[Text, ...], BeforeValidator(_as_list)]


class _WithRating(_Form):
    rating: Annotated[float, BeforeValidator(_number)]

    @field_validator("rating")
    @classmethod
    def _on_the_scale(cls, value: float, info: ValidationInfo) -> float:
        low, high = info.context or (-math.inf, math.inf)
        if not low <= value <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}")
        return value


class Feedback(_WithRating):
    """A user's comment on the last answer, and the own rating."""

    feedback: Text


class CrossRating(_WithRating):
    """What a user thinks of an answer given to somebody else."""

    reason: Text = ""


class WrittenPrinciple(_Form):
    """A principle of a rewritten constitution; `id` of the one it keeps or rewords, None if it is new."""

    id: Text | None = None
    text: RuleDraft


class WrittenClause(_Form):
    """A contract clause of a rewritten constitution; `for` holds user ids."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: Text | None = None
    text: RuleDraft
    users: Annotated[_Names, Field(alias="for", min_length=1)]


class Rewrite(_Form):
    """A constitution written anew, or the word that none is needed."""

    critique: _Words = ""
    no_change: bool = False
    principles: tuple[WrittenPrinciple, ...] = ()
    contract: tuple[WrittenClause, ...] = ()


class WrittenEdit(_Form):
    """An edit as a model writes it; which fields count depends on `op`."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    op: Literal["add", "modify", "merge", "remove"]
    id: Text | None = None
    ids: _Names = ()
    text: Annotated[RuleDraft, BeforeValidator(_as_text)] = ""
    users: Annotated[_Names, Field(alias="for")] = ()
    reason: _Words = ""
    evidence: _Names = ()


class Edits(_Form):
    """A critique and the edits that follow from it; none for no change."""

    critique: _Words = ""
    edits: tuple[WrittenEdit, ...] = ()


class Ranking(_Form):
    """Letters from best to worst; an inner list is a tie, and who is left out ties at the end."""

    ranking: tuple[Annotated[tuple[str, ...], BeforeValidator(_as_list)], ...]

    @field_validator("ranking")
    @classmethod
    def _known_once(cls, ranking: tuple[tuple[str, ...], ...], info: ValidationInfo) -> tuple[tuple[str, ...], ...]:
        named = [letter for tier in ranking for letter in tier]
        known: Collection[str] = info.context or ()
        if not named or len(set(named)) < len(named) or not set(named).issubset(known):
            raise ValueError(f"must name the letters {', '.join(sorted(known))}, each once")
        return ranking
