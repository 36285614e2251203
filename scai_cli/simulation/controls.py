"""Controls at the end of a run: do the ratings depend on who rates, and did the users stay who they are?

In the last epoch every answer is rated once more by its own user, by nobody in particular (a persona without any
description) and by somebody else of the group, in the place of the user who got it. A judge model, where one is
configured, says how well each user's words fit their persona. Real people are left out of all this: they play nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import ControlRated, Judged, Problem
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.forms import CrossRating, Feedback
from scai_cli.simulation.transcript import Conversation
from scai_cli.values import draw

NOBODY: Final = Persona.model_construct(id="~nobody", name="Somebody")
"""The null persona; its id is none that a real one can have."""

JUDGED: Final = (0.0, 10.0)
"""The judge's scale, whatever the experiment's is."""

Kind = Literal["null", "swapped", "retest"]


async def control(epoch_context: EpochContext, conversations: Sequence[Conversation]) -> None:
    """Have the last epoch's answers rated by the controls; emitted in order once all is known."""
    jobs = []
    for conversation in (c for c in conversations if _is_whole(epoch_context, c) and not c.persona.human):
        jobs.append(_rated(epoch_context, conversation, conversation.persona, "retest"))
        jobs.append(_rated(epoch_context, conversation, NOBODY, "null"))
        others = [p for p in epoch_context.personas if p.id != conversation.persona.id and not p.human]
        if others:
            seed = f"{epoch_context.agents.config.seed}/{conversation.id}/swapped"
            jobs.append(_rated(epoch_context, conversation, draw(others, 1, seed)[0], "swapped"))
    for rating, problem in await together(jobs):
        if problem is not None:
            epoch_context.emit(problem)
        epoch_context.emit(rating)


async def judge(epoch_context: EpochContext, conversations: Sequence[Conversation]) -> None:
    """Have the judge read what each persona said in the last epoch."""
    played = [persona for persona in epoch_context.personas if not persona.human]
    said = {persona.id: [c for c in conversations if c.persona.id == persona.id] for persona in played}
    for judged, problem in await together(_judged(epoch_context, p, said[p.id]) for p in played if said[p.id]):
        if problem is not None:
            epoch_context.emit(problem)
        epoch_context.emit(judged)


async def _rated(
    epoch_context: EpochContext, conversation: Conversation, rater: Persona, kind: Kind
) -> tuple[ControlRated, Problem | None]:
    """The rating that somebody gives in the user's place, at the user's own model, after the same transcript."""
    agents, place = epoch_context.agents, f"{conversation.id}/control/{kind}"
    rating = ControlRated(
        id=place,
        epoch=epoch_context.epoch,
        kind=kind,
        persona=conversation.persona.id,
        rater=rater.id,
        conversation=conversation.id,
        value=None,
    )
    seen = Conversation(place, epoch_context.epoch, rater, conversation.task, conversation.messages[:-1])
    asked, scale = agents.prompts.feedback(seen), agents.config.ratings.scale
    try:
        filled = await agents.agent_for(conversation.persona).ask_structured(place, "control", asked, Feedback, scale)
    except CallFailed as error:
        problem = Problem(id=error.call, epoch=epoch_context.epoch, where=place, problem=str(error))
        return rating.model_copy(update={"problem": "the call failed"}), problem
    value = filled.form.rating if filled.form else None
    return rating.model_copy(update={"value": value, "problem": filled.problem}), None


async def _judged(
    epoch_context: EpochContext, persona: Persona, conversations: Sequence[Conversation]
) -> tuple[Judged, Problem | None]:
    agents, place = epoch_context.agents, f"judge/{persona.id}"
    judged = Judged(id=place, epoch=epoch_context.epoch, persona=persona.id, value=None)
    assert agents.judge is not None
    try:
        asked = agents.prompts.judge(persona, conversations)
        filled = await agents.judge.ask_structured(place, "judge", asked, CrossRating, JUDGED)
    except CallFailed as error:
        problem = Problem(id=error.call, epoch=epoch_context.epoch, where=place, problem=str(error))
        return judged.model_copy(update={"problem": "the call failed"}), problem
    if filled.form is None:
        return judged.model_copy(update={"problem": filled.problem}), None
    return judged.model_copy(update={"value": filled.form.rating, "reason": filled.form.reason}), None


def _is_whole(epoch_context: EpochContext, conversation: Conversation) -> bool:
    return len(conversation.messages) == 2 * epoch_context.agents.config.turns + 1
