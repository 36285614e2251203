"""Count how the answers of a run or a generated set came out, role by role."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scai_cli.messages import ending
from scai_cli.runs.events import NOT_ANSWERED, MessageSaid, Problem, Rated, RaterCheck, RatersChecked, Revised
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, ReadEvent

_TURNOUT: Final = re.compile(r", (\d+) of (\d+) ballots could be read")

# Tuples: a union of types would be built anew for each of a million events.
_RATING: Final = (CompactRating, Rated)
_MESSAGE: Final = (CompactMessage, MessageSaid)


@dataclass(slots=True)
class AnswerCounts:
    """The number of answers with each mark; for runs without marks, from the texts, ends and problems.

    Besides the marks of events there are `other` (an unusual end), `unreadable`, and the kinds of empty answers:
    `cut_empty`, `only_thoughts` and `blank`. Ratings of anchors do not count.
    """

    roles: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """`assistant`, `user` (ratings), `meta` (revisions), `ballots`, `judge` -> number of `answers`, of each mark."""
    values: defaultdict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    """Kind of rating, `own` or `cross` -> value -> number."""
    ends: Counter[str] = field(default_factory=Counter)
    """The endpoints' words for ends that are neither whole nor cut."""
    unrevised: dict[int, str] = field(default_factory=dict)
    """Epoch without a revision that could be considered -> the kind of the first objection."""
    refused: int = 0
    """Prompts that an endpoint refused."""
    checks: tuple[RaterCheck, ...] = ()
    """The last check of the users' models."""

    def add(self, event: ReadEvent) -> None:
        """Count an event."""
        if isinstance(event, _RATING):
            if event.kind != "anchor":
                self.add_rating(event.kind, event.value, event.problem, event.marks)
        elif isinstance(event, _MESSAGE):
            if event.role == "assistant":
                self.add_answer(event.content, event.finish_reason, event.marks)
        elif isinstance(event, Revised):
            self._add_revision(event)
        elif isinstance(event, Problem):
            self.refused += event.refused
        elif isinstance(event, RatersChecked):
            self.checks = event.checks

    def add_answer(self, text: str, finish_reason: str | None = None, marks: Collection[str] = ()) -> None:
        """Count an answer of the assistant."""
        ended = ending(finish_reason)
        found = {*marks, *([] if ended == "whole" else [ended])}
        if found & {"withheld", "other"}:
            self.ends[str(finish_reason)] += 1
        elif not text or text.isspace():
            found |= {"empty", "cut_empty" if "cut" in found else "only_thoughts" if "thoughts" in found else "blank"}
        self.count("assistant", found)

    def add_rating(self, kind: str, value: float | None, problem: str | None, marks: Collection[str] = ()) -> None:
        """Count a rating, unless its call was not answered."""
        if value is not None:
            self.values[kind][value] += 1
            self.count("user", marks)
        elif problem not in NOT_ANSWERED:
            self.count("user", {"unreadable", *marks, *(["cut"] if "was cut off" in (problem or "") else [])})

    def count(self, role: str, marks: Collection[str]) -> None:
        """Count an answer with its marks."""
        self.roles[role]["answers"] += 1
        if marks:
            self.roles[role].update(marks)

    def _add_revision(self, event: Revised) -> None:
        ballots, missing, no_answer = _from_words(event)
        for candidate, reason in zip(event.candidates, missing, strict=True):
            if reason not in ("failed", "oversized"):  # else no answer was paid for
                found = [] if reason is None else ["unreadable", *(["cut"] if reason == "truncated" else [])]
                self.count("meta", {*candidate.marks, *found})
        if ballots:
            self.roles["ballots"].update(ballots)
        if no_answer is not None:
            self.unrevised[event.epoch] = no_answer


def _from_words(event: Revised) -> tuple[Mapping[str, int], Sequence[str | None], str | None]:
    """Return the ballots, why each candidate has no answer, and why none has; older runs have these in words only."""
    ballots = event.ballots
    if not ballots and (turnout := _TURNOUT.search(event.reason)):
        ballots = {"answers": int(turnout[2]), "unreadable": int(turnout[2]) - int(turnout[1])}
    missing = [
        c.no_answer or (None if c.edits or not c.objection else c.objection.partition(":")[0]) for c in event.candidates
    ]
    first = missing[0] if missing else "failed" if event.reason.startswith("the revision failed") else None
    return ballots, missing, event.no_answer or (first if all(missing) else None)
