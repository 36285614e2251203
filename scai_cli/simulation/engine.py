"""The loop of epochs: play, measure, revise; only the constitution carries over to the next epoch."""

from collections import deque
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from scai_cli import __version__, plugins
from scai_cli.concurrency import together
from scai_cli.errors import CallFailed
from scai_cli.experiment.config import ASSIST, ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_start import initial_constitution
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs import events
from scai_cli.runs.records import Candidate, RaterCheck
from scai_cli.simulation import stops
from scai_cli.simulation.best_version import VersionRanking
from scai_cli.simulation.candidate_checks import checked
from scai_cli.simulation.epoch import Keep, play, positions
from scai_cli.simulation.epoch_context import Agents, Emit, EpochContext
from scai_cli.simulation.groups import dev_people, not_approved
from scai_cli.simulation.holdout import run_holdout
from scai_cli.simulation.kept_conversations import KeptConversations, room
from scai_cli.simulation.outcome import Outcome
from scai_cli.simulation.prompts import NotApproved
from scai_cli.simulation.rater_check import check_raters, stop_if_a_rater_failed
from scai_cli.simulation.revision_context import Acceptance, AcceptanceResult, RevisionContext, Strategy
from scai_cli.simulation.strategies.candidates import propose
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import EpochUtilities, epoch_utilities
from scai_cli.social_choice import welfare
from scai_cli.social_choice.welfare import WelfareFunction
from scai_cli.values import draw

_REMEMBERED: Final = 20
"""The rules that the users did not approve which the meta model is reminded of."""


async def simulate(
    config: ExperimentConfig,
    agents: Agents,
    emit: Emit,
    *,
    run_id: str,
    digests: Mapping[str, str],
    always_play_product: bool = False,
    revised: Mapping[str, events.Revised] = {},
) -> None:
    """Run an experiment and emit its events.

    `revised` are the revisions that earlier sessions have written, by id: they are kept, also if the settings that may
    change on a resume have changed since.
    A product that no epoch has played with the people and tasks of the first one is played at the end with them, so
    that before and after are paired; with `always_play_product` every product is. The best of the played versions is
    played again, as the ratings by which it was chosen are too high.
    Deterministic in the config and the models' answers: a replay of recorded answers emits equal events. Raises the
    errors that stop a run (`errors.STOPS`).
    """
    revision: events.Revised | None = None
    constitution = first = initial_constitution(config.constitution)
    emit(_run_started(config, agents, first, run_id, digests))
    declared = welfare.parse(config.welfare)
    # Bounded, as a long run would otherwise hold every conversation in memory.
    past: deque[Sequence[Conversation]] = deque(maxlen=config.revision.memory - 1)
    dropped: deque[int] = deque(maxlen=config.revision.memory)
    set_aside = dev_people(config)
    rejected: deque[NotApproved] = deque(maxlen=_REMEMBERED)
    ranking = VersionRanking(declared)
    plays: list[tuple[int, tuple[Persona, ...], tuple[Task, ...]]] = []
    for epoch in range(1, config.epochs + 1):
        people, tasks = _drawn(config, epoch, set_aside)
        plays.append((constitution.version, people, tasks))
        is_settled = f"e{epoch}/revision" in revised
        context = EpochContext(agents, f"e{epoch}", epoch, constitution, people, tasks, emit, is_settled)
        ids = [person.id for person, _ in positions(people, tasks)]
        kept = KeptConversations(ids, f"{config.seed}/{context.id}", room(config.revision))
        outcomes, utilities = await _play_and_measure(context, declared, kept.keep)
        ranking.add(constitution, utilities)
        dev = set_aside.intersection(person.id for person in people)
        dropped.append(sum(each.persona.id not in dev for each in outcomes))
        dropped[-1] -= sum(each.persona.id not in dev for each in kept.conversations)
        revision_id = f"{context.id}/revision"
        end = RevisionContext(
            config,
            context,
            revision_id,
            kept.conversations,
            outcomes,
            utilities,
            list(past),
            list(rejected),
            dev,
            list(dropped),
        )
        ballots: list[events.BallotCast] = []
        revision = await _revise(end, revised, revision, ballots)
        constitution = revision.constitution
        past.append(end.heard)
        rejected.extend(not_approved(revision, ballots, set_aside))
        del outcomes, kept, end  # or they would stay in memory while the next epoch plays
    product = ranking.best if config.revision.best_so_far else constitution
    people, tasks = _drawn(config, 1, set_aside)
    is_measured = not config.revision.best_so_far and (product.version, people, tasks) in plays
    if always_play_product or not is_measured:
        last = config.epochs + 1
        context = EpochContext(agents, f"e{last}", last, product, people, tasks, emit)
        await _play_and_measure(context, declared, is_product=True)
    # It looks at the product, and comes after all plays, so that a run with it has the same epochs as one without.
    personas, tasks = config.held_out
    if personas:
        context = EpochContext(agents, "holdout", config.epochs + 1, first, personas, tasks, emit)
        await run_holdout(context, product, declared, config.holdout_estimand)
    emit(events.RunFinished(id="run", epochs=config.epochs, version=product.version))


