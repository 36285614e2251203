"""The events of a run, one JSON object a line, distinguished by `type`.

Every event has an `id`, its position in the run, unique among the events of its type. The run directory stamps `seq`
and `time`; they are None before.
"""

import json
import operator
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from scai_cli.experiment.constitution import Constitution, Edit
from scai_cli.runs.records import (
    Candidate,
    Estimate,
    Mark,
    NoAnswer,
    Opinion,
    RaterCheck,
    RatifiedRule,
    UtilityTable,
)
from scai_cli.values import Value

CALL_FAILED: Final = "the call failed"
CONVERSATION_FAILED: Final = "the conversation failed"
NOT_ANSWERED: Final = (CALL_FAILED, CONVERSATION_FAILED)
"""The problems of ratings and comparisons whose calls were not answered."""


class _Event(Value):
    seq: int | None = None
    time: str | None = None
    id: str


class RunStarted(_Event):
    """The run starts; `digests` has an entry for each key of the experiment that affects the results."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    """The run's id at its start; a renamed folder renames its run."""
    name: str
    """The experiment's name."""
    scai: str
    """The version of scai that made the run."""
    seed: int
    epochs: int
    """The number of planned epochs."""
    personas: Mapping[str, str]
    """Id -> name, of all personas."""
    tasks: tuple[str, ...]
    """Ids of all tasks."""
    models: Mapping[str, str]
    """Role -> model."""
    metrics: Mapping[str, str]
    """`own` and `cross` -> the quality that users rate."""
    scale: tuple[float, float]
    """The lowest and the highest rating."""
    welfare: str
    """The declared welfare function."""
    constitution: Constitution
    """The first version."""
    system_message: str
    """The system message of the first version."""
    digests: Mapping[str, str]
    """Key of the experiment -> digest, compared on resume."""
    # Left out while it is None: older runs do not have it.
    messages: int | None = Field(default=None, exclude_if=lambda count: count is None)
    """The most messages of a conversation; None for the dialogue `assist`, which has 2 * turns + 1."""

    def length(self, turns: int) -> int:
        """Return the most messages of a conversation with this many turns."""
        return self.messages or 2 * turns + 1

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Id -> name, for namesakes with the id behind it."""
        people = Counter(self.personas.values())
        return {user: name if people[name] == 1 else f"{name} ({user})" for user, name in self.personas.items()}


class EpochStarted(_Event):
    """An epoch starts under one version of the constitution."""

    type: Literal["epoch_started"] = "epoch_started"
    epoch: int
    """Counted from 1."""
    version: int
    """The version of the constitution."""
    personas: tuple[str, ...]
    """Ids of the users of this epoch."""
    tasks: tuple[str, ...]
    """Ids of the tasks of this epoch."""
    # Left out while false: older runs do not have it.
    product: bool = Field(default=False, exclude_if=operator.not_)
    """Whether it plays the run's product after the last revision, with the people and tasks of the first epoch."""


class MessageSaid(_Event):
    """One message of a conversation; `m0` is its opening: the task, perhaps in the user's own words."""

    type: Literal["message"] = "message"
    epoch: int
    persona: str
    """The user's id."""
    task: str
    role: Literal["user", "assistant"]
    content: str
    finish_reason: str | None = None
    """The endpoint's reason for the end of the message; None unless a model wrote it."""
    # Left out while empty: older runs do not have it.
    marks: tuple[Mark, ...] = Field(default=(), exclude_if=operator.not_)
    verbatim: str | None = Field(default=None, exclude_if=operator.not_)
    """The task's text, of an opening in the user's own words; None for other messages."""


class Rated(_Event):
    """A rating of a conversation's answer `message` by `rater`; `value` is None if it could not be read."""

    type: Literal["rating"] = "rating"
    epoch: int
    kind: Literal["own", "cross"]
    """`own`: by the user of the conversation; `cross`: by another user."""
    metric: str
    """The rated quality, e.g. satisfaction."""
    rater: str
    """A persona's id."""
    conversation: str
    message: str
    """Id of the answer."""
    final: bool
    """Whether it rates the conversation's last answer."""
    value: float | None
    """On the rating scale."""
    observed: float | None = None
    """Utility of the answer in [0, 1], measured in the text by the rater's preferences and `ratings.measures`; None
    without these, or if the measures do not know the text's language.

    For the answers of others (`cross`) by the themes alone; in runs by versions before 0.5 by the style, too.
    """
    comment: str = ""
    """The rater's comment."""
    problem: str | None = None
    """Why the value is missing."""
    # Left out while empty: older runs do not have them.
    marks: tuple[Mark, ...] = Field(default=(), exclude_if=operator.not_)
    measured: Mapping[str, float | None] = Field(default={}, exclude_if=operator.not_)
    """Declared measure -> its value of the answer, with the own rating of a final one; None where it could not tell."""


class WelfareMeasured(_Event):
    """The utilities and the welfare of an epoch; a value is None if all its ratings are missing."""

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
    """Mean utility of a persona's answers, measured in the texts; None if nothing is."""
    values: Mapping[str, float | None]
    """Welfare function -> value, the declared one included."""
    missing: int
    """Ratings that could not be read."""
    # Left out while empty: older runs do not have it.
    measured: Mapping[str, float | None] = Field(default={}, exclude_if=operator.not_)
    """Declared measure -> its mean over the final answers of which it could tell."""

    @model_validator(mode="before")
    @classmethod
    def _without_drift(cls, data: Any) -> Any:
        """Leave out what versions before 0.7 computed from ratings of the kind `anchor`."""
        return {key: data[key] for key in data if key not in ("drift", "corrected")} if isinstance(data, dict) else data


