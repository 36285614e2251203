"""Why a candidate can never be adopted, whatever the acceptance rule says: broken, oversized or leaking."""

from __future__ import annotations

import math
from collections.abc import Iterator

from scai_cli.experiment.constitution import Clause, Constitution
from scai_cli.runs.events import Candidate
from scai_cli.simulation.leaks import leak
from scai_cli.simulation.revision import Occasion


def tokens(text: str) -> int:
    """An estimate of a text's tokens: characters / 4, rounded up."""
    return math.ceil(len(text) / 4)


def examined(occasion: Occasion, candidate: Candidate) -> Candidate:
    """The candidate with the constitution that it leads to, and the objection to it if there is one.

    Edits that leave every rule's words and users as they are lead nowhere: that is no change.
    """
    if candidate.objection is not None or not candidate.edits:
        return candidate
    try:
        constitution = occasion.constitution.apply(candidate.edits, epoch=occasion.stage.epoch)
    except ValueError as error:
        return candidate.model_copy(update={"objection": f"broken: {error}"})
    if _worded(constitution) == _worded(occasion.constitution):
        return candidate
    return candidate.model_copy(update={"constitution": constitution, "objection": objection(occasion, constitution)})


def objection(occasion: Occasion, constitution: Constitution) -> str | None:
    """What speaks against adopting a constitution at all, in words for the record; None if nothing does."""
    limits = occasion.config.constitution
    if len(constitution.principles) > limits.max_principles:
        return f"oversized: {len(constitution.principles)} principles, at most {limits.max_principles} are allowed"
    size = tokens(constitution.render())
    if size > limits.max_tokens:
        return f"oversized: {size} tokens, at most {limits.max_tokens} are allowed"
    known = {persona.id for persona in occasion.config.cast}
    for clause in constitution.contract:
        if unknown := [user for user in clause.users if user not in known]:
            return f"broken: {clause.id} is for {unknown[0][:40]!r}, who is no user"
    before = {rule.text for rule in occasion.constitution.principles}
    fresh = [rule for rule in constitution.principles if rule.text not in before]
    return leak(fresh, occasion.config.personas.inline, _said(occasion)) if fresh else None


def _worded(constitution: Constitution) -> list[tuple[str, tuple[str, ...]]]:
    """What the assistant is told, and for whom."""
    return [(rule.text, rule.users if isinstance(rule, Clause) else ()) for rule in constitution.rules]


def _said(occasion: Occasion) -> Iterator[str]:
    """Everything that the meta model may have read, and every task."""
    for task in occasion.config.agenda:
        yield task.prompt
    for conversation in (c for episode in (*occasion.past, occasion.conversations) for c in episode):
        yield from (message.content for message in conversation.messages)
        yield from (rating.comment for rating in conversation.ratings)
