"""`dialogue: talk`: a user that only talks, turn by turn in plain text, and is asked for a rating when it has ended.

Its turns can be those of a model trained on what people write, which gives no rating: that is a call of its own, to
`roles.rater` if it is set. UserLM (arXiv 2510.06552) is one, and the end token is its own.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.messages import Completion, MessageRole
from scai_cli.simulation.dialogue_lines import Line
from scai_cli.simulation.dialogues.assist import Assist
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.opening import Reworded, opening
from scai_cli.simulation.prompts import said
from scai_cli.simulation.rating import rate_own
from scai_cli.simulation.transcript import Conversation

END: Final = "<|endconversation|>"
"""The text with which a user ends the conversation; so does an empty turn. What follows it is not read."""


class Talk(Assist):
    """The user is a chat model that plays a person: its own messages are the assistant's of its chat."""

    swaps_roles: ClassVar[bool] = True

    def lines(self, config: ExperimentConfig) -> Sequence[Line]:
        """Return the opening, and for each turn an answer and a reply, with which the user may end the conversation."""
        for persona in config.personas.inline:
            if persona.human:
                raise ConfigError(
                    f"personas.{persona.id}.human: all people of `dialogue: {config.dialogue}` are simulated"
                )
        opened = Line("user", "opening" if config.opening == "own_words" else None)
        answer, last = Line("assistant", "answer"), Line("user", "reply", rating="feedback")
        return [opened, *[answer, Line("user", "reply", may_end=True)] * (config.turns - 1), answer, last]

    async def play(self, context: EpochContext, conversation: Conversation) -> None:
        """Open, take turns until the user ends it or they are used up, then request the rating of the last answer."""
        await self.open(context, conversation)
        for left in reversed(range(context.agents.turns)):
            await self.answer(context, conversation)
            reply, has_ended = turn_of((await self._write(context, conversation, "reply")).text)
            if has_ended or not left:
                break
            self.say(context, conversation, reply)
        # As in `assist`, the rater sees the conversation up to the answer, and not what the user says of it.
        rating = await rate_own(context, conversation, final=True, call_id=f"{conversation.next_id}/own")
        self.record(context, conversation, rating, reply)

    async def open(self, context: EpochContext, conversation: Conversation) -> None:
        """Let the user open with the task, with as much of it as it likes if the experiment says so."""
        self._add(context, conversation, await opening(context, conversation, self._reword))

    async def _reword(self, context: EpochContext, conversation: Conversation) -> Reworded:
        completion = await self._write(context, conversation, "opening")
        return turn_of(completion.text)[0] or None, completion

    async def _write(self, context: EpochContext, conversation: Conversation, purpose: str) -> Completion:
        """Request the user's next message: its intent, then the conversation as it sees it."""
        agents, persona = context.agents, conversation.persona
        roles: dict[MessageRole, MessageRole] = {"user": "assistant", "assistant": "user"} if self.swaps_roles else {}
        prompt = [agents.prompts.intent(persona, conversation.task)]
        prompt += [said(roles.get(m.role, m.role), m.content) for m in conversation.messages]
        return await agents.agent_for(persona).say(conversation.next_id, purpose, prompt)


class TalkAsUser(Talk):
    """The user is a model whose chat template asks for the user's turn, as UserLM's does: all roles stay."""

    swaps_roles = False


def turn_of(text: str) -> tuple[str, bool]:
    """Return what the user says in a turn, and whether it ends the conversation with it."""
    before, end, _ = text.partition(END)
    turn = before.strip()
    return turn, bool(end) or not turn
