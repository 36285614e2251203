"""When a run stops because of failures, or because its results cannot be trusted; each message names the remedy."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from scai_cli.errors import CallFailed, PromptTooLong, RunUnhealthy, TooManyFailures
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.runs.events import Event, Problem, Revised
from scai_cli.runs.records import NoAnswer
from scai_cli.simulation.epoch_context import Agents, EpochContext
from scai_cli.simulation.outcome import Outcome
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.text.data_files import read_data_file

_REMEDIES: Final = read_data_file(__file__)
_FORCE: Final = "; `scai resume --force` continues without a change"


def stop_if_too_many(errors: Iterable[CallFailed | None], size: int, share: float, what: str) -> None:
    """Raise TooManyFailures if more than a share of `size` calls failed for reasons outside their prompts."""
    failed = [error for error in errors if error is not None and not error.is_problem]
    if len(failed) > share * size + 1e-9:
        count = f"{len(failed)} of {size} {what} failed, more than max_failures allows; the first: "
        raise TooManyFailures(
            f"{count if size > 1 else ''}{failed[0].call}: {failed[0]}; `scai resume` makes failed calls again, "
            f"`--set max_failures={math.ceil(100 * len(failed) / size) / 100:g}` leaves them out"
        )


def stop_if_all_refused(context: EpochContext, outcomes: Sequence[Outcome]) -> None:
    """Raise TooManyFailures if the endpoint refused a prompt of every conversation, unless `max_failures` is 1."""
    errors = [outcome.broken_by for outcome in outcomes]
    new = [error for error in errors if error is not None and not error.recorded]
    if len(new) == len(outcomes) and context.agents.max_failures < 1:
        raise TooManyFailures(
            f"all {len(new)} conversations of epoch {context.epoch} failed; the first: {new[0].call}: {new[0]}; "
            "`scai resume` makes failed calls again, `--set max_failures=1` leaves them out"
        )


def stop_if_unreadable(context: EpochContext, outcomes: Sequence[Outcome]) -> None:
    """Raise RunUnhealthy if more than half of an epoch's answered ratings, or all own ones, could not be read."""
    answered = sum(outcome.answered for outcome in outcomes)
    unread = [rating for outcome in outcomes for rating in outcome.unread]
    no_own = any(rating.kind == "own" for rating in unread) and not any(outcome.has_own for outcome in outcomes)
    lost = 2 * len(unread) > answered or no_own
    if lost and not context.settled and context.agents.force != "all":
        cut = 2 * sum("cut" in rating.marks for rating in unread) > len(unread)
        raise RunUnhealthy(
            f"{len(unread)} of {answered} ratings of epoch {context.epoch} could not be read; the first: "
            f"{unread[0].id}: {unread[0].problem}; {_rating_remedy(context.agents, cut)}{_FORCE}"
        )


def stop_if_no_vote(context: RevisionContext, unread: Sequence[str], answered: int) -> None:
    """Raise RunUnhealthy if more than half of the answered ballots could not be read; `unread` says why."""
    epoch = context.epoch_context
    if 2 * len(unread) > answered and not epoch.settled and epoch.agents.force != "all":
        cut = 2 * sum("cut off" in problem for problem in unread) > len(unread)
        raise RunUnhealthy(
            f"{len(unread)} of {answered} ballots of epoch {epoch.epoch} could not be read; the first: {unread[0]}; "
            f"{_rating_remedy(epoch.agents, cut)}{_FORCE}"
        )


def stop_if_too_long(context: RevisionContext, error: CallFailed) -> None:
    """Raise RunUnhealthy if the prompt of a revision is too long for the endpoint."""
    if isinstance(error, PromptTooLong) and context.agents.force != "all":
        now = context.config.revision.max_prompt_tokens
        remedy = _REMEDIES["too_long"].format(now=now, less=max(500, now // 2))
        raise RunUnhealthy(f"the prompt of the revision is too long: {error.call}: {error}; {remedy}{_FORCE}") from None


def stop_if_not_revised(
    context: RevisionContext, revision: Revised, before: Revised | None, held: Iterable[Event]
) -> None:
    """Raise RunUnhealthy for a revision without a readable answer, if it is the second in a row or the last of the run.

    `held` are the events before it, with the problem of a refused prompt.
    """
    epoch = context.epoch_context
    again = before is not None and before.no_answer is not None
    is_last = epoch.epoch == context.config.epochs
    if revision.no_answer is None or not (again or is_last) or epoch.settled or epoch.agents.force == "all":
        return
    where = f"epochs {epoch.epoch - 1} and {epoch.epoch}" if again else f"epoch {epoch.epoch}, the last one"
    cause = next((f": {event.id}: {event.problem}" for event in held if isinstance(event, Problem)), "")
    said = "the endpoint gave no answer" if revision.no_answer == "failed" else revision.candidates[0].objection
    raise RunUnhealthy(f"no revision in {where}: {said}{cause}; {_revision_remedy(context, revision.no_answer)}")


def _revision_remedy(context: RevisionContext, problem: NoAnswer) -> str:
    if problem == "failed":
        return str(_REMEDIES["refused"])
    if problem == "oversized":
        more = 2 * context.config.revision.max_prompt_tokens
        return f"{_REMEDIES['no_room'].format(more=more)}{_FORCE}"
    return f"{_form_remedy('meta', context.agents.meta.config, problem == 'truncated')}{_FORCE}"


def _rating_remedy(agents: Agents, cut: bool) -> str:
    rater = agents.rater
    return _form_remedy("rater" if rater else "user", (rater or agents.user).config, cut)


def _form_remedy(role: str, model: ModelSettings, cut: bool) -> str:
    kind = "cut" if cut else "unreadable" if model.may_send_schema else "unreadable_schema"
    return str(_REMEDIES[kind].format(role=role, more=2 * (model.max_tokens or 2000)))
