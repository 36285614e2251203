"""`rewrite`: rewrite the whole constitution from transcripts, feedback and ratings (as the original SCAI)."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Modify, Principle, Remove, listed
from scai_cli.runs.records import Candidate
from scai_cli.simulation.answer_forms import Rewrite, WrittenClause, WrittenPrinciple, WrittenRemoval
from scai_cli.simulation.form_reader import Form
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.strategies.window import Window, fit_window
from scai_cli.values import Value


class RewriteOptions(Value):
    """The keys of `revision` that `rewrite` reads."""

    memory: int


async def rewrite(context: RevisionContext) -> list[Candidate]:
    """Propose one candidate from the last `memory` epochs: without edits if the meta model wants no change.

    It has an objection if the answer was cut off.
    """
    memory = context.options(RewriteOptions).memory
    episodes = [*context.past, context.heard][-memory:]
    dropped = sum(context.dropped[-memory:])
    window = fit_window(context, "rewrite", [c for episode in episodes for c in episode], dropped)
    candidate, written = await ask_revision(context, "rewrite", window, Rewrite)
    if written is None:
        return [candidate]
    edits = () if written.no_change else edits_to(context.constitution, written, window.ids)
    return [proposed(context, candidate, written.critique, edits, window)]


def proposed(
    context: RevisionContext, candidate: Candidate, critique: str, edits: Iterable[Edit], window: Window
) -> Candidate:
    """Return the candidate with the edits that touch no locked rule; the critique names the others.

    A new condition is left out, too, unless it cites two users at least. An edit without a reason gets the sentence of
    the critique that names its rule or one of its users. Users have their own ids in place of those shown to the meta
    model; with conditions no rule is for users: they ratify it for everyone, or it is left out.
    """
    critique = window.with_ids(critique)
    nobody = {"users": ()} if context.config.revision.clauses == "conditions" else {}
    kept, remarks = [], [critique] if critique else []
    for edit in edits:
        ids = getattr(edit, "ids", (getattr(edit, "id", ""),))
        if (why := _left_out(context, edit, ids)) is not None:
            remarks.append(f"(Left out, {why}: {edit.op} {getattr(edit, 'text', '')}".rstrip(": ") + ")")
        else:
            reason = window.with_ids(edit.reason) or _sentence(critique, {*ids, *getattr(edit, "users", ())})
            kept.append(edit.model_copy(update={"reason": reason, **(nobody if hasattr(edit, "users") else {})}))
    return candidate.model_copy(update={"critique": " ".join(remarks), "edits": tuple(kept)})


def _left_out(context: RevisionContext, edit: Edit, ids: Collection[str]) -> str | None:
    """Return why an edit is left out, or None."""
    if barred := {rule.id for rule in context.constitution.locked}.intersection(ids):
        return f"as {listed(sorted(barred))} is locked"
    if not isinstance(edit, Add | Modify):
        return None
    revision = context.config.revision
    if edit.users and revision.clauses == "conditions" and revision.acceptance != "ratify":
        return "as it is for users whom the assistant does not know"
    before = context.constitution.rule(edit.id) if isinstance(edit, Modify) else None
    is_new = edit.when and edit.when != getattr(before, "when", None)
    cited = len(context.cited(edit.evidence)) if is_new else 2
    return f"as its condition rests on the words of {cited} of at least 2 users" if cited < 2 else None


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
    clauses = context.config.revision.clauses
    answer = await context.agents.meta.ask_structured(context.id, purpose, window.prompt, form, clauses)
    candidate = candidate.model_copy(update={"marks": answer.marks})
    if answer.last.ended == "cut":
        cut = {"objection": "truncated: the answer was cut off", "no_answer": "truncated"}
        return candidate.model_copy(update=cut), None
    if answer.form is None:
        return candidate.model_copy(update={"objection": f"broken: {answer.problem}", "no_answer": "broken"}), None
    return candidate, answer.form


def edits_to(old: Constitution, new: Rewrite, known: Mapping[str, str]) -> tuple[Edit, ...]:
    """Return the edits to a rewritten constitution; a rule with the same text keeps its id.

    `known` are the ids of evidence as the meta model writes them, with the ids as they are.
    """
    edits: list[Edit] = []
    removals: list[Edit] = []
    removed = {gone.id: _grounds(gone, known) for gone in new.removed}
    for part in ("principles", "contract"):
        if part in new.model_fields_set:
            before = getattr(old, part)
            rules: list[Written] = [*new.principles, *new.contract]
            written = [rule for rule in rules if _is_principle(rule) == (part == "principles")]
            kept = _edit_part(before, written, edits, known)
            removals += [Remove(id=rule.id, **removed.get(rule.id, {})) for rule in before if rule.id not in kept]
    return (*removals, *edits)


Written = WrittenPrinciple | WrittenClause


def _is_principle(rule: Written) -> bool:
    """Return whether a written rule is bound to nothing, so that it is for everyone."""
    return isinstance(rule, WrittenPrinciple) or not (rule.when or rule.users or rule.kind == "ask")


def _grounds(written: Written | WrittenRemoval, known: Mapping[str, str]) -> dict[str, Any]:
    """Return the reason and the evidence of an edit, as its fields."""
    return {"reason": written.reason, "evidence": tuple(known[name] for name in written.evidence if name in known)}


def _edit_part(
    old: Sequence[Principle | Clause], new: Sequence[Written], edits: list[Edit], known: Mapping[str, str]
) -> set[str]:
    """Add the edits for one part and return the ids of its kept rules."""
    by_id = {rule.id: rule for rule in old}
    by_text = {" ".join(rule.text.split()): rule for rule in reversed(old)}
    kept: set[str] = set()
    seen: set[object] = set()
    for written in new:
        text = " ".join(written.text.split())
        bound = _bound(written)
        rule = by_id.get(written.id or "") or by_text.get(text)
        if not text or (key := (text, *bound.values())) in seen:
            continue
        seen.add(key)
        # A question does not become a rule, nor a rule a question, so that what users said of it stays true.
        if rule is None or rule.id in kept or getattr(rule, "kind", "rule") != bound.get("kind", "rule"):
            edits.append(Add(text=text, **bound, **_grounds(written, known)))
            continue
        kept.add(rule.id)
        if text != " ".join(rule.text.split()) or (isinstance(rule, Clause) and bound != _bound(rule)):
            bound = {key: value for key, value in bound.items() if key != "kind"}
            edits.append(Modify(id=rule.id, text=text, **bound, **_grounds(written, known)))
    return kept


def _bound(rule: Written | Clause) -> dict[str, Any]:
    """Return what a rule is bound to, as fields of an edit; nothing for a principle."""
    if isinstance(rule, Clause):
        return {"when": rule.when, "kind": rule.kind, "users": rule.users}
    return {} if isinstance(rule, WrittenPrinciple) or _is_principle(rule) else rule.bound
