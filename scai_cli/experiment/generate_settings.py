"""The section `generate`: how the rows of a generated set are made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from scai_cli.values import Value

Probability = Annotated[float, Field(ge=0, le=1)]


class GenerateSettings(Value):
    """What every row of `scai generate` is made of."""

    k: Annotated[int, Field(ge=0, le=100)] = 1
    """Critique -> revision steps, each by one random principle."""
    raters: Annotated[int, Field(ge=0)] = 2
    """Users who rate the answers that another one got."""
    votes: Annotated[int, Field(ge=1, le=1000)] = 3
    """How often the judge is asked in each order where the endpoint gives no log-probabilities."""
    clamp: tuple[Probability, Probability] | None = None
    """The bounds of the soft label; Constitutional AI's are [0.4, 0.6]."""
    initial: Literal["first", "none"] = "first"
    """The rules of the first answer: the run's first constitution, or none."""
    judge: Literal["users", "model", "both", "none"] = "both"
    """Who says which answer is better: the users by their ratings, a model that compares two, both or nobody."""

    @field_validator("clamp")
    @classmethod
    def _rising(cls, clamp: tuple[float, float] | None) -> tuple[float, float] | None:
        if clamp is not None and clamp[0] > clamp[1]:
            raise ValueError("the bounds must rise: [lowest, highest]")
        return clamp

    @property
    def by_users(self) -> bool:
        """Whether users rate the answers."""
        return self.judge in ("users", "both")

    @property
    def by_model(self) -> bool:
        """Whether a model compares the answers."""
        return self.judge in ("model", "both")
