"""`dialogue: assist`: a persona opens with a task, then `turns` times the assistant answers and the user rates."""

from collections.abc import Sequence

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.messages import Completion
from scai_cli.runs.events import MessageSaid, Rated
from scai_cli.simulation.dialogue_lines import Line
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.observed import observed_utility
from scai_cli.simulation.opening import opening
from scai_cli.simulation.rating import rate_own
from scai_cli.simulation.transcript import Conversation


class Assist:
    """Help with a task; other dialogues change one of its steps, or play the steps in another order."""

    reply_call = "feedback"
    """The purpose of the call in which the user replies and rates."""

    def lines(self, config: ExperimentConfig) -> Sequence[Line]:
        """Return the opening, and for each turn an answer and the user's reply."""
        opened = Line("user", "opening" if config.opening == "own_words" else None)
        return [opened, *[Line("assistant", "answer"), Line("user", self.reply_call)] * config.turns]

    async def play(self, context: EpochContext, conversation: Conversation) -> None:
        """Open, then take the turns."""
        turns = context.agents.turns
        await self.open(context, conversation)
        for turn in range(1, turns + 1):
            await self.answer(context, conversation)
            await self.reply(context, conversation, final=turn == turns)

    def observed(
        self, context: EpochContext, persona: Persona, task: Task, text: str, /, *, of_others: bool
    ) -> float | None:
        """Return the persona's measured utility of the text."""
        return observed_utility(context.agents.measures, persona, task, text, of_others=of_others)

    async def open(self, context: EpochContext, conversation: Conversation) -> None:
        """Let the user open with the task, in its own words if the experiment says so."""
        self._add(context, conversation, await opening(context, conversation))

    async def answer(self, context: EpochContext, conversation: Conversation) -> None:
        """Let the assistant write the next message under its constitution."""
        agents = context.agents
        prompt = agents.prompts.answer(context.system(conversation.persona), conversation.messages)
        answer = await agents.assistant.say(conversation.next_id, "answer", prompt)
        self.say(context, conversation, answer.text, answer)

    async def reply(self, context: EpochContext, conversation: Conversation, *, final: bool) -> None:
        """Let the user reply to the last answer and rate it."""
        # One call gives the user's next message and the rating of the answer before it.
        rating = await self.rate(context, conversation, final=final)
        self.record(context, conversation, rating, rating.comment)

    async def rate(self, context: EpochContext, conversation: Conversation, *, final: bool) -> Rated:
        """Request the user's rating of the last answer, with the comment that is its next message."""
        return await rate_own(context, conversation, final=final)

    def record(self, context: EpochContext, conversation: Conversation, rating: Rated, reply: str) -> None:
        """Add the user's reply to the last answer, then its rating."""
        conversation.unread |= rating.value is None
        self.say(context, conversation, reply)
        conversation.ratings.append(rating)
        conversation.tell(rating, context.emit)

    def say(
        self, context: EpochContext, conversation: Conversation, text: str, answer: Completion | None = None
    ) -> None:
        """Add a text to the conversation: the assistant's, if it is from an `answer`, else the user's."""
        message = MessageSaid(
            id=conversation.next_id,
            epoch=conversation.epoch,
            persona=conversation.persona.id,
            task=conversation.task.id,
            role="assistant" if answer else "user",
            content=text,
            finish_reason=answer.finish_reason if answer else None,
            marks=answer.marks if answer else (),
        )
        self._add(context, conversation, message)

    def _add(self, context: EpochContext, conversation: Conversation, message: MessageSaid) -> None:
        conversation.messages.append(message)
        conversation.tell(message, context.emit)
