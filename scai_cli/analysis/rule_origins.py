"""The edits of a run by rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from scai_cli.experiment.constitution import Add, Constitution, Edit, Merge
from scai_cli.runs.events import Revised
from scai_cli.runs.history.history import History


@dataclass(frozen=True, slots=True)
class RuleOrigin:
    """One adopted edit and the epoch before it."""

    epoch: int
    edit: Edit


def rule_origins(history: History, first: int, last: int) -> dict[str, list[RuleOrigin]]:
    """Return rule id -> its edits between the versions `first` and `last`."""
    origins: dict[str, list[RuleOrigin]] = defaultdict(list)
    constitution = history.started.constitution if history.started else Constitution()
    for epoch in history.epochs:
        if epoch.revision is None or not epoch.revision.accepted:
            continue
        if first <= epoch.revision.from_version < last:
            for rule_id, edit in _concerned(constitution, epoch.revision):
                origins[rule_id].append(RuleOrigin(epoch.number, edit))
        constitution = epoch.revision.constitution
    return origins


def _concerned(before: Constitution, revision: Revised) -> Iterator[tuple[str, Edit]]:
    """Yield each edit with every rule that it adds, changes or removes; number new rules as `apply` does."""
    principles, clauses = before.last_principle, before.last_clause
    for edit in revision.edits:
        if isinstance(edit, Add):
            principles, clauses = (principles, clauses + 1) if edit.users else (principles + 1, clauses)
            yield (f"C{clauses}" if edit.users else f"P{principles}"), edit
        elif isinstance(edit, Merge):
            yield from ((rule_id, edit) for rule_id in edit.ids)
        else:
            yield edit.id, edit
