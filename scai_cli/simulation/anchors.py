"""Anchors: fixed answers that are rated again in every epoch, to measure the drift of raters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.messages import ending
from scai_cli.runs.events import MessageSaid, Rated
from scai_cli.simulation.answer_forms import Feedback
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.rating import ask_rating
from scai_cli.simulation.stops import emit_rated
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import mean, observed_utility
from scai_cli.values import draw


@dataclass(slots=True)
class Anchors:
    """`count` final answers of the first epoch, drawn with the seed, and their first ratings."""

    count: int
    answers: Sequence[Conversation] = ()
    first: dict[tuple[int, str], float] = field(default_factory=dict)
    """(Number of the answer, persona id) -> the first rating."""

    async def drift(self, context: EpochContext, conversations: Sequence[Conversation]) -> dict[str, float | None]:
        """Let the epoch's personas rate the anchors; return persona -> mean of (rating now - first rating).

        On the rating scale; above 0 a persona rates the same answers higher than before. 0 in the first epoch, None
        if no anchor was rated twice, empty without anchors.
        """
        # Drawn once, from the first epoch that has usable answers: what is rated must not change, only the raters.
        if self.count and not self.answers:
            usable = [c for c in conversations if _is_usable(c)]
            self.answers = draw(usable, self.count, f"{context.agents.seed}/anchors")
        if not self.answers:
            return {}
        asked = [(n, persona) for n in range(1, len(self.answers) + 1) for persona in context.personas]
        rated = await together(_rate(context, n, persona, self.answers[n - 1]) for n, persona in asked)
        emit_rated(context, rated, "anchor ratings")
        changes: dict[str, list[float | None]] = {persona.id: [] for persona in context.personas}
        for (n, persona), (rating, _) in zip(asked, rated, strict=True):
            if rating.value is not None:
                first = self.first.setdefault((n, persona.id), rating.value)
                changes[persona.id].append(rating.value - first)
        return {persona: mean(values) for persona, values in changes.items()}


async def _rate(
    context: EpochContext, number: int, rater: Persona, anchor: Conversation
) -> tuple[Rated, CallFailed | None]:
    """Request a rating with the prompt of an own rating, as if the rater had just received the answer."""
    agents, rating_id = context.agents, f"{context.id}/anchor/{number}/{rater.id}"
    final_answer = anchor.messages[-2]
    messages: list[MessageSaid] = [anchor.messages[0], final_answer]
    prompt = agents.prompts.feedback(Conversation(rating_id, context.epoch, rater, anchor.task, messages))
    answer = await ask_rating(agents.agent_for(rater), rating_id, "anchor", prompt, Feedback, agents.ratings.scale)
    rating = Rated(
        id=rating_id,
        epoch=context.epoch,
        kind="anchor",
        metric=agents.ratings.own,
        rater=rater.id,
        conversation=anchor.id,
        message=final_answer.id,
        final=False,
        value=answer.value,
        observed=observed_utility(rater, final_answer.content),
        comment=answer.comment,
        problem=answer.problem,
        marks=answer.marks,
    )
    return rating, answer.error


def _is_usable(conversation: Conversation) -> bool:
    answer = conversation.final_answer
    if conversation.errors or answer is None or not answer.content:
        return False
    return ending(answer.finish_reason) == "whole"
