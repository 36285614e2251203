"""The samples that become rows: answers, pairs of answers, traces and ratings, each with its origin.

They are msgspec structs and not dataclasses: a million of them are made in one export.
"""

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
    """The model behind a role."""

    role: str
    model: str


class Origin(Struct, frozen=True, gc=False):
    """The origin of a sample; it goes into the provenance of its row."""

    run: str
    """The id of the run or of the generated set."""
    conversation: str
    """`e2/ann/tea` in a run, `r17` in a generated set."""
    messages: tuple[str, ...]
    """The ids of the answers that the row holds, in its order."""
    epoch: int | None
    version: int
    """Of the constitution under which the (chosen) answer was given."""
    rules: tuple[str, ...]
    """Ids of the principles and clauses in force, or of the principles sampled for critiques and judgements."""
    models: tuple[RoleModelName, ...]
    raters: tuple[str, ...]
    """Persona ids, or `judge`."""
    licences: tuple[str, ...]
    """Of the persona and the task, sorted, without those that state none."""
    persona: str | None
    others: tuple[str, ...]
    """Other personas to whom an answer of the row was given."""
    task: str


class Score(Struct, frozen=True, gc=False):
    """One rating of an answer; `value` is on the run's scale, None where it is missing."""

    rater: str
    kind: Literal["own", "cross"]
    metric: str
    value: float | None


class Answer(Struct, frozen=True, gc=False):
    """An answer with the conversation before it; `prompt` begins and ends with a user's turn."""

    system: str
    """The system message under which it was given."""
    prompt: tuple[Turn, ...]
    text: str
    scores: tuple[Score, ...]
    origin: Origin
    rating: float | None = None
    """The user's own rating, or where there is no own user the mean of all; on the run's scale."""
    utility: float | None = None
    """The mean of its scores, moved from the scale to [0, 1]."""
    disagreement: float | None = None
    """Share in [0, 0.5] of the raters on the smaller side of the scale's middle; None with fewer than two raters."""


class Pair(Struct, frozen=True, gc=False):
    """Two answers to the same prompt, the better one first."""

    system: str
    """The system message under which the chosen one was given."""
    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str
    p: float | None
    """Probability in [0.5, 1] that the chosen one is better, where a judge gave one; None otherwise."""
    margin: float | None
    """Mean rating of the chosen minus that of the rejected, on the scale, over the raters of both; None without."""
    disagreement: float | None
    """Share in [0, 1] of the raters of both who prefer the rejected one; None with fewer than two raters of both."""
    by: Literal["ratings", "judge", "revision"]
    """What decided; `revision`: the later answer is a revision of the earlier one."""
    rater: str | None
    """The persona whose preference this is; None: the group's, or the judge's."""
    origin: Origin
    rating: float | None = None
    """Of the chosen one: its user's own rating, or where there is no own user the mean of all; on the run's scale."""


class Trace(Struct, frozen=True, gc=False):
    """A generated row: first answer, critiques and revisions by one principle each, the pair they make."""

    pair: Pair
    steps: tuple[CritiqueStep, ...]
    initial: str
    """The first answer."""


class CritiqueStep(Struct, frozen=True, gc=False):
    """A critique and the revision that followed, with the text of both requests."""

    principle: str
    critic_prompt: str
    critic_response: str
    revision_prompt: str
    revision_response: str


class RatingSample(Struct, frozen=True, gc=False):
    """One cell of the rater x answer matrix."""

    prompt: str
    """The text of the task."""
    answer: str
    score: Score
    comment: str
    origin: Origin


class RunSample(Struct, frozen=True):
    """A whole run, with the filters of the export that its format may apply."""

    history: History
    epoch: int | None = None
    persona: str | None = None
    task: str | None = None
    min_rating: float | None = None


OriginSample = Answer | Pair | RatingSample
Sample = OriginSample | Trace | RunSample


def whole(sample: Sample) -> OriginSample:
    """Return the sample that has an origin: of a trace its pair. Whole runs have none."""
    assert not isinstance(sample, RunSample)
    return sample.pair if isinstance(sample, Trace) else sample


def opening(sample: Sample) -> str:
    """Return the text with which the conversation began."""
    sample = whole(sample)
    return sample.prompt if isinstance(sample, RatingSample) else sample.prompt[0].content


def texts(sample: Sample) -> tuple[str, ...]:
    """Return all texts of a sample."""
    sample = whole(sample)
    if isinstance(sample, RatingSample):
        return sample.prompt, sample.answer, sample.score.rater, sample.score.kind
    before = tuple(turn.content for turn in sample.prompt)
    return (*before, sample.text) if isinstance(sample, Answer) else (*before, sample.chosen, sample.rejected)


def rater(sample: Sample) -> str | None:
    """Return the persona whose preference or rating a sample is, None if it is that of several."""
    sample = whole(sample)
    if isinstance(sample, Answer):
        return None
    return sample.rater if isinstance(sample, Pair) else sample.score.rater


def identity(sample: Sample) -> str:
    """Return an id that no other sample of an export has; `--max-rows` draws by it, so it must stay as it is."""
    origin = whole(sample).origin
    by = "" if isinstance(sample, Answer) else rater(sample)
    return f"{origin.run}/{'/'.join(origin.messages)}/{by}"
