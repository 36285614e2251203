"""Ratings: a user's own of the answers it got, and those that the others give to its final answer."""

from __future__ import annotations

from collections.abc import Iterable

from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import Problem, Rated
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.forms import CrossRating, Feedback
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import observed_utility


async def rate_own(epoch_context: EpochContext, conversation: Conversation, *, final: bool) -> Rated:
    """The user's comment on the last answer with its rating; a comment without the form counts word for word."""
    agents = epoch_context.agents
    place = conversation.next_id
    asked = agents.prompts.feedback(conversation)
    filled = await agents.agent_for(conversation.persona).ask_structured(
        place, "feedback", asked, Feedback, agents.config.ratings.scale
    )
    return Rated(
        id=f"{place}/own",
        epoch=conversation.epoch,
        kind="own",
        metric=agents.config.ratings.own,
        rater=conversation.persona.id,
        conversation=conversation.id,
        message=conversation.messages[-1].id,
        final=final,
        value=filled.form.rating if filled.form else None,
        observed=observed_utility(conversation.persona, conversation.messages[-1].content),
        comment=filled.form.feedback if filled.form else filled.last.text,
        problem=filled.problem,
    )


async def cross_rate(epoch_context: EpochContext, conversation: Conversation, rater: Persona) -> Rated:
    """Let a user who took no part rate the final answer; a call that fails for good leaves the rating missing."""
    agents = epoch_context.agents
    answer = conversation.messages[-2]
    rating, scale = _missing(epoch_context, conversation, rater, ""), agents.config.ratings.scale
    asked = agents.prompts.cross_rating(rater, conversation, answer.content)
    try:
        filled = await agents.agent_for(rater).ask_structured(rating.id, "cross_rating", asked, CrossRating, scale)
    except CallFailed as error:
        problem = Problem(id=error.call, epoch=epoch_context.epoch, where=conversation.id, problem=str(error))
        rating = _missing(epoch_context, conversation, rater, "the call failed")
        conversation.withheld += [problem, rating]
        return rating
    rating = rating.model_copy(
        update={
            "value": filled.form.rating if filled.form else None,
            "observed": observed_utility(rater, answer.content),
            "comment": filled.form.reason if filled.form else "",
            "problem": filled.problem,
        }
    )
    epoch_context.emit(rating)
    return rating


def withhold_ratings(epoch_context: EpochContext, conversation: Conversation, raters: Iterable[Persona]) -> None:
    """The final ratings that a failed conversation will never get, as missing ones."""
    for rater in (conversation.persona, *raters):
        rating = _missing(epoch_context, conversation, rater, "the conversation failed")
        conversation.withheld.append(rating)
        conversation.ratings.append(rating)


def _missing(epoch_context: EpochContext, conversation: Conversation, rater: Persona, problem: str) -> Rated:
    ratings, turns = epoch_context.agents.config.ratings, epoch_context.agents.config.turns
    own = rater.id == conversation.persona.id
    return Rated(
        id=f"{conversation.id}/m{2 * turns}/own" if own else f"{conversation.id}/cross/{rater.id}",
        epoch=conversation.epoch,
        kind="own" if own else "cross",
        metric=ratings.own if own else ratings.cross,
        rater=rater.id,
        conversation=conversation.id,
        message=f"{conversation.id}/m{2 * turns - 1}",
        final=True,
        value=None,
        problem=problem,
    )
