"""The answers that must have a form, as pydantic models; what a model writes beyond them is ignored."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

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

    id: str | None = None
    text: Text


class WrittenClause(_Form):
    """A contract clause of a rewritten constitution; `for` holds user ids."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: str | None = None
    text: Text
    users: Annotated[tuple[str, ...], Field(alias="for", min_length=1)]


class Rewrite(_Form):
    """A constitution written anew, or the word that none is needed."""

    critique: Text = ""
    no_change: bool = False
    principles: tuple[WrittenPrinciple, ...] = ()
    contract: tuple[WrittenClause, ...] = ()
