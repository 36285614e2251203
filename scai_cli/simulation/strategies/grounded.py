"""`grounded`: propose edits in rounds, and require for each principle the cited words of a quorum of users."""

import math
from collections.abc import Collection
from dataclasses import replace
from typing import TypeGuard

from scai_cli.errors import PromptRefused
from scai_cli.experiment.constitution import Add, Edit, Modify
from scai_cli.runs.records import Candidate
from scai_cli.simulation.candidate_checks import checked
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.strategies.edits import edits, further_edits
from scai_cli.values import Value


class GroundedOptions(Value):
    """The keys of `revision` that `grounded` reads."""

    quorum: float
    rounds: int


async def grounded(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate, in which no single user decides for all.

    The meta model revises its draft up to `rounds` times, until it has no more edits. A new or reworded principle must
    cite words of `quorum` of the users, and of at least two. A principle that cites fewer becomes a clause for them;
    one that cites one user or none is left out, as is each edit with an objection. The critique names the omissions.
    Clauses, merges and removals need no quorum. A refused prompt of a later round leaves the draft as it is.
    """
    [first] = await edits(context)
    draft = _extend(context, Candidate(id=context.id, critique=""), first)
    for n in range(2, context.options(GroundedOptions).rounds + 1):
        if draft.objection or draft.constitution is None:
            break
        epoch_context = replace(context.epoch_context, constitution=draft.constitution)
        try:
            [more] = await further_edits(replace(context, id=f"{context.id}/r{n}", epoch_context=epoch_context))
        except PromptRefused as error:
            context.epoch_context.emit(epoch_context.problem(error, f"{context.id}/r{n}"))
            break
        extended = _extend(context, draft, more)
        if extended.edits == draft.edits:
            break
        draft = extended
    return [draft]


def _extend(context: RevisionContext, draft: Candidate, proposed: Candidate) -> Candidate:
    """Return the draft with the edits that pass the checks."""
    if proposed.objection:
        return draft if draft.edits else proposed
    remarks = [draft.critique, *([] if proposed.critique in draft.critique else [proposed.critique])]
    # One edit at a time, so that an edit with an objection does not take the others with it.
    for edit in proposed.edits:
        constitution = draft.constitution or context.constitution
        scoped, problem = _scoped(context, edit, {principle.id for principle in constitution.principles})
        longer = checked(context, draft.model_copy(update={"edits": (*draft.edits, scoped)}))
        if problem := problem or longer.objection:
            remarks.append(f"(Left out, {problem}: {getattr(edit, 'text', edit.op)})")
        else:
            draft = longer
    critique = " ".join(remark for remark in remarks if remark)
    marks = tuple(dict.fromkeys((*draft.marks, *proposed.marks)))
    return draft.model_copy(update={"critique": critique, "left_out": proposed.left_out, "marks": marks})


def _scoped(context: RevisionContext, edit: Edit, principles: Collection[str]) -> tuple[Edit, str | None]:
    """Return the edit, narrowed to the cited users, and the problem with it, if any."""
    if not _is_for_all(edit, principles):
        return edit, None
    authors = _authors(context)
    users = tuple(dict.fromkeys(authors[event_id] for event_id in edit.evidence if event_id in authors))
    needed = max(2, math.ceil(context.options(GroundedOptions).quorum * len(context.epoch_context.personas)))
    if len(users) >= needed:
        return edit, None
    if len(users) < 2 or isinstance(edit, Modify):
        return edit, f"as it rests on the words of {len(users)} users and needs {needed}"
    reason = f"{edit.reason} For {len(users)} users only: a rule for everyone needs the words of {needed}.".strip()
    return edit.model_copy(update={"users": users, "reason": reason}), None


def _is_for_all(edit: Edit, principles: Collection[str]) -> TypeGuard[Add | Modify]:
    """Return whether an edit adds or rewords a principle."""
    return (isinstance(edit, Add) and not edit.users) or (isinstance(edit, Modify) and edit.id in principles)


def _authors(context: RevisionContext) -> dict[str, str]:
    """Return id -> persona for every rating and message; an answer counts for its user."""
    messages = {message.id: c.persona.id for c in context.conversations for message in c.messages}
    return messages | {rating.id: rating.rater for c in context.conversations for rating in c.ratings}