def _run_started(
    config: ExperimentConfig, agents: Agents, constitution: Constitution, run_id: str, digests: Mapping[str, str]
) -> events.RunStarted:
    return events.RunStarted(
        id="run",
        run_id=run_id,
        name=config.name,
        scai=__version__,
        seed=config.seed,
        epochs=config.epochs,
        personas={persona.id: persona.called for persona in config.personas.inline},
        tasks=tuple(task.id for task in config.tasks.inline),
        models=agents.models,
        metrics={"own": config.ratings.own, "cross": config.ratings.cross},
        scale=config.ratings.scale,
        welfare=welfare.parse(config.welfare).label,
        constitution=constitution,
        system_message=agents.prompts.system_message(constitution),
        digests=digests,
        messages=None if config.dialogue == ASSIST else agents.messages,
    )


def _drawn(
    config: ExperimentConfig, epoch: int, set_aside: Collection[str]
) -> tuple[tuple[Persona, ...], tuple[Task, ...]]:
    """Return the personas and tasks of an epoch; of those set aside their share, and at least one if it has two."""
    people, count, seed = config.train_personas, config.personas.per_epoch, f"{config.seed}/e{epoch}/personas"
    tasks = draw(config.train_tasks, config.tasks.per_epoch, f"{config.seed}/e{epoch}/tasks")
    if count is None or not set_aside:
        return draw(people, count, seed), tasks
    tried = min(count - 1, max(1, round(count * len(set_aside) / len(people))))
    groups = [[p for p in people if (p.id in set_aside) is aside] for aside in (True, False)]
    chosen = {p.id for n, group in zip((tried, count - tried), groups, strict=True) for p in draw(group, n, seed)}
    return tuple(p for p in people if p.id in chosen), tasks


async def _play_and_measure(
    context: EpochContext, declared: WelfareFunction, keep: Keep | None = None, *, is_product: bool = False
) -> tuple[Sequence[Outcome], EpochUtilities]:
    """Play an epoch from its `epoch_started` to its `welfare`; `keep` as in `play`."""
    context.emit(
        events.EpochStarted(
            id=context.id,
            epoch=context.epoch,
            version=context.constitution.version,
            personas=tuple(persona.id for persona in context.personas),
            tasks=tuple(task.id for task in context.tasks),
            product=is_product,
        )
    )
    outcomes, checks = await _play_and_check(context, keep)
    stops.stop_if_all_refused(context, outcomes)
    if checks:
        context.emit(events.RatersChecked(id=f"{context.id}/rater-check", checks=checks))
    stops.stop_if_unreadable(context, outcomes)
    # Failures are final only now: a run that stopped within the epoch makes the failed calls again when it is resumed.
    for outcome in outcomes:
        for event in outcome.withheld:
            context.emit(event)
    utilities = _measure(context, outcomes, declared)
    stop_if_a_rater_failed(context, checks)
    return outcomes, utilities


async def _play_and_check(context: EpochContext, keep: Keep | None) -> tuple[Sequence[Outcome], tuple[RaterCheck, ...]]:
    """Play an epoch; in the first one, check the users' models meanwhile."""
    if context.epoch > 1 or context.settled or not context.agents.checks_raters:
        return await play(context, keep=keep), ()
    jobs: list[Coroutine[Any, Any, Any]] = [
        play(context, keep=keep),
        check_raters(context, f"{context.id}/rater-check"),
    ]
    outcomes, checks = await together(jobs)
    return outcomes, checks


