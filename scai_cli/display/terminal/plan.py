"""The plan of an experiment or of a generated set, with its calls, tokens and cost."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

from rich.padding import Padding
from rich.table import Table

from scai_cli.analysis.measured import utility_words
from scai_cli.display.numbers import duration
from scai_cli.display.terminal.consoles import number_table, out, plain_table
from scai_cli.display.terminal.constitution import start_lines
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING, MUTED
from scai_cli.experiment.config import ASSIST, ROLES, ExperimentConfig, ModelRole
from scai_cli.experiment.constitution_start import ConstitutionStart, initial_constitution
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.jobs.generate_estimate import Estimate
from scai_cli.jobs.generate_plan import GeneratePlan
from scai_cli.jobs.plan import Plan
from scai_cli.jobs.probe import QUESTIONS, Probe
from scai_cli.messages import ChatRequest, Usage
from scai_cli.simulation.groups import dev_people
from scai_cli.text.characters import one_line

Name = TypeVar("Name", bound=str)

_WORKS: Final = {True: "yes", False: "no", None: "unknown"}


def print_plan(file: str, config: ExperimentConfig, plan: Plan) -> None:
    """Print the experiment, its calls and tokens by role, its cost, and the hosts that it contacts."""
    console = out()
    for line in (f"{file}: ok", *_description(config)):
        console.print(styled(one_line(line)), soft_wrap=True)
    console.print(use_table("role", plan.calls, {role: plan.usage[role] for role in ROLES}))
    if plan.product_calls:
        condition = "" if plan.product_is_certain else ", if the last revision is adopted"
        console.print(f"{plan.product_calls:,} of the calls play the last version once more{condition}")
    if plan.people:
        console.print(f"people: asked {plan.people:,} times at the terminal")
    console.print(cost_line(plan.usd), soft_wrap=True)
    if (fewer := plan.fewer_raters) is not None:
        calls = f"{fewer.calls:,} calls; {cost_line(fewer.usd)}"
        console.print(f"with `ratings.cross_raters: {fewer.cross_raters}` in place of all: {calls}", soft_wrap=True)
    for host in plan.hosts:
        line = f"calls {host.host} with {host.key_in_words}: {', '.join(host.models)}"
        for text in filter(None, (line, host.refusal)):
            console.print(styled(one_line(text)), soft_wrap=True)
    if not plan.whole:
        console.print("(rehearsed with a part of the experiment and scaled up)")


def cost_line(usd: float | None) -> str:
    """Return an expected cost in words; None is an unknown price."""
    if usd is None:
        return "cost: unknown; add --set 'prices={MODEL: {input: X, output: Y}}' ($ a million)"
    return "cost: nothing" if usd == 0 else f"cost: about ${usd:.4f}"


def time_line(found: Estimate) -> str:
    """Return an expected time in words."""
    if found.seconds is not None:
        return f"time: about {duration(found.seconds)}"
    if found.least_seconds:
        return f"time: at least {duration(found.least_seconds)}, by the limits per minute"
    return "time: unknown; no run has timed these models"


def use_table(title: str, calls: Mapping[Name, int], usage: Mapping[Name, Usage]) -> Table:
    """Return a table of the calls and tokens of each role or purpose, with their total."""
    table = number_table(title, "calls", "input tokens", "output tokens")
    for name, used in usage.items():
        table.add_row(name, f"{calls[name]:,}", f"{used.input_tokens:,}", f"{used.output_tokens:,}")
    used = sum(usage.values(), Usage())
    table.add_row("total", f"{sum(calls.values()):,}", f"{used.input_tokens:,}", f"{used.output_tokens:,}")
    return table


def print_generate_plan(plan: GeneratePlan) -> None:
    """Print the rows of a generated set, its calls and tokens by purpose, its cost and its time."""
    console = out()
    users = f", {plan.users} users in turn" if plan.users else ""
    console.print(f"{plan.rows:,} rows from {plan.tasks:,} tasks{users}")
    console.print(use_table("purpose", plan.calls, plan.estimate.usage))
    if plan.total_with_votes > plan.total:
        console.print(f"{plan.total_with_votes:,} calls if the judge's endpoint gives no log-probabilities")
    console.print(cost_line(plan.estimate.usd), soft_wrap=True)
    console.print(time_line(plan.estimate))


def print_probe(probe: Probe) -> None:
    """Print what each model can do, what to set, and the cost of the questions."""
    console = out()
    for model in probe.models:
        title = f"{model.model} at {model.address} ({', '.join(model.roles)})"
        console.print(styled(f"\n{one_line(title)}", HEADING), soft_wrap=True)
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
        console.print(styled(f"=== {request.purpose} ({request.role}): {request.id}", HEADING))
        for message in request.messages:
            console.print(styled(f"--- {message.role}", MUTED))
            console.print(styled(message.content), soft_wrap=True)
        console.print()


def _locked(start: ConstitutionStart) -> Iterator[str]:
    """Yield the locked rules; one that the start from a file or run adds to it may be a line of it, mistyped."""
    earlier = {rule.text: rule.id for rule in start.base.principles}
    for rule in initial_constitution(start).locked:
        note = ""
        if start.source is not None and rule.text not in earlier:
            near = get_close_matches(rule.text, earlier, n=1, cutoff=0.8)
            note = f" (a new rule beside {earlier[near[0]]}: {near[0]})" if near else " (a new rule)"
        yield f"locked: {rule.id} {rule.text}{note}"


def _measures(ratings: Ratings) -> Iterator[str]:
    """Yield what programs measure in the answers, with its code, and its weight beside the ratings."""
    for each in ratings.measures:
        code = "" if each.measure == each.name else f" by {each.measure}"
        yield f"measure {each.name}{code}, weight {each.weight:g}: {each.words}"
    if words := utility_words(ratings):
        yield f"utilities: {words}"


def _description(config: ExperimentConfig) -> list[str]:
    personas, tasks = config.personas, config.tasks
    roles: tuple[ModelRole, ...] = (*ROLES, "rater") if config.has_rater else ROLES
    models = ", ".join(f"{role}: {config.model_for(role).label}" for role in roles)
    own = [config.model_of(persona) for persona in personas.inline if persona.model is not None]
    if own:
        names = {f"{model.label} at {model.base_url}" if model.base_url else model.label for model in own}
        models += f"; {len(own)} personas have their own: {', '.join(sorted(names))}"
    if people := [persona.called for persona in personas.inline if persona.human]:
        models += f"; asked at the terminal: {', '.join(people)}"
    kinds = ((personas.per_epoch, "personas"), (tasks.per_epoch, "tasks"))
    each = [f"{count} {what} an epoch" for count, what in kinds if count]
    some = f" ({', '.join(each)})" if each else ""
    dev, train = len(dev_people(config)), (config.train_personas, config.train_tasks)
    left = zip((personas.inline, tasks.inline), train, ("personas", "tasks"), strict=True)
    held_out = [f"{len(every) - len(kept)} {what}" for every, kept, what in left if len(every) > len(kept)]
    return [
        f"{config.name}: {len(personas.inline)} personas x {len(tasks.inline)} tasks{some}",
        f"{config.turns} turns, {config.epochs} epochs, seed {config.seed}"
        + (f", dialogue {config.dialogue}" if config.dialogue != ASSIST else ""),
        models,
        *start_lines(config.constitution),
        *_locked(config.constitution),
        *_measures(config.ratings),
        f"strategy {config.revision.strategy}, acceptance {config.revision.acceptance}, welfare {config.welfare}",
        *([f"own ratings are calibrated on {found.words}"] if (found := config.ratings.calibration) else []),
        *([f"held out, without a part in the rules: {' and '.join(held_out)}"] if held_out else []),
        *([f"kept for trials of the revisions: {dev} of {len(train[0])} personas"] if dev else []),
    ]
