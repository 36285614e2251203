"""`rewrite`: the whole two-part constitution anew, from transcripts, feedback and ratings (as the original SCAI)."""

from __future__ import annotations

from collections.abc import Sequence

from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Modify, Principle, Remove
from scai_cli.runs.events import Candidate
from scai_cli.simulation.agent import Form
from scai_cli.simulation.forms import Rewrite, WrittenClause, WrittenPrinciple
from scai_cli.simulation.revision import RevisionContext
from scai_cli.simulation.strategies.window import Window, fitting


async def rewrite(context: RevisionContext) -> list[Candidate]:
    """One candidate; without edits where the meta model wants no change, with an objection where it was cut off."""
    shown = fitting(context, context.agents.prompts.rewrite, context.conversations)
    return [await rewritten(context, "rewrite", shown)]


async def rewritten(context: RevisionContext, purpose: str, shown: Window) -> Candidate:
    """Ask for the whole constitution and turn the answer into a candidate."""
    candidate, form = await asked_for(context, purpose, shown, Rewrite)
    if form is None:
        return candidate
    edits = () if form.no_change else edits_to(context.constitution, form)
    return candidate.model_copy(update={"critique": form.critique, "edits": edits})


async def asked_for(
    context: RevisionContext, purpose: str, shown: Window, form: type[Form]
) -> tuple[Candidate, Form | None]:
    """Ask the meta model for a revision in some form; without a usable answer the candidate says why."""
    candidate = Candidate(id=context.place, critique="", objection=shown.objection, left_out=shown.left_out)
    if candidate.objection is not None:
        return candidate, None
    filled = await context.agents.meta.ask_structured(context.place, purpose, shown.asked, form)
    if filled.last.finish_reason == "length":
        return candidate.model_copy(update={"objection": "truncated: the answer was cut off"}), None
    if filled.form is None:
        return candidate.model_copy(update={"objection": f"broken: {filled.problem}"}), None
    return candidate, filled.form


def edits_to(old: Constitution, new: Rewrite) -> tuple[Edit, ...]:
    """The edits that lead from a constitution to a rewritten one; a rule that says the same keeps its id."""
    edits: list[Edit] = []
    gone: list[Edit] = []
    for part in ("principles", "contract"):
        if part in new.model_fields_set:
            before = getattr(old, part)
            kept = _edit_part(before, getattr(new, part), edits)
            reason = "left out of the rewritten constitution"
            gone += [Remove(id=rule.id, reason=reason) for rule in before if rule.id not in kept]
    return (*gone, *edits)


def _edit_part(
    old: Sequence[Principle | Clause], new: Sequence[WrittenPrinciple | WrittenClause], edits: list[Edit]
) -> set[str]:
    """Add the edits for one part; the ids of its rules that stay."""
    by_id = {rule.id: rule for rule in old}
    by_text = {rule.text: rule for rule in reversed(old)}
    kept: set[str] = set()
    said: set[tuple[str, tuple[str, ...]]] = set()
    for written in new:
        text = " ".join(written.text.split())
        users = written.users if isinstance(written, WrittenClause) else ()
        rule = by_id.get(written.id or "") or by_text.get(text)
        if not text or (text, users) in said:
            continue
        said.add((text, users))
        if rule is None or rule.id in kept:
            edits.append(Add(text=text, users=users))
            continue
        kept.add(rule.id)
        if text != rule.text or (isinstance(rule, Clause) and users != rule.users):
            edits.append(Modify(id=rule.id, text=text, users=users))
    return kept
