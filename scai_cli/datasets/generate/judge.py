"""A judge that says which of two answers keeps to one principle better, asked in both orders.

After Constitutional AI (arXiv 2212.08073, section 4.1): the soft label is the probability of the letter with which the
answer begins. Where an endpoint does not tell it, the judge is asked several times and its votes are counted.
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
"""The id of the one call that finds out whether the endpoint tells log-probabilities."""

_TOLD: Final = 5
"""Tokens that are asked for: the most that every endpoint gives."""
_LETTER: Final = re.compile(r"(?<![A-Za-z0-9])([AB])(?![A-Za-z0-9])")
_AROUND: Final = " \t\n()[]{}*\"'`.:,_"
_UNREADABLE: Final = "the judge's answer could not be read: neither A nor B"


@dataclass(frozen=True, slots=True)
class _Reading:
    """P(A) in one order and how it was read; `failure` where no call was answered."""

    p: float | None = None
    by_votes: bool = False
    failure: CallFailed | None = None


@dataclass(slots=True)
class Judge:
    """Compares answers; `clamp` are the bounds of `soft`."""

    agent: Agent
    prompts: Prompts
    votes: int
    clamp: tuple[float, float] | None
    _tells: bool | None = None
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def compare(self, place: str, task: str, principle: Principle, pair: tuple[Answered, Answered]) -> Judgement:
        """How likely it is that the first of two answers is the better one.

        Raises CallFailed when no call in one of the orders was answered.
        """
        first, second = pair
        ahead, behind = await together(
            self._read(f"{place}/{order}", self.prompts.comparison(task, principle.text, texts))
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

    async def _read(self, place: str, asked: list[Message]) -> _Reading:
        if await self._endpoint_tells():
            try:
                completion = await self.agent.say(place, "comparison", asked, logprobs=_TOLD)
            except CallFailed as error:
                return _Reading(failure=error)
            if (p := preference(completion.logprobs or ())) is not None:
                return _Reading(p)
        return await self._counted(place, asked)

    async def _counted(self, place: str, asked: list[Message]) -> _Reading:
        answers = await together(self._vote(f"{place}/v{n}", asked) for n in range(1, self.votes + 1))
        letters = [letter(answer) for answer in answers if isinstance(answer, str)]
        read = [named for named in letters if named is not None]
        if read:
            return _Reading(read.count("A") / len(read), by_votes=True)
        failure = next((answer for answer in answers if isinstance(answer, CallFailed)), None)
        return _Reading(failure=None if letters else failure)

    async def _vote(self, place: str, asked: list[Message]) -> str | CallFailed:
        try:
            return (await self.agent.say(place, "comparison", asked)).text
        except CallFailed as error:
            return error

    async def _endpoint_tells(self) -> bool:
        """Whether log-probabilities come; one that refuses the wish or ignores it is not asked for them again."""
        async with self._probing:
            if self._tells is None:
                asked = self.prompts.comparison("Say hello.", "Be polite.", ("Good morning!", "What?"))
                try:
                    told = (await self.agent.say(PROBE, "comparison", asked, logprobs=_TOLD)).logprobs
                except CallFailed:
                    told = None
                self._tells = told is not None
            return self._tells


def preference(beginnings: Iterable[tuple[str, float]]) -> float | None:
    """P(A) among the two letters, from the log-probabilities of the tokens that an answer might begin with."""
    mass = {"A": 0.0, "B": 0.0}
    for token, logarithm in beginnings:
        if (name := token.strip(_AROUND)) in mass:
            mass[name] += math.exp(logarithm)
    total = sum(mass.values())
    return mass["A"] / total if total else None


def letter(text: str) -> str | None:
    """The letter that an answer names, None where it names neither or both."""
    named = set(_LETTER.findall(text))
    return named.pop() if len(named) == 1 else None
