"""Leave-one-out: a run's constitution is played again without each of its rules, to see who gains and who loses.

All variants of a conversation have the same seeds. What is asked is logged and replayed in the run's folder
`explain/`; the run's own files are only read.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from scai_cli.analysis.leave_one_out import Explanation, RuleEffect, quotes
from scai_cli.concurrency import together
from scai_cli.errors import LimitReached, RunError
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.run import refuse_foreign
from scai_cli.jobs.session import loop_factory
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.locked_folder import CALLS, LockedFolder
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.epoch import failures
from scai_cli.simulation.epoch_context import Agents, EpochContext
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import PairedUtilities, difference, epoch_utilities
from scai_cli.social_choice import welfare
from scai_cli.values import did_you_mean

FOLDER = "explain"
PLACE = "explain"
WHOLE = "~whole"

Seat = tuple[Persona, Task]


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """What is asked about a run: at most `budget` calls in all, two users to set apart, whether foreign code runs."""

    budget: int = 1000
    users: tuple[str, str] | None = None
    trust: bool = False


def explain(path: Path, question: ExplainOptions) -> Explanation:
    """Explain every rule of a finished run's product.

    Raises RunError for a run that has not finished, users that took no part, or a budget that is too small for one
    conversation; LimitReached when the budget is used up by answers that had to be asked for again.
    """
    history = read_history(path)
    _check(history, question)
    config = history.config.model_copy(
        update={"limits": history.config.limits.model_copy(update={**_NO_BOUNDS, "calls": question.budget})}
    )
    pool = ModelPool.connect(config)
    try:
        folder = LockedFolder.open(path / FOLDER, CALLS)
        with (
            closing(folder),
            closing(CallIndex.read(folder.path / CALLS)) as index,
            asyncio.Runner(loop_factory=loop_factory(config)) as runner,
        ):
            return runner.run(_session(pool, folder, index, history, question))
    finally:
        pool.close_cache()


_NO_BOUNDS = {"tokens": None, "usd": None, "seconds": None}


async def _session(
    pool: ModelPool, folder: LockedFolder, index: CallIndex, history: History, question: ExplainOptions
) -> Explanation:
    pool.charge(index, 0.0)
    agents = pool.agents(folder.log_call, index)
    try:
        with Interruption(pool.stop, f"scai explain {history.run_id}") as interruption:
            try:
                found = await _explained(agents, history, question)
            except asyncio.CancelledError:
                if interruption.error is None:
                    raise
                raise interruption.error from None
    except LimitReached:
        raise LimitReached(
            f"the budget of {question.budget} calls is used up, as some answers were asked for again; what was "
            "answered is kept: go on with a larger --budget"
        ) from None
    finally:
        await pool.aclose()
    return replace(found, calls=sum(gate.meter.calls for gate in pool.gates.values()))


async def _explained(agents: Agents, history: History, question: ExplainOptions) -> Explanation:
    config, (constitution, _) = history.config, history.product
    personas, tasks = config.train_personas, config.train_tasks
    context = EpochContext(agents, PLACE, config.epochs, constitution, personas, tasks, lambda _: None)
    seats = affordable(context, question.budget)
    whole = await _play(context, WHOLE, seats)
    others = [(rule, [seat for seat in seats if _concerns(rule, seat)]) for rule in constitution.rules]
    played = await together(
        _play(replace(context, constitution=without(constitution, rule.id)), f"~{rule.id}", concerned)
        for rule, concerned in others
    )
    base, function = epoch_utilities(context, [*whole.values()]), welfare.parse(config.welfare)
    rules = []
    for (rule, _), again in zip(others, played, strict=True):
        content = epoch_utilities(context, [*{**whole, **again}.values()])
        users = _effects(personas, PairedUtilities.of(content, base))
        gain = difference(content, base, function, seed=config.seed)
        rules.append(RuleEffect(rule, quotes(history, rule), gain, users))
    return Explanation(
        run_id=history.run_id,
        version=constitution.version,
        function=function.label,
        welfare=base.welfare(function),
        rules=rules,
        played=len(seats),
        conversations=len(personas) * len(tasks),
        failed=sum(len(failures(conversations.values())) for conversations in (whole, *played)),
        budget=question.budget,
        users=question.users,
    )


def affordable(context: EpochContext, budget: int) -> list[Seat]:
    """The conversations that the budget allows with the constitution and without each rule, even among personas.

    A clause is left out only where it is spoken of: with the users it is for. Raises RunError if there is none.
    """
    wanted, others = context.agents.ratings.cross_raters, len(context.personas) - 1
    each = 2 * context.agents.turns + (others if wanted == "all" else min(wanted, others))
    seats: list[Seat] = []
    left = budget
    for seat in _by_turns(context):
        cost = each * (1 + sum(_concerns(rule, seat) for rule in context.constitution.rules))
        if cost > left and not seats:
            raise RunError(f"--budget {budget}: one conversation with and without each rule takes {cost} calls")
        if cost > left:
            break
        left -= cost
        seats.append(seat)
    return seats


def without(constitution: Constitution, rule_id: str) -> Constitution:
    """The constitution without a rule."""
    return constitution.model_copy(
        update={
            "principles": tuple(rule for rule in constitution.principles if rule.id != rule_id),
            "contract": tuple(rule for rule in constitution.contract if rule.id != rule_id),
        }
    )


def _by_turns(context: EpochContext) -> list[Seat]:
    """Every persona with every task, in a seeded order in which nobody has a second turn before all had a first."""
    rng = random.Random(f"{context.agents.seed}/{PLACE}")
    tasks = {persona.id: rng.sample(context.tasks, len(context.tasks)) for persona in context.personas}
    personas = rng.sample(context.personas, len(context.personas))
    return [(persona, tasks[persona.id][turn]) for turn in range(len(context.tasks)) for persona in personas]


def _concerns(rule: Principle | Clause, seat: Seat) -> bool:
    return not isinstance(rule, Clause) or seat[0].id in rule.users


async def _play(context: EpochContext, name: str, seats: Sequence[Seat]) -> dict[tuple[str, str], Conversation]:
    """Some conversations under one variant of the constitution, by persona and task."""
    epoch_context = replace(context, id=f"{PLACE}/{name}")
    conversations = await together(converse(epoch_context, persona, task) for persona, task in seats)
    return {(c.persona.id, c.task.id): c for c in conversations}


def _effects(personas: Sequence[Persona], pair: PairedUtilities) -> dict[str, float | None]:
    return {
        persona.id: None if before is None or after is None else round(after - before, 9)
        for persona, before, after in zip(personas, pair.before, pair.after, strict=True)
    }


def _check(history: History, question: ExplainOptions) -> None:
    if history.status != "finished":
        raise RunError(f"run {history.run_id!r} has not finished; go on with `scai resume {history.run_id}` first")
    if not question.trust:
        refuse_foreign(history.config, history.path)
    known = [persona.id for persona in history.config.train_personas]
    for user in question.users or ():
        if user not in known:
            raise RunError(f"--users: {user!r} took no part in run {history.run_id!r}{did_you_mean(user, known)}")
