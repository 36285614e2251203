"""`improves`: try out every candidate, and adopt one only if the declared welfare is higher beyond noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from scai_cli.concurrency import together
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.runs.records import Candidate
from scai_cli.simulation.acceptance.trial_test import p_value
from scai_cli.simulation.epoch import play
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.outcome import Outcome, failures, openings_of
from scai_cli.simulation.revision_context import AcceptanceResult, RevisionContext
from scai_cli.simulation.utilities import EpochUtilities, PairedUtilities, epoch_utilities
from scai_cli.social_choice import welfare
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.values import Value

AGAIN: Final = "+again"
"""In the ids of calls: plays with other seeds than the epoch's; no id of a persona begins with "+"."""
ALPHA: Final = 0.05
"""The chance that a run adopts a rule without effect: shared by its epochs, and by the candidates of each."""


class MarginOptions(Value):
    """The keys of `revision` that `improves` reads."""

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
    """Play every candidate with the personas, tasks and openings of the epoch, and compare it with the epoch.

    Only personas whose system message changes play; the others keep the epoch's conversations. If they are a part of
    the group, the epoch's ratings may have singled them out, and those would rise again without any effect (regression
    to the mean): the epoch's constitution is then played again with them, and both plays have other seeds. A trial
    emits no messages and ratings; it emits failed calls, so that they stay failed after a resume.
    """
    epoch = context.epoch_context
    plays = [_Play.of(context, number, candidate) for number, candidate in enumerate(candidates, 1)]
    of_parts = {persona.id for play in plays if play.is_part for persona in play.affected}
    singled_out = [persona for persona in epoch.personas if persona.id in of_parts]
    status_quo = _Play(_variant(context, AGAIN, 0, context.constitution), singled_out)
    before, *after = await together(play(each.context, each.affected) for each in (status_quo, *plays))
    for problem in (problem for played in (before, *after) for problem in failures(played)):
        epoch.emit(problem)
    level = ALPHA / (context.config.epochs * len(candidates))
    return [
        _trial(context, candidate, each, before, played, level)
        for candidate, each, played in zip(candidates, plays, after, strict=True)
    ]


async def dev_gain(context: RevisionContext, constitution: Constitution) -> tuple[float | None, float | None]:
    """Return the declared welfare of the people set aside, in the epoch and on a trial, by their own ratings alone."""
    epoch = context.epoch_context
    dev = [persona for persona in epoch.personas if persona.id in context.dev]
    ratings = epoch.agents.ratings.model_copy(update={"cross_raters": 0, "cross_weight": 0})
    of_dev = replace(epoch, personas=dev, agents=replace(epoch.agents, ratings=ratings))
    trial = _variant(context, "", 1, constitution)
    played = await play(replace(trial, agents=of_dev.agents), dev)
    for problem in failures(played):
        epoch.emit(problem)
    before = [
        replace(outcome, final=tuple(rating for rating in outcome.final if rating.kind == "own"))
        for outcome in context.outcomes
        if outcome.persona.id in context.dev
    ]
    pair = PairedUtilities.of(epoch_utilities(of_dev, before), epoch_utilities(of_dev, played))
    return pair.values(welfare.parse(context.config.welfare))


def scores_of(trials: Sequence[Trial]) -> Mapping[str, Mapping[str, float | None]]:
    """Return the numbers of each trial by candidate id."""
    return {trial.candidate.id: trial.scores for trial in trials}


def kept(trials: Sequence[Trial], margin: float) -> str:
    """Return in words why no trial counts."""
    best = min(trials, key=lambda trial: trial.p)
    return f"beyond noise ({best.chance})" if best.p > best.level else f"by more than {margin:g}"


@dataclass(frozen=True, slots=True)
class _Play:
    """A constitution to play with the personas `affected`."""

    context: EpochContext
    affected: Sequence[Persona]

    @classmethod
    def of(cls, context: RevisionContext, number: int, candidate: Candidate) -> "_Play":
        """Return the play of a candidate, with the epoch's seeds if it affects everyone."""
        assert candidate.constitution is not None
        epoch, trial = context.epoch_context, _variant(context, "", number, candidate.constitution)
        affected = [p for p in epoch.personas if trial.system(p) != epoch.system(p)]
        is_part = len(affected) < len(epoch.personas)
        return cls(_variant(context, AGAIN, number, candidate.constitution) if is_part else trial, affected)

    @property
    def is_part(self) -> bool:
        """Whether it affects a part of the group only."""
        return len(self.affected) < len(self.context.personas)


def _variant(context: RevisionContext, seeds: str, number: int, constitution: Constitution) -> EpochContext:
    """Return the context of a trial: those with one `seeds` have the same seeds, with "" those of the epoch."""
    epoch = context.epoch_context
    return replace(
        epoch,
        id="/".join(filter(None, (epoch.id, seeds, f"~{number}"))),
        constitution=constitution,
        emit=lambda _: None,
        openings=openings_of(context.outcomes),
    )


def _trial(
    context: RevisionContext,
    candidate: Candidate,
    play: _Play,
    again: Sequence[Outcome],
    played: Sequence[Outcome],
    level: float,
) -> Trial:
    """Compare the play of a candidate with the epoch, or with the play of its constitution `again`."""
    epoch, config = context.epoch_context, context.config
    # An unaffected persona's conversation is the same on both sides.
    affected = {persona.id for persona in play.affected}
    rest = [outcome for outcome in context.outcomes if outcome.persona.id not in affected]
    of_affected = again if play.is_part else context.outcomes
    before = [*(outcome for outcome in of_affected if outcome.persona.id in affected), *rest]
    after, function = [*played, *rest], welfare.parse(config.welfare)
    sides = [epoch_utilities(epoch, side) for side in (before, after)]
    p = p_value(epoch, before, after, function, level, config.seed)
    return Trial(candidate, function, sides[1], PairedUtilities.of(*sides), p, level)
