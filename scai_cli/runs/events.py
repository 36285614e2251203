"""The events of a run, one JSON object a line, distinguished by `type`.

Every event has an `id`, its position in the run, unique among the events of its type. The run directory stamps `seq`
and `time`; they are None before.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from scai_cli.experiment.constitution import Constitution, Edit
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
    """The experiment's."""
    scai: str
    """The version of scai that made the run."""
    seed: int
    epochs: int
    """How many are planned."""
    personas: Mapping[str, str]
    """Id -> name, of all of them."""
    tasks: tuple[str, ...]
    """Ids, of all of them."""
    models: Mapping[str, str]
    """Role -> model."""
    metrics: Mapping[str, str]
    """`own` and `cross` -> what is rated."""
    scale: tuple[float, float]
    """The lowest and the highest rating."""
    welfare: str
    """The declared welfare function."""
    constitution: Constitution
    """Where the run starts."""
    system_message: str
    """The constitution as the assistant is told it."""
    digests: Mapping[str, str]
    """Key of the experiment -> digest: a resume compares them."""


class EpochStarted(_Event):
    """An epoch begins under one version of the constitution."""

    type: Literal["epoch_started"] = "epoch_started"
    epoch: int
    """Counted from 1."""
    version: int
    """Of the constitution."""
    personas: tuple[str, ...]
    """Ids of those who talk in it."""
    tasks: tuple[str, ...]
    """Ids of what they talk about."""
    # Left out while false: older runs do not have it.
    product: bool = Field(default=False, exclude_if=operator.not_)
    """Whether it plays the run's product after the last revision, with the people and tasks of the first epoch."""


class MessageSaid(_Event):
    """One message of a conversation; `m0` is the task."""

    type: Literal["message"] = "message"
    epoch: int
    persona: str
    """The user's id."""
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
    """By the user of the conversation, by another one, or once more."""
    metric: str
    """What was rated, in the experiment's word."""
    rater: str
    """A persona's id."""
    conversation: str
    message: str
    """Id of the answer."""
    final: bool
    """Whether it is about the conversation's last answer."""
    value: float | None
    """On the rating scale."""
    observed: float | None = None
    """The rater's utility of the answer in [0, 1], measured in the text by its stated preferences; None without."""
    comment: str = ""
    """What the rater said with it."""
    problem: str | None = None
    """Why the value is missing."""


class WelfareMeasured(_Event):
    """An epoch in numbers: utilities in [0, 1] by persona (None where all its ratings are missing)."""

    type: Literal["welfare"] = "welfare"
    epoch: int
    version: int
    declared: str
    """The declared welfare function."""
    utilities: Mapping[str, float | None]
    """Persona -> utility in [0, 1]."""
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
    """What the meta-prompt found wrong."""
    edits: tuple[Edit, ...] = ()
    constitution: Constitution | None = None
    """What the edits lead to; None where they cannot be carried out."""
    objection: str | None = None
    """Why it could not be adopted, whatever the acceptance rule says."""
    left_out: int = 0
    """Conversations that had no room in the meta-prompt."""
    scores: Mapping[str, float | None] = {}
    """What the acceptance rule measured: its word -> number."""


class Revised(_Event):
    """The end of an epoch: the constitution for the next one, adopted or kept."""

    type: Literal["revision"] = "revision"
    epoch: int
    accepted: bool
    """Whether a candidate was adopted."""
    reason: str
    """Why it was, or why none was."""
    critique: str
    """That of the adopted candidate, or of the first one where none was."""
    edits: tuple[Edit, ...]
    """The adopted candidate's."""
    from_version: int
    """The constitution of this epoch."""
    constitution: Constitution
    """That of the next epoch, whole."""
    system_message: str
    """It as the assistant is told it."""
    candidates: tuple[Candidate, ...]
    """All that were proposed."""


class Problem(_Event):
    """Something failed and was left out; `where` is the id of what it concerns."""

    type: Literal["problem"] = "problem"
    epoch: int
    where: str
    problem: str
    """One line."""


class Estimate(Value):
    """A number with its interval; `low` and `high` are None where the data cannot tell."""

    estimate: float
    low: float | None
    high: float | None
    level: float
    """Of the interval: 0.95 is 95 %."""


class HoldoutCompared(_Event):
    """The first and the last constitution, played for users and tasks that had no part in making them."""

    type: Literal["holdout"] = "holdout"
    first_version: int
    last_version: int
    personas: tuple[str, ...]
    """Ids of those who played it."""
    tasks: tuple[str, ...]
    """Ids of what they played it about."""
    first: Mapping[str, float | None]
    """Persona -> utility in [0, 1] under the first constitution."""
    last: Mapping[str, float | None]
    """The same under the last constitution."""
    first_values: Mapping[str, float | None]
    """Welfare function -> value under the first constitution."""
    last_values: Mapping[str, float | None]
    """The same under the last constitution."""
    difference: Estimate | None
    """Declared welfare, last - first, paired over the same users and tasks."""
    missing: int
    """Ratings that could not be read."""


class ControlRated(_Event):
    """One more rating of a user's final answer, in that user's place: it counts nowhere but for fidelity."""

    type: Literal["control"] = "control"
    epoch: int
    kind: Literal["null", "swapped", "retest"]
    """By a persona without any description, by another one of the group, or by the same one once more."""
    persona: str
    """Whose answer it is."""
    rater: str
    """Who rated it; `~nobody` is the null persona."""
    conversation: str
    value: float | None
    """On the rating scale."""
    problem: str | None = None
    """Why the value is missing."""


class Judged(_Event):
    """How well a user's words fit their persona, from 0 to 10, by the judge."""

    type: Literal["judged"] = "judged"
    epoch: int
    persona: str
    value: float | None
    reason: str = ""
    """The judge's."""
    problem: str | None = None
    """Why the value is missing."""


class RunFinished(_Event):
    """The run came to its end; `version` is the constitution that is its product."""

    type: Literal["run_finished"] = "run_finished"
    epochs: int
    """How many were done."""
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
    | HoldoutCompared
    | Problem
    | RunFinished
)

ANY_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
"""Reads any event from a JSON line."""
