"""The evidence in a revision's prompt: the rules, which user wants which trait, and how satisfied they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import shown, split_rule
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.forms import scale, wording
from scai_cli.models.simulated.portrait import read_person
from scai_cli.prompts.fences import Fenced, fenced

_RULE: Final = re.compile(
    r"^([PC]\d+)(?: \((?:for ([^)\n]*)|(locked)[^)\n]*|(ask)? ?(?:when ([^)\n]*))?)\))?:[ \t]*", re.MULTILINE
)
_AT_MOST: Final = re.compile(r"\bat most (\d+)( tokens)?")
_EPOCH: Final = re.compile(r"e(\d+)/")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
_DEMAND: Final = re.compile(r"\b(?:write|add|make|demand)\b[^.!?\n]{0,80}\b(?:principle|rule|clause)\b", re.IGNORECASE)
_CALM: Final = 0.25
_BYSTANDER: Final = 0.5
_FADING: Final = 0.5
_LONGEST_ID: Final = 12
_REJECTED: Final = re.compile(r"- (.*) \((?:approved by ([^;()]*))?(?:; )?(?:minded by ([^;()]*))?(?:nobody cares)?\)")
_BY_BALLOT: Final = "judge each rule by ballot"
_VOTED: Final = 0.5
"""The weight of a wish that a ballot states."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A principle, or with `users` or a condition `when` a clause; `asks` are the traits that `requested` reads in it.

    `merges` are the ids of the rules that it replaces, `reason` and `evidence` say why it was written. A `locked` rule
    stays as it is.
    """

    id: str | None
    text: str
    users: tuple[str, ...] = ()
    asks: dict[str, float] = field(default_factory=dict)
    merges: tuple[str, ...] = ()
    reason: str = ""
    evidence: tuple[str, ...] = ()
    locked: bool = False
    when: str = ""
    kind: str = "rule"

    @classmethod
    def of(
        cls,
        id_: str | None,
        text: str,
        users: tuple[str, ...] = (),
        *,
        locked: bool = False,
        when: str = "",
        kind: str = "rule",
    ) -> Rule:
        """Make a rule and read the traits in its text; a question asks for none."""
        return cls(id_, text, users, {} if kind == "ask" else requested(text), locked=locked, when=when, kind=kind)

    @property
    def is_principle(self) -> bool:
        """Whether it is for everyone."""
        return not self.users and not self.when and self.kind == "rule"


class Opinion(NamedTuple):
    """A user's opinion for a trait (`weight` > 0) or against it, and the id of its message or rating."""

    user: str
    trait: str
    weight: float
    source: str


