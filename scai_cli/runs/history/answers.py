"""Count how the answers of a run or a generated set came out, role by role."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from scai_cli.messages import ending
from scai_cli.runs.events import NOT_ANSWERED, MessageSaid, Problem, Rated, RatersChecked, Revised
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, ReadEvent
from scai_cli.runs.records import RaterCheck

_TURNOUT: Final = re.compile(r", (\d+) of (\d+) ballots could be read")

# Tuples: a union of types would be built anew for each of a million events.
_RATING: Final = (CompactRating, Rated)
_MESSAGE: Final = (CompactMessage, MessageSaid)


@dataclass(slots=True)
class AnswerCounts:
    """The number of answers with each mark; for runs without marks, from the texts, ends and problems.

    Besides the marks of events there are `other` (an unusual end), `unreadable`, and the kinds of empty answers:
    `cut_empty`, `only_thoughts` and `blank`.
    """

    roles: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """`assistant`, `openings`, `user` (ratings), `meta`, `ballots`, `judge` -> number of `answers`, of each mark."""
    values: defaultdict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    """Kind of rating, `own` or `cross` -> value -> number."""
    ends: Counter[str] = field(default_factory=Counter)
    """The endpoints' words for ends that are neither whole nor cut."""
    unrevised: dict[int, str] = field(default_factory=dict)
    """Epoch without a revision that could be read -> why."""
    refused: int = 0
    """Prompts that an endpoint refused."""
    checks: tuple[RaterCheck, ...] = ()
    """The last check of the users' models."""

    def add(self, event: ReadEvent) -> None:
        """Count an event."""
        if isinstance(event, _RATING):
            self.add_rating(event.kind, event.value, event.problem, event.marks)
        elif isinstance(event, _MESSAGE):
            if event.role == "assistant":
                self.add_answer(event.content, event.finish_reason, event.marks)
            elif event.verbatim is not None or "not_reworded" in event.marks:
                self.count("openings", event.marks)
        elif isinstance(event, Revised):
            self._add_revision(event)
        elif isinstance(event, Problem):
            self.refused += event.refused
        elif isinstance(event, RatersChecked):
            self.checks = event.checks

    def add_answer(self, text: str, finish_reason: str | None = None, marks: Collection[str] = ()) -> None:
        """Count an answer of the assistant."""
        ended = ending(finish_reason)
        if ended == "whole" and not marks and text and not text.isspace():  # nearly all of a million answers
            self.roles["assistant"]["answers"] += 1
            return
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
        for candidate in event.candidates:
            if candidate.no_answer not in ("failed", "oversized"):  # else no answer was paid for
                unread = {None: [], "truncated": ["unreadable", "cut"]}.get(candidate.no_answer, ["unreadable"])
                self.count("meta", {*candidate.marks, *unread})
        if event.ballots:
            self.roles["ballots"].update(event.ballots)
        elif turnout := _TURNOUT.search(event.reason):  # older runs have it in words only
            self.roles["ballots"] += Counter(answers=int(turnout[2]), unreadable=int(turnout[2]) - int(turnout[1]))
        if event.no_answer is not None:
            self.unrevised[event.epoch] = event.no_answer
