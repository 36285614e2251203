"""Controls at the end of a run, to measure whether ratings depend on the rater and users stay in character.

Every answer of the last epoch is rated again by its own user, by a persona without a description, and by another user
of the group, each with the prompt of the answer's user. A judge model, if configured, rates how well each user's words
fit the persona. Human participants are left out.
"""

from collections.abc import Sequence
from typing import Final, Literal

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import ControlRated, Judged
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.answer_forms import CrossRating, Feedback
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.rating import ask_rating
from scai_cli.simulation.stops import emit_rated
from scai_cli.simulation.transcript import Conversation
from scai_cli.values import draw

NOBODY: Final = Persona.model_construct(id="~nobody", name="Somebody")
"""The null persona; no persona can have its id, as it is not valid."""

JUDGE_SCALE: Final = (0.0, 10.0)
"""The judge's scale, for every experiment."""

Kind = Literal["null", "swapped", "retest"]


async def control(context: EpochContext, conversations: Sequence[Conversation]) -> None:
    """Let the controls rate the last epoch's answers; emit the ratings in a fixed order."""
    ratings = []
    whole = 2 * context.agents.turns + 1
    for conversation in (c for c in conversations if len(c.messages) == whole and not c.persona.human):
        # The retest shows how much a rating varies by itself; the other two are compared with that.
        ratings.append(_rate(context, conversation, conversation.persona, "retest"))
        ratings.append(_rate(context, conversation, NOBODY, "null"))
        others = [p for p in context.personas if p.id != conversation.persona.id and not p.human]
        if others:
            seed = f"{context.agents.seed}/{conversation.id}/swapped"
            ratings.append(_rate(context, conversation, draw(others, 1, seed)[0], "swapped"))
    emit_rated(context, await together(ratings), "control ratings")


async def judge(context: EpochContext, agent: Agent, conversations: Sequence[Conversation]) -> None:
    """Let the judge rate the messages of each persona in the last epoch."""
    played = [persona for persona in context.personas if not persona.human]
    own = {persona.id: [c for c in conversations if c.persona.id == persona.id] for persona in played}
    judged = await together(_judge(context, agent, p, own[p.id]) for p in played if own[p.id])
    emit_rated(context, judged, "ratings of the judge")


async def _rate(
    context: EpochContext, conversation: Conversation, rater: Persona, kind: Kind
) -> tuple[ControlRated, CallFailed | None]:
    """Request a rating in the user's place, from the user's model and after the same transcript."""
    agents, rating_id = context.agents, f"{conversation.id}/control/{kind}"
    # Without the user's last comment, which would tell the rater what the user thought of the answer.
    seen = Conversation(rating_id, context.epoch, rater, conversation.task, conversation.messages[:-1])
    prompt, agent = agents.prompts.feedback(seen), agents.agent_for(conversation.persona)
    answer = await ask_rating(agent, rating_id, "control", prompt, Feedback, agents.ratings.scale)
    rating = ControlRated(
        id=rating_id,
        epoch=context.epoch,
        kind=kind,
        persona=conversation.persona.id,
        rater=rater.id,
        conversation=conversation.id,
        value=answer.value,
        problem=answer.problem,
    )
    return rating, answer.error


async def _judge(
    context: EpochContext, agent: Agent, persona: Persona, conversations: Sequence[Conversation]
) -> tuple[Judged, CallFailed | None]:
    rating_id, prompt = f"judge/{persona.id}", context.agents.prompts.judge(persona, conversations)
    answer = await ask_rating(agent, rating_id, "judge", prompt, CrossRating, JUDGE_SCALE)
    judged = Judged(
        id=rating_id,
        epoch=context.epoch,
        persona=persona.id,
        value=answer.value,
        reason=answer.comment,
        problem=answer.problem,
    )
    return judged, answer.error
