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
from scai_cli.simulation.best_version import Ranking
from scai_cli.simulation.candidate_checks import examined
from scai_cli.simulation.controls import control, judge
from scai_cli.simulation.epoch import play
from scai_cli.simulation.epoch_context import Company, Emit, Stage
from scai_cli.simulation.holdout import prove
from scai_cli.simulation.revision import Acceptance, Occasion, Strategy, Verdict
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import Contentment, contentment
from scai_cli.social_choice import welfare
from scai_cli.values import draw


async def simulate(company: Company, emit: Emit, *, run_id: str, digests: Mapping[str, str]) -> None:
    """Run an experiment from its first epoch to its last; everything that happens is emitted as events.

    Deterministic in the config and the models' answers: run again over recorded answers it emits equal events. Raises
    what stops a run (`errors.STOPS`).
    """
    config = company.config
    constitution = start = initial_constitution(config)
    emit(_started(company, start, run_id, digests))
    past: deque[Sequence[Conversation]] = deque(maxlen=config.revision.memory - 1)
    ranking, anchors = Ranking(welfare.parse(config.welfare)), Anchors()
    for epoch in range(1, config.epochs + 1):
        stage = _stage(company, epoch, constitution, emit)
        emit(_epoch_started(stage))
        conversations = await play(stage)
        content = _measured(stage, conversations, await anchors.drift(stage, conversations))
        ranking.note(constitution, content)
        occasion = Occasion(stage, f"{stage.place}/revision", conversations, content, list(past))
        constitution = await _revised(occasion)
        past.append(conversations)
    if config.controls:
        await control(stage, conversations)
    if company.judge is not None:
        await judge(stage, conversations)
    product = ranking.best if config.revision.best_so_far else constitution
    if config.held_out[0]:
        await prove(company, start, product, emit)
    emit(RunFinished(id="run", epochs=config.epochs, version=product.version))


def initial_constitution(config: ExperimentConfig) -> Constitution:
    """Version 0, as the experiment gives it."""
    start = config.constitution
    adds = [Add(text=text) for text in start.principles]
    adds += [Add(text=clause.text, users=clause.users) for clause in start.contract]
    return Constitution().apply(adds, epoch=0).model_copy(update={"version": 0})


def _stage(company: Company, epoch: int, constitution: Constitution, emit: Emit) -> Stage:
    config, place = company.config, f"e{epoch}"
    personas = draw(config.cast, config.personas.per_epoch, f"{config.seed}/{place}/personas")
    tasks = draw(config.agenda, config.tasks.per_epoch, f"{config.seed}/{place}/tasks")
    return Stage(company, place, epoch, constitution, personas, tasks, emit)


def _started(company: Company, constitution: Constitution, run_id: str, digests: Mapping[str, str]) -> RunStarted:
    config = company.config
    return RunStarted(
        id="run",
        run_id=run_id,
        name=config.name,
        scai=__version__,
        seed=config.seed,
        epochs=config.epochs,
        personas={persona.id: persona.called for persona in config.personas.inline},
        tasks=tuple(task.id for task in config.tasks.inline),
        models=company.models,
        metrics={"own": config.ratings.own, "cross": config.ratings.cross},
        scale=config.ratings.scale,
        welfare=welfare.parse(config.welfare).label,
        constitution=constitution,
        system_message=company.prompts.system_message(constitution),
        digests=digests,
    )


def _epoch_started(stage: Stage) -> EpochStarted:
    return EpochStarted(
        id=stage.place,
        epoch=stage.epoch,
        version=stage.constitution.version,
        personas=tuple(persona.id for persona in stage.personas),
        tasks=tuple(task.id for task in stage.tasks),
    )


def _measured(stage: Stage, conversations: Sequence[Conversation], drift: Mapping[str, float | None]) -> Contentment:
    """Tell what failed, then the epoch in numbers."""
    for conversation in conversations:
        for event in conversation.withheld:
            stage.emit(event)
    content = contentment(stage, conversations)
    declared = welfare.parse(stage.company.config.welfare)
    stage.emit(
        WelfareMeasured(
            id=stage.place,
            epoch=stage.epoch,
            version=stage.constitution.version,
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


async def _revised(occasion: Occasion) -> Constitution:
    """Propose, judge, adopt or keep; the constitution of the next epoch."""
    revision, stage = occasion.config.revision, occasion.stage
    strategy: Strategy = plugins.resolve("strategy", revision.strategy)
    acceptance: Acceptance = plugins.resolve("acceptance", revision.acceptance)
    candidates: Sequence[Candidate] = ()
    try:
        candidates = [examined(occasion, candidate) for candidate in await strategy(occasion)]
        sound = [c for c in candidates if c.constitution is not None and c.objection is None]
        verdict = await acceptance(occasion, sound) if sound else Verdict(None, _why_none(candidates), {})
    except CallFailed as error:
        stage.emit(Problem(id=error.call, epoch=stage.epoch, where=occasion.place, problem=str(error)))
        verdict = Verdict(None, "the revision failed; the constitution is kept", {})
    stage.emit(_revision(occasion, candidates, verdict))
    return verdict.adopted.constitution if verdict.adopted and verdict.adopted.constitution else occasion.constitution


def _why_none(candidates: Sequence[Candidate]) -> str:
    objections = [candidate.objection for candidate in candidates if candidate.objection]
    return f"no candidate could be adopted: {'; '.join(objections)}" if objections else "no change was proposed"


def _revision(occasion: Occasion, candidates: Sequence[Candidate], verdict: Verdict) -> Revised:
    adopted = verdict.adopted
    constitution = adopted.constitution if adopted and adopted.constitution else occasion.constitution
    shown = adopted or (candidates[0] if candidates else None)
    return Revised(
        id=occasion.place,
        epoch=occasion.stage.epoch,
        accepted=adopted is not None,
        reason=verdict.reason,
        critique=shown.critique if shown else "",
        edits=adopted.edits if adopted else (),
        from_version=occasion.constitution.version,
        constitution=constitution,
        system_message=occasion.company.prompts.system_message(constitution),
        candidates=tuple(c.model_copy(update={"scores": verdict.scores.get(c.id, {})}) for c in candidates),
    )
