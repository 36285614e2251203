"""The loop: each epoch plays, measures, revises; the dialogue is reset and only the constitution goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from scai_cli import __version__, plugins
from scai_cli.errors import CallFailed
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Add, Constitution
from scai_cli.runs.events import Candidate, EpochStarted, Problem, Revised, RunFinished, RunStarted, WelfareMeasured
from scai_cli.simulation.anchors import Anchors
from scai_cli.simulation.best_version import VersionRanking
from scai_cli.simulation.candidate_checks import checked
from scai_cli.simulation.controls import control, judge
from scai_cli.simulation.epoch import play
from scai_cli.simulation.epoch_context import Agents, Emit, EpochContext
from scai_cli.simulation.holdout import run_holdout
from scai_cli.simulation.revision import Acceptance, AcceptanceResult, RevisionContext, Strategy
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import EpochUtilities, epoch_utilities
from scai_cli.social_choice import welfare
from scai_cli.values import draw


async def simulate(agents: Agents, emit: Emit, *, run_id: str, digests: Mapping[str, str]) -> None:
    """Run an experiment from its first epoch to its last; everything that happens is emitted as events.

    Deterministic in the config and the models' answers: run again over recorded answers it emits equal events. Raises
    what stops a run (`errors.STOPS`).
    """
    config = agents.config
    constitution = start = initial_constitution(config)
    emit(_started(agents, start, run_id, digests))
    past: deque[Sequence[Conversation]] = deque(maxlen=config.revision.memory - 1)
    ranking, anchors = VersionRanking(welfare.parse(config.welfare)), Anchors()
    for epoch in range(1, config.epochs + 1):
        epoch_context = _stage(agents, epoch, constitution, emit)
        emit(_epoch_started(epoch_context))
        conversations = await play(epoch_context)
        content = _measured(epoch_context, conversations, await anchors.drift(epoch_context, conversations))
        ranking.note(constitution, content)
        context = RevisionContext(epoch_context, f"{epoch_context.place}/revision", conversations, content, list(past))
        constitution = await _revised(context)
        past.append(conversations)
    if config.controls:
        await control(epoch_context, conversations)
    if agents.judge is not None:
        await judge(epoch_context, conversations)
    product = ranking.best if config.revision.best_so_far else constitution
    if config.held_out[0]:
        await run_holdout(agents, start, product, emit)
    emit(RunFinished(id="run", epochs=config.epochs, version=product.version))


def initial_constitution(config: ExperimentConfig) -> Constitution:
    """Version 0, as the experiment gives it."""
    start = config.constitution
    adds = [Add(text=text) for text in start.principles]
    adds += [Add(text=clause.text, users=clause.users) for clause in start.contract]
    return Constitution().apply(adds, epoch=0).model_copy(update={"version": 0})


def _stage(agents: Agents, epoch: int, constitution: Constitution, emit: Emit) -> EpochContext:
    config, place = agents.config, f"e{epoch}"
    personas = draw(config.train_personas, config.personas.per_epoch, f"{config.seed}/{place}/personas")
    tasks = draw(config.train_tasks, config.tasks.per_epoch, f"{config.seed}/{place}/tasks")
    return EpochContext(agents, place, epoch, constitution, personas, tasks, emit)


def _started(agents: Agents, constitution: Constitution, run_id: str, digests: Mapping[str, str]) -> RunStarted:
    config = agents.config
    return RunStarted(
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
    )


def _epoch_started(epoch_context: EpochContext) -> EpochStarted:
    return EpochStarted(
        id=epoch_context.place,
        epoch=epoch_context.epoch,
        version=epoch_context.constitution.version,
        personas=tuple(persona.id for persona in epoch_context.personas),
        tasks=tuple(task.id for task in epoch_context.tasks),
    )


def _measured(
    epoch_context: EpochContext, conversations: Sequence[Conversation], drift: Mapping[str, float | None]
) -> EpochUtilities:
    """Tell what failed, then the epoch in numbers."""
    for conversation in conversations:
        for event in conversation.withheld:
            epoch_context.emit(event)
    content = epoch_utilities(epoch_context, conversations)
    declared = welfare.parse(epoch_context.agents.config.welfare)
    epoch_context.emit(
        WelfareMeasured(
            id=epoch_context.place,
            epoch=epoch_context.epoch,
            version=epoch_context.constitution.version,
            declared=declared.label,
            utilities=content.utilities,
            satisfaction=content.satisfaction,
            harmlessness=content.harmlessness,
            observed=content.observed,
            values=content.values(declared),
            missing=content.missing,
            drift=drift,
            corrected=_corrected(content.satisfaction, drift),
        )
    )
    return content


def _corrected(satisfaction: Mapping[str, float | None], drift: Mapping[str, float | None]) -> dict[str, float | None]:
    """Satisfaction minus drift, None where one of them is missing."""
    pairs = {persona: (satisfaction.get(persona), change) for persona, change in drift.items()}
    return {persona: None if s is None or d is None else s - d for persona, (s, d) in pairs.items()}


async def _revised(context: RevisionContext) -> Constitution:
    """Propose, judge, adopt or keep; the constitution of the next epoch."""
    revision, epoch_context = context.config.revision, context.epoch_context
    strategy: Strategy = plugins.resolve("strategy", revision.strategy)
    acceptance: Acceptance = plugins.resolve("acceptance", revision.acceptance)
    candidates: Sequence[Candidate] = ()
    try:
        candidates = [checked(context, candidate) for candidate in await strategy(context)]
        sound = [c for c in candidates if c.constitution is not None and c.objection is None]
        verdict = await acceptance(context, sound) if sound else AcceptanceResult(None, _why_none(candidates), {})
    except CallFailed as error:
        epoch_context.emit(Problem(id=error.call, epoch=epoch_context.epoch, where=context.place, problem=str(error)))
        verdict = AcceptanceResult(None, "the revision failed; the constitution is kept", {})
    epoch_context.emit(_revision(context, candidates, verdict))
    return verdict.adopted.constitution if verdict.adopted and verdict.adopted.constitution else context.constitution


def _why_none(candidates: Sequence[Candidate]) -> str:
    objections = [candidate.objection for candidate in candidates if candidate.objection]
    return f"no candidate could be adopted: {'; '.join(objections)}" if objections else "no change was proposed"


def _revision(context: RevisionContext, candidates: Sequence[Candidate], verdict: AcceptanceResult) -> Revised:
    adopted = verdict.adopted
    constitution = adopted.constitution if adopted and adopted.constitution else context.constitution
    shown = adopted or (candidates[0] if candidates else None)
    return Revised(
        id=context.place,
        epoch=context.epoch_context.epoch,
        accepted=adopted is not None,
        reason=verdict.reason,
        critique=shown.critique if shown else "",
        edits=adopted.edits if adopted else (),
        from_version=context.constitution.version,
        constitution=constitution,
        system_message=context.agents.prompts.system_message(constitution),
        candidates=tuple(c.model_copy(update={"scores": verdict.scores.get(c.id, {})}) for c in candidates),
    )
