"""`scai plan` and `scai check`: what an experiment would do and take."""

from __future__ import annotations

from collections.abc import Iterable

from scai_cli.display.terminal.consoles import number_table, out
from scai_cli.display.terminal.escape import styled
from scai_cli.experiment.config import ROLES, ExperimentConfig
from scai_cli.experiment.personas import Persona
from scai_cli.jobs.plan import Plan
from scai_cli.messages import ChatRequest
from scai_cli.simulation.agent import model_name
from scai_cli.text.characters import one_line


def print_plan(plan: Plan) -> None:
    """Print calls and tokens by role, and the money."""
    table = number_table("role", "calls", "input tokens", "output tokens")
    for role in ROLES:
        used = plan.usage[role]
        table.add_row(role, f"{plan.calls[role]:,}", f"{used.input_tokens:,}", f"{used.output_tokens:,}")
    total = plan.as_object()
    tokens = total["tokens"]
    table.add_row("total", f"{total['calls']['total']:,}", f"{tokens['input']:,}", f"{tokens['output']:,}")
    console = out()
    console.print(table)
    if plan.people:
        console.print(f"people: asked {plan.people:,} times at the terminal")
    if plan.usd is None:
        console.print("cost: unknown; name the model's price under `prices:`")
    else:
        console.print("cost: nothing" if plan.usd == 0 else f"cost: about ${plan.usd:.4f}")
    if not plan.whole:
        console.print("(rehearsed with a part of the experiment and scaled up)")


def print_prompts(requests: Iterable[ChatRequest]) -> None:
    """Print one request of every kind."""
    console = out()
    for request in requests:
        console.print(styled(f"=== {request.purpose} ({request.role}): {request.id}", "bold"))
        for message in request.messages:
            console.print(styled(f"--- {message.role}", "dim"))
            console.print(styled(message.content), soft_wrap=True)
        console.print()


def print_check(file: str, config: ExperimentConfig) -> None:
    """Say in a few lines what an experiment would do."""
    console = out()
    personas, tasks = config.personas, config.tasks
    models = ", ".join(f"{role}: {model_name(config.model_for(role))}" for role in ROLES)
    own = [persona for persona in personas.inline if persona.model is not None]
    if own:
        models += f"; {len(own)} personas have their own: {', '.join(sorted({_address(config, p) for p in own}))}"
    people = [persona.called for persona in personas.inline if persona.human]
    if people:
        models += f"; asked at the terminal: {', '.join(people)}"
    each = [
        f"{spec.per_epoch} {what} an epoch"
        for spec, what in ((personas, "personas"), (tasks, "tasks"))
        if spec.per_epoch
    ]
    some = f" ({', '.join(each)})" if each else ""
    lines = [
        f"{file}: ok",
        f"{config.name}: {len(personas.inline)} personas x {len(tasks.inline)} tasks{some}",
        f"{config.turns} turns, {config.epochs} epochs, seed {config.seed}",
        models,
        f"strategy {config.revision.strategy}, acceptance {config.revision.acceptance}, welfare {config.welfare}",
    ]
    for line in lines:
        console.print(styled(one_line(line)), soft_wrap=True)


def _address(config: ExperimentConfig, persona: Persona) -> str:
    model = config.model_of(persona)
    return f"{model_name(model)} at {model.base_url}" if model.base_url else model_name(model)
