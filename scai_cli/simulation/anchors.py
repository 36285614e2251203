"""Anchors: answers that stay the same for the whole run and are rated anew in every epoch, so that drift shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import MessageSaid, Problem, Rated
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.forms import Feedback
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import mean, observed_utility
from scai_cli.values import draw


@dataclass(slots=True)
class Anchors:
    """The answers, drawn with the seed from the first epoch's final ones, and how everybody first rated them."""

    answers: Sequence[Conversation] = ()
    first: dict[tuple[int, str], float] = field(default_factory=dict)

    async def drift(
        self, epoch_context: EpochContext, conversations: Sequence[Conversation]
    ) -> dict[str, float | None]:
        """Let everybody on stage rate the anchors; persona -> mean of (rating now - its first one of the same answer).

        On the rating scale; above 0 a persona rates the same answers higher than it did. None where no anchor was
        rated twice; 0 at the first time. Empty without anchors. What failed is emitted once all is rated.
        """
        wanted = epoch_context.agents.config.ratings.anchors
        if wanted and not self.answers:
            whole = [c for c in conversations if _is_whole(c)]
            self.answers = draw(whole, wanted, f"{epoch_context.agents.config.seed}/anchors")
        if not self.answers:
            return {}
        places = [(n, persona) for n in range(1, len(self.answers) + 1) for persona in epoch_context.personas]
        rated = await together(_rate(epoch_context, n, persona, self.answers[n - 1]) for n, persona in places)
        changes: dict[str, list[float | None]] = {persona.id: [] for persona in epoch_context.personas}
        for (n, persona), (rating, problem) in zip(places, rated, strict=True):
            if problem is not None:
                epoch_context.emit(problem)
                epoch_context.emit(rating)
            if rating.value is not None:
                first = self.first.setdefault((n, persona.id), rating.value)
                changes[persona.id].append(rating.value - first)
        return {persona: mean(values) for persona, values in changes.items()}


async def _rate(
    epoch_context: EpochContext, number: int, rater: Persona, anchor: Conversation
) -> tuple[Rated, Problem | None]:
    """Ask as for an own rating: the task and the answer stand before the rater as if they had just got it."""
    agents, place = epoch_context.agents, f"{epoch_context.place}/anchor/{number}/{rater.id}"
    answer = anchor.messages[-2]
    rating = Rated(
        id=place,
        epoch=epoch_context.epoch,
        kind="anchor",
        metric=agents.config.ratings.own,
        rater=rater.id,
        conversation=anchor.id,
        message=answer.id,
        final=False,
        value=None,
        observed=observed_utility(rater, answer.content),
    )
    said: list[MessageSaid] = [anchor.messages[0], answer]
    asked = agents.prompts.feedback(Conversation(place, epoch_context.epoch, rater, anchor.task, said))
    try:
        filled = await agents.agent_for(rater).ask_structured(
            place, "anchor", asked, Feedback, agents.config.ratings.scale
        )
    except CallFailed as error:
        problem = Problem(id=error.call, epoch=epoch_context.epoch, where=place, problem=str(error))
        return rating.model_copy(update={"problem": "the call failed"}), problem
    rating = rating.model_copy(
        update={
            "value": filled.form.rating if filled.form else None,
            "comment": filled.form.feedback if filled.form else "",
            "problem": filled.problem,
        }
    )
    epoch_context.emit(rating)
    return rating, None


def _is_whole(conversation: Conversation) -> bool:
    answer = conversation.final_answer
    return (
        not conversation.withheld and answer is not None and bool(answer.content) and answer.finish_reason != "length"
    )
