"""The section `revision`: how a new constitution is proposed and when it is adopted."""

import operator
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from scai_cli import plugins
from scai_cli.experiment.model_settings import without_secrets
from scai_cli.social_choice.voting_rules import RULES
from scai_cli.text.suggestions import did_you_mean
from scai_cli.values import Value

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _names(base: str | tuple[str, ...]) -> tuple[str, ...]:
    return (base,) if isinstance(base, str) else base


class Revision(Value):
    """How a new constitution is proposed and when it is adopted."""

    strategy: str = "rewrite"
    """`rewrite`, `reflect`, `edits`, `grounded`, `candidates`, or `module:attribute` of your own."""
    acceptance: str = "always"
    """`always`, `improves`, `vote`, `both`, or `module:attribute` of your own."""
    quorum: Fraction = 0.66
    """For `grounded`: the share of the users whose words a principle must cite; with fewer it becomes a clause."""
    rounds: Count = 4
    """For `grounded`: the maximal number of drafts per epoch; each revises the one before."""
    base: str | tuple[str, ...] = "rewrite"
    """For `candidates`: the strategy that proposes each candidate, or several in turn."""
    candidates: Annotated[int, Field(ge=1, le=25)] = 3
    """For `candidates`: the number of candidates, each from another order of the conversations."""
    memory: Count = 2
    """For `reflect`: the number of last epochs in the meta-prompt."""
    satisfied: Fraction = 0.8
    """For `reflect`: users with at least this satisfaction, scaled to 0 to 1, are left out."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.0
    """For `improves` and `both`: the minimal gain in the declared welfare."""
    rule: str = "schulze"
    """For `vote` and `both`: the voting rule."""
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
        readers = _names(info.data.get("base", ())) if name == "candidates" else (name,)
        if options and not any(plugins.is_foreign(kind, reader) for reader in readers):
            raise ValueError(f"{kind} {name!r} has no keys here; its keys are in `revision`")
        return options

    @property
    def bases(self) -> tuple[str, ...]:
        """The strategies behind `candidates`."""
        return _names(self.base)

    @field_validator("base")
    @classmethod
    def _no_circle(cls, base: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not base or "candidates" in _names(base):
            raise ValueError("must name strategies other than candidates")
        return base

    @field_validator("rule")
    @classmethod
    def _known_rule(cls, rule: str) -> str:
        if rule not in RULES:
            raise ValueError(f"unknown voting rule {rule!r}{did_you_mean(rule, RULES)}")
        return rule
