"""The records inside events: marks, tables, candidates, estimates and checks of raters."""

import operator
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from scai_cli.experiment.constitution import Constitution, Edit, RuleKind, conditional
from scai_cli.stats.intervals import Estimand
from scai_cli.values import Value

Mark = Literal[
    "thoughts",
    "empty",
    "cut",
    "withheld",
    "repaired",
    "converted",
    "speaks_as_assistant",
    "addresses_other",
    "not_reworded",
]
"""What was unusual about a model's answer. `thoughts`: it contained thoughts, which were removed; `empty`; `cut` or
`withheld`: how it ended; `repaired`: its JSON had faults; `converted`: its rating was on another stated scale;
`speaks_as_assistant`, `addresses_other`: a comment that is not a user's comment to the assistant; `not_reworded`: an
opening in the task's own words, as those of the user's model did not keep its meaning.
"""

NoAnswer = Literal["failed", "truncated", "broken", "oversized"]
"""Why a revision has no answer: its call `failed` or was refused, the answer was `truncated` or `broken` (unreadable),
or the prompt was too long to be sent (`oversized`).
"""

Stance = Literal["approve", "indifferent", "object"]
Scope = Literal["principle", "clause", "dropped"]

UtilityTable = tuple[tuple[float | None, ...], ...]
"""A row per person, a column per task; None is missing."""


class Candidate(Value):
    """A proposed revision with its scores and any objection."""

    id: str
    critique: str
    """The meta-prompt's critique of the current constitution."""
    edits: tuple[Edit, ...] = ()
    constitution: Constitution | None = None
    """The constitution after the edits; None if they cannot be applied."""
    objection: str | None = None
    """The reason why it cannot be adopted under any acceptance rule."""
    left_out: int = 0
    """The number of conversations that did not fit into the meta-prompt."""
    scores: Mapping[str, float | None] = {}
    """Name of a score -> value, as measured by the acceptance rule."""
    # Left out while empty: older runs do not have them.
    marks: tuple[Mark, ...] = Field(default=(), exclude_if=operator.not_)
    no_answer: NoAnswer | None = Field(default=None, exclude_if=operator.not_)


class Opinion(Value):
    """A user's opinion on a rule: that the assistant follows it with them, under its condition, and with everyone."""

    me: Stance
    everyone: Stance
    condition: Stance | None = Field(default=None, exclude_if=operator.not_)
    """None for a rule without a condition."""


class RatifiedRule(Value):
    """A rule that was put to the users, and what became of it; `number` is the one in the ballots."""

    number: int
    text: str
    when: str | None = Field(default=None, exclude_if=operator.not_)
    users: tuple[str, ...] = Field(default=(), exclude_if=operator.not_)
    kind: RuleKind = Field(default="rule", exclude_if=lambda kind: kind == "rule")
    scope: Scope
    rule: str | None = None
    """Its id in the new constitution; None if it is not in it."""
    counts: Mapping[str, float]
    """The weights of users by opinion: `everyone_approve`, `condition_object`, ...; `uncited` are those not cited."""

    @property
    def line(self) -> str:
        """The rule after its condition, if it has one."""
        return conditional(self.text, self.when)


class Estimate(Value):
    """An estimate with its interval; `low` and `high` are None if there are too few data."""

    estimate: float
    low: float | None
    high: float | None
    level: float
    """The level of the interval; 0.95 is 95 %."""
    # Left out while empty: runs before 0.5 do not have them.
    estimand: Estimand | None = Field(default=None, exclude_if=operator.not_)
    """For whom the interval is valid."""
    people: int = Field(default=0, exclude_if=operator.not_)
    """The number of people that it was computed from."""
    tasks: int = Field(default=0, exclude_if=operator.not_)
    """The number of tasks that it was computed from."""


class PairRated(Value):
    """A model's ratings of a plainly good and a plainly bad answer; None if it could not be read."""

    id: str
    good: float | None
    bad: float | None
    problem: str | None = None
    """Why a rating is missing."""
    refused: bool = False
    """Whether the endpoint refused one of the prompts; the pair then does not count."""


class RaterCheck(Value):
    """Whether a model of the users rates good answers higher than bad ones."""

    model: str
    passed: bool | None
    """None if the endpoint refused the prompts."""
    pairs: tuple[PairRated, ...]
