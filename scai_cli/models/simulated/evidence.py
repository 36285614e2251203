"""What the simulated meta reads in its prompt: the rules, who wants what, and how content they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from scai_cli.fences import Fenced, fenced
from scai_cli.models.simulated.forms import scale, wording
from scai_cli.traits import TRAITS, requested

_RULE: Final = re.compile(r"^([PC]\d+)(?: \(for ([^)\n]*)\))?:[ \t]*", re.MULTILINE)
_AT_MOST: Final = re.compile(r"\bat most (\d+)( tokens)?")
_CALM: Final = 0.25
_BYSTANDER: Final = 0.5


@dataclass(frozen=True, slots=True)
class Rule:
    """A principle, or with `users` a clause; `asks` is what `requested` reads in it."""

    id: str | None
    text: str
    users: tuple[str, ...] = ()
    asks: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, id_: str | None, text: str, users: tuple[str, ...] = ()) -> Rule:
        """A rule whose text is read."""
        return cls(id_, text, users, requested(text))


@dataclass(slots=True)
class Evidence:
    """What a rewrite rests on.

    `wants[trait][user]` is in [-1, 1]: who asks for a trait (> 0) or against it, weighed by how unsatisfied
    they are; `shares[user]` are a user's own ratings as shares of the scale.
    """

    rules: list[Rule]
    wants: dict[str, dict[str, float]] = field(default_factory=dict)
    shares: dict[str, list[float]] = field(default_factory=dict)
    max_principles: int = 10
    max_tokens: int = 400

    def support(self, trait: str, sign: float, users: tuple[str, ...] = ()) -> dict[str, float]:
        """Who wants the trait in this sense, and how much; of these users only, if any are given."""
        wishes = self.wants.get(trait, {})
        return {u: sign * w for u, w in wishes.items() if sign * w > 0 and (not users or u in users)}

    def opposition(self, trait: str, sign: float, users: tuple[str, ...] = ()) -> dict[str, float]:
        """Who wants the contrary: the other sign, or for a wanted trait the one that excludes it."""
        against = self.support(trait, -sign, users)
        excluded = TRAITS[trait].excludes
        if sign > 0 and excluded:
            for user, weight in self.support(excluded, 1.0, users).items():
                against[user] = max(weight, against.get(user, 0.0))
        return against


def read(prompt: str) -> Evidence:
    """Read a rewrite's prompt: only the fences and the two limits are relied on."""
    constitution = next((piece.text for piece in fenced(prompt, "constitution")), "")
    evidence = Evidence(list(_rules(constitution)))
    for number, tokens in _AT_MOST.findall(wording(prompt)):
        if tokens:
            evidence.max_tokens = int(number)
        else:
            evidence.max_principles = int(number)
    span = scale(prompt)
    for conversation in fenced(prompt, "conversation"):
        _read_conversation(conversation, span, evidence)
    return evidence


def _rules(text: str) -> Iterator[Rule]:
    heads = list(_RULE.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=False):
        users = tuple(user.strip() for user in (head[2] or "").split(",") if user.strip())
        yield Rule.of(head[1], text[head.end() : end].strip(), users)


def _read_conversation(conversation: Fenced, span: tuple[float, float], evidence: Evidence) -> None:
    user = conversation.attributes.get("user", "")
    ratings = list(fenced(conversation.text, "rating"))
    own = [rating for rating in ratings if rating.attributes.get("by") == user]
    said = [m.text for m in fenced(conversation.text, "message") if m.attributes.get("from") == "user"][1:]
    shares = [share for rating in own if (share := _share(rating, span)) is not None]
    evidence.shares.setdefault(user, []).extend(shares)
    urgency = 1.0 - (1.0 - _CALM) * (shares[-1] if shares else 0.5)
    for remark in dict.fromkeys([*said, *(rating.text for rating in own)]):
        _weigh(evidence, user, remark, urgency)
    for rating in ratings:
        if rating not in own:
            share = _share(rating, span)
            _weigh(evidence, rating.attributes.get("by", ""), rating.text, _BYSTANDER * (1 - (share or 0.5)))


def _share(rating: Fenced, span: tuple[float, float]) -> float | None:
    try:
        value = float(rating.attributes.get("value", "missing"))
    except ValueError:
        return None
    share = (value - span[0]) / (span[1] - span[0])
    return min(1.0, max(0.0, share)) if share == share else None


def _weigh(evidence: Evidence, user: str, remark: str, weight: float) -> None:
    for trait, sign in requested(remark).items():
        wishes = evidence.wants.setdefault(trait, {})
        wishes[user] = min(1.0, max(-1.0, wishes.get(user, 0.0) + sign * weight))
