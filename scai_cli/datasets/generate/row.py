"""A row of `rows.jsonl`: the answers to one task and their labels, as msgspec structs: an export reads a million."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from scai_cli.runs.events import NOT_ANSWERED
from scai_cli.runs.file_names import ROWS
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.runs.jsonl import decoded
from scai_cli.runs.records import Mark


class Answered(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An answer of the assistant; its id names row and answer: `r17/initial`, `r17/i2`, `r17/s1`, `r17/final`."""

    id: str
    text: str
    finish_reason: str = "stop"
    marks: tuple[Mark, ...] | UnsetType = UNSET


class RevisionStep(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A critique of the last answer by one sampled criterion, and the revision that follows."""

    principle: str
    """The id of its principle or clause."""
    critique_request: str
    critique: str
    revision_request: str
    revision: Answered


class RowRating(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A user's rating of one answer; `value` is on the scale of the experiment, None if it is missing."""

    rater: str
    kind: Literal["own", "cross"]
    answer: str
    value: float | None
    comment: str = ""
    problem: str | None = None
    marks: tuple[Mark, ...] | UnsetType = UNSET


class Judgement(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A judge's comparison of two answers by one criterion, in both orders."""

    principle: str
    """The id of its principle or clause."""
    first: str
    second: str
    p: float | None
    """The probability in [0, 1] that `first` is better, averaged over both orders; None if it could not be read."""
    soft: float | None
    """`p`, limited to the bounds of the clamp."""
    by: Literal["logprobs", "votes"] | None
    """The source of `p`; one vote in each order suffices only if one was requested (`votes: 1`)."""
    problem: str | None = None
    p_ab: float | UnsetType = UNSET
    """The probability that `first` is better where it was shown first; missing if it could not be read.

    Like the next ones, it is missing in older rows.
    """
    p_ba: float | UnsetType = UNSET
    """The same where it was shown second; without position bias both are equal."""
    mass: float | UnsetType = UNSET
    """The probability that the judge answers with a letter at all, the lower one of both orders."""


class GeneratedRow(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One row; after a `problem` its answers may be None."""

    id: str
    task: str
    prompt: str
    persona: str | None
    initial: Answered | None
    steps: tuple[RevisionStep, ...]
    final: Answered | None
    ratings: tuple[RowRating, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    licences: tuple[str, ...] = ()
    """The licences of the persona and the task, sorted, without empty ones."""
    problem: str | None = None
    refused: int | UnsetType = UNSET
    """The number of its prompts that an endpoint refused; left out for none and in older rows."""
    samples: tuple[Answered, ...] | UnsetType = UNSET
    """Further first answers; left out for none."""

    @property
    def type(self) -> str:
        """The type as observers see it, beside those of a run's events."""
        return "generated_row"

    @property
    def firsts(self) -> tuple[Answered, ...]:
        """All first answers; those whose call failed are left out."""
        return (*(() if self.initial is None else (self.initial,)), *(self.samples or ()))

    @property
    def revisions(self) -> tuple[Answered, ...]:
        """The answers of all steps, in order."""
        return tuple([step.revision for step in self.steps])


def rows(path: Path) -> Iterator[GeneratedRow]:
    """Yield the rows of a generated set in order, without a torn last line; raises RunError for a damaged line."""
    return decoded(path / ROWS, msgspec.json.Decoder(GeneratedRow).decode)


def count_answers(counts: AnswerCounts, row: GeneratedRow) -> None:
    """Count the answers, ratings, comparisons and refused prompts of a row."""
    counts.refused += row.refused or 0
    for answered in (*row.firsts, *row.revisions, row.final):
        if answered is not None:
            counts.add_answer(answered.text, answered.finish_reason, answered.marks or ())
    for rating in row.ratings:
        counts.add_rating(rating.kind, rating.value, rating.problem, rating.marks or ())
    for judgement in row.judgements:
        if judgement.problem not in NOT_ANSWERED:
            counts.count("judge", ["unreadable"] if judgement.p is None else [])


@dataclass(slots=True)
class JudgedWins:
    """What the judge prefers in rows: later answers to first ones, and the answer shown first."""

    later: float = 0.0
    """The sum of P(the later answer is better) of `of_later` comparisons."""
    of_later: int = 0
    shown_first: float = 0.0
    """The sum of P(the answer shown first is better) of `of_both_orders` comparisons."""
    of_both_orders: int = 0

    def add(self, row: GeneratedRow) -> None:
        """Count the comparisons of a row; of two first answers neither is the later one."""
        firsts = {answer.id for answer in row.firsts}
        for judgement in row.judgements:
            if judgement.p is not None and judgement.first not in firsts:
                self.of_later += 1
                self.later += judgement.p
            if isinstance(judgement.p_ab, float) and isinstance(judgement.p_ba, float):
                self.of_both_orders += 1
                self.shown_first += (judgement.p_ab + 1.0 - judgement.p_ba) / 2
