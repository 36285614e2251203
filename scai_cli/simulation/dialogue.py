"""The seam `dialogue`: who speaks when in a conversation, to whom, and what a program observes in an answer."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from scai_cli import plugins
from scai_cli.errors import ConfigError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.dialogue_lines import Line, new_dialogue
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.characters import one_line


class Dialogue(Protocol):
    """A kind of conversation, found by its name in `dialogue`: a class without arguments, one object a conversation."""

    def lines(self, config: ExperimentConfig, /) -> Sequence[Line]:
        """Return the messages of a whole conversation in order; the last two are the final answer and the user's reply.

        A conversation may end earlier, with a reply that `may_end`. Raises ConfigError for an experiment that the
        dialogue cannot play.
        """

    async def play(self, context: EpochContext, conversation: Conversation, /) -> None:
        """Add the messages of `lines` and the user's ratings to the conversation and emit them; raises CallFailed.

        The last rating is `final`, of the last answer, with the id of the last message and `/own`.
        """

    def observed(
        self, context: EpochContext, persona: Persona, task: Task, text: str, /, *, of_others: bool
    ) -> float | None:
        """Return what a program observes in an answer, in [0, 1], for a persona that rates it; None for nothing.

        `of_others`: whether the answer was to another user.
        """


def observed(context: EpochContext, conversation: Conversation, rater: Persona, text: str) -> float | None:
    """Return what the dialogue observes for a rater in an answer, in [0, 1]; raises ConfigError for another number."""
    name, of_others = context.agents.dialogue, rater.id != conversation.persona.id
    with in_one_line(name, conversation.id):
        value: Any = new_dialogue(name).observed(context, rater, conversation.task, text, of_others=of_others)
    if value is not None and not (isinstance(value, int | float) and 0 <= value <= 1):
        raise ConfigError(f"dialogue {name!r} has observed {value!r}, which is not a number in [0, 1]")
    return None if value is None else float(value)


@contextmanager
def in_one_line(name: str, conversation_id: str) -> Iterator[None]:
    """Raise ConfigError with the place for an exception of a third party's dialogue; its traceback is in the log."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ScaiError) or not plugins.is_foreign("dialogue", name):
            raise
        logging.getLogger("scai_cli").debug("a dialogue's exception", exc_info=error)
        what = one_line(f"{type(error).__name__}: {error}", 300)
        raise ConfigError(f"dialogue {name!r}, in {conversation_id}: it raised {what}") from None
