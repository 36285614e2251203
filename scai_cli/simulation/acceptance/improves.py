"""`improves`: try out every candidate, and adopt one only if the declared welfare is higher beyond noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scai_cli.concurrency import together
from scai_cli.runs.events import Problem
from scai_cli.runs.records import Candidate
from scai_cli.simulation.acceptance.trial_test import p_value
from scai_cli.simulation.epoch import failures, play
from scai_cli.simulation.opening import openings_of
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext
from scai_cli.simulation.utilities import EpochUtilities, PairedUtilities, epoch_utilities
from scai_cli.social_choice import welfare
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.values import Value

ALPHA: Final = 0.05
"""The chance that a run adopts a rule without effect: shared by its epochs, and by the candidates of each."""


class MarginOptions(Value):
    """The keys of `revision` that `improves` and `both` read."""

    margin: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The trial of a candidate, compared with the epoch before it."""

    candidate: Candidate
    function: WelfareFunction
    utilities: EpochUtilities
    pair: PairedUtilities
    p: float
    """The chance of a gain this high if the rules made no difference."""
    level: float
    """The highest `p` of a gain that counts."""
    failed: Sequence[Problem]

    @property
    def scores(self) -> dict[str, float | None]:
        """Return the scores for the log; welfare before and after is over the ratings that both have."""
        before, after = self.pair.values(self.function)
        gain = None if before is None or after is None else after - before
        return {"welfare": after, "welfare_before": before, "gain": gain, "p": self.p, "level": self.level}

    def rises(self, margin: float) -> bool:
        """Return whether the declared welfare is higher by more than a margin, and beyond noise."""
        if self.p > self.level or not self.pair.improves(self.function):
            return False
        before, after = self.pair.values(self.function)
        return margin == 0 or (before is not None and after is not None and after - before > margin)

    def describe(self) -> str:
        """Return the change in welfare in words, for the log."""
        before, after = self.pair.values(self.function)
        if before is None or after is None:
            return "not known"
        return f"{before:.3f} before, {after:.3f} after, {after - before:+.3f}, {self.chance}"

    @property
    def chance(self) -> str:
        """The test in words."""
        return f"p {self.p:.2g} of at most {self.level:.2g}"


async def improves(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt the candidate with the highest declared welfare, if the gain is beyond noise and more than `margin`."""
    trials = await try_candidates(context, candidates)
    scores = scores_of(trials)
    function, margin = welfare.parse(context.config.welfare), context.options(MarginOptions).margin
    better = [trial for trial in trials if trial.rises(margin)]
    if not better:
        return AcceptanceResult(None, f"no candidate raised {function.label} welfare {kept(trials, margin)}", scores)
    # Candidates are compared pairwise, on the cells that both have: each may miss other ratings.
    best = better[0]
    for trial in better[1:]:
        if PairedUtilities.of(best.utilities, trial.utilities).improves(function):
            best = trial
    return AcceptanceResult(best.candidate, f"{function.label} welfare on trial: {best.describe()}", scores)


async def try_candidates(context: RevisionContext, candidates: Sequence[Candidate]) -> list[Trial]:
    """Play every candidate with the personas, tasks and seeds of the epoch.

    Only personas whose system message changes play again; the others keep the epoch's conversations. A trial emits no
    messages and ratings; it emits failed calls, so that they stay failed after a resume.
    """
    level = ALPHA / (context.config.epochs * len(candidates))
    trials = await together(_try(context, n, candidate, level) for n, candidate in enumerate(candidates, 1))
    for trial in trials:
        for problem in trial.failed:
            context.epoch_context.emit(problem)
    return trials


def scores_of(trials: Sequence[Trial]) -> Mapping[str, Mapping[str, float | None]]:
    """Return the numbers of each trial by candidate id."""
    return {trial.candidate.id: trial.scores for trial in trials}


def kept(trials: Sequence[Trial], margin: float) -> str:
    """Return in words why no trial counts."""
    best = min(trials, key=lambda trial: trial.p)
    return f"beyond noise ({best.chance})" if best.p > best.level else f"by more than {margin:g}"


async def _try(context: RevisionContext, number: int, candidate: Candidate, level: float) -> Trial:
    assert candidate.constitution is not None
    epoch = context.epoch_context
    trial = replace(
        epoch,
        id=f"{epoch.id}/~{number}",
        constitution=candidate.constitution,
        emit=lambda _: None,
        openings=openings_of(context.conversations),
    )
    affected = [p for p in epoch.personas if trial.system(p) != epoch.system(p)]
    played = await play(trial, affected)
    # An unaffected persona's conversation would come out the same, as `~` leaves its seeds as they are.
    unaffected = [c for c in context.conversations if c.persona not in affected]
    conversations, function = [*played, *unaffected], welfare.parse(context.config.welfare)
    before, after = context.utilities, epoch_utilities(trial, conversations)
    p = p_value(epoch, context.conversations, conversations, function, level, context.config.seed)
    return Trial(candidate, function, after, PairedUtilities.of(before, after), p, level, failures(played))
