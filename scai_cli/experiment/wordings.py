"""Principles with wordings of their own, and few-shot dialogues, as files for `scai generate` have them."""

import operator
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from scai_cli.experiment.constitution import RuleText
from scai_cli.prompts.instructions import as_rule, instruction_kind
from scai_cli.values import SeenText, Value

_given: Final = Field(exclude_if=operator.not_)
"""A field left out of JSON and YAML while it is not given."""


class Wording(Value):
    """How answers are criticised, revised and compared by a principle; None for the wording of the prompts."""

    critique: Annotated[RuleText | None, _given] = None
    """The request for a critique; given together with `revision`."""
    revision: Annotated[RuleText | None, _given] = None
    """The request for a revision."""
    comparison: Annotated[RuleText | None, _given] = None
    """The request to choose one of two answers."""


class ChatLine(Value):
    """A message of a few-shot dialogue."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["user", "assistant"]
    content: Annotated[SeenText, Field(min_length=1, max_length=100_000)]


class WrittenPrinciple(Wording):
    """A principle of a data file: a text, wordings, or both. A text to choose by is read as rule and comparison."""

    model_config = ConfigDict(extra="ignore")

    id: str | None = None
    text: RuleText | None = None
    locked: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.critique is None) != (self.revision is None):
            there, lacking = ("critique", "revision") if self.revision is None else ("revision", "critique")
            raise ValueError(f"has `{there}` without `{lacking}`; write both")
        if self.text is None and self.critique is None:
            raise ValueError("needs `text`, or `critique` and `revision`")
        if self.text is not None:
            refuse_instruction(self.text)
        return self

    @property
    def wording(self) -> Wording | None:
        """The principle's own wordings; None without any."""
        chosen_by = None if self.text is None or as_rule(self.text) == self.text else self.text
        own = Wording(critique=self.critique, revision=self.revision, comparison=self.comparison or chosen_by)
        return None if own == Wording() else own


class RecipePair(Value):
    """A principle in the file of Hugging Face's recipe (llm-swarm, `constitutions`)."""

    model_config = ConfigDict(extra="ignore")

    critic: RuleText
    revision: RuleText

    @property
    def principle(self) -> WrittenPrinciple:
        """The pair as a principle."""
        return WrittenPrinciple(critique=self.critic, revision=self.revision)


def refuse_instruction(text: str) -> None:
    """Raise ValueError for a text that asks for a critique, a revision or a choice that cannot be read as a rule."""
    kind = instruction_kind(text)
    if kind == "choice" and as_rule(text) == text:
        raise ValueError("asks for a choice, not for an answer; write a rule as `text` and this as its `comparison`")
    if kind in ("critique", "revision"):
        raise ValueError(
            f"asks for a {kind}, not for an answer; write a pair `{{critique: ..., revision: ...}}` in a "
            "YAML or JSON file"
        )


def _flat(dialogues: Any) -> Any:
    """Join dialogues, each a list of messages, into one list of messages."""
    if not isinstance(dialogues, list):
        return dialogues
    return [line for part in dialogues for line in (part if isinstance(part, list) else [part])]


FewShot = Annotated[tuple[ChatLine, ...], BeforeValidator(_flat)]
"""Few-shot dialogues: a list of messages, or a list of their lists."""


def refuse_order(lines: Iterable[ChatLine]) -> None:
    """Raise ValueError unless a user's message is first, the assistant's last, and the roles alternate."""
    roles = [line.role for line in lines]
    if roles != ["user", "assistant"] * (len(roles) // 2):
        wrong = next((n for n, role in enumerate(roles, 1) if role != ("assistant", "user")[n % 2]), len(roles))
        raise ValueError(
            f"message {wrong} is the {roles[wrong - 1]}'s; each dialogue begins with the user's message, ends with the "
            "assistant's, and the roles take turns"
        )
