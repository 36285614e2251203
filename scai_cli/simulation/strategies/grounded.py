"""`grounded`: edits in rounds, each edit held to whose words it rests on: a principle needs a quorum of the users."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import TypeGuard

from scai_cli.experiment.constitution import Add, Edit, Modify
from scai_cli.runs.events import Candidate
from scai_cli.simulation.candidate_checks import checked
from scai_cli.simulation.revision import RevisionContext
from scai_cli.simulation.strategies.edits import edits, further_edits


async def grounded(context: RevisionContext) -> list[Candidate]:
    """One candidate, in which nobody speaks for all.

    The meta model is asked up to `rounds` times, each time about its own draft, until it has no more edits. A new or
    reworded principle must rest on the words of `quorum` of the users, and of two at least. What rests on those of
    fewer becomes a clause for these; what rests on those of one or nobody is left out, and so is each edit to which
    there is an objection; the critique says so. Clauses, mergers and removals are otherwise left as they are.
    """
    [draft] = [_held(context, Candidate(id=context.place, critique=""), first) for first in await edits(context)]
    for n in range(2, context.config.revision.rounds + 1):
        if draft.objection or draft.constitution is None:
            break
        epoch_context = replace(context.epoch_context, constitution=draft.constitution)
        [more] = await further_edits(replace(context, place=f"{context.place}/r{n}", epoch_context=epoch_context))
        further = _held(context, draft, more)
        if further.edits == draft.edits:
            break
        draft = further
    return [draft]


def _held(context: RevisionContext, draft: Candidate, proposed: Candidate) -> Candidate:
    """The draft with those of the edits proposed that stand."""
    if proposed.objection:
        return draft if draft.edits else proposed
    remarks = [draft.critique, proposed.critique]
    for edit in proposed.edits:
        scoped, problem = _scoped(context, edit, _principles(context, draft))
        longer = checked(context, draft.model_copy(update={"edits": (*draft.edits, scoped)}))
        if problem := problem or longer.objection:
            remarks.append(f"(Left out, {problem}: {getattr(edit, 'text', edit.op)})")
        else:
            draft = longer
    critique = " ".join(remark for remark in remarks if remark)
    return draft.model_copy(update={"critique": critique, "left_out": proposed.left_out})


def _scoped(context: RevisionContext, edit: Edit, principles: Collection[str]) -> tuple[Edit, str | None]:
    """The edit for those on whose words it rests, and why it cannot stand if it cannot."""
    if not _speaks_for_all(edit, principles):
        return edit, None
    agents_by_role = _speakers(context)
    users = tuple(dict.fromkeys(agents_by_role[place] for place in edit.evidence if place in agents_by_role))
    needed = max(2, math.ceil(context.config.revision.quorum * len(context.epoch_context.personas)))
    if len(users) >= needed:
        return edit, None
    if len(users) < 2 or isinstance(edit, Modify):
        return edit, f"as it rests on the words of {len(users)} and not of {needed} users"
    reason = f"{edit.reason} A clause, as {len(users)} users ask for it and a principle needs {needed}.".strip()
    return edit.model_copy(update={"users": users, "reason": reason}), None


def _speaks_for_all(edit: Edit, principles: Collection[str]) -> TypeGuard[Add | Modify]:
    """Whether an edit makes a principle, or gives other words to one."""
    return (isinstance(edit, Add) and not edit.users) or (isinstance(edit, Modify) and edit.id in principles)


def _principles(context: RevisionContext, draft: Candidate) -> set[str]:
    return {principle.id for principle in (draft.constitution or context.constitution).principles}


def _speakers(context: RevisionContext) -> dict[str, str]:
    """Whose word it is: the id of every message, the answers to a user's words included, and of every rating."""
    words = {message.id: c.persona.id for c in context.conversations for message in c.messages}
    return words | {rating.id: rating.rater for c in context.conversations for rating in c.ratings}
