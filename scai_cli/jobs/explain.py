"""Leave-one-out: play a run's constitution again without each of its rules, to estimate the effect of each rule.

All variants of a conversation have the same seeds. The calls are logged in the run's folder `explain/` and answered
from there when repeated; the run's own files are not changed.
"""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from scai_cli.analysis.leave_one_out import Explanation, PersonaTask, RuleEffect, affordable, concerns, quotes, without
from scai_cli.analysis.rule_origins import rule_wordings
from scai_cli.concurrency import together
from scai_cli.errors import LimitReached, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides
from scai_cli.experiment.personas import Persona
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.saved_experiment import changed_keys, digests, load_run
from scai_cli.jobs.session import run_on_loop, stoppable, with_remedy
from scai_cli.runs.call_index import CallIndex, paid_calls
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.locked_folder import CALLS, LockedFolder, refuse_links
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.epoch import failures
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.opening import openings_of
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import PairedUtilities, difference, epoch_utilities
from scai_cli.social_choice import welfare
from scai_cli.text.suggestions import did_you_mean

FOLDER: Final = "explain"
ID_PREFIX: Final = "explain"
"""The prefix of the ids of all conversations."""
UNCHANGED: Final = "~whole"
"""The name of the variant with all rules, in the ids of its conversations."""

DEFAULT_LIMITS: Final = ("limits.calls=1000", "limits.tokens=null", "limits.usd=null", "limits.seconds=null")
"""The default limits of an explanation; the run's own limits do not apply."""


def explain(
    path: Path, settings: Sequence[str] = (), users: tuple[str, str] | None = None, *, trust: bool = False
) -> Explanation:
    """Explain every rule of the constitution that a finished run produced.

    `settings` are limits, `users` two users to compare, and `trust` allows third-party code. Raises RunError for an
    unfinished run, users that took no part, or limits too low for one conversation; LimitReached if retries use up
    the limits.
    """
    history = read_history(path)
    if history.status != "finished":
        raise RunError(f"run {history.run_id!r} is not finished; continue it with `scai resume {history.run_id}` first")
    config = load_run(path, Overrides([*DEFAULT_LIMITS, *settings]), trust=trust)
    before, now = (digests(each, with_remedies=True) for each in (history.config, config))
    if changed := changed_keys(before, now):
        raise RunError(
            f"--set: {', '.join(changed)} cannot be changed here; --set takes limits, prices and model addresses"
        )
    personas, (constitution, _) = config.train_personas, history.product
    known = [persona.id for persona in personas]
    for user in users or ():
        if user not in known:
            raise RunError(f"--users: {user!r} took no part in run {history.run_id!r}{did_you_mean(user, known)}")
    command = f"scai explain {history.run_id}"
    refuse_links(path / FOLDER)
    with (
        ModelPool.connect(config) as pool,
        closing(LockedFolder.open(path / FOLDER, CALLS)) as folder,
        closing(CallIndex.read(folder.path / CALLS)) as index,
    ):
        pool.count_earlier(index)
        agents = pool.agents(folder.log_call, index)
        context = EpochContext(
            agents, ID_PREFIX, config.epochs, constitution, personas, config.train_tasks, lambda _: None
        )
        job = _explained(context, history, config, folder.path / CALLS)
        try:
            explanation = run_on_loop(config.models(), stoppable(pool, job, command))
        except LimitReached as error:
            raise with_remedy(
                error, f"answers so far are kept: raise the limit and continue with `{command}`"
            ) from None
    return replace(explanation, users=users)


async def _explained(context: EpochContext, history: History, config: ExperimentConfig, log: Path) -> Explanation:
    constitution, function, budget = context.constitution, welfare.parse(config.welfare), config.limits.calls
    pairs = affordable(context, budget)
    unchanged = await _play(context, UNCHANGED, pairs)
    context = replace(context, openings=openings_of(unchanged.values()))
    concerned = [(rule, [pair for pair in pairs if concerns(rule, pair[0])]) for rule in constitution.rules]
    played = await together(
        _play(replace(context, constitution=without(constitution, rule.id)), f"~{rule.id}", some)
        for rule, some in concerned
    )
    base = epoch_utilities(context, [*unchanged.values()])
    wordings = rule_wordings(history, constitution.version)
    conversations = [conversation for variant in (unchanged, *played) for conversation in variant.values()]
    rules = []
    for rule, variant in zip(constitution.rules, played, strict=True):
        # A conversation that the rule does not concern would be the same, so it is not played again.
        utilities = epoch_utilities(context, [*{**unchanged, **variant}.values()])
        effects = _effects(context.personas, PairedUtilities.of(utilities, base))
        gain = difference(utilities, base, function, seed=context.agents.seed)
        rules.append(RuleEffect(rule, quotes(history, rule), gain, effects, wordings.get(rule.id)))
    return Explanation(
        run_id=history.run_id,
        version=constitution.version,
        function=function.label,
        welfare=base.welfare(function),
        rules=rules,
        played=len(pairs),
        conversations=len(context.personas) * len(context.tasks),
        failed=len(failures(conversations)),
        budget=budget,
        calls=_paid_calls(log, {conversation.id for conversation in conversations}),
    )


async def _play(
    context: EpochContext, variant: str, pairs: Sequence[PersonaTask]
) -> dict[tuple[str, str], Conversation]:
    """Play conversations under one variant of the constitution; return (persona, task) -> conversation."""
    context = replace(context, id=f"{ID_PREFIX}/{variant}")
    conversations = await together(converse(context, persona, task) for persona, task in pairs)
    return {(c.persona.id, c.task.id): c for c in conversations}


def _paid_calls(log: Path, conversations: Collection[str]) -> int:
    """Return the number of paid calls of these conversations, in all sessions, so that a kill does not change it."""
    return sum("/".join(call.id.split("/")[:4]) in conversations for call in paid_calls(log))


def _effects(personas: Sequence[Persona], pair: PairedUtilities) -> dict[str, float | None]:
    return {
        persona.id: None if before is None or after is None else round(after - before, 9)
        for persona, before, after in zip(personas, pair.before, pair.after, strict=True)
    }
