"""The constitution: principles for everyone and a contract of clauses for some, and how edits change it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from scai_cli.text.characters import printable
from scai_cli.values import SeenText, Text, Value

RuleDraft = Annotated[SeenText, AfterValidator(printable), Field(max_length=4000)]
"""Replace control characters by spaces, as system messages are pasted and printed."""
RuleText = Annotated[RuleDraft, Field(min_length=1)]


class Principle(Value):
    """A universal rule with a permanent id (`P4`). `since` is the epoch of its first version (0: from the start)."""

    id: Annotated[str, Field(pattern=r"^P[1-9]\d*$")]
    text: RuleText
    since: int = 0
    evidence: tuple[str, ...] = ()
    """Ids of the messages and ratings it rests on."""
    locked: Annotated[bool, Field(exclude_if=lambda locked: not locked)] = False
    """Whether no revision may change, merge or remove it."""


class Clause(Value):
    """A rule of the social contract (`C2`), for the named users only."""

    model_config = ConfigDict(populate_by_name=True)

    id: Annotated[str, Field(pattern=r"^C[1-9]\d*$")]
    text: RuleText
    users: Annotated[tuple[str, ...], Field(alias="for", min_length=1)]
    since: int = 0
    evidence: tuple[str, ...] = ()
    """Ids of the messages and ratings it rests on."""


class Add(Value):
    """Add a rule: a principle, or with `for` a clause; it gets the next free number."""

    model_config = ConfigDict(populate_by_name=True)

    op: Literal["add"] = "add"
    text: RuleText
    users: Annotated[tuple[str, ...], Field(alias="for")] = ()
    reason: Text = ""
    evidence: tuple[str, ...] = ()


class Modify(Value):
    """Change the text of a rule, and the users of a clause; the id stays."""

    model_config = ConfigDict(populate_by_name=True)

    op: Literal["modify"] = "modify"
    id: str
    text: RuleText
    users: Annotated[tuple[str, ...], Field(alias="for")] = ()
    reason: Text = ""
    evidence: tuple[str, ...] = ()


class Merge(Value):
    """Merge rules of one kind into one with the first id; the other ids are not used again."""

    op: Literal["merge"] = "merge"
    ids: Annotated[tuple[str, ...], Field(min_length=2)]
    text: RuleText
    reason: Text = ""
    evidence: tuple[str, ...] = ()


class Remove(Value):
    """Remove a rule; its id is not used again."""

    op: Literal["remove"] = "remove"
    id: str
    reason: Text = ""
    evidence: Annotated[tuple[str, ...], Field(exclude_if=operator.not_)] = ()


Edit = Annotated[Add | Modify | Merge | Remove, Field(discriminator="op")]


class Constitution(Value):
    """One version; `version` counts the adopted revisions, `last_*` are the highest numbers used in ids."""

    version: int = 0
    principles: tuple[Principle, ...] = ()
    contract: tuple[Clause, ...] = ()
    last_principle: int = 0
    last_clause: int = 0

    @property
    def rules(self) -> tuple[Principle | Clause, ...]:
        """All rules, principles first."""
        return (*self.principles, *self.contract)

    @property
    def locked(self) -> tuple[Principle, ...]:
        """The principles that no revision may touch."""
        return tuple(principle for principle in self.principles if principle.locked)

    def rule(self, rule_id: str) -> Principle | Clause | None:
        """Return the rule with this id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def render(self, *, user: str | None = None, names: Mapping[str, str] | None = None) -> str:
        """Return the rules as text for a system message; empty if there are none.

        With `user`, only the clauses for this user, as "the person you are talking with"; without, all clauses, each
        with the `names` (id -> name) of the users it is for.
        """
        parts = []
        if self.principles:
            rules = "\n".join(f"{n}. {rule.text}" for n, rule in enumerate(self.principles, 1))
            parts.append(f"Follow these principles with everyone:\n{rules}")
        if user is not None:
            clauses = "\n".join(f"- {clause.text}" for clause in self.contract if user in clause.users)
            if clauses:
                parts.append(f"For the person you are talking with now, within these principles:\n{clauses}")
        elif self.contract:
            names = names or {}
            clauses = "\n".join(
                f"- When you talk with {listed([names.get(u, u) for u in clause.users])}: {clause.text}"
                for clause in self.contract
            )
            parts.append(f"For some people only, within these principles:\n{clauses}")
        return "\n\n".join(parts)

    def apply(self, edits: Sequence[Edit], *, epoch: int) -> Constitution:
        """Return the next version after these edits; without edits, this version.

        Raises ValueError, with a reason for the log, if an edit names a locked or unknown rule, merges principles with
        clauses or turns a principle into a clause.
        """
        state = self
        for edit in edits:
            state = state._apply_one(edit, epoch)
        return state.model_copy(update={"version": self.version + 1}) if edits else self

    def _apply_one(self, edit: Edit, epoch: int) -> Constitution:
        if isinstance(edit, Add):
            return self._add(edit, epoch)
        if isinstance(edit, Remove):
            self._require(edit.id)
            return self._without({edit.id})
        if isinstance(edit, Modify):
            rule = self._require(edit.id)
            changes: dict[str, object] = {"text": edit.text, "evidence": _union(rule.evidence, edit.evidence)}
            if edit.users:
                if isinstance(rule, Principle):
                    raise ValueError(f"{edit.id} is a principle and cannot be for some users only")
                changes["users"] = edit.users
            return self._replace(rule.model_copy(update=changes))
        return self._merge(edit)

    def _add(self, edit: Add, epoch: int) -> Constitution:
        if edit.users:
            number = self.last_clause + 1
            clause = Clause(id=f"C{number}", text=edit.text, users=edit.users, since=epoch, evidence=edit.evidence)
            return self.model_copy(update={"contract": (*self.contract, clause), "last_clause": number})
        number = self.last_principle + 1
        principle = Principle(id=f"P{number}", text=edit.text, since=epoch, evidence=edit.evidence)
        return self.model_copy(update={"principles": (*self.principles, principle), "last_principle": number})

    def _merge(self, edit: Merge) -> Constitution:
        rules = [self._require(rule_id) for rule_id in edit.ids]
        if len({type(rule) for rule in rules}) > 1:
            raise ValueError(f"cannot merge principles with clauses: {', '.join(edit.ids)}")
        first = rules[0]
        changes: dict[str, object] = {
            "text": edit.text,
            "evidence": _union(*(rule.evidence for rule in rules), edit.evidence),
        }
        if isinstance(first, Clause):
            changes["users"] = _union(*(rule.users for rule in rules if isinstance(rule, Clause)))
        gone = {rule.id for rule in rules} - {first.id}
        return self._without(gone)._replace(first.model_copy(update=changes))

    def _require(self, rule_id: str) -> Principle | Clause:
        rule = self.rule(rule_id)
        if rule is None:
            raise ValueError(f"there is no rule {rule_id[:20]!r}")
        if isinstance(rule, Principle) and rule.locked:
            raise ValueError(f"{rule.id} is locked")
        return rule

    def _without(self, ids: set[str]) -> Constitution:
        return self._with([rule for rule in self.rules if rule.id not in ids])

    def _replace(self, rule: Principle | Clause) -> Constitution:
        return self._with([rule if old.id == rule.id else old for old in self.rules])

    def _with(self, rules: Sequence[Principle | Clause]) -> Constitution:
        principles = tuple(rule for rule in rules if isinstance(rule, Principle))
        contract = tuple(rule for rule in rules if isinstance(rule, Clause))
        return self.model_copy(update={"principles": principles, "contract": contract})


def _union(*tuples: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in tuples for item in items))


def listed(words: Sequence[str]) -> str:
    """Join words: "a, b and c"; "" for none."""
    return "".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"
