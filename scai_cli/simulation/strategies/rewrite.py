"""`rewrite`: rewrite the whole constitution from transcripts, feedback and ratings (as the original SCAI)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Modify, Principle, Remove, listed
from scai_cli.runs.events import Candidate
from scai_cli.simulation.agent import Form
from scai_cli.simulation.answer_forms import Rewrite, WrittenClause, WrittenPrinciple
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.strategies.window import Window, fit_window
from scai_cli.simulation.transcript import Conversation


async def rewrite(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate: without edits if the meta model wants no change, with an objection if it was cut off."""
    return [await propose_rewrite(context, "rewrite", context.conversations)]


async def propose_rewrite(
    context: RevisionContext, name: Literal["rewrite", "reflect"], conversations: Sequence[Conversation]
) -> Candidate:
    """Request the whole constitution and convert the answer into a candidate."""
    candidate, form = await ask_revision(context, name, fit_window(context, name, conversations), Rewrite)
    if form is None:
        return candidate
    edits = () if form.no_change else edits_to(context.constitution, form)
    return proposed(context, candidate, form.critique, edits)


def proposed(context: RevisionContext, candidate: Candidate, critique: str, edits: Iterable[Edit]) -> Candidate:
    """Return the candidate with the edits that touch no locked rule; the critique names the others."""
    locked = {rule.id for rule in context.constitution.locked}
    kept, remarks = [], [critique] if critique else []
    for edit in edits:
        if barred := locked.intersection(getattr(edit, "ids", (getattr(edit, "id", ""),))):
            what = f"{edit.op} {getattr(edit, 'text', '')}".strip()
            remarks.append(f"(Left out, as {listed(sorted(barred))} is locked: {what})")
        else:
            kept.append(edit)
    return candidate.model_copy(update={"critique": " ".join(remarks), "edits": tuple(kept)})


async def ask_revision(
    context: RevisionContext, purpose: str, window: Window, form: type[Form]
) -> tuple[Candidate, Form | None]:
    """Request a revision in a form; without a usable answer, return a candidate with an objection."""
    candidate = Candidate(id=context.id, critique="", objection=window.objection, left_out=window.left_out)
    if candidate.objection is not None:
        return candidate, None
    answer = await context.agents.meta.ask_structured(context.id, purpose, window.prompt, form)
    # Checked before the form: an answer that was cut off may still be readable.
    if answer.last.finish_reason == "length":
        return candidate.model_copy(update={"objection": "truncated: the answer was cut off"}), None
    if answer.form is None:
        return candidate.model_copy(update={"objection": f"broken: {answer.problem}"}), None
    return candidate, answer.form


def edits_to(old: Constitution, new: Rewrite) -> tuple[Edit, ...]:
    """Return the edits from a constitution to a rewritten one; a rule with the same text keeps its id."""
    edits: list[Edit] = []
    removals: list[Edit] = []
    for part in ("principles", "contract"):
        if part in new.model_fields_set:
            before = getattr(old, part)
            kept = _edit_part(before, getattr(new, part), edits)
            reason = "left out of the rewritten constitution"
            removals += [Remove(id=rule.id, reason=reason) for rule in before if rule.id not in kept]
    return (*removals, *edits)


def _edit_part(
    old: Sequence[Principle | Clause], new: Sequence[WrittenPrinciple | WrittenClause], edits: list[Edit]
) -> set[str]:
    """Add the edits for one part and return the ids of its kept rules."""
    by_id = {rule.id: rule for rule in old}
    by_text = {rule.text: rule for rule in reversed(old)}
    kept: set[str] = set()
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for written in new:
        text = " ".join(written.text.split())
        users = written.users if isinstance(written, WrittenClause) else ()
        rule = by_id.get(written.id or "") or by_text.get(text)
        if not text or (text, users) in seen:
            continue
        seen.add((text, users))
        if rule is None or rule.id in kept:
            edits.append(Add(text=text, users=users))
            continue
        kept.add(rule.id)
        if text != rule.text or (isinstance(rule, Clause) and users != rule.users):
            edits.append(Modify(id=rule.id, text=text, users=users))
    return kept