class Revised(_Event):
    """The revision at the end of an epoch: the constitution of the next one, adopted or kept."""

    type: Literal["revision"] = "revision"
    epoch: int
    accepted: bool
    """Whether a candidate was adopted."""
    reason: str
    """The reason for or against."""
    critique: str
    """The critique of the adopted candidate, or of the first one if none was adopted."""
    edits: tuple[Edit, ...]
    """The edits of the adopted candidate."""
    from_version: int
    """The version of this epoch."""
    constitution: Constitution
    """The whole constitution of the next epoch."""
    system_message: str
    """The system message of the next epoch."""
    candidates: tuple[Candidate, ...]
    """All proposed revisions."""
    # Left out while empty: older runs do not have them.
    no_answer: NoAnswer | None = Field(default=None, exclude_if=operator.not_)
    """Why no proposal has an answer; None if one has."""
    ballots: Mapping[str, int] = Field(default={}, exclude_if=operator.not_)
    """Number of `answers` to the ballot, of `unreadable` ones and of each mark; empty without a ballot."""
    ratified: tuple[RatifiedRule, ...] = Field(default=(), exclude_if=operator.not_)
    """The rules that the users had a ballot on."""


class BallotCast(_Event):
    """A user's opinions on the rules that a revision proposes, by their numbers in its `ratified`."""

    type: Literal["ballot"] = "ballot"
    epoch: int
    persona: str
    opinions: Mapping[int, Opinion]
    """Empty if the answer could not be read."""
    problem: str | None = None
    """Why there are no opinions."""
    marks: tuple[Mark, ...] = Field(default=(), exclude_if=operator.not_)


class Problem(_Event):
    """A failure that was left out of the results; `where` is the id of the call or conversation."""

    type: Literal["problem"] = "problem"
    epoch: int
    where: str
    problem: str
    """One line."""
    # Left out while false: older runs do not have it.
    refused: bool = Field(default=False, exclude_if=operator.not_)
    """Whether the endpoint permanently refuses the prompt; older runs record other failures, too."""


class HoldoutCompared(_Event):
    """A comparison of the first and the last constitution on users and tasks that had no part in their revisions."""

    type: Literal["holdout"] = "holdout"
    first_version: int
    last_version: int
    personas: tuple[str, ...]
    """Ids of the held-out users."""
    tasks: tuple[str, ...]
    """Ids of the held-out tasks."""
    first: Mapping[str, float | None]
    """Persona -> utility in [0, 1] under the first constitution."""
    last: Mapping[str, float | None]
    """Persona -> utility in [0, 1] under the last constitution."""
    first_values: Mapping[str, float | None]
    """Welfare function -> value under the first constitution."""
    last_values: Mapping[str, float | None]
    """Welfare function -> value under the last constitution."""
    difference: Estimate | None
    """Declared welfare, last minus first, paired over the same users and tasks."""
    missing: int
    """Ratings that could not be read."""
    # Left out while empty: older runs do not have it.
    measured: Mapping[str, float | None] = Field(default={}, exclude_if=operator.not_)
    """Declared measure -> its mean over the final answers of which it could tell."""
    # Left out while empty: runs before 0.5 have only the means.
    first_cells: UtilityTable = Field(default=(), exclude_if=operator.not_)
    """Utilities under the first constitution, a row per persona and a column per task."""
    last_cells: UtilityTable = Field(default=(), exclude_if=operator.not_)
    """Utilities under the last constitution."""
    # Left out while empty: only games have them.
    first_observed: UtilityTable = Field(default=(), exclude_if=operator.not_)
    """What the dialogue observed under the first constitution, a row per persona and a column per task."""
    last_observed: UtilityTable = Field(default=(), exclude_if=operator.not_)
    """What it observed under the last constitution."""


class RatersChecked(_Event):
    """The check of the users' models during the first epoch; a later event of this type replaces it."""

    type: Literal["rater_check"] = "rater_check"
    checks: tuple[RaterCheck, ...]
    """One for each distinct model that is neither simulated nor a real person."""


class RunFinished(_Event):
    """The run is finished; `version` is the version that it produced."""

    type: Literal["run_finished"] = "run_finished"
    epochs: int
    """The number of epochs played."""
    version: int


Event = (
    RunStarted
    | EpochStarted
    | MessageSaid
    | Rated
    | WelfareMeasured
    | BallotCast
    | Revised
    | RatersChecked
    | HoldoutCompared
    | Problem
    | RunFinished
)

ANY_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
"""Parses any event from a JSON line."""


def read_event(line: bytes) -> Event | None:
    """Return the event on a line; None for one of a type that only versions before 0.7 have. Raises ValueError."""
    try:
        return ANY_EVENT.validate_json(line)
    except ValidationError:
        event = json.loads(line)
        if isinstance(event, dict) and (event.get("type") in ("control", "judged") or event.get("kind") == "anchor"):
            return None
        raise
