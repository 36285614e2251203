"""People: a persona that a real person plays, asked one question at a time at the desk where they sit.

What is typed becomes the JSON that the prompt asks for, so that all that follows (the call log, replay, ratings,
votes) is as with any model. Nothing here limits, retries or caches.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol

from scai_cli.errors import Interrupted, ScaiError
from scai_cli.experiment.config import Ratings
from scai_cli.experiment.personas import HUMAN
from scai_cli.messages import ChatRequest, Completion
from scai_cli.prompts.fences import Fenced, fenced

_NUMBER: Final = re.compile(r"(-?\d{1,9}(?:[.,]\d{1,9})?)\s*(?:(?:/|out of)\s*\d+\s*)?")


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody is asked about: `pieces` are titles with texts that others wrote; `waiting` more questions wait."""

    called: str
    place: str
    pieces: Sequence[tuple[str, str]]
    waiting: int = 0


class ParticipantPrompt(Protocol):
    """Where people sit: shows them questions and reads what they type."""

    def show(self, question: Question) -> None:
        """Show what is asked about."""
        ...

    def tell(self, line: str) -> None:
        """Say why an answer could not be read."""
        ...

    async def read(self, wanted: str, *, words: bool) -> str:
        """Read a line (where `words` are wanted, a pasted text of several); raises EOFError when no more will come."""
        ...


@dataclass(eq=False, slots=True)
class _Ticket:
    called: str
    place: str
    turn: asyncio.Future[None]


@dataclass(slots=True)
class Participants:
    """Everybody who is asked at one desk, one question at a time: first whoever is at it, then by the call's id."""

    desk: ParticipantPrompt
    ended: Callable[[Interrupted], None] = lambda _: None
    """Called when no more answers will come."""
    thinking: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered while somebody is asked."""
    _tickets: list[_Ticket] = field(default_factory=list)
    _serving: _Ticket | None = None
    _last: str = ""
    _closed: ScaiError | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def turn(self, called: str, place: str) -> AsyncIterator[int]:
        """Wait until somebody's question may be asked; the number of questions that wait behind it."""
        if self._closed is not None:
            raise self._closed
        loop = asyncio.get_running_loop()
        ticket = _Ticket(called, place, loop.create_future())
        self._tickets.append(ticket)
        loop.call_soon(self._next)  # once all who come at the same time are there
        try:
            await ticket.turn
            yield len(self._tickets) - 1
        finally:
            self._tickets.remove(ticket)
            if self._serving is ticket:
                self._serving = None
                loop.call_soon(self._next)

    async def read(self, wanted: str, *, words: bool = False) -> str:
        """Read an answer; raises what the desk was closed with, and Interrupted when no more answers will come."""
        reading = asyncio.ensure_future(self.desk.read(wanted, words=words))
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            if self._closed is not None:
                raise self._closed
            return reading.result()
        except EOFError:
            ended = Interrupted(f"there is no more input, and {self._last} is asked")
            self.close_for_new_calls(ended)
            self.ended(ended)
            raise ended from None
        finally:
            reading.cancel()
            stopping.cancel()

    def close_for_new_calls(self, error: ScaiError) -> None:
        """Ask nothing more: the question that is open and all that wait raise the error (the first given)."""
        if self._closed is not None:
            return
        self._closed = error
        self._stop.set()
        for ticket in self._tickets:
            if not ticket.turn.done():
                ticket.turn.set_exception(error)

    def _next(self) -> None:
        if self._serving is not None or self._closed is not None or not self._tickets:
            return
        self._serving = min(self._tickets, key=lambda ticket: (ticket.called != self._last, ticket.place))
        self._last = self._serving.called
        self._serving.turn.set_result(None)


