"""The section `revision`: how a new constitution is proposed and when it is adopted."""

import operator
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from scai_cli import plugins
from scai_cli.experiment.model_settings import without_secrets
from scai_cli.values import Value

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
BoundTo = Literal["conditions", "people"]


class Revision(Value):
    """How a new constitution is proposed and when it is adopted."""

    strategy: str = "grounded"
    """`grounded`: a few edits with evidence; `rewrite`: a whole new constitution; or `module:attribute`."""
    acceptance: str = "ratify"
    """`ratify`: the users approve each rule; `improves`: a trial raises welfare; `always`; or `module:attribute`."""
    clauses: BoundTo = "conditions"
    """What clauses are bound to: conditions that the assistant recognises in a conversation, or the ids of users, which
    the assistant then learns, for experiments among known people. Runs before 0.6 have people."""
    quorum: Fraction = 0.34
    """The share of the users who must support a principle: by approvals minus objections under `ratify`, else by words
    that `grounded` cites for it."""
    candidates: Annotated[int, Field(ge=1, le=25)] = 1
    """The number of proposals per epoch, each from another order of the conversations."""
    memory: Count = 1
    """For `rewrite`: the number of last epochs in the meta-prompt."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.0
    """For `improves`: the minimal gain in the declared welfare."""
    best_so_far: bool = False
    """Whether the run's product is the best played version instead of the last."""
    max_prompt_tokens: Annotated[int, Field(ge=500)] = 60_000
    """The maximal tokens of the meta-prompt; from a longer history, conversations are drawn evenly by persona."""
    # Left out of what is printed and saved while empty: runs of 0.1 do not have these keys.
    strategy_options: Mapping[str, Any] = Field(default={}, exclude_if=operator.not_)
    """The keys of your own strategy, which reads them from its context."""
    acceptance_options: Mapping[str, Any] = Field(default={}, exclude_if=operator.not_)
    """The keys of your own acceptance rule, which reads them from its context."""

    _no_secrets = field_validator("strategy_options", "acceptance_options")(without_secrets)

    @field_validator("strategy_options", "acceptance_options")
    @classmethod
    def _have_reader(cls, options: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        kind: plugins.Kind = "strategy" if info.field_name == "strategy_options" else "acceptance"
        name = info.data.get(kind, "")
        if options and not plugins.is_foreign(kind, name):
            raise ValueError(f"{kind} {name!r} has no keys here; its keys are in `revision`")
        return options
