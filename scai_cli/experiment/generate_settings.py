"""The section `generate`: the settings of the rows of a generated set."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from scai_cli.values import Value

Probability = Annotated[float, Field(ge=0, le=1)]
Recipe = Literal["scai", "sl-cai", "rl-cai"]

_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "sl-cai": {"k": 4, "final": False, "judge": "none"},
    "rl-cai": {"k": 0, "samples": 2, "final": False, "judge": "model"},
}
"""The defaults of a recipe that differ from those of the fields, which are those of `scai`."""


class GenerateSettings(Value):
    """The settings of the rows of `scai generate`."""

    recipe: Recipe = "scai"
    """The recipe, which gives the other keys their defaults. `sl-cai` and `rl-cai` are the two stages of Constitutional
    AI (k 4, final false, judge none; k 0, samples 2, final false, judge model); `sl-cai` criticises only tasks of kind
    `red-team`."""
    k: Annotated[int, Field(ge=0, le=100)] = 1
    """The number of critique -> revision steps, each by one random principle."""
    samples: Annotated[int, Field(ge=1, le=64)] = 1
    """The number of first answers to a prompt; the judge compares all pairs of them."""
    final: bool = True
    """Whether a row ends with an answer under the learned constitution."""
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

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_recipe(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(recipe := data.get("recipe"), str):
            return data
        return {**_DEFAULTS.get(recipe, {}), **data}

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

    def steps_of(self, kind: str) -> int:
        """Return the number of critique -> revision steps of a task of this kind."""
        return self.k if self.recipe != "sl-cai" or kind == RED_TEAM else 0


RED_TEAM: Final = "red-team"
"""The kind of task that `sl-cai` criticises."""


def without_defaults(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return a saved section without the values that its recipe gave it, so that another recipe gives its own."""
    recipe = str(saved.get("recipe", "scai"))
    given = GenerateSettings.model_validate({"recipe": recipe} if recipe in _DEFAULTS else {}).model_dump(mode="json")
    return {key: value for key, value in saved.items() if key not in given or value != given[key]}
