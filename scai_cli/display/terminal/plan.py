"""`scai check`: the plan of an experiment, with its calls, tokens and cost."""

from collections.abc import Iterable
from typing import Final

from rich.padding import Padding
from rich.table import Table

from scai_cli.display.terminal.consoles import number_table, out, plain_table
from scai_cli.display.terminal.constitution import start_lines
from scai_cli.display.terminal.escape import styled
from scai_cli.experiment.config import ROLES, ExperimentConfig
from scai_cli.experiment.constitution_start import initial_constitution
from scai_cli.jobs.plan import Plan
from scai_cli.jobs.probe import QUESTIONS, Probe
from scai_cli.messages import ChatRequest
from scai_cli.simulation.groups import dev_people
from scai_cli.text.characters import one_line

_WORKS: Final = {True: "yes", False: "no", None: "unknown"}


def print_plan(file: str, config: ExperimentConfig, plan: Plan) -> None:
    """Print the experiment, its calls and tokens by role, its cost, and the hosts that it contacts."""
    console = out()
    for line in (f"{file}: ok", *_description(config)):
        console.print(styled(one_line(line)), soft_wrap=True)
    console.print(_table(plan))
    if plan.product_calls:
        condition = "" if plan.product_is_certain else ", if the last revision is adopted"
        console.print(f"{plan.product_calls:,} of the calls play the product at the end{condition}")
    if plan.people:
        console.print(f"people: asked {plan.people:,} times at the terminal")
    if plan.usd is None:
        console.print("cost: unknown; name the model's price under `prices:`")
    else:
        console.print("cost: nothing" if plan.usd == 0 else f"cost: about ${plan.usd:.4f}")
    for host in plan.hosts:
        line = f"calls {host.host} with {host.key_in_words}: {', '.join(host.models)}"
        for text in filter(None, (line, host.refusal)):
            console.print(styled(one_line(text)), soft_wrap=True)
    if not plan.whole:
        console.print("(rehearsed with a part of the experiment and scaled up)")


def _table(plan: Plan) -> Table:
    table = number_table("role", "calls", "input tokens", "output tokens")
    for role in ROLES:
        used = plan.usage[role]
        table.add_row(role, f"{plan.calls[role]:,}", f"{used.input_tokens:,}", f"{used.output_tokens:,}")
    total = plan.as_object()
    tokens = total["tokens"]
    table.add_row("total", f"{total['calls']['total']:,}", f"{tokens['input']:,}", f"{tokens['output']:,}")
    return table


def print_probe(probe: Probe) -> None:
    """Print what each model can do, what to set, and the cost of the questions."""
    console = out()
    for model in probe.models:
        title = f"{model.model} at {model.address} ({', '.join(model.roles)})"
        console.print(styled(f"\n{one_line(title)}", "bold"), soft_wrap=True)
        table = plain_table(header=False)
        for name, finding in model.findings.items():
            table.add_row(f"  {QUESTIONS[name]}", _WORKS[finding.works], styled(one_line(finding.detail)))
        console.print(table)
        for line in filter(None, (model.problem, *model.advice)):
            console.print(Padding(styled(one_line(line)), (0, 0, 0, 2)))
    cost = "unknown" if probe.usd is None else f"${probe.usd:.4f}" if probe.usd else "nothing"
    console.print(f"probe: {probe.calls:,} calls, {probe.tokens:,} tokens; cost: {cost}")


def print_prompts(requests: Iterable[ChatRequest]) -> None:
    """Print one request of each kind."""
    console = out()
    for request in requests:
        console.print(styled(f"=== {request.purpose} ({request.role}): {request.id}", "bold"))
        for message in request.messages:
            console.print(styled(f"--- {message.role}", "dim"))
            console.print(styled(message.content), soft_wrap=True)
        console.print()


def _description(config: ExperimentConfig) -> list[str]:
    personas, tasks = config.personas, config.tasks
    models = ", ".join(f"{role}: {config.model_for(role).label}" for role in ROLES)
    own = [config.model_of(persona) for persona in personas.inline if persona.model is not None]
    if own:
        names = {f"{model.label} at {model.base_url}" if model.base_url else model.label for model in own}
        models += f"; {len(own)} personas have their own: {', '.join(sorted(names))}"
    if people := [persona.called for persona in personas.inline if persona.human]:
        models += f"; asked at the terminal: {', '.join(people)}"
    kinds = ((personas.per_epoch, "personas"), (tasks.per_epoch, "tasks"))
    each = [f"{count} {what} an epoch" for count, what in kinds if count]
    some = f" ({', '.join(each)})" if each else ""
    dev = len(dev_people(config))
    return [
        f"{config.name}: {len(personas.inline)} personas x {len(tasks.inline)} tasks{some}",
        f"{config.turns} turns, {config.epochs} epochs, seed {config.seed}",
        models,
        *start_lines(config.constitution),
        *(f"locked: {rule.id} {rule.text}" for rule in initial_constitution(config.constitution).locked),
        f"strategy {config.revision.strategy}, acceptance {config.revision.acceptance}, welfare {config.welfare}",
        *([f"set aside, to try revisions on: {dev} personas"] if dev else []),
    ]
