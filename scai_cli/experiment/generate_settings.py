"""The section `generate`: the settings of the rows of a generated set."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from scai_cli.values import Value

Probability = Annotated[float, Field(ge=0, le=1)]


class GenerateSettings(Value):
    """The settings of the rows of `scai generate`."""

    k: Annotated[int, Field(ge=0, le=100)] = 1
    """The number of critique -> revision steps, each by one random principle."""
    raters: Annotated[int, Field(ge=0)] = 2
    """The number of users who rate another user's answers."""
    votes: Annotated[int, Field(ge=1, le=1000)] = 3
    """The number of questions to the judge in each order, if the endpoint gives no log-probabilities."""
    clamp: tuple[Probability, Probability] | None = None
    """The bounds of the soft label; Constitutional AI's are [0.4, 0.6]."""
    initial: Literal["first", "none"] = "first"
    """The rules for the first answer: the run's first constitution, or none."""
    judge: Literal["users", "model", "both", "none"] = "both"
    """The judge of the answers: the users (by ratings), a model (by comparison), both or none."""

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
