"""Whether an interval shows a change, and the words for it that all screens and pages share."""

from typing import Literal

from scai_cli.runs.events import Estimate
from scai_cli.stats.intervals import Interval

Verdict = Literal["higher", "lower", "no change beyond chance", "one constitution", "cannot tell"]


def verdict_of(interval: Interval | Estimate | None) -> Verdict:
    """Return whether an interval is above 0, below 0 or contains 0; `cannot tell` without one."""
    if interval is None or interval.low is None or interval.high is None:
        return "cannot tell"
    return "higher" if interval.low > 0 else "lower" if interval.high < 0 else "no change beyond chance"


def change_words(interval: Interval | Estimate | None, digits: int, noun: str = "change") -> str:
    """Return a change as screens show it: `+3.0 (95 % interval +1.5 to +4.1)`.

    If the interval contains 0: `no change beyond chance (-3.7 to +3.9)`, with another noun for `change` if given.
    """
    if interval is None:
        return "cannot tell"
    if interval.low is None or interval.high is None:
        return f"{signed(interval.estimate, digits)} (cannot tell how sure)"
    near = min(abs(interval.low), abs(interval.high))
    if interval.low * interval.high > 0:  # an end that rounds to 0 would contradict the words
        digits = next((more for more in range(digits, 9) if round(near, more)), digits)
    between = f"{signed(interval.low, digits)} to {signed(interval.high, digits)}"
    if interval.low <= 0 <= interval.high:
        return f"no {noun} beyond chance ({between})"
    return f"{signed(interval.estimate, digits)} ({interval.level * 100:g} % interval {between})"


def signed(value: float, digits: int) -> str:
    """Return a number with its sign: `+3.0`, `-0.4`, and `+0.0` for what rounds to 0."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"
