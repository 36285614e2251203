"""Verdicts in words: better, worse, no difference beyond X, cannot tell, cannot judge."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from scai_cli.analysis.verdicts import signed
from scai_cli.evaluation.suite import Difference, Measure, SuiteResult
from scai_cli.stats.power import detectable, items_needed
from scai_cli.stats.significance import holm

Verdict = Literal["better", "worse", "no difference", "cannot tell", "cannot judge"]

ALPHA: Final = 0.05
"""The chance of any false better or worse among all declared measures of an evaluation."""
NOT_COMPARED: Final = "nothing is compared here: no measure of these suites has a verdict"
_OTHER_ERRORS: Final = "the judge errs otherwise here than on the labelled answers; label more of them with --gold"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a declared measure of a suite says about a system against the reference.

    `p` is adjusted for the number of declared measures (Holm 1979). `detectable` is the smallest difference that
    these items find with a power of 80 %, `needed` the number of items (or people) that would find `measure.relevant`.
    """

    suite: str
    measure: Measure | None
    system: str
    reference: str
    verdict: Verdict
    difference: Difference | None = None
    p: float | None = None
    detectable: float | None = None
    needed: int | None = None
    reason: str = ""

    @property
    def title(self) -> str:
        """The suite with its measure."""
        return self.suite if self.measure is None else f"{self.suite}: {self.measure.words}"

    @property
    def words(self) -> str:
        """The verdict in words, with its numbers."""
        found = self.difference
        if self.verdict == "cannot judge":
            return f"cannot judge: {self.reason}"
        if self.reason:
            return f"cannot tell: {self.reason}"
        if found is None or found.low is None or found.high is None:
            so_far = "" if found is None else f" ({signed(found.estimate, 2)})"
            # Too few items have no p-value either; a difference that was corrected by people's labels keeps its own.
            is_judged = found is not None and found.p is not None and found.error is not None
            return f"cannot tell: {_OTHER_ERRORS if is_judged else 'too few items for an interval'}{so_far}"
        interval = ends_words(found.low, found.high)
        if self.verdict == "no difference":
            beyond = _up(max(abs(found.low), abs(found.high)))
            return f"no difference beyond {beyond:.2f} (95 % interval {interval}, {found.whom})"
        numbers = f"{signed(found.estimate, 2)} (95 % interval {interval}, {found.whom})"
        if self.verdict == "cannot tell":
            more = f"; about {self.needed:,} {found.noun} would" if self.needed else ""
            is_alone = "; beyond chance by itself, not among all measures" if found.low * found.high > 0 else ""
            return f"cannot tell{more}: {numbers}{is_alone}"
        return f"{self.verdict}: {numbers}"

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            **asdict(self),
            "measure": self.measure.name if self.measure else None,
            "words": self.words,
        }


def difference_words(difference: Difference | None) -> str:
    """Return a difference with its interval as tables show it: `+0.14 (+0.00 to +0.28)`, `–` if it is not known."""
    if difference is None:
        return "–"
    estimate = signed(difference.estimate, 2)
    if difference.low is None or difference.high is None:
        return estimate
    return f"{estimate} ({ends_words(difference.low, difference.high)})"


def ends_words(low: float, high: float) -> str:
    """Return the ends of an interval with two digits; one that is near 0 has its first digit, as its sign counts."""
    ends = (f"{end:+.1g}" if 1e-6 < abs(end) < 0.005 else signed(end, 2) for end in (low, high))
    return " to ".join(ends)


def findings(results: Sequence[SuiteResult], systems: Sequence[str], *, finished: bool = True) -> list[Finding]:
    """Return the findings of all declared measures, their p-values adjusted together.

    A measure says nothing about a system that its differences leave out, None is a difference that is not known.
    Before the end there is no verdict: the rows so far may be those of the items that favour one system.
    """
    reference, *others = systems
    found: list[Finding] = []
    for result in results:
        problems = result.problems if result.problem is None else dict.fromkeys(others, result.problem)
        found += [Finding(result.suite, None, o, reference, "cannot judge", reason=why) for o, why in problems.items()]
        for measured in result.measures if result.problem is None else ():
            if measured.measure.declared and measured.measure.better is not None:
                for other in (o for o in others if o in measured.differences and o not in problems):
                    difference = measured.differences[other]
                    p = difference.p if difference else None
                    found.append(
                        Finding(result.suite, measured.measure, other, reference, "cannot tell", difference, p)
                    )
    tested = [n for n, finding in enumerate(found) if finding.p is not None]
    adjusted = dict(zip(tested, holm([found[n].p or 0.0 for n in tested]), strict=True))
    if not finished:
        return [
            f if f.verdict == "cannot judge" else replace(f, reason="the evaluation is not finished") for f in found
        ]
    return [_judged(finding, adjusted.get(n)) for n, finding in enumerate(found)]


def _judged(finding: Finding, p: float | None) -> Finding:
    measure, difference = finding.measure, finding.difference
    if measure is None or difference is None or difference.low is None or difference.high is None:
        return finding
    found = needed = None
    if difference.error and difference.freedom:
        found = detectable(difference.error, difference.freedom)
        needed = items_needed(difference.error, difference.n, measure.relevant, freedom=difference.freedom)
    elif difference.error == 0 and 0 < difference.high < 1:  # no item differs: Wilson's bound for 0, by clusters
        needed = math.ceil(difference.n * (1 / measure.relevant - 1) / (1 / difference.high - 1))
    verdict: Verdict = "cannot tell"
    if p is not None and p < ALPHA and difference.estimate:
        verdict = "better" if (difference.estimate > 0) == (measure.better == "higher") else "worse"
    elif max(abs(difference.low), abs(difference.high)) <= measure.relevant:
        verdict = "no difference"
    more = needed if verdict == "cannot tell" and needed and needed > difference.n else None
    return replace(finding, verdict=verdict, p=p, detectable=found, needed=more)


def _up(value: float) -> float:
    """Round up to two digits, so that the words never claim more than the interval."""
    return math.ceil(round(value * 100, 9)) / 100
