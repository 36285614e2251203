"""Ratings: a user's own ratings of its answers, and the others' cross ratings of its final answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.messages import Message
from scai_cli.runs.events import CALL_FAILED, CONVERSATION_FAILED, Rated
from scai_cli.runs.records import Mark
from scai_cli.simulation.agent import Agent, StructuredAnswer
from scai_cli.simulation.answer_forms import CrossRating, Feedback
from scai_cli.simulation.comment_marks import comment_marks
from scai_cli.simulation.dialogue import observed
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.transcript import Conversation


@dataclass(frozen=True, slots=True)
class RatingAnswer:
    """A rating by an agent; if it is missing, `value` is None and `problem` is the reason."""

    value: float | None
    comment: str
    problem: str | None
    error: CallFailed | None = None
    """The reason why the call failed, if it did."""
    marks: tuple[Mark, ...] = ()


async def ask_rating(
    agent: Agent,
    call_id: str,
    purpose: str,
    prompt: list[Message],
    form: type[Feedback | CrossRating],
    scale: tuple[float, float],
) -> RatingAnswer:
    """Request a rating from an agent; it is missing if the answer cannot be read or the call fails."""
    try:
        answer = await agent.ask_structured(call_id, purpose, prompt, form, scale)
    except CallFailed as error:
        return RatingAnswer(None, "", CALL_FAILED, error)
    if answer.form is None:
        return RatingAnswer(None, "", answer.problem, marks=answer.marks)
    comment = answer.form.feedback if isinstance(answer.form, Feedback) else answer.form.reason
    return RatingAnswer(answer.form.rating, comment, None, marks=answer.marks)


async def rate_own(
    context: EpochContext, conversation: Conversation, *, final: bool, call_id: str | None = None
) -> Rated:
    """Request a comment on the last answer and its rating; an answer without the form has neither.

    The call has the id of the user's next message, unless it is given another `call_id`.
    """
    agents = context.agents
    answer = await agents.rater_for(conversation.persona).ask_structured(
        call_id or conversation.next_id,
        "feedback",
        agents.prompts.feedback(conversation),
        Feedback,
        agents.ratings.scale,
    )
    value, comment = (answer.form.rating, answer.form.feedback) if answer.form else (None, "")
    return own_rating(context, conversation, answer, value, comment, final=final)


def own_rating(
    context: EpochContext,
    conversation: Conversation,
    answer: StructuredAnswer[Any],
    value: float | None,
    comment: str,
    *,
    final: bool,
) -> Rated:
    """Return the user's rating of the last message, from its answer to the request; `comment` is its next message."""
    rated, persona, measures = conversation.messages[-1], conversation.persona, context.agents.measures
    names = measures.recorded(persona) if final else ()
    return _missing(context, conversation, persona, answer.problem).model_copy(
        update={
            "id": f"{conversation.next_id}/own",
            "message": rated.id,
            "final": final,
            "value": value,
            "observed": observed(context, conversation, persona, rated.content),
            "comment": comment,
            "marks": (*answer.marks, *comment_marks(comment, persona, context.people)),
            "measured": measures.values(persona, conversation.task, rated.content, names),
        }
    )


async def cross_rate(context: EpochContext, conversation: Conversation, rater: Persona) -> Rated:
    """Let another user rate the final answer; the rating is missing if the call fails."""
    agents = context.agents
    final_answer = conversation.messages[-2]
    prompt = agents.prompts.cross_rating(rater, conversation, final_answer.content)
    rating = _missing(context, conversation, rater, None)
    answer = await ask_rating(
        agents.rater_for(rater), rating.id, "cross_rating", prompt, CrossRating, agents.ratings.scale
    )
    if answer.error is not None:
        # Emitted when the epoch ends: a run that stops and is resumed before that makes the call again.
        conversation.errors.append(answer.error)
        conversation.withheld.append(context.problem(answer.error, conversation.id))
    rating = rating.model_copy(
        update={
            "message": final_answer.id,
            "value": answer.value,
            "observed": None if answer.error else observed(context, conversation, rater, final_answer.content),
            "comment": answer.comment,
            "problem": answer.problem,
            "marks": (*answer.marks, *comment_marks(answer.comment, rater, context.people)),
        }
    )
    conversation.tell(rating, context.emit)
    return rating


def withhold_ratings(context: EpochContext, conversation: Conversation, raters: Iterable[Persona]) -> None:
    """Add the final ratings of a failed conversation as missing ratings."""
    for rater in (conversation.persona, *raters):
        rating = _missing(context, conversation, rater, CONVERSATION_FAILED)
        conversation.withheld.append(rating)
        conversation.ratings.append(rating)


def _missing(context: EpochContext, conversation: Conversation, rater: Persona, problem: str | None) -> Rated:
    ratings, messages = context.agents.ratings, context.agents.messages
    own = rater.id == conversation.persona.id
    return Rated(
        id=f"{conversation.id}/m{messages - 1}/own" if own else f"{conversation.id}/cross/{rater.id}",
        epoch=conversation.epoch,
        kind="own" if own else "cross",
        metric=ratings.own if own else ratings.cross,
        rater=rater.id,
        conversation=conversation.id,
        message=f"{conversation.id}/m{messages - 2}",
        final=True,
        value=None,
        problem=problem,
    )
