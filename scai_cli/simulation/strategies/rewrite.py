"""`rewrite`: the whole two-part constitution anew, from transcripts, feedback and ratings (as the original SCAI)."""

from __future__ import annotations

from collections.abc import Sequence

from scai_cli.chat import Message
from scai_cli.constitution import Add, Clause, Constitution, Edit, Modify, Principle, Remove
from scai_cli.events import Candidate
from scai_cli.simulation.forms import Rewrite, WrittenClause, WrittenPrinciple
from scai_cli.simulation.occasion import Occasion
from scai_cli.simulation.strategies.window import fitting


async def rewrite(occasion: Occasion) -> list[Candidate]:
    """One candidate; without edits where the meta model wants no change, with an objection where it was cut off."""
    shown = fitting(occasion.conversations, occasion.config)
    asked = occasion.company.prompts.rewrite(occasion.constitution, shown.conversations)
    return [await rewritten(occasion, "rewrite", asked, shown.left_out)]


async def rewritten(occasion: Occasion, purpose: str, asked: Sequence[Message], left_out: int) -> Candidate:
    """Ask for the whole constitution and turn the answer into a candidate."""
    filled = await occasion.company.meta.fill_in(occasion.place, purpose, asked, Rewrite)
    candidate = Candidate(id=occasion.place, critique="", left_out=left_out)
    if filled.form is None:
        return candidate.model_copy(update={"objection": f"broken: {filled.problem}"})
    candidate = candidate.model_copy(update={"critique": filled.form.critique})
    if filled.last.finish_reason == "length":
        return candidate.model_copy(update={"objection": "truncated: the answer was cut off"})
    edits = () if filled.form.no_change else edits_to(occasion.constitution, filled.form)
    return candidate.model_copy(update={"edits": edits})


def edits_to(old: Constitution, new: Rewrite) -> tuple[Edit, ...]:
    """The edits that lead from a constitution to a rewritten one; a rule that says the same keeps its id."""
    edits: list[Edit] = []
    kept = _edit_part(old.principles, new.principles, edits) | _edit_part(old.contract, new.contract, edits)
    gone = [
        Remove(id=rule.id, reason="left out of the rewritten constitution") for rule in old.rules if rule.id not in kept
    ]
    return (*gone, *edits)


def _edit_part(
    old: Sequence[Principle | Clause], new: Sequence[WrittenPrinciple | WrittenClause], edits: list[Edit]
) -> set[str]:
    """Add the edits for one part; the ids of its rules that stay."""
    by_id = {rule.id: rule for rule in old}
    by_text = {rule.text: rule for rule in reversed(old)}
    kept: set[str] = set()
    for written in new:
        text = " ".join(written.text.split())
        users = written.users if isinstance(written, WrittenClause) else ()
        rule = by_id.get(written.id or "") or by_text.get(text)
        if not text:
            continue
        if rule is None or rule.id in kept:
            edits.append(Add(text=text, users=users))
            continue
        kept.add(rule.id)
        if text != rule.text or (isinstance(rule, Clause) and users != rule.users):
            edits.append(Modify(id=rule.id, text=text, users=users))
    return kept
