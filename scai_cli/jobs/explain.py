"""Leave-one-out: play a run's constitution again with all and without each of its rules, in several rounds.

The variants of a conversation have the same seeds, each round has others: what differs between rounds is luck. The
calls are logged in the run's folder `explain/` and answered from there when repeated; the result is kept there, too.
The run's own files are not changed.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from scai_cli.analysis.explanation_file import FOLDER, RESULT
from scai_cli.analysis.leave_one_out import (
    Explanation,
    PersonaTask,
    Plan,
    RuleEffect,
    RuleRounds,
    concerns,
    person_effects,
    plan,
    quotes,
    welfare_of,
    without,
)
from scai_cli.analysis.rule_measures import measured_effects
from scai_cli.analysis.rule_origins import rule_wordings
from scai_cli.concurrency import for_each, together
from scai_cli.errors import BatchesWait, LimitReached, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.saved_experiment import changed_keys, digests, load_run
from scai_cli.jobs.session import (
    Observer,
    SessionStart,
    SilentObserver,
    Spending,
    run_watched,
    with_remedy,
)
from scai_cli.models.call_count import CallCount, Place, Stage
from scai_cli.runs.call_index import CallIndex, paid_calls
from scai_cli.runs.find import resume_command
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.jsonl import write_whole
from scai_cli.runs.locked_folder import CALLS, LockedFolder, refuse_links
from scai_cli.runs.records import UtilityTable
from scai_cli.simulation.conversation import converse
from scai_cli.simulation.epoch import at_once
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.outcome import Outcome, failures, openings_of, outcome_of
from scai_cli.simulation.utilities import epoch_utilities
from scai_cli.social_choice import welfare
from scai_cli.text.suggestions import did_you_mean

ID_PREFIX: Final = "explain"
"""The prefix of the ids of all conversations."""
UNCHANGED: Final = "~whole"
"""The name of the variant with all rules, in the ids of its conversations."""

_CALLS: Final = 1000
"""The default limit of calls to models other than the simulated one."""
_NO_LIMITS: Final = ("limits.tokens=null", "limits.usd=null", "limits.seconds=null")
"""The other limits of an explanation; the run's own limits do not apply."""

Agree = Callable[[Plan, int], bool]
"""Whether to play a plan; the number of calls that it has to pay for, 0 with the simulated model."""


def explain(
    path: Path,
    settings: Sequence[str] = (),
    users: tuple[str, str] | None = None,
    *,
    trust: bool = False,
    agree: Agree = lambda plan, paid: True,  # noqa: ARG005 - called with both
    observer: Observer[Any] | None = None,
) -> Explanation | None:
    """Explain every rule of the constitution that a finished run produced; None if `agree` refuses.

    `settings` are limits, `users` two users to compare, and `trust` allows third-party code; the observer sees no item,
    only how far the calls are. Raises RunError for an unfinished run, users that took no part, or limits too low for
    one conversation; LimitReached if retries use up the limits.
    """
    history = read_history(path)
    if history.status != "finished":
        raise RunError(f"run {path.name!r} is not finished; continue it with `{resume_command(path)}` first")
    is_free = all(model.provider == "simulated" for _, model in history.config.models())
    calls = f"limits.calls={'null' if is_free else _CALLS}"
    config = load_run(path, Overrides([calls, *_NO_LIMITS, *settings]), trust=trust)
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
    command, log = f"scai explain {history.run_id}", path / FOLDER / CALLS
    refuse_links(path / FOLDER)
    planned = plan(config, constitution)
    paid = _paid(log, planned)
    if not agree(planned, 0 if is_free else planned.calls - paid.paid_calls):
        return None
    with (
        ModelPool.connect(config) as pool,
        closing(LockedFolder.open(path / FOLDER, CALLS)) as folder,
        closing(CallIndex.read(log, seen=partial(_log, pool.count, _planned_calls(planned)))) as index,
    ):
        earlier_usd = pool.count_earlier(paid)
        pool.keep_batches(folder)
        agents = pool.agents(folder.log_call, index)
        context = EpochContext(
            agents, ID_PREFIX, config.epochs, constitution, personas, config.train_tasks, lambda _: None
        )
        job = _explained(context, planned, history, config, log)
        pool.count.plan(partial(_stage, planned), partial(_expected, planned))
        spent = partial(Spending.of, pool, paid, earlier_usd)
        start = SessionStart(history.run_id, config, pool.meters, pool.count, spent)
        try:
            explanation = run_watched(pool, job, command, observer or SilentObserver(), start)
        except LimitReached as error:
            raise with_remedy(
                error, f"answers so far are kept: raise the limit and continue with `{command}`"
            ) from None
        except BatchesWait as error:
            raise BatchesWait(str(error).replace("`scai resume`", f"`{command}`")) from None
        write_whole(folder.path / RESULT, explanation.model_dump_json(by_alias=True) + "\n")
    return explanation


