"""Ratings and what they come to: own ratings, cross ratings, utilities in [0, 1] per persona."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scai_cli.config import Ratings
from scai_cli.errors import CallFailed
from scai_cli.events import Problem, Rated
from scai_cli.personas import Persona
from scai_cli.simulation.forms import CrossRating, Feedback
from scai_cli.simulation.stage import Stage
from scai_cli.simulation.transcript import Conversation


async def rate_own(stage: Stage, conversation: Conversation, *, final: bool) -> Rated:
    """The user's comment on the last answer with its rating; a comment without the form counts word for word."""
    company = stage.company
    place = conversation.next_id
    asked = company.prompts.feedback(conversation)
    filled = await company.user.fill_in(place, "feedback", asked, Feedback, company.config.ratings.scale)
    return Rated(
        id=f"{place}/own",
        epoch=conversation.epoch,
        kind="own",
        metric=company.config.ratings.own,
        rater=conversation.persona.id,
        conversation=conversation.id,
        message=conversation.messages[-1].id,
        final=final,
        value=filled.form.rating if filled.form else None,
        comment=filled.form.feedback if filled.form else filled.last.text,
        problem=filled.problem,
    )


async def cross_rate(stage: Stage, conversation: Conversation, rater: Persona) -> Rated:
    """Let a user who took no part rate the final answer; a call that fails for good leaves the rating missing."""
    company = stage.company
    answer = conversation.messages[-2]
    rating = _missing(stage, conversation, rater, "")
    asked = company.prompts.cross_rating(rater, conversation, answer.content)
    try:
        filled = await company.user.fill_in(rating.id, "cross_rating", asked, CrossRating, company.config.ratings.scale)
    except CallFailed as error:
        problem = Problem(id=error.call, epoch=stage.epoch, where=conversation.id, problem=str(error))
        rating = _missing(stage, conversation, rater, "the call failed")
        conversation.withheld += [problem, rating]
        return rating
    rating = rating.model_copy(
        update={
            "value": filled.form.rating if filled.form else None,
            "comment": filled.form.reason if filled.form else "",
            "problem": filled.problem,
        }
    )
    stage.emit(rating)
    return rating


def withhold_ratings(stage: Stage, conversation: Conversation, raters: Iterable[Persona]) -> None:
    """The final ratings that a failed conversation will never get, as missing ones."""
    for rater in (conversation.persona, *raters):
        rating = _missing(stage, conversation, rater, "the conversation failed")
        conversation.withheld.append(rating)
        conversation.ratings.append(rating)


def _missing(stage: Stage, conversation: Conversation, rater: Persona, problem: str) -> Rated:
    ratings, turns = stage.company.config.ratings, stage.company.config.turns
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


@dataclass(frozen=True, slots=True)
class Contentment:
    """How content each persona is: means on the rating scale and utility in [0, 1]; None where all are missing."""

    satisfaction: Mapping[str, float | None]
    harmlessness: Mapping[str, float | None]
    utilities: Mapping[str, float | None]
    missing: int


def contentment(personas: Sequence[Persona], conversations: Iterable[Conversation], ratings: Ratings) -> Contentment:
    """Final ratings -> utilities.

    u_p = (1 - w) * s_p + w * h_p, where s_p is the mean own rating of p's final answers, h_p the mean rating that p
    gave to the others' answers, both moved from the scale to [0, 1], and w is `cross_weight`. Where one of the two is
    missing altogether the other stands alone.
    """
    given: dict[tuple[str, str], list[float]] = defaultdict(list)
    missing = 0
    for rating in (r for conversation in conversations for r in conversation.ratings if r.final):
        if rating.value is None:
            missing += 1
        else:
            given[rating.kind, rating.rater].append(rating.value)
    satisfaction = {p.id: _mean(given["own", p.id]) for p in personas}
    harmlessness = {p.id: _mean(given["cross", p.id]) for p in personas}
    utilities = {p.id: _utility(satisfaction[p.id], harmlessness[p.id], ratings) for p in personas}
    return Contentment(satisfaction, harmlessness, utilities, missing)


def _utility(own: float | None, cross: float | None, ratings: Ratings) -> float | None:
    low, high = ratings.scale
    weight = ratings.cross_weight
    parts = [(1 - weight, own), (weight, cross)]
    known = [(share, (value - low) / (high - low)) for share, value in parts if value is not None and share > 0]
    total = sum(share for share, _ in known)
    return sum(share * value for share, value in known) / total if known else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
