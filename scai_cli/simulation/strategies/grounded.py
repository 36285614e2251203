"""`grounded`: propose a few edits, each with a reason and evidence."""

import math
from collections.abc import Collection, Mapping
from typing import TypeGuard

from scai_cli.experiment.constitution import Add, Constitution, Edit, Merge, Modify, Remove
from scai_cli.experiment.revision_settings import BoundTo
from scai_cli.runs.records import Candidate
from scai_cli.simulation.answer_forms import Edits, WrittenEdit
from scai_cli.simulation.candidate_checks import checked
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.strategies.rewrite import ask_revision, proposed
from scai_cli.simulation.strategies.window import fit_window
from scai_cli.values import Value


class GroundedOptions(Value):
    """The keys of `revision` that `grounded` reads."""

    quorum: float
    clauses: BoundTo
    acceptance: str


async def grounded(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate.

    Each edit with an objection is left out, and the critique names it. Unless users ratify the rules, a new or reworded
    principle must cite words of `quorum` of the users, if that is above 0 of two at least; for people, one that cites
    fewer becomes a clause for them.
    """
    proposed = await _edits(context)
    return [proposed if proposed.objection else _checked_one_by_one(context, proposed)]


async def _edits(context: RevisionContext) -> Candidate:
    """Return the edits that the meta model proposes; drop evidence that is not the id of a message or rating."""
    window = fit_window(context, "edits", context.heard, sum(context.dropped[-1:]))
    candidate, written = await ask_revision(context, "edits", window, Edits)
    if written is None:
        return candidate
    try:
        changes = [_edit(edit, window.ids, context.constitution) for edit in written.edits]
    except ValueError as error:
        unread = {"critique": written.critique, "objection": f"broken: {error}", "no_answer": "broken"}
        return candidate.model_copy(update=unread)
    return proposed(context, candidate, written.critique, changes, window)


def _edit(written: WrittenEdit, known: Mapping[str, str], constitution: Constitution) -> Edit:
    """Return the edit that a model wrote; raises ValueError if a required field is missing."""
    text = " ".join(written.text.split())
    evidence = tuple(known[event_id] for event_id in written.evidence if event_id in known)
    # A rule does not become a question, so that what users said of it stays true.
    is_new = written.ask and getattr(constitution.rule(written.id or ""), "kind", "rule") == "rule"
    if written.op == "add" or (written.op == "modify" and is_new):
        return Add(text=text, **written.bound, reason=written.reason, evidence=evidence)
    if written.op == "merge":
        if len(written.ids) < 2:
            raise ValueError("a merge names fewer than two rules")
        return Merge(ids=written.ids, text=text, reason=written.reason, evidence=evidence)
    if not written.id:
        raise ValueError(f"an edit of the kind {written.op} names no rule")
    if written.op == "remove":
        return Remove(id=written.id, reason=written.reason, evidence=evidence)
    return Modify(
        id=written.id,
        text=text,
        when=written.when or None,
        users=written.users,
        reason=written.reason,
        evidence=evidence,
    )


def _checked_one_by_one(context: RevisionContext, proposed: Candidate) -> Candidate:
    """Return the candidate with the edits that pass the checks: one with an objection takes no other with it."""
    kept, remarks = proposed.model_copy(update={"edits": ()}), [proposed.critique]
    for edit in proposed.edits:
        constitution = kept.constitution or context.constitution
        scoped, problem = _scoped(context, edit, {principle.id for principle in constitution.principles})
        longer = checked(context, kept.model_copy(update={"edits": (*kept.edits, scoped)}))
        if problem := problem or longer.objection:
            remarks.append(f"(Left out, {problem}: {getattr(edit, 'text', '') or edit.op})")
        else:
            kept = longer
    return kept.model_copy(update={"critique": " ".join(remark for remark in remarks if remark)})


def _scoped(context: RevisionContext, edit: Edit, principles: Collection[str]) -> tuple[Edit, str | None]:
    """Return the edit, for people narrowed to the cited users, and the problem with it, if any."""
    options, users = context.options(GroundedOptions), context.cited(edit.evidence)
    if not _is_for_all(edit, principles):
        return edit, None
    if options.acceptance == "ratify" or options.quorum == 0:
        return edit, None
    needed = max(2, math.ceil(options.quorum * len(context.epoch_context.personas)))
    if len(users) >= needed:
        return edit, None
    if len(users) < 2 or isinstance(edit, Modify) or options.clauses == "conditions":
        return edit, f"as it rests on the words of {len(users)} users and needs {needed}"
    reason = f"{edit.reason} For {len(users)} users only: a rule for everyone needs the words of {needed}.".strip()
    return edit.model_copy(update={"users": users, "reason": reason}), None


def _is_for_all(edit: Edit, principles: Collection[str]) -> TypeGuard[Add | Modify]:
    """Return whether an edit adds or rewords a principle."""
    is_new = isinstance(edit, Add) and not edit.users and not edit.when and edit.kind == "rule"
    return is_new or (isinstance(edit, Modify) and edit.id in principles)
