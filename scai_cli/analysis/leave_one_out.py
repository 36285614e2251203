"""Leave-one-out: choose the conversations to play with and without each rule, and describe its effects."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scai_cli.analysis.rule_origins import Wording
from scai_cli.errors import RunError
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import Estimate
from scai_cli.runs.history.history import History
from scai_cli.simulation.epoch_context import EpochContext

EFFECT: Final = 0.02
"""The largest effect on a user's utility (0 to 1) that counts as zero."""

PersonaTask = tuple[Persona, Task]
"""The persona and the task of a conversation to play."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece of evidence: the id of a message or rating, its author, and its text or an empty one."""

    id: str
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """One rule with its evidence and its effects: utility with the rule minus utility without it.

    `welfare` is of the declared function, with a 95 % interval if there are enough data; `users` maps every persona
    to the effect on its utility, None if it was not played. `wording` is None for a rule with its text from the start.
    """

    rule: Principle | Clause
    evidence: Sequence[Quote]
    welfare: Estimate | None
    users: Mapping[str, float | None]
    wording: Wording | None = None

    @property
    def gains(self) -> dict[str, float]:
        """The users with a higher utility with the rule, largest effect first."""
        gains = {user: effect for user, effect in self.users.items() if effect is not None and effect > EFFECT}
        return dict(sorted(gains.items(), key=lambda item: -item[1]))

    @property
    def loses(self) -> dict[str, float]:
        """The users with a lower utility with the rule, largest effect first."""
        losses = {user: effect for user, effect in self.users.items() if effect is not None and effect < -EFFECT}
        return dict(sorted(losses.items(), key=lambda item: item[1]))

    @property
    def without_effect(self) -> bool:
        """Whether it has no effect on any user."""
        return not self.gains and not self.loses

    def as_object(self) -> dict[str, Any]:
        """Return the rule's part of the object that `--json` prints."""
        return {
            "id": self.rule.id,
            "kind": "clause" if isinstance(self.rule, Clause) else "principle",
            "text": self.rule.text,
            "for": list(self.rule.users) if isinstance(self.rule, Clause) else None,
            "since": self.rule.since,
            "reworded": asdict(self.wording) if self.wording and self.wording.before else None,
            "evidence": [asdict(quote) for quote in self.evidence],
            "effect": None if self.welfare is None else self.welfare.model_dump(mode="json"),
            "users": dict(self.users),
            "gains": list(self.gains),
            "loses": list(self.loses),
            "without_effect": self.without_effect,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of a constitution; `played` of `conversations` fitted into the limit."""

    run_id: str
    version: int
    function: str
    welfare: float | None
    rules: Sequence[RuleEffect]
    played: int
    conversations: int
    failed: int
    budget: int | None
    """The limit on calls, None for no limit."""
    calls: int
    """The paid calls of its conversations, in all sessions."""
    users: tuple[str, str] | None = None

    @property
    def apart(self) -> list[RuleEffect]:
        """The rules with opposite effects on the two given users."""
        users = set(self.users or ())
        return [rule for rule in self.rules if users & rule.gains.keys() and users & rule.loses.keys()]

    def as_object(self) -> dict[str, Any]:
        """Return the object of `scai explain --json`."""
        explanation: dict[str, Any] = {
            "run_id": self.run_id,
            "version": self.version,
            "welfare": {"function": self.function, "value": self.welfare},
            "played": {"conversations": self.played, "of": self.conversations, "failed": self.failed},
            "budget": self.budget,
            "calls": self.calls,
            "rules": [rule.as_object() for rule in self.rules],
        }
        if self.users is not None:
            explanation["apart"] = {
                "users": list(self.users),
                "rules": [{"id": r.rule.id, **{user: r.users[user] for user in self.users}} for r in self.apart],
            }
        return explanation


def quotes(history: History, rule: Principle | Clause) -> list[Quote]:
    """Return the evidence of a rule with its authors and texts."""
    texts: dict[str, tuple[str, str]] = {}
    for epoch in history.epochs:
        for messages in epoch.conversations.values():
            texts |= {m.id: (m.persona if m.role == "user" else "assistant", m.content) for m in messages}
        texts |= {rating.id: (rating.rater, rating.comment) for rating in epoch.ratings}
    return [Quote(evidence, *texts.get(evidence, ("", ""))) for evidence in rule.evidence]


def affordable(context: EpochContext, calls: int | None) -> list[PersonaTask]:
    """Return the conversations that can be played with and without each rule within a number of calls.

    They are shared evenly among the personas. Raises RunError if not even one fits.
    """
    wanted, others = context.agents.ratings.cross_raters, len(context.personas) - 1
    each = 2 * context.agents.turns + (others if wanted == "all" else min(wanted, others))
    chosen: list[PersonaTask] = []
    used = 0
    for pair in _in_rounds(context):
        opening = context.agents.opening == "own_words" and not pair[0].human
        used += opening + each * (1 + sum(concerns(rule, pair[0]) for rule in context.constitution.rules))
        if calls is not None and used > calls:
            break
        chosen.append(pair)
    if not chosen:
        raise RunError(f"--set limits.calls={calls}: one conversation with and without each rule takes {used} calls")
    return chosen


def concerns(rule: Principle | Clause, persona: Persona) -> bool:
    """Return whether leaving out a rule can change a conversation, as clauses apply to their users only."""
    return not isinstance(rule, Clause) or persona.id in rule.users


def without(constitution: Constitution, rule_id: str) -> Constitution:
    """Return the constitution without a rule."""
    return constitution.model_copy(
        update={
            "principles": tuple(rule for rule in constitution.principles if rule.id != rule_id),
            "contract": tuple(rule for rule in constitution.contract if rule.id != rule_id),
        }
    )


def _in_rounds(context: EpochContext) -> list[PersonaTask]:
    """Return every persona with every task in rounds; each round has one task per persona, in seeded order."""
    rng = random.Random(f"{context.agents.seed}/explain")
    tasks = {persona.id: rng.sample(context.tasks, len(context.tasks)) for persona in context.personas}
    personas = rng.sample(context.personas, len(context.personas))
    return [(persona, tasks[persona.id][n]) for n in range(len(context.tasks)) for persona in personas]
