"""Answers, pairs, traces and ratings, each with its origin, as msgspec structs: one export makes a million."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from scai_cli.runs.history.history import History

Role = Literal["user", "assistant"]


class Turn(Struct, frozen=True, gc=False):
    """One message before an answer."""

    role: Role
    content: str


class RoleModelName(Struct, frozen=True, gc=False):
    """A role and the model that plays it."""

    role: str
    model: str


class Origin(Struct, frozen=True, gc=False):
    """The origin of a sample, for the provenance of its row."""

    run: str
    """The id of the run or the generated set."""
    conversation: str
    """`e2/ann/tea` in a run, `r17` in a generated set."""
    messages: tuple[str, ...]
    """The ids of the answers in the row, in the row's order."""
    epoch: int | None
    version: int
    """The version of the constitution behind the (chosen) answer."""
    rules: tuple[str, ...]
    """The ids of the principles and clauses in force, or of the principles sampled for critiques and judgements."""
    models: tuple[RoleModelName, ...]
    raters: tuple[str, ...]
    """Persona ids, or `judge`."""
    licences: tuple[str, ...]
    """The licences of the persona and the task, sorted, without empty ones."""
    persona: str | None
    others: tuple[str, ...]
    """Other personas to whom an answer of the row was given."""
    task: str


class Score(Struct, frozen=True, gc=False):
    """One rating of an answer; `value` is on the run's scale, None if it is missing."""

    rater: str
    kind: Literal["own", "cross"]
    metric: str
    value: float | None


class Answer(Struct, frozen=True, gc=False):
    """An answer and the conversation before it; `prompt` begins and ends with a user's turn."""

    system: str
    """The system message that the answer was given under."""
    prompt: tuple[Turn, ...]
    text: str
    scores: tuple[Score, ...]
    origin: Origin
    rating: float | None = None
    """The user's own rating, or the mean of all ratings if there is no user; on the run's scale."""
    utility: float | None = None
    """The mean of the ratings, scaled to [0, 1]."""
    disagreement: float | None = None
    """The share in [0, 0.5] of the raters on the smaller side of the scale's middle; None for fewer than two raters."""
    verbatim: str | None = None
    """The task's text, if the prompt begins with an opening in other words."""
    own_clauses: bool = False
    """Whether it was made under clauses for its user alone."""
    final: bool = True
    """Whether it is the last one of its conversation, which others rated too; in a generated set each answer is."""
    good: bool | None = None
    """Whether it is a good answer, see `good_answers`; None for answers that are not for KTO."""


class Pair(Struct, frozen=True, gc=False):
    """Two answers to the same prompt, the better one first."""

    system: str
    """The system message that the chosen answer was given under."""
    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str
    p: float | None
    """The probability in [0.5, 1] that the chosen answer is better, if a judge gave one; else None."""
    margin: float | None
    """The mean rating of the chosen minus the rejected answer, on the run's scale, over the raters of both; or None."""
    disagreement: float | None
    """The share in [0, 1] of the raters of both who prefer the rejected answer; None for fewer than two raters."""
    by: Literal["ratings", "judge", "revision"]
    """The label that decided; `revision`: the chosen answer is a revision of the rejected one."""
    rater: str | None
    """The persona whose preference this is; None for the group's or the judge's preference."""
    origin: Origin
    rating: float | None = None
    """The rating of the chosen answer, by its user or the mean of all if there is no user; on the run's scale."""
    verbatim: str | None = None
    """The task's text, if the prompt is an opening in other words."""
    own_clauses: bool = False
    """Whether an answer was made, or the better one chosen, under clauses for one user alone."""


class Trace(Struct, frozen=True, gc=False):
    """A generated row: first answer, critiques and revisions by one principle each, and the resulting pair."""

    pair: Pair
    steps: tuple[CritiqueStep, ...]
    initial: str
    """The first answer."""


class CritiqueStep(Struct, frozen=True, gc=False):
    """A critique and the revision that follows, with the text of both requests."""

    principle: str
    critic_prompt: str
    critic_response: str
    revision_prompt: str
    revision_response: str


class RatingSample(Struct, frozen=True, gc=False):
    """One cell of the rater x answer matrix."""

    prompt: str
    """The opening of the conversation."""
    answer: str
    score: Score
    comment: str
    origin: Origin
    verbatim: str | None = None
    """The task's text, if the prompt is an opening in other words."""


class RunSample(Struct, frozen=True):
    """A whole run, with the filters of the export for its format to apply."""

    history: History
    epoch: int | None = None
    persona: str | None = None
    task: str | None = None
    min_rating: float | None = None


OriginSample = Answer | Pair | RatingSample
Sample = OriginSample | Trace | RunSample


def whole(sample: Sample) -> OriginSample:
    """Return the sample that has an origin: for a trace its pair. Whole runs have none."""
    assert not isinstance(sample, RunSample)
    return sample.pair if isinstance(sample, Trace) else sample


def opening(sample: Sample) -> str:
    """Return the text that began the conversation."""
    sample = whole(sample)
    return sample.prompt if isinstance(sample, RatingSample) else sample.prompt[0].content


def task_text(sample: Sample) -> str:
    """Return the text of the task, which all conversations about it share whatever their openings are."""
    return whole(sample).verbatim or opening(sample)


def rater(sample: Sample) -> str | None:
    """Return the persona whose preference or rating a sample is; None if there are several."""
    sample = whole(sample)
    if isinstance(sample, Answer):
        return None
    return sample.rater if isinstance(sample, Pair) else sample.score.rater


def identity(sample: Sample) -> str:
    """Return an id that is unique within an export; `--max-rows` draws by it, so it must never change."""
    origin = whole(sample).origin
    by = "" if isinstance(sample, Answer) else rater(sample)
    return f"{origin.run}/{'/'.join(origin.messages)}/{by}"
