"""The rater check: can a model rate? It rates plainly different answers, each after the other one.

Each of the calls shows a conversation of two turns, and requests a rating of its last answer with the prompt and the
form of an own rating. A model that copies a number from its prompt, or always gives the same one, fails.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed, PromptRefused, RunUnhealthy
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import HUMAN, Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.events import MessageSaid
from scai_cli.runs.records import PairRated, RaterCheck
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.answer_forms import Feedback
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.prompts import Prompts
from scai_cli.simulation.rating import RatingAnswer, ask_rating
from scai_cli.simulation.stops import stop_if_too_many
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.data_files import read_data_file

_DATA: Final = read_data_file(__file__)
_USER: Final = Persona.model_validate(_DATA["persona"])
PAIRS: Final[tuple[Mapping[str, str], ...]] = _DATA["pairs"]
"""Tasks with a `good` and a `bad` answer that are plainly different."""
_ORDERS: Final = ("good", "bad")
"""The answer that comes last and is rated."""
CALLS_OF_CHECK: Final = len(PAIRS) * len(_ORDERS)
"""The calls that check one model."""
_ROLES: Final[tuple[Literal["user", "assistant"], ...]] = ("user", "assistant", "user", "assistant")
_LEAST: Final = 0.1
"""The share of the scale by which each good answer must be rated higher than every bad one.

A rater that ignores the answers passes three pairs at most once in twenty times, as 20 = 6! / (3! 3!).
"""


async def check_raters(context: EpochContext, call_id: str) -> tuple[RaterCheck, ...]:
    """Check every distinct model that rates and is neither simulated nor a real person."""
    agents = context.agents
    models = [agent for agent in agents.raters if is_checked(agent.config)]
    jobs = (check_rater(m, agents.prompts, f"{call_id}/{n}", agents.ratings.scale) for n, m in enumerate(models, 1))
    try:
        return tuple(await together(jobs))
    except CallFailed as error:
        stop_if_too_many([error], 1, agents.max_failures, "rater checks")
        return ()


def is_checked(model: ModelSettings) -> bool:
    """Return whether a model that rates is checked: one that is neither simulated nor a real person."""
    return model.provider not in ("simulated", HUMAN)


async def check_rater(agent: Agent, prompts: Prompts, call_id: str, scale: tuple[float, float]) -> RaterCheck:
    """Let a model rate the good and the bad answer of each pair; the calls' ids start with `call_id`.

    It passes if it rates each good answer a tenth of the scale higher than every bad one. Pairs with a refused prompt
    do not count; without any other pair, `passed` is None. Raises CallFailed for any other failed call.
    """
    jobs = [_rate(agent, prompts, f"{call_id}/{pair['id']}", pair, last, scale) for pair in PAIRS for last in _ORDERS]
    rated = await together(jobs)
    pairs = [_pair(pair["id"], *each) for pair, *each in zip(PAIRS, rated[::2], rated[1::2], strict=True)]
    good, bad, readable = _ratings(pairs)
    least = _LEAST * (scale[1] - scale[0]) - 1e-9
    counted = any(not pair.refused for pair in pairs)
    passed = readable and min(good) - max(bad) >= least if counted else None
    return RaterCheck(model=agent.config.label, passed=passed, pairs=tuple(pairs))


def stop_if_a_rater_failed(context: EpochContext, checks: Iterable[RaterCheck]) -> None:
    """Raise RunUnhealthy for the first model that failed the check."""
    for check in checks:
        if check.passed is False and not context.agents.force:
            role = "user" if context.agents.rater is None else "rater"
            raise RunUnhealthy(
                f"this rater ({check.model}) {fault(check)}: {verdict(check)}; choose a larger model for "
                f"roles.{role} and start a new run, or continue with `scai resume --force`"
            )


def fault(check: RaterCheck) -> str:
    """Return what a rater that failed the check does wrong."""
    good, bad, readable = _ratings(check.pairs)
    overlap = readable or (good and bad and min(good) <= max(bad))
    return "cannot tell answers apart" if overlap else "gives ratings that cannot be read"


def verdict(check: RaterCheck) -> str:
    """Return the ratings of a check in words."""
    ratings = zip(*((pair.good, pair.bad) for pair in check.pairs), strict=True)
    good, bad = (", ".join("unreadable" if value is None else f"{value:g}" for value in values) for values in ratings)
    return f"it rated good answers {good} and bad ones {bad}"


def _ratings(pairs: Iterable[PairRated]) -> tuple[list[float], list[float], bool]:
    """Return the ratings of the good and of the bad answers of all pairs that count, and whether all are readable."""
    counted = [pair for pair in pairs if not pair.refused]
    good, bad = ([p.good for p in counted if p.good is not None], [p.bad for p in counted if p.bad is not None])
    return good, bad, len(good) == len(bad) == len(counted)


def _pair(name: str, good: RatingAnswer, bad: RatingAnswer) -> PairRated:
    refused = good.error is not None or bad.error is not None
    return PairRated(id=name, good=good.value, bad=bad.value, problem=good.problem or bad.problem, refused=refused)


async def _rate(
    agent: Agent, prompts: Prompts, call_id: str, pair: Mapping[str, str], last: str, scale: tuple[float, float]
) -> RatingAnswer:
    """Request the rating of the last answer of a conversation that has the other answer before it."""
    task = Task(id=pair["id"], prompt=pair["task"])
    first = next(order for order in _ORDERS if order != last)
    conversation = Conversation(f"{call_id}/{last}", 0, _USER, task)
    for role, text in zip(_ROLES, (pair["task"], pair[first], _DATA["between"], pair[last]), strict=True):
        said = MessageSaid(id=call_id, epoch=0, persona=_USER.id, task=task.id, role=role, content=text)
        conversation.messages.append(said)
    answer = await ask_rating(agent, conversation.id, "rater_check", prompts.feedback(conversation), Feedback, scale)
    if answer.error is not None and not isinstance(answer.error, PromptRefused):
        raise answer.error
    return answer
