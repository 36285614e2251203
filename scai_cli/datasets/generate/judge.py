"""A judge that compares two answers by one principle, in both orders.

After Constitutional AI (arXiv 2212.08073, section 4.1): the soft label is the probability of the first letter of the
judge's answer. If an endpoint returns no log-probabilities, the judge answers several times and its votes are counted.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from scai_cli.concurrency import together
from scai_cli.datasets.generate.row import Answered, Judgement
from scai_cli.errors import CallFailed
from scai_cli.experiment.constitution import Principle
from scai_cli.messages import Message
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.prompts import Prompts

PROBE: Final = "judge/probe"
"""The id of the one call that tests whether the endpoint returns log-probabilities."""

_TOP_LOGPROBS: Final = 5
"""The number of log-probabilities to request: the highest that every endpoint accepts."""
_LETTER: Final = re.compile(r"(?<![A-Za-z0-9])([AB])(?![A-Za-z0-9])")
_AROUND: Final = " \t\n()[]{}*\"'`.:,_"
_UNREADABLE: Final = "the judge's answer could not be read: neither A nor B"


@dataclass(frozen=True, slots=True)
class _Estimate:
    """P(A) in one order, and whether it comes from votes; `failure` if no call was answered."""

    p: float | None = None
    by_votes: bool = False
    failure: CallFailed | None = None


@dataclass(slots=True)
class Judge:
    """Compares answers; `clamp` gives the bounds of `soft`."""

    agent: Agent
    prompts: Prompts
    votes: int
    clamp: tuple[float, float] | None
    _has_logprobs: bool | None = None
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def compare(self, call: str, task: str, principle: Principle, pair: tuple[Answered, Answered]) -> Judgement:
        """Return the probability that the first answer is better; raises CallFailed if an order was not answered."""
        first, second = pair
        ahead, behind = await together(
            self._read(f"{call}/{order}", self.prompts.comparison(task, principle.text, texts))
            for order, texts in (("ab", (first.text, second.text)), ("ba", (second.text, first.text)))
        )
        if (failure := ahead.failure or behind.failure) is not None:
            raise failure
        if ahead.p is None or behind.p is None:
            return Judgement(principle.id, first.id, second.id, None, None, None, _UNREADABLE)
        p = round((ahead.p + 1.0 - behind.p) / 2, 6)
        low, high = self.clamp or (0.0, 1.0)
        by_votes = ahead.by_votes or behind.by_votes
        return Judgement(
            principle.id, first.id, second.id, p, min(high, max(low, p)), "votes" if by_votes else "logprobs"
        )

    async def _read(self, call: str, request: list[Message]) -> _Estimate:
        if await self._probe():
            try:
                completion = await self.agent.say(call, "comparison", request, logprobs=_TOP_LOGPROBS)
            except CallFailed as error:
                return _Estimate(failure=error)
            if (p := preference(completion.logprobs or ())) is not None:
                return _Estimate(p)
        return await self._count_votes(call, request)

    async def _count_votes(self, call: str, request: list[Message]) -> _Estimate:
        answers = await together(self._vote(f"{call}/v{n}", request) for n in range(1, self.votes + 1))
        letters = [letter(answer) for answer in answers if isinstance(answer, str)]
        read = [named for named in letters if named is not None]
        if read:
            return _Estimate(read.count("A") / len(read), by_votes=True)
        failure = next((answer for answer in answers if isinstance(answer, CallFailed)), None)
        return _Estimate(failure=None if letters else failure)

    async def _vote(self, call: str, request: list[Message]) -> str | CallFailed:
        try:
            return (await self.agent.say(call, "comparison", request)).text
        except CallFailed as error:
            return error

    async def _probe(self) -> bool:
        """Return whether log-probabilities are available; a refusing endpoint is asked only once."""
        async with self._probing:
            if self._has_logprobs is None:
                request = self.prompts.comparison("Say hello.", "Be polite.", ("Good morning!", "What?"))
                try:
                    logprobs = (await self.agent.say(PROBE, "comparison", request, logprobs=_TOP_LOGPROBS)).logprobs
                except CallFailed:
                    logprobs = None
                self._has_logprobs = logprobs is not None
            return self._has_logprobs


def preference(beginnings: Iterable[tuple[str, float]]) -> float | None:
    """Return P(A) among the two letters, from the log-probabilities of the tokens that may begin an answer."""
    mass = {"A": 0.0, "B": 0.0}
    for token, logarithm in beginnings:
        if (name := token.strip(_AROUND)) in mass:
            mass[name] += math.exp(logarithm)
    total = sum(mass.values())
    return mass["A"] / total if total else None


def letter(text: str) -> str | None:
    """Return the letter that an answer names; None if it names neither or both."""
    named = set(_LETTER.findall(text))
    return named.pop() if len(named) == 1 else None