@dataclass(slots=True)
class Evidence:
    """The evidence that a revision rests on.

    `wants[trait][user]` in [-1, 1] is the sum of a user's `opinions` for or against a trait, weighted by how
    unsatisfied they are. `demands` are orders to write a rule, which do not count as a reason for it. `shares[user]`
    are a user's own ratings as shares of the scale, `shown[user]` the conditions that a user's messages show, and
    `showings` each of them with the user and the id of the message.
    `by_ballot` is whether the users will judge each rule, `may_ask` whether a rule may be a question. `rejected` are
    rules that they did not approve, `minded` who objected to what they ask for.
    """

    rules: list[Rule]
    wants: dict[str, dict[str, float]] = field(default_factory=dict)
    opinions: list[Opinion] = field(default_factory=list)
    demands: list[Opinion] = field(default_factory=list)
    shares: dict[str, list[float]] = field(default_factory=dict)
    shown: dict[str, set[str]] = field(default_factory=dict)
    showings: list[tuple[str, str, str]] = field(default_factory=list)
    rejected: list[Rule] = field(default_factory=list)
    minded: dict[tuple[str, float], set[str]] = field(default_factory=dict)
    by_ballot: bool = False
    may_ask: bool = False
    max_principles: int = 10
    max_tokens: int = 400

    def support(self, trait: str, sign: float, users: tuple[str, ...] = ()) -> dict[str, float]:
        """Return who wants the trait in this sense, and how much; only of `users` if any are given."""
        weights = self.wants.get(trait, {})
        return {u: sign * w for u, w in weights.items() if sign * w > 0 and (not users or u in users)}

    def opposition(self, trait: str, sign: float, users: tuple[str, ...] = ()) -> dict[str, float]:
        """Return who wants the contrary: the other sign, or for a wanted trait the one that excludes it."""
        against = self.support(trait, -sign, users)
        excluded = TRAITS[trait].excludes
        if sign > 0 and excluded:
            for user, weight in self.support(excluded, 1.0, users).items():
                against[user] = max(weight, against.get(user, 0.0))
        return against

    def sources(self, trait: str, sign: float, users: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids of the messages and ratings in which these users want the trait in this sense."""
        opinions = (*self.opinions, *self.demands)
        sources = (o.source for o in opinions if o.trait == trait and o.weight * sign > 0 and o.user in users)
        return tuple(dict.fromkeys(source for source in sources if source))

    def showing(self, condition: str, users: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids of the first messages in which these users show a condition."""
        first = {user: source for user, shows, source in reversed(self.showings) if shows == condition}
        return tuple(first[user] for user in users if user in first)


def read_evidence(prompt: str) -> Evidence:
    """Read a revision's prompt by its fences and the two limits; an opinion counts half for each epoch of its age."""
    constitution = next((piece.text for piece in fenced(prompt, "constitution")), "")
    evidence = Evidence(list(_rules(constitution)))
    for number, tokens in _AT_MOST.findall(wording(prompt)):
        if tokens:
            evidence.max_tokens = int(number)
        else:
            evidence.max_principles = int(number)
    evidence.by_ballot = _BY_BALLOT in wording(prompt)
    span = scale(prompt)
    conversations = list(fenced(prompt, "conversation"))
    last = max(map(_epoch, conversations), default=0)
    for conversation in conversations:
        _read_conversation(conversation, span, evidence, _FADING ** (last - _epoch(conversation)))
    for piece in fenced(prompt, "rejected"):
        for line in filter(None, map(_REJECTED.fullmatch, piece.text.splitlines())):
            _read_rejected(line, evidence)
    for portrait in fenced(prompt, "persona"):
        _read_portrait(portrait, evidence)
    return evidence


def _rules(text: str) -> Iterator[Rule]:
    heads = list(_RULE.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=False):
        users = tuple(user.strip() for user in (head[2] or "").split(",") if user.strip())
        bound = {"when": head[5] or "", "kind": head[4] or "rule"}
        yield Rule.of(head[1], text[head.end() : end].strip(), users, locked=bool(head[3]), **bound)


def _epoch(conversation: Fenced) -> int:
    match = _EPOCH.match(conversation.attributes.get("id", "")[:_LONGEST_ID])
    return int(match[1]) if match else 0


def _read_conversation(conversation: Fenced, span: tuple[float, float], evidence: Evidence, freshness: float) -> None:
    user = conversation.attributes.get("user", "")
    ratings = list(fenced(conversation.text, "rating"))
    own = [rating for rating in ratings if rating.attributes.get("by") == user]
    said = [m for m in fenced(conversation.text, "message") if m.attributes.get("from") == "user"]
    has = evidence.shown.setdefault(user, set())
    for message in said:
        for condition in shown(message.text):
            has.add(condition)
            evidence.showings.append((user, condition, message.attributes.get("id", "")))
    remarks = said[1:]
    shares = [share for rating in own if (share := _share(rating, span)) is not None]
    evidence.shares.setdefault(user, []).extend(shares)
    urgency = 1.0 - (1.0 - _CALM) * (shares[-1] if shares else 0.5)
    distinct: dict[str, Fenced] = {}
    for piece in (*remarks, *own):  # a user's comment is both a message and the text of a rating: count it once
        distinct.setdefault(piece.text, piece)
    for piece in distinct.values():
        _add_opinions(evidence, user, piece, freshness * urgency)
    for rating in ratings:
        if rating not in own:
            share = _share(rating, span)
            displeasure = 1.0 - (0.5 if share is None else share)
            _add_opinions(evidence, rating.attributes.get("by", ""), rating, freshness * _BYSTANDER * displeasure)


def _read_rejected(line: re.Match[str], evidence: Evidence) -> None:
    """Note a rule that the users did not approve, and count who approves or minds it as having said so."""
    when, text = split_rule(line[1])
    is_question = text.startswith("Ask whether ")
    evidence.rejected.append(rule := Rule.of(None, text, when=when or "", kind="ask" if is_question else "rule"))
    for trait, sign in rule.asks.items():
        weights = evidence.wants.setdefault(trait, {})
        for user in (line[2] or "").split(", ") if line[2] else ():
            weights[user] = max(weights.get(user, 0.0) * sign, _VOTED) * sign
        if line[3]:
            evidence.minded.setdefault((trait, sign), set()).update(line[3].split(", "))


def _read_portrait(portrait: Fenced, evidence: Evidence) -> None:
    """Add the wishes and the situation that a portrait states, where no conversation has shown them."""
    user, one = portrait.attributes.get("id", ""), read_person(portrait.text, 0)
    evidence.shares.setdefault(user, [])
    evidence.shown.setdefault(user, set()).update(one.conditions)
    for trait, weight in one.preferences.items():
        evidence.wants.setdefault(trait, {})[user] = weight


def _share(rating: Fenced, span: tuple[float, float]) -> float | None:
    try:
        value = float(rating.attributes.get("value", "missing"))
    except ValueError:
        return None
    share = (value - span[0]) / (span[1] - span[0])
    return min(1.0, max(0.0, share)) if share == share else None


def _add_opinions(evidence: Evidence, user: str, piece: Fenced, weight: float) -> None:
    """Add the opinions in a message or a rating; a sentence that demands a rule is noted, not followed."""
    source = piece.attributes.get("id", "")
    sentences = _SENTENCE.split(piece.text)
    demanding = [sentence for sentence in sentences if _DEMAND.search(sentence)]
    evidence.demands += [Opinion(user, t, sign, source) for s in demanding for t, sign in requested(s).items()]
    text = " ".join(sentence for sentence in sentences if sentence not in demanding) if demanding else piece.text
    for trait, sign in requested(text).items():
        weights = evidence.wants.setdefault(trait, {})
        weights[user] = min(1.0, max(-1.0, weights.get(user, 0.0) + sign * weight))
        evidence.opinions.append(Opinion(user, trait, sign * weight, source))
