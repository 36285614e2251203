"""The people and tasks of an evaluation, their conversations, and whether their models can rate."""

from collections.abc import Sequence
from dataclasses import replace

from scai_cli.errors import ConfigError
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.suite import SuiteContext, SuiteSource, System
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.rater_check import check_rater, fault, is_checked, verdict
from scai_cli.simulation.transcript import Conversation
from scai_cli.values import draw


def members(config: ExperimentConfig) -> tuple[Sequence[Persona], Sequence[Task]]:
    """Return the people and tasks that were held out, or all of both if nothing was; raises ConfigError for none."""
    people, tasks = config.held_out
    people, tasks = people or config.personas.inline, tasks or config.tasks.inline
    if not people or not tasks:
        raise ConfigError(
            "--suite: conversations need simulated people and tasks; name a run, or give an experiment with --config"
        )
    return people, tasks


def simulated(people: Sequence[Persona]) -> list[Persona]:
    """Return the people that a model plays."""
    return [person for person in people if not person.human]


def talk_items(suite: str, source: SuiteSource, people: Sequence[Persona]) -> Sequence[Item]:
    """Return an item for each person and task; about `n` of them are of whole tasks, so that others rate each answer.

    Tasks are drawn with the seed, and people only if one task has more than `n` of them.
    """
    if source.file is not None:
        raise ConfigError(
            f"--suite {suite}={source.file}: its items are people and tasks; name an experiment with --config"
        )
    config, tasks = source.config, members(source.config)[1]
    if source.n is not None:
        tasks = draw(tasks, max(1, source.n // max(1, len(people))), f"{config.seed}/{suite}/tasks")
        people = draw(people, source.n, f"{config.seed}/{suite}/people")
    return [
        Item(
            id=f"{person.id}/{task.id}",
            suite=suite,
            prompt=task.prompt,
            cluster=person.id,
            source=config.name,
            licence=task.source.licence or "not stated",
            persona=person.id,
            task=task.id,
        )
        for person in people
        for task in tasks
    ]


def setting(context: SuiteContext, system: System) -> EpochContext:
    """Return what the conversations of the members with a system are played in."""
    people, tasks = members(context.config)
    return EpochContext(
        replace(context.agents, assistant=system.assistant),
        context.variant(system),
        0,
        system.constitution,
        people,
        tasks,
        emit=lambda _: None,
        same_system=[] if system.message is None else [system.message],
    )


def without_cross_ratings(place: EpochContext) -> EpochContext:
    """Return the same place, where nobody rates the answers that others got."""
    ratings = place.agents.ratings.model_copy(update={"cross_raters": 0})
    return replace(place, agents=replace(place.agents, ratings=ratings))


async def talk(place: EpochContext, item: Item) -> Conversation:
    """Play the conversation of an item, with its ratings."""
    person = next(p for p in place.personas if p.id == item.persona)
    task = next(t for t in place.tasks if t.id == item.task)
    return await converse(place, person, task)


async def rater_problem(context: SuiteContext) -> str | None:
    """Return why a model that rates cannot, by the rater check; None if all can, or are simulated."""
    agents = context.agents
    models = [agent for agent in agents.raters if is_checked(agent.config)]
    for number, agent in enumerate(models, 1):
        check = await check_rater(agent, agents.prompts, f"{context.call}/{number}", agents.ratings.scale)
        if check.passed is False:
            return f"this rater ({check.model}) {fault(check)}: {verdict(check)}"
    return None
