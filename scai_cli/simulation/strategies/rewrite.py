"""`rewrite`: rewrite the whole constitution from transcripts, feedback and ratings (as the original SCAI)."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Modify, Principle, Remove, listed
from scai_cli.runs.records import Candidate
from scai_cli.simulation.answer_forms import Rewrite, WrittenClause, WrittenPrinciple, WrittenRemoval
from scai_cli.simulation.form_reader import Form
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
    window = fit_window(context, name, conversations)
    candidate, form = await ask_revision(context, name, window, Rewrite)
    if form is None:
        return candidate
    edits = () if form.no_change else edits_to(context.constitution, form, window.ids)
    return proposed(context, candidate, form.critique, edits)


def proposed(context: RevisionContext, candidate: Candidate, critique: str, edits: Iterable[Edit]) -> Candidate:
    """Return the candidate with the edits that touch no locked rule; the critique names the others.

    An edit without a reason gets the sentence of the critique that names its rule or one of its users.
    """
    locked = {rule.id for rule in context.constitution.locked}
    kept, remarks = [], [critique] if critique else []
    for edit in edits:
        ids = getattr(edit, "ids", (getattr(edit, "id", ""),))
        if barred := locked.intersection(ids):
            what = f"{edit.op} {getattr(edit, 'text', '')}".strip()
            remarks.append(f"(Left out, as {listed(sorted(barred))} is locked: {what})")
        else:
            reason = edit.reason or _sentence(critique, {*ids, *getattr(edit, "users", ())})
            kept.append(edit.model_copy(update={"reason": reason}))
    return candidate.model_copy(update={"critique": " ".join(remarks), "edits": tuple(kept)})


def _sentence(critique: str, names: Collection[str]) -> str:
    """Return the first sentence of a critique that contains one of the names as a word, or an empty text."""
    sentences = re.split(r"(?<=[.!?])\s+", critique)
    return next((s for s in sentences if not set(re.findall(r"[\w.-]*\w", s)).isdisjoint(names)), "")


async def ask_revision(
    context: RevisionContext, purpose: str, window: Window, form: type[Form]
) -> tuple[Candidate, Form | None]:
    """Request a revision in a form; without a usable answer, return a candidate with an objection."""
    candidate = Candidate(id=context.id, critique="", objection=window.objection, left_out=window.left_out)
    if candidate.objection is not None:
        return candidate.model_copy(update={"no_answer": "oversized"}), None
    answer = await context.agents.meta.ask_structured(context.id, purpose, window.prompt, form)
    candidate = candidate.model_copy(update={"marks": answer.marks})
    if answer.last.ended == "cut":
        cut = {"objection": "truncated: the answer was cut off", "no_answer": "truncated"}
        return candidate.model_copy(update=cut), None
    if answer.form is None:
        return candidate.model_copy(update={"objection": f"broken: {answer.problem}", "no_answer": "broken"}), None
    return candidate, answer.form


def edits_to(old: Constitution, new: Rewrite, known: Collection[str]) -> tuple[Edit, ...]:
    """Return the edits to a rewritten constitution, with `known` evidence; a rule with the same text keeps its id."""
    edits: list[Edit] = []
    removals: list[Edit] = []
    removed = {written.id: _grounds(written, known) for written in new.removed}
    for part in ("principles", "contract"):
        if part in new.model_fields_set:
            before = getattr(old, part)
            kept = _edit_part(before, getattr(new, part), edits, known)
            removals += [Remove(id=rule.id, **removed.get(rule.id, {})) for rule in before if rule.id not in kept]
    return (*removals, *edits)


def _grounds(written: WrittenPrinciple | WrittenClause | WrittenRemoval, known: Collection[str]) -> dict[str, Any]:
    """Return the reason and the evidence of an edit, as its fields."""
    return {"reason": written.reason, "evidence": tuple(name for name in written.evidence if name in known)}


def _edit_part(
    old: Sequence[Principle | Clause],
    new: Sequence[WrittenPrinciple | WrittenClause],
    edits: list[Edit],
    known: Collection[str],
) -> set[str]:
    """Add the edits for one part and return the ids of its kept rules."""
    by_id = {rule.id: rule for rule in old}
    by_text = {" ".join(rule.text.split()): rule for rule in reversed(old)}
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
            edits.append(Add(text=text, users=users, **_grounds(written, known)))
            continue
        kept.add(rule.id)
        if text != " ".join(rule.text.split()) or (isinstance(rule, Clause) and users != rule.users):
            edits.append(Modify(id=rule.id, text=text, users=users, **_grounds(written, known)))
    return kept