def _measure(context: EpochContext, outcomes: Sequence[Outcome], declared: WelfareFunction) -> EpochUtilities:
    """Emit the utilities and the welfare of the epoch."""
    utilities = epoch_utilities(context, outcomes)
    context.emit(
        events.WelfareMeasured(
            id=context.id,
            epoch=context.epoch,
            version=context.constitution.version,
            declared=declared.label,
            utilities=utilities.utilities,
            satisfaction=utilities.satisfaction,
            harmlessness=utilities.harmlessness,
            observed=utilities.observed,
            values=utilities.values(declared),
            missing=utilities.missing,
            measured=utilities.measured,
        )
    )
    return utilities


async def _revise(
    context: RevisionContext,
    revised: Mapping[str, events.Revised],
    before: events.Revised | None,
    ballots: list[events.BallotCast],
) -> events.Revised:
    """Propose, check, accept and emit a revision, and note its ballots; `before` is the one of the epoch before.

    Raises RunUnhealthy before anything of it is emitted, so that a resume can request it again with other settings;
    after it if the endpoint refuses the prompt, so that a resume continues.
    """
    held: list[events.Event] = []
    event = await _proposed(replace(context, epoch_context=replace(context.epoch_context, emit=held.append)))
    event = revised.get(event.id, event)
    if event.no_answer != "failed":
        stops.stop_if_not_revised(context, event, before, held)
    for each in (*held, event):
        context.epoch_context.emit(each)
        if isinstance(each, events.BallotCast):
            ballots.append(each)
    stops.stop_if_not_revised(context, event, before, held)
    return event


async def _proposed(context: RevisionContext) -> events.Revised:
    revision, epoch_context = context.config.revision, context.epoch_context
    strategy: Strategy = plugins.resolve("strategy", revision.strategy)
    acceptance: Acceptance = plugins.resolve("acceptance", revision.acceptance)
    # A refused prompt keeps the constitution and not the run: the next epoch may still revise it.
    candidates: Sequence[Candidate] = ()
    failed = False
    try:
        candidates = [checked(context, candidate) for candidate in await propose(context, strategy)]
        sound = [c for c in candidates if c.constitution is not None and c.objection is None]
        result = await acceptance(context, sound) if sound else AcceptanceResult(None, _objections(candidates), {})
        adopted = result.adopted
        if adopted is not None and adopted not in sound:  # a rule may adopt a part of a candidate
            adopted = checked(context, adopted.model_copy(update={"objection": None}))
            if adopted.constitution is None or adopted.objection or adopted.id not in {c.id for c in sound}:
                adopted = None
                result = replace(result, reason="the acceptance rule adopted what it was not given")
            result = replace(result, adopted=adopted)
    except CallFailed as error:
        stops.stop_if_too_long(context, error)
        stops.stop_if_too_many([error], 1, context.agents.max_failures, f"revisions of epoch {epoch_context.epoch}")
        epoch_context.emit(epoch_context.problem(error, context.id))
        result, failed = AcceptanceResult(None, "the revision failed; the constitution is kept", {}), True
    missing = [candidate.no_answer for candidate in candidates]
    no_answer = "failed" if failed else missing[0] if missing and all(missing) else None
    return _revised(context, candidates, result).model_copy(update={"no_answer": no_answer})


def _objections(candidates: Sequence[Candidate]) -> str:
    objections = [candidate.objection for candidate in candidates if candidate.objection]
    return f"no candidate could be adopted: {'; '.join(objections)}" if objections else "no change was proposed"


def _revised(context: RevisionContext, candidates: Sequence[Candidate], result: AcceptanceResult) -> events.Revised:
    adopted = result.adopted
    constitution = adopted.constitution if adopted and adopted.constitution else context.constitution
    shown = adopted or (candidates[0] if candidates else None)
    return events.Revised(
        id=context.id,
        epoch=context.epoch_context.epoch,
        accepted=adopted is not None,
        reason=result.reason,
        critique=shown.critique if shown else "",
        edits=adopted.edits if adopted else (),
        from_version=context.constitution.version,
        constitution=constitution,
        system_message=context.agents.prompts.system_message(constitution),
        candidates=tuple(c.model_copy(update={"scores": result.scores.get(c.id, {})}) for c in candidates),
        ballots=result.ballots,
        ratified=result.ratified,
    )