def _log(count: CallCount, is_planned: Callable[[str], bool], call: str, is_repeated: bool) -> None:
    if is_planned(call):  # the log may have other rounds, too
        count.log(call, is_repeated)


def _stage(planned: Plan, call: str) -> Stage:
    """Return the round of a call, `explain/rROUND/...`."""
    number = call.split("/", 2)[1].removeprefix("r")
    words = f"round {number} of {planned.rounds}, with and without each rule"
    return Stage((int(number) if number.isdecimal() else 0, 0), 0, words)


def _expected(planned: Plan) -> Mapping[Place, float]:
    return {(number, 0): planned.calls / planned.rounds for number in range(1, planned.rounds + 1)}


async def _explained(
    context: EpochContext, planned: Plan, history: History, config: ExperimentConfig, log: Path
) -> Explanation:
    constitution, function = context.constitution, welfare.parse(config.welfare)
    people = [persona.id for persona in context.personas]
    weights = [persona.weight for persona in context.personas]
    rules = [RuleRounds(r, frozenset(p.id for p in context.personas if concerns(r, p))) for r in constitution.rules]
    whole: list[UtilityTable] = []
    failed = 0
    for number in range(1, planned.rounds + 1):  # one after the other, as only the utilities of a round are kept
        here = replace(context, id=f"{ID_PREFIX}/r{number}")
        unchanged = await _play(here, UNCHANGED, planned.pairs)
        here = replace(here, openings=openings_of(unchanged.values()))
        variants = await together(
            _play(
                replace(here, constitution=without(constitution, each.rule.id)),
                f"~{each.rule.id}",
                [pair for pair in planned.pairs if pair[0].id in each.reached],
            )
            for each in rules
        )
        everything = epoch_utilities(context, [*unchanged.values()])
        whole.append(everything.table)
        for each, variant in zip(rules, variants, strict=True):
            # A conversation that the rule does not concern would be the same, so it is not played again.
            each.whole.append(whole[-1])
            other = epoch_utilities(context, [*{**unchanged, **variant}.values()])
            each.without.append(other.table)
            each.measured.append((everything.measured, other.measured))
        failed += sum(len(failures(variant.values())) for variant in (unchanged, *variants))
    shape = tuple(len({pair[side].id for pair in planned.pairs}) for side in (0, 1))
    wordings = rule_wordings(history, constitution.version)
    return Explanation(
        run_id=history.run_id,
        version=constitution.version,
        function=function.label,
        welfare=welfare_of(whole, function, weights),
        rules=tuple(
            RuleEffect(
                rule=each.rule,
                evidence=quotes(history, each.rule),
                welfare=each.effect(function, weights, len(rules)),
                people=effects,
                wording=wordings.get(each.rule.id),
                measured=measured_effects(each.measured, len(rules), *shape),
            )
            for each, effects in zip(rules, person_effects(rules, people), strict=True)
        ),
        rounds=planned.rounds,
        played=len(planned.pairs),
        conversations=len(context.personas) * len(context.tasks),
        failed=failed,
        budget=config.limits.calls,
        calls=_paid(log, planned).paid_calls,
    )


async def _play(context: EpochContext, variant: str, pairs: Sequence[PersonaTask]) -> dict[tuple[str, str], Outcome]:
    """Play conversations under one variant of the constitution; return (persona, task) -> outcome."""
    context = replace(context, id=f"{context.id}/{variant}")

    async def one(pair: PersonaTask) -> Outcome:
        return outcome_of(context, await converse(context, *pair))

    outcomes = await for_each(pairs, one, running=at_once(context.agents))
    return {(outcome.persona.id, outcome.task.id): outcome for outcome in outcomes}


def _paid(log: Path, planned: Plan) -> CallIndex:
    """Count a plan's paid calls, in all sessions, so that a kill does not change the number.

    Those of other rounds, or of a version with other ids, do not count.
    """
    counted, is_planned = CallIndex(log), _planned_calls(planned)
    for call in paid_calls(log):
        if is_planned(call.id):
            counted.count(call)
    return counted


def _planned_calls(planned: Plan) -> Callable[[str], bool]:
    """Return whether a call belongs to a plan, by its id."""
    rounds = {f"r{number}" for number in range(1, planned.rounds + 1)}
    pairs = {(persona.id, task.id) for persona, task in planned.pairs}

    def is_planned(call: str) -> bool:
        part = call.split("/")
        return len(part) > 4 and part[1] in rounds and (part[3], part[4]) in pairs

    return is_planned
