"""`improves`: a candidate is played first, and adopted only if the declared welfare rises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scai_cli.events import Candidate, Estimate
from scai_cli.simulation.contentment import Contentment, contentment, difference
from scai_cli.simulation.occasion import Occasion, Verdict
from scai_cli.simulation.playing import play
from scai_cli.simulation.together import together
from scai_cli.social import welfare


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate as it was played: what the group thought of it, and how much better that is than before."""

    candidate: Candidate
    content: Contentment
    gain: Estimate | None

    def scores(self, occasion: Occasion) -> dict[str, float | None]:
        """The numbers for the record."""
        function = welfare.parse(occasion.config.welfare)
        return {
            "welfare": self.content.welfare(function),
            "welfare_before": occasion.content.welfare(function),
            "gain": self.gain.estimate if self.gain else None,
            "gain_low": self.gain.low if self.gain else None,
            "gain_high": self.gain.high if self.gain else None,
        }


async def improves(occasion: Occasion, candidates: Sequence[Candidate]) -> Verdict:
    """Adopt the candidate under which the declared welfare is highest, if it rises by more than `margin`."""
    trials = await tried(occasion, candidates)
    scores = scores_of(occasion, trials)
    better = improving(occasion, trials)
    function, margin = welfare.parse(occasion.config.welfare), occasion.config.revision.margin
    if not better:
        return Verdict(None, f"no candidate raised {function.label} welfare by more than {margin:g}", scores)
    best = better[0]
    for trial in better[1:]:
        if trial.content.prefers(best.content, function):
            best = trial
    return Verdict(best.candidate, f"{function.label} welfare rose by {_told(best.gain)} on trial", scores)


async def tried(occasion: Occasion, candidates: Sequence[Candidate]) -> list[Trial]:
    """Play every candidate for the same personas and tasks as the epoch, with the same seeds."""
    return await together(_try(occasion, n, candidate) for n, candidate in enumerate(candidates, 1))


def improving(occasion: Occasion, trials: Sequence[Trial]) -> list[Trial]:
    """The trials in which the declared welfare rose by more than `margin`."""
    function, margin = welfare.parse(occasion.config.welfare), occasion.config.revision.margin
    before = occasion.content
    return [
        trial
        for trial in trials
        if trial.content.prefers(before, function)
        and (margin == 0 or (trial.gain is not None and trial.gain.estimate > margin))
    ]


def scores_of(occasion: Occasion, trials: Sequence[Trial]) -> Mapping[str, Mapping[str, float | None]]:
    """Candidate id -> its numbers."""
    return {trial.candidate.id: trial.scores(occasion) for trial in trials}


async def _try(occasion: Occasion, number: int, candidate: Candidate) -> Trial:
    assert candidate.constitution is not None
    stage = replace(
        occasion.stage,
        place=f"{occasion.stage.place}/~{number}",
        constitution=candidate.constitution,
        emit=lambda _: None,
    )
    content = contentment(stage, await play(stage))
    function = welfare.parse(occasion.config.welfare)
    return Trial(candidate, content, difference(occasion.content, content, function, seed=occasion.config.seed))


def _told(gain: Estimate | None) -> str:
    if gain is None:
        return "an unknown amount"
    between = "" if gain.low is None or gain.high is None else f" [{gain.low:+.3f}, {gain.high:+.3f}]"
    return f"{gain.estimate:+.3f}{between}"
