"""A judge that compares two answers by one criterion, in both orders.

After Constitutional AI (arXiv 2212.08073, section 4.1): the soft label is the probability of the letter in the judge's
answer. Where the letters have less than half of the mass there, or without log-probabilities, votes are counted.
"""

import asyncio
import math
import re
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from msgspec import UNSET

from scai_cli.concurrency import together
from scai_cli.datasets.generate.criterion import Criterion
from scai_cli.datasets.generate.row import Answered, Judgement
from scai_cli.errors import CallFailed, ParameterRefused, PromptRefused
from scai_cli.messages import Completion, Message
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.prompts import Prompts
from scai_cli.text.choice import choice
from scai_cli.text.words import count

Result = TypeVar("Result")

PROBE: Final = "judge/probe"
"""The id of the one call that tests whether the endpoint returns log-probabilities."""

_TOP_LOGPROBS: Final = 5
"""The number of log-probabilities to request: the highest that every endpoint accepts."""
_MOST: Final = 0.5
"""The mass of both letters above which log-probabilities count."""
_AROUND: Final = re.compile(r"[\W_]+")
_UNREADABLE: Final = "the judge's answer could not be read: neither A nor B"
_VOTE: Final = {
    "type": "object",
    "properties": {"letter": {"type": "string", "enum": ["A", "B"]}},
    "required": ["letter"],
    "additionalProperties": False,
}
"""The form of a vote. With log-probabilities it is not sent, as it could give all the mass to the letters."""


class _Estimate(NamedTuple):
    """P(A) in one order, None if it could not be read; whether it comes from votes; the mass of both letters."""

    p: float | None
    by_votes: bool
    mass: float | None = None


@dataclass(slots=True)
class Judge:
    """Compares answers; `clamp` gives the bounds of `soft`."""

    agent: Agent
    prompts: Prompts
    votes: int
    clamp: tuple[float, float] | None
    probe: str = PROBE
    """The id of the call that asks for log-probabilities; each judge of a panel needs its own."""
    _has_logprobs: bool | None = None
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def compare(self, call: str, task: str, criterion: Criterion, pair: tuple[Answered, Answered]) -> Judgement:
        """Return the probability that the first answer is better; raises CallFailed if a call failed."""
        first, second = pair
        orders = ("ab", (first.text, second.text)), ("ba", (second.text, first.text))
        ahead, behind = await _all(
            self._read(f"{call}/{order}", criterion.comparison_messages(self.prompts, task, texts))
            for order, texts in orders
        )
        masses = [estimate.mass for estimate in (ahead, behind) if estimate.mass is not None]
        mass = round(min(masses), 6) if masses else UNSET
        if ahead.p is None or behind.p is None:
            p_ab = UNSET if ahead.p is None else round(ahead.p, 6)
            p_ba = UNSET if behind.p is None else round(1.0 - behind.p, 6)
            return Judgement(
                criterion.id, first.id, second.id, None, None, None, _UNREADABLE, p_ab=p_ab, p_ba=p_ba, mass=mass
            )
        p = round((ahead.p + 1.0 - behind.p) / 2, 6)
        low, high = self.clamp or (0.0, 1.0)
        by_votes = ahead.by_votes or behind.by_votes
        return Judgement(
            criterion.id,
            first.id,
            second.id,
            p,
            min(high, max(low, p)),
            "votes" if by_votes else "logprobs",
            p_ab=round(ahead.p, 6),
            p_ba=round(1.0 - behind.p, 6),
            mass=mass,
        )

    async def _read(self, call: str, request: list[Message]) -> _Estimate:
        mass = None
        if await self._returns_logprobs():
            try:
                completion = await self.agent.say(call, "comparison", request, logprobs=_TOP_LOGPROBS)
            except ParameterRefused:  # a router may send each call to another server
                return await self._count_votes(call, request, mass)
            p, mass = preference(completion.logprobs or ())
            if p is not None and mass > _MOST and completion.ended != "withheld" and letter(completion.text):
                return _Estimate(p, False, mass)
        return await self._count_votes(call, request, mass)

    async def _count_votes(self, call: str, request: list[Message], mass: float | None) -> _Estimate:
        ids = (f"{call}/v{n}" for n in range(1, self.votes + 1))
        answers = await _all(self.agent.say(id_, "comparison", request, schema=_VOTE) for id_ in ids)
        read = [vote for vote in map(_vote, answers) if vote is not None]
        # A single readable vote of several would be a hard label.
        return _Estimate(read.count("A") / len(read) if len(read) >= min(2, self.votes) else None, True, mass)

    async def _returns_logprobs(self) -> bool:
        """Ask once; a call that fails decides nothing."""
        async with self._probing:
            if self._has_logprobs is None:
                self._has_logprobs = await returns_logprobs(self.agent, self.prompts, self.probe)
            return self._has_logprobs


async def returns_logprobs(agent: Agent, prompts: Prompts, call: str) -> bool:
    """Return whether an endpoint returns log-probabilities; raises CallFailed unless it refuses the call."""
    request = prompts.comparison("Say hello.", "Be polite.", ("Good morning!", "What?"))
    try:
        return (await agent.say(call, "comparison", request, logprobs=_TOP_LOGPROBS)).logprobs is not None
    except (ParameterRefused, PromptRefused):
        return False


async def _all(calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Return the results after the last one has ended; raises a refusal only if no call failed for another reason."""
    results = await together(map(_outcome, calls))
    failures = [result for result in results if isinstance(result, CallFailed)]
    if failures:
        raise min(failures, key=lambda failure: isinstance(failure, PromptRefused))
    return [result for result in results if not isinstance(result, CallFailed)]


async def _outcome(call: Coroutine[Any, Any, Result]) -> Result | CallFailed:
    try:
        return await call
    except CallFailed as failure:
        return failure


def _vote(answer: Completion) -> str | None:
    """Return the letter of an answer, unless it is withheld; one that is not whole must be nothing but a letter."""
    is_read = answer.ended == "whole" or (answer.ended != "withheld" and count(answer.text) == 1)
    return letter(answer.text) if is_read else None


def preference(candidates: Iterable[tuple[str, float]]) -> tuple[float | None, float]:
    """Return P(A) among the two letters, None without a letter, and their mass, from candidates for the letter."""
    mass = {"A": 0.0, "B": 0.0}
    for token, logarithm in candidates:
        if (name := _AROUND.sub("", token)) in mass:
            mass[name] += math.exp(logarithm)
    total = sum(mass.values())
    return mass["A"] / total if total else None, min(1.0, total)


def letter(text: str) -> str | None:
    """Return the letter that an answer chooses, A or B; None if it chooses neither or both."""
    found = choice(text)
    return found.letter if found else None
