"""An item of a suite: what every system under test answers, and the unit of resampling that it belongs to."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from scai_cli.values import Text, Value

LETTERS = "ABCDEFGHI"
"""The letters of an item's options, in the order of its file."""


class ItemMessage(Value):
    """A message of the conversation that a system continues."""

    role: Literal["user", "assistant"]
    content: Annotated[Text, Field(min_length=1)]


class Option(Value):
    """An answer to choose; `label` is its kind, such as `stereotype`, `unknown` or `flatters`."""

    text: Annotated[Text, Field(min_length=1)]
    label: str | None = None


def _option(value: Any) -> Any:
    """Accept a text for an option without a label."""
    return {"text": value} if isinstance(value, str) else value


class Item(Value):
    """One item; `gold` is the letter of the right option, in the order of the file.

    `label` is the item's kind (`safe`, `unsafe`, `sycophancy`, ...). `cluster` is the unit of resampling: a contrast
    pair, a template, or the item alone. `persona` and `task` are the ids of a simulated conversation.
    """

    id: Annotated[Text, Field(min_length=1, max_length=200)]
    suite: str
    prompt: Annotated[Text, Field(min_length=1)] | None = None
    messages: tuple[ItemMessage, ...] = ()
    options: tuple[Annotated[Option, BeforeValidator(_option)], ...] = ()
    gold: str | None = None
    label: str | None = None
    cluster: Text
    source: Text
    licence: Text
    persona: str | None = None
    task: str | None = None
    people: str | None = None
    """What people said of the answers in `options`: the item tests the judge and no system."""
    answer: Annotated[Text, Field(min_length=1)] | None = None
    """The answer that the person `persona` of real data rated."""
    human: tuple[float, ...] = ()
    """What this person said: ratings of `answer` in [0, 1], or the place of an option; several if asked again."""
    ordered: bool = True
    """Whether `options` are a scale."""
    swapped: str | None = None
    """The id of another person, whose persona takes this one's place in a control."""
    scores: Mapping[str, float | None] | None = None
    """The scores of a real person, to compare those of systems with: no model is asked."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.prompt is None) == (not self.messages):
            raise ValueError("needs `prompt`, a text, or `messages`, a list; one of them")
        if self.messages and self.messages[-1].role != "user":
            raise ValueError("`messages` must end with the user's")
        if (len(self.options) == 1 and self.people is None) or len(self.options) > len(LETTERS):
            raise ValueError(f"`options` must be 2 to {len(LETTERS)}")
        if self.gold is not None and self.gold not in LETTERS[: len(self.options)]:
            raise ValueError(f"`gold` must be the letter of an option, {LETTERS[0]} is the first")
        return self

    @property
    def conversation(self) -> tuple[ItemMessage, ...]:
        """The messages that a system continues."""
        return self.messages or (ItemMessage(role="user", content=self.prompt or ""),)
