"""`grounded`: the edits of `edits`, each held to whose words it rests on: a principle needs a quorum of the users."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TypeGuard

from scai_cli.constitution import Add, Edit, Modify
from scai_cli.events import Candidate
from scai_cli.simulation.occasion import Occasion
from scai_cli.simulation.strategies.edits import edits


async def grounded(occasion: Occasion) -> list[Candidate]:
    """One candidate, in which nobody speaks for all.

    A new or reworded principle must rest on the words of `quorum` of the users, and of two at least. What rests on
    those of fewer becomes a clause for these; what rests on those of one or nobody is left out, and the critique says
    so, as it does of a rewording. Clauses, mergers and removals are left as they are.
    """
    people = len(occasion.stage.personas)
    needed = max(2, math.ceil(occasion.config.revision.quorum * people))
    return [_held(candidate, occasion, needed) for candidate in await edits(occasion)]


def _held(candidate: Candidate, occasion: Occasion, needed: int) -> Candidate:
    speakers = _speakers(occasion)
    principles = {principle.id for principle in occasion.constitution.principles}
    kept: list[Edit] = []
    critique = candidate.critique
    for edit in candidate.edits:
        if not _speaks_for_all(edit, principles):
            kept.append(edit)
            continue
        users = tuple(dict.fromkeys(speakers[place] for place in edit.evidence if place in speakers))
        if len(users) >= needed:
            kept.append(edit)
        elif len(users) > 1 and isinstance(edit, Add):
            reason = f"{edit.reason} A clause, as {len(users)} users ask for it and a principle needs {needed}.".strip()
            kept.append(edit.model_copy(update={"users": users, "reason": reason}))
        else:
            critique += f" (Left out, as it rests on the words of {len(users)} and not of {needed} users: {edit.text})"
    return candidate.model_copy(update={"edits": tuple(kept), "critique": critique.strip()})


def _speaks_for_all(edit: Edit, principles: Collection[str]) -> TypeGuard[Add | Modify]:
    """Whether an edit makes a principle, or gives other words to one."""
    return (isinstance(edit, Add) and not edit.users) or (isinstance(edit, Modify) and edit.id in principles)


def _speakers(occasion: Occasion) -> dict[str, str]:
    """Whose word it is: the id of every message, the answers to a user's words included, and of every rating."""
    words = {message.id: c.persona.id for c in occasion.conversations for message in c.messages}
    return words | {rating.id: rating.rater for c in occasion.conversations for rating in c.ratings}
