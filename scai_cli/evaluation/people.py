"""The people and tasks of an evaluation, and whether their models can rate."""

from collections.abc import Sequence

from scai_cli.errors import ConfigError
from scai_cli.evaluation.suite import SuiteContext
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.personas import HUMAN, Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.rater_check import check_rater, fault, verdict


def members(config: ExperimentConfig) -> tuple[Sequence[Persona], Sequence[Task]]:
    """Return the people and tasks that were held out, or all of both if nothing was; raises ConfigError for none."""
    people, tasks = config.held_out
    people, tasks = people or config.personas.inline, tasks or config.tasks.inline
    if not people or not tasks:
        raise ConfigError(
            "--suite: conversations need simulated people and tasks; name a run, or give an experiment with --config"
        )
    return people, tasks


async def rater_problem(context: SuiteContext) -> str | None:
    """Return why a model of the users cannot rate, by the rater check; None if all can, or are simulated."""
    agents = context.agents
    distinct = {agent.config.model_dump_json(): agent for agent in (agents.user, *agents.own.values())}
    models = [agent for agent in distinct.values() if agent.config.provider not in ("simulated", HUMAN)]
    for number, agent in enumerate(models, 1):
        check = await check_rater(agent, agents.prompts, f"{context.call}/{number}", agents.ratings.scale)
        if check.passed is False:
            return f"this rater ({check.model}) {fault(check)}: {verdict(check)}"
    return None
