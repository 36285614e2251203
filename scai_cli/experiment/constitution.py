"""The constitution: principles for everyone and a contract of clauses for some, and how edits change it."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from scai_cli.text.characters import printable
from scai_cli.values import SeenText, Text, Value

RuleDraft = Annotated[SeenText, AfterValidator(printable), Field(max_length=4000)]
"""Replace control characters by spaces, as system messages are pasted and printed."""
RuleText = Annotated[RuleDraft, Field(min_length=1)]
RuleKind = Literal["rule", "ask"]
"""`ask`: the assistant puts a question to the user."""

_WHEN: Final = re.compile(r"[\s:,;]*(?:(?:whenever|when|if)\b[\s:,;]*)*", re.IGNORECASE)


def _condition(text: str) -> str:
    """Return a condition on one line without "When" before it, colons and marks at the end."""
    text = " ".join(text.replace(":", ",").split())
    return text[_WHEN.match(text).end() :].rstrip(" .,;")  # type: ignore[union-attr]


def _flat(text: str) -> str:
    """Return a text on one line, as it is written in a list."""
    return " ".join(filter(None, map(str.strip, text.split("\n"))))


Condition = Annotated[SeenText, AfterValidator(printable), AfterValidator(_condition), Field(max_length=400)]
"""The words that complete "When ...": something that the assistant can recognise in the conversation."""
_OptionalCondition = Annotated[
    Condition | None, AfterValidator(lambda when: when or None), Field(exclude_if=operator.not_)
]
_kind: Final = Field(exclude_if=lambda kind: kind == "rule")
"""Fields left out while they are the default: constitutions of versions before 0.6 do not have them."""


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
    """A rule of the social contract (`C2`): under a condition `when`, for the users with these ids, or a question."""

    model_config = ConfigDict(populate_by_name=True)

    id: Annotated[str, Field(pattern=r"^C[1-9]\d*$")]
    text: RuleText
    when: _OptionalCondition = None
    """The condition under which it applies, or under which its question is asked."""
    users: Annotated[tuple[str, ...], Field(alias="for")] = ()
    """The users whom it is for, in experiments among known people."""
    kind: Annotated[RuleKind, _kind] = "rule"
    since: int = 0
    evidence: tuple[str, ...] = ()
    """Ids of the messages and ratings it rests on."""

    @model_validator(mode="after")
    def _is_bound(self) -> Self:
        if problem := unbound(self.when, self.users, self.kind):
            raise ValueError(problem)
        return self

    @property
    def line(self) -> str:
        """The rule as the assistant reads it, on one line: after its condition, if it has one."""
        text = _flat(self.text)
        if self.when:
            return conditional(text, self.when)
        # Otherwise the beginning of the question would be read as its condition.
        return f"{ASK}{text}" if self.kind == "ask" and (WHEN.match(text) or text.startswith(ASK)) else text

    @property
    def bound(self) -> str:
        """The condition in words: "when ...", "ask when ..." or "ask"; empty for a clause with users."""
        return bound_by(self.when, self.kind)


def conditional(text: str, when: str | None) -> str:
    """Return a rule after its condition, if it has one."""
    return f"When {when}: {text}" if when else text


def bound_by(when: str | None, kind: RuleKind) -> str:
    """Return a condition in words: "when ...", "ask when ..." or "ask"; empty without one."""
    return f"{'ask' if kind == 'ask' else ''}{f' when {when}' if when else ''}".strip()


def unbound(when: str | None, users: Sequence[str], kind: RuleKind) -> str | None:
    """Return the problem of a clause that is bound to nothing, or to a condition and to users at once."""
    if when and users:
        return "has a condition (`when`) and users (`for`); give it one of them"
    if users and kind == "ask":
        return "is a question (`kind: ask`) and has users (`for`); leave one of them out"
    if not when and not users and kind == "rule":
        return "needs `when:`, a condition, or `for:`, a list of persona ids"
    return None


class Add(Value):
    """Add a rule: a principle, or with `when`, `for` or a question a clause; it gets the next free number."""

    model_config = ConfigDict(populate_by_name=True)

    op: Literal["add"] = "add"
    text: RuleText
    when: _OptionalCondition = None
    users: Annotated[tuple[str, ...], Field(alias="for")] = ()
    kind: Annotated[RuleKind, _kind] = "rule"
    reason: Text = ""
    evidence: tuple[str, ...] = ()


class Modify(Value):
    """Change the text of a rule, and the condition or the users of a clause; the id stays."""

    model_config = ConfigDict(populate_by_name=True)

    op: Literal["modify"] = "modify"
    id: str
    text: RuleText
    when: _OptionalCondition = None
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


PRINCIPLES: Final = "Follow these principles with everyone:"
CONDITIONS: Final = "Follow each of these only where its condition is met, within these principles:"
QUESTIONS: Final = "Ask these questions, one at most in a conversation:"
OF_USER: Final = "For the person you are talking with now, within these principles:"
OF_SOME: Final = "For some people only, within these principles:"
"""The headings of a constitution's parts as text."""
ASK: Final = "Ask: "
WHEN: Final = re.compile(r"When (?P<when>[^:]+): (?P<text>.+)")
"""A rule with its condition, which has no colon, on one line."""


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
        """Return the rules as text for a system message, for anyone; empty if there are none.

        Every rule is one line. Clauses for single users are left out, except those for `user`, as "the person you are
        talking with", or with `names` (id -> a name of its own) all of them, each with the names of its users.
        """
        named, general = [c for c in self.contract if c.users], [c for c in self.contract if not c.users]
        parts = {
            PRINCIPLES: [f"{n}. {_flat(rule.text)}" for n, rule in enumerate(self.principles, 1)],
            CONDITIONS: [f"- {clause.line}" for clause in general if clause.kind == "rule"],
            QUESTIONS: [f"- {clause.line}" for clause in general if clause.kind == "ask"],
        }
        if user is not None:
            parts[OF_USER] = [f"- {clause.line}" for clause in named if user in clause.users]
        elif names is not None:
            parts[OF_SOME] = [
                f"- When you talk with {listed([names.get(u, u) for u in clause.users])}: {clause.line}"
                for clause in named
            ]
        return "\n\n".join("\n".join((heading, *lines)) for heading, lines in parts.items() if lines)

    @property
    def size(self) -> int:
        """The characters of the text with all clauses, ids in place of names."""
        return len(self.render(names={}))

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
            if edit.users or edit.when:
                if isinstance(rule, Principle):
                    raise ValueError(f"{edit.id} is a principle and cannot be for some users only")
                changes |= {"users": edit.users, "when": edit.when}
                if problem := unbound(edit.when, edit.users, rule.kind):
                    raise ValueError(f"{edit.id} {problem}")
            return self._replace(rule.model_copy(update=changes))
        return self._merge(edit)

    def _add(self, edit: Add, epoch: int) -> Constitution:
        if edit.users or edit.when or edit.kind == "ask":
            number = self.last_clause + 1
            clause = Clause(
                id=f"C{number}",
                text=edit.text,
                when=edit.when,
                users=edit.users,
                kind=edit.kind,
                since=epoch,
                evidence=edit.evidence,
            )
            return self.model_copy(update={"contract": (*self.contract, clause), "last_clause": number})
        number = self.last_principle + 1
        principle = Principle(id=f"P{number}", text=edit.text, since=epoch, evidence=edit.evidence)
        return self.model_copy(update={"principles": (*self.principles, principle), "last_principle": number})

    def _merge(self, edit: Merge) -> Constitution:
        rules = [self._require(rule_id) for rule_id in edit.ids]
        if len({type(rule) for rule in rules}) > 1:
            raise ValueError(f"cannot merge principles with clauses: {', '.join(edit.ids)}")
        if len({(rule.when, rule.kind, bool(rule.users)) for rule in rules if isinstance(rule, Clause)}) > 1:
            raise ValueError(f"cannot merge clauses with different conditions: {', '.join(edit.ids)}")
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
