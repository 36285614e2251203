"""`grounded`: the edits of `edits`, each held to whose words it rests on: a principle needs a quorum of the users."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scai_cli.constitution import Add, Edit
from scai_cli.events import Candidate
from scai_cli.simulation.occasion import Occasion
from scai_cli.simulation.strategies.edits import edits


async def grounded(occasion: Occasion) -> list[Candidate]:
    """One candidate, in which nobody speaks for all.

    A new principle must rest on the words of `quorum` of the users, and of two at least. What rests on the words of
    fewer becomes a clause for these; what rests on those of one or nobody is left out, and the critique says so.
    """
    speakers, people = _speakers(occasion), len(occasion.stage.personas)
    needed = max(2, math.ceil(occasion.config.revision.quorum * people))
    return [_held(candidate, speakers, needed) for candidate in await edits(occasion)]


def _held(candidate: Candidate, speakers: Mapping[str, str], needed: int) -> Candidate:
    kept: list[Edit] = []
    critique = candidate.critique
    for edit in candidate.edits:
        users = tuple(dict.fromkeys(speakers[place] for place in _evidence(edit) if place in speakers))
        if not isinstance(edit, Add) or edit.users or len(users) >= needed:
            kept.append(edit)
        elif len(users) > 1:
            reason = f"{edit.reason} A clause, as {len(users)} users ask for it and a principle needs {needed}.".strip()
            kept.append(edit.model_copy(update={"users": users, "reason": reason}))
        else:
            critique += f" (Left out, as it does not rest on the words of two users: {edit.text})"
    return candidate.model_copy(update={"edits": tuple(kept), "critique": critique.strip()})


def _evidence(edit: Edit) -> tuple[str, ...]:
    return edit.evidence if isinstance(edit, Add) else ()


def _speakers(occasion: Occasion) -> dict[str, str]:
    """Whose word it is: the id of every message, the answers to a user's words included, and of every rating."""
    words = {message.id: c.persona.id for c in occasion.conversations for message in c.messages}
    return words | {rating.id: rating.rater for c in occasion.conversations for rating in c.ratings}
