"""`edits`: propose a few changes, each with a reason and evidence; the rest of the constitution stays."""

from collections.abc import Collection

from scai_cli.experiment.constitution import Add, Edit, Merge, Modify, Remove
from scai_cli.runs.records import Candidate
from scai_cli.simulation.answer_forms import Edits, WrittenEdit
from scai_cli.simulation.prompts import RevisionPrompt
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.strategies.rewrite import ask_revision, proposed
from scai_cli.simulation.strategies.window import fit_window


async def edits(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate; drop evidence that is not the id of a message or rating."""
    return await _propose(context, "edits")


async def further_edits(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate for a draft, which replaces the constitution in `context`."""
    return await _propose(context, "further_edits")


async def _propose(context: RevisionContext, name: RevisionPrompt) -> list[Candidate]:
    window = fit_window(context, name, context.conversations)
    candidate, form = await ask_revision(context, "edits", window, Edits)
    if form is None:
        return [candidate]
    try:
        changes = [_edit(written, window.ids) for written in form.edits]
    except ValueError as error:
        unread = {"critique": form.critique, "objection": f"broken: {error}", "no_answer": "broken"}
        return [candidate.model_copy(update=unread)]
    return [proposed(context, candidate, form.critique, changes)]


def _edit(written: WrittenEdit, known: Collection[str]) -> Edit:
    """Return the edit that a model wrote; raises ValueError if a required field is missing."""
    text = " ".join(written.text.split())
    evidence = tuple(event_id for event_id in written.evidence if event_id in known)
    if written.op == "add":
        return Add(text=text, users=written.users, reason=written.reason, evidence=evidence)
    if written.op == "merge":
        if len(written.ids) < 2:
            raise ValueError("a merge names fewer than two rules")
        return Merge(ids=written.ids, text=text, reason=written.reason, evidence=evidence)
    if not written.id:
        raise ValueError(f"an edit of the kind {written.op} names no rule")
    if written.op == "remove":
        return Remove(id=written.id, reason=written.reason, evidence=evidence)
    return Modify(id=written.id, text=text, users=written.users, reason=written.reason, evidence=evidence)
