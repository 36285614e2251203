"""The recovery of a hidden norm in words, the same on screens and pages."""

from collections.abc import Iterator
from typing import Final

from scai_cli.analysis.recovery_curves import CurvePoint, RecoveryCurve
from scai_cli.display.numbers import number
from scai_cli.text.counts import counted

PLUMBING: Final = (
    "A plumbing check: players, assistant and author of the rules are a small program that was written together with "
    "the game, so this shows that play, rules and numbers are connected. Whether a language model finds the norm takes "
    "a run with one: `--model openai:MODEL`."
)


def recovery_words(curve: RecoveryCurve, version: int) -> Iterator[str]:
    """Yield sentences: of whom, under which version, how much, how sure, and on things that were never played."""
    if (product := curve.product) is None:
        yield f"The hidden policy of {curve.group} users: version {version} was not played yet."
        return
    yield f"The hidden policy of {curve.group} users is met by {_met(product)} under version {version}."
    if (unseen := curve.unseen) is None:
        yield "On things that no rule was written from: not played (they are at the end, if `holdout.tasks` has some)."
    else:
        first = f", under the first version by {number(curve.unseen_start.share)}" if curve.unseen_start else ""
        yield f"On things that no rule was written from it is met by {_met(unseen)}{first}."
    if curve.most < 1:
        yield f"One division for all can meet it for {number(curve.most)} of these users at most."
    points = [*curve.epochs.values(), *([unseen] if unseen else [])]
    if unreadable := sum(point.unreadable for point in points):
        yield f"Proposals that could not be read, and do not count: {unreadable}."


def _met(point: CurvePoint) -> str:
    known = point.low is not None
    ends = f" (95 % interval {number(point.low)} to {number(point.high)})" if known else ""
    return f"{number(point.share)} of {counted(point.n, 'proposal')}{ends}"


def found_words(curve: RecoveryCurve) -> str:
    """Return in which epoch a norm was found, `epoch 3`; `–` if it was not."""
    return "–" if curve.found_in is None else f"epoch {curve.found_in}"


def unseen_words(point: CurvePoint | None) -> str:
    """Return the recovery on things that no rule was written from, as `ends_words`; `not played` without a point."""
    return ends_words(point) if point else "not played"


def ends_words(point: CurvePoint | None) -> str:
    """Return `0.90 [0.53, 0.99]`; without an interval the share alone, `–` for no share or no point."""
    if point is None:
        return "–"
    ends = f" [{number(point.low)}, {number(point.high)}]" if point.low is not None else ""
    return f"{number(point.share)}{ends}"
