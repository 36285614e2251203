"""What happened, as the run directory keeps it: one JSON object a line, told apart by `type`.

Every event has an `id`, its position in the run, unique among the events of its type. The store stamps `seq` and
`time`; they are None before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from scai_cli.constitution import Constitution, Edit
from scai_cli.values import Value


class _Event(Value):
    seq: int | None = None
    time: str | None = None
    id: str


class RunStarted(_Event):
    """The run begins; `digests` holds one for every key of the experiment that decides what happens."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    name: str
    scai: str
    seed: int
    epochs: int
    personas: Mapping[str, str]
    """Id -> name."""
    tasks: tuple[str, ...]
    models: Mapping[str, str]
    """Role -> model."""
    metrics: Mapping[str, str]
    """`own` and `cross` -> what is rated."""
    scale: tuple[float, float]
    welfare: str
    """The declared welfare function."""
    constitution: Constitution
    system_message: str
    digests: Mapping[str, str]


class EpochStarted(_Event):
    """An epoch begins under one version of the constitution."""

    type: Literal["epoch_started"] = "epoch_started"
    epoch: int
    version: int
    personas: tuple[str, ...]
    tasks: tuple[str, ...]


class MessageSaid(_Event):
    """One message of a conversation; `m0` is the task."""

    type: Literal["message"] = "message"
    epoch: int
    persona: str
    task: str
    role: Literal["user", "assistant"]
    content: str
    finish_reason: str | None = None
    """Why the model ended, where a model wrote it."""


class Rated(_Event):
    """A rating of a conversation's answer `message` by `rater`; `value` is None where it could not be read.

    An `anchor` is an answer of an earlier epoch, rated again to see whether the rater has drifted; it counts nowhere.
    """

    type: Literal["rating"] = "rating"
    epoch: int
    kind: Literal["own", "cross", "anchor"]
    metric: str
    rater: str
    conversation: str
    message: str
    final: bool
    """Whether it is about the conversation's last answer."""
    value: float | None
    observed: float | None = None
    """The rater's utility of the answer in [0, 1], measured in the text by its stated preferences; None without."""
    comment: str = ""
    problem: str | None = None
    """Why the value is missing."""


class WelfareMeasured(_Event):
    """An epoch in numbers: utilities in [0, 1] by persona (None where all its ratings are missing)."""

    type: Literal["welfare"] = "welfare"
    epoch: int
    version: int
    declared: str
    utilities: Mapping[str, float | None]
    satisfaction: Mapping[str, float | None]
    """Mean own rating of the final answers, on the rating scale."""
    harmlessness: Mapping[str, float | None]
    """Mean cross rating that the persona gave, on the rating scale."""
    observed: Mapping[str, float | None]
    """Mean utility of the answers a persona got, measured in the texts by its stated preferences; None without."""
    values: Mapping[str, float | None]
    """Welfare function -> value; the declared one is among them."""
    missing: int
    """Ratings that could not be read."""
    drift: Mapping[str, float | None] = {}
    """How much higher a persona rates the anchors than at first, on the rating scale; empty without anchors."""
    corrected: Mapping[str, float | None] = {}
    """Satisfaction minus drift; it may lie beyond the scale. Empty without anchors."""


class Candidate(Value):
    """A revision that was proposed, and what became of it."""

    id: str
    critique: str
    edits: tuple[Edit, ...] = ()
    constitution: Constitution | None = None
    objection: str | None = None
    """Why it could not be adopted, whatever the acceptance rule says."""
    left_out: int = 0
    """Conversations that had no room in the meta-prompt."""
    scores: Mapping[str, float | None] = {}
    """What the acceptance rule measured."""


class Revised(_Event):
    """The end of an epoch: the constitution for the next one, adopted or kept."""

    type: Literal["revision"] = "revision"
    epoch: int
    accepted: bool
    reason: str
    critique: str
    edits: tuple[Edit, ...]
    from_version: int
    constitution: Constitution
    system_message: str
    candidates: tuple[Candidate, ...]


class Problem(_Event):
    """Something failed and was left out; `where` is the id of what it concerns."""

    type: Literal["problem"] = "problem"
    epoch: int
    where: str
    problem: str


class Estimate(Value):
    """A number with its interval; `low` and `high` are None where the data cannot tell."""

    estimate: float
    low: float | None
    high: float | None
    level: float


class HeldOut(_Event):
    """The first and the last constitution, played for users and tasks that had no part in making them."""

    type: Literal["holdout"] = "holdout"
    first_version: int
    last_version: int
    personas: tuple[str, ...]
    tasks: tuple[str, ...]
    first: Mapping[str, float | None]
    """Persona -> utility in [0, 1] under the first constitution."""
    last: Mapping[str, float | None]
    first_values: Mapping[str, float | None]
    """Welfare function -> value under the first constitution."""
    last_values: Mapping[str, float | None]
    difference: Estimate | None
    """Declared welfare, last - first, paired over the same users and tasks."""
    missing: int


class ControlRated(_Event):
    """One more rating of a user's final answer, in that user's place: it counts nowhere but for fidelity."""

    type: Literal["control"] = "control"
    epoch: int
    kind: Literal["null", "swapped", "retest"]
    """By a persona without any description, by another one of the group, or by the same one once more."""
    persona: str
    """Whose answer it is."""
    rater: str
    conversation: str
    value: float | None
    problem: str | None = None


class Judged(_Event):
    """How well a user's words fit their persona, from 0 to 10, by the judge."""

    type: Literal["judged"] = "judged"
    epoch: int
    persona: str
    value: float | None
    reason: str = ""
    problem: str | None = None


class RunFinished(_Event):
    """The run came to its end; `version` is the constitution that is its product."""

    type: Literal["run_finished"] = "run_finished"
    epochs: int
    version: int


Event = (
    RunStarted
    | EpochStarted
    | MessageSaid
    | Rated
    | WelfareMeasured
    | Revised
    | ControlRated
    | Judged
    | HeldOut
    | Problem
    | RunFinished
)

ANY_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
"""Reads any event from a JSON line."""
