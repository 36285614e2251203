"""Whether an interval shows a change, and the words for it that all screens and pages share."""

from collections.abc import Collection
from dataclasses import replace
from typing import Literal, Protocol

from scai_cli.runs.records import Estimate
from scai_cli.stats.intervals import FEWEST_PEOPLE, FEWEST_TASKS, Interval
from scai_cli.text.counts import counted

Verdict = Literal["higher", "lower", "no change beyond chance", "one constitution", "cannot tell"]


class Ends(Protocol):
    """The ends of an interval, None where they are not known."""

    @property
    def low(self) -> float | None:
        """The lower end."""

    @property
    def high(self) -> float | None:
        """The upper end."""


def verdict_of(interval: Interval | Estimate | None) -> Verdict:
    """Return whether an interval is above 0, below 0 or contains 0; `cannot tell` without one."""
    if interval is None or interval.low is None or interval.high is None:
        return "cannot tell"
    return "higher" if interval.low > 0 else "lower" if interval.high < 0 else "no change beyond chance"


def is_beyond_chance(interval: Interval | Estimate | None) -> bool:
    """Return whether an interval is known and does not contain 0."""
    return verdict_of(interval) in ("higher", "lower")


def gained_or_lost(interval: Interval | None) -> Literal["gained", "lost", "cannot tell"]:
    """Return whether a single person has a higher or a lower number beyond chance."""
    verdict = verdict_of(interval)
    return "gained" if verdict == "higher" else "lost" if verdict == "lower" else "cannot tell"


def change_words(
    interval: Interval | Estimate | None, digits: int, noun: str = "change", *, over: str | None = None
) -> str:
    """Return a change as screens show it: `+3.0 (95 % interval +1.5 to +4.1, the same 6 people and 3 tasks again)`.

    If the interval contains 0: `no change beyond chance (-3.7 to +3.9, ...)`, with another noun for `change` if given.
    `over` says from what the interval is, in place of the people and tasks.
    """
    if interval is None:
        return "cannot tell"
    if interval.low is None or interval.high is None:
        return f"{signed(interval.estimate, digits)} (cannot tell how sure{_lacks(interval)})"
    digits = enough_digits(interval, digits)
    said = for_whom(interval) if over is None else over
    whom = f", {said}" if said else ""
    if not interval.low and not interval.high:
        return f"no {noun} at all{f' ({said})' if said else ''}"
    if interval.low <= 0 <= interval.high:
        return f"no {noun} beyond chance ({between(interval, digits)}{whom})"
    return (
        f"{signed(interval.estimate, digits)} ({interval.level * 100:g} % interval {between(interval, digits)}{whom})"
    )


def enough_digits(interval: Ends, digits: int) -> int:
    """Return the digits with which an end of an interval without 0 does not round to 0, which would contradict it."""
    if interval.low is None or interval.high is None or interval.low * interval.high <= 0:
        return digits
    near = min(abs(interval.low), abs(interval.high))
    return next((more for more in range(digits, 9) if round(near, more)), digits)


def between(interval: Ends | None, digits: int) -> str:
    """Return the ends of an interval as tables show them, `+0.12 to +0.22`; `–` if they are not known.

    An end that rounds to 0 has no sign, `0.0 to +0.6`: a plus would hide that 0 is inside.
    """
    if interval is None or interval.low is None or interval.high is None:
        return "–"
    digits = enough_digits(interval, digits)
    ends = (signed(end, digits) for end in (interval.low, interval.high))
    return " to ".join(end if float(end) else end.lstrip("+") for end in ends)


def signed(value: float, digits: int) -> str:
    """Return a number with its sign: `+3.0`, `-0.4`, and `+0.0` for what rounds to 0."""
    return f"{rounded(value, digits):+.{digits}f}"


def rounded(value: float, digits: int) -> float:
    """Return a number for people, the same for equal sums and differences; no -0."""
    return round(round(value, 9), digits) + 0.0


def for_whom(interval: Interval | Estimate, how: str = " held out") -> str:
    """Return for whom an interval is valid and `how` these were drawn; empty for those of runs before 0.5."""
    people, tasks = counted(interval.people, "person", "people"), counted(interval.tasks, "task")
    match interval.estimand:
        case "these people and tasks again":
            return f"the same {people} and {tasks} again"
        case "new tasks":
            return f"new tasks for {people}, from {tasks}"
        case "new people":
            return f"new people, from {people}{how}"
        case "new people and tasks":
            return f"new people and tasks, from {people} and {tasks}{how}"
        case None:
            return ""


def for_single_people(intervals: Collection[Interval]) -> str:
    """Return for whom the intervals of single people are valid: `the same 6 people and 3 tasks again, valid together`.

    Empty if none is known.
    """
    known = [interval for interval in intervals if interval.low is not None]
    if not known:
        return ""
    whom = for_whom(replace(max(known, key=lambda each: each.tasks), people=len(intervals)))
    return f"{whom}, valid together"


def _lacks(interval: Interval | Estimate) -> str:
    """Return what an interval for new people or tasks lacks."""
    if interval.estimand in ("new people", "new people and tasks") and interval.people < FEWEST_PEOPLE:
        return f": an interval takes {FEWEST_PEOPLE} people held out, not {interval.people}"
    if interval.estimand == "new tasks" and interval.tasks < FEWEST_TASKS:
        return f": an interval takes {FEWEST_TASKS} tasks held out, not {interval.tasks}"
    return ""
