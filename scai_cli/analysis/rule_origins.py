"""The edits of a run by rule."""

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


@dataclass(frozen=True, slots=True)
class Wording:
    """The epoch after which a rule got its text, and the text before; empty for a rule that was added then."""

    epoch: int
    before: str

    def __str__(self) -> str:
        """Return `reworded after epoch 2` or `added after epoch 1`."""
        return f"{'reworded' if self.before else 'added'} after epoch {self.epoch}"


def rule_wordings(history: History, version: int) -> dict[str, Wording]:
    """Return rule id -> its last wording up to a version; without those that have their text from the start."""
    texts = {rule.id: rule.text for rule in history.started.constitution.rules} if history.started else {}
    wordings: dict[str, Wording] = {}
    for revision in (epoch.revision for epoch in history.epochs):
        if revision is None or not revision.accepted or revision.constitution.version > version:
            continue
        now = {rule.id: rule.text for rule in revision.constitution.rules}
        changed = (name for name in now if texts.get(name) != now[name])
        wordings |= {name: Wording(revision.epoch, texts.get(name, "")) for name in changed}
        texts = now
    return wordings


def _concerned(before: Constitution, revision: Revised) -> Iterator[tuple[str, Edit]]:
    """Yield each edit with every rule that it adds, changes or removes; number new rules as `apply` does."""
    principles, clauses = before.last_principle, before.last_clause
    for edit in revision.edits:
        if isinstance(edit, Add):
            is_clause = edit.users or edit.when or edit.kind == "ask"
            principles, clauses = (principles, clauses + 1) if is_clause else (principles + 1, clauses)
            yield (f"C{clauses}" if is_clause else f"P{principles}"), edit
        elif isinstance(edit, Merge):
            yield from ((rule_id, edit) for rule_id in edit.ids)
        else:
            yield edit.id, edit