class HumanModel:
    """One person's part: answers what a user is asked in the form that is wanted, however often it takes."""

    def __init__(self, people: Participants, called: str, ratings: Ratings) -> None:
        self._people = people
        self._called = called
        self._ratings = ratings

    async def complete(self, request: ChatRequest) -> Completion:
        """Ask the person; raises Interrupted when no more answers will come."""
        async with self._people.turn(self._called, request.id) as waiting:
            began = time.monotonic()
            place = request.id.removesuffix("/user")
            self._people.desk.show(Question(self._called, place, _shown(request), waiting))
            with self._people.thinking():
                text = await self._answer(request)
        return Completion(text, model=HUMAN, latency_s=time.monotonic() - began, source="human")

    async def aclose(self) -> None:
        """Nothing to give back."""

    async def _answer(self, request: ChatRequest) -> str:
        own, cross = self._ratings.own, self._ratings.cross
        if request.purpose == "feedback":
            said = await self._people.read("What was good, what would you change?", words=True)
            return _json(feedback=said, rating=await self._rating(own))
        if request.purpose == "anchor":
            return _json(feedback="", rating=await self._rating(own))
        if request.purpose == "cross_rating":
            said = await self._people.read("What do you think of this answer to somebody else?", words=True)
            return _json(reason=said, rating=await self._rating(cross))
        if request.purpose == "vote":
            return _json(ranking=await self._ranking([p.attributes["letter"] for p in _candidates(request)]))
        return await self._people.read("Your answer", words=True)

    async def _rating(self, metric: str) -> float:
        low, high = self._ratings.scale
        while True:
            rating = read_rating(await self._people.read(f"Your rating for {metric}, {low:g} to {high:g}"), low, high)
            if rating is not None:
                return rating
            self._people.desk.tell(f"Please write a number from {low:g} to {high:g}.")

    async def _ranking(self, letters: Sequence[str]) -> list[list[str]]:
        example = " > ".join(letters[:2]) + "".join(f" = {letter}" for letter in letters[2:3])
        while True:
            ranking = read_ranking(await self._people.read(f"Your ranking, the best first, like {example}"), letters)
            if ranking is not None:
                return ranking
            self._people.desk.tell(
                f"Please name {', '.join(letters)}, each at most once, with > between better and worse and = between "
                "equals; whom you leave out comes last."
            )


def read_rating(text: str, low: float, high: float) -> float | None:
    """The rating in `7`, `7.5`, `7,5` or `7/10`; None where there is none on the scale."""
    found = _NUMBER.fullmatch(text.strip())
    value = float(found[1].replace(",", ".")) if found else None
    return value if value is not None and low <= value <= high else None


def read_ranking(text: str, letters: Sequence[str]) -> list[list[str]] | None:
    """The tiers in `B > A = C`, best first; None where a letter is unknown or stands twice, or none is named."""
    tiers = [re.split(r"[=,\s]+", tier.strip().upper()) for tier in text.split(">")]
    named = [letter for tier in tiers for letter in tier]
    if len(set(named)) < len(named) or not set(named) <= set(letters):
        return None
    return tiers


def _shown(request: ChatRequest) -> Sequence[tuple[str, str]]:
    """What the prompt is about, out of its fences; the whole prompt where its wording has none."""
    prompt = _prompt(request)
    if request.purpose in ("feedback", "anchor"):
        said = list(fenced(prompt, "message"))
        task, own, answer = said[:1], said[-2:-1] if len(said) > 2 else [], said[-1:] if len(said) > 1 else []
        pieces = [("Task", task), ("You said", own), ("The assistant's answer", answer)]
        found = [(title, piece.text) for title, some in pieces for piece in some]
    elif request.purpose == "cross_rating":
        titles = {"task": "Somebody else's task", "answer": "The assistant's answer to them"}
        found = [(title, piece.text) for tag, title in titles.items() for piece in fenced(prompt, tag)]
    elif request.purpose == "vote":
        found = [(f"Rules {piece.attributes['letter']}", piece.text) for piece in _candidates(request)]
    else:
        found = []
    return found or [("Question", prompt)]


def _candidates(request: ChatRequest) -> list[Fenced]:
    return [piece for piece in fenced(_prompt(request), "candidate") if "letter" in piece.attributes]


def _prompt(request: ChatRequest) -> str:
    """The question itself; where it was asked again, as it stood first."""
    return next((message.content for message in request.messages if message.role == "user"), "")


def _json(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)
