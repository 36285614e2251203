"""Human participants: personas played by real people, who answer one question at a time at one terminal.

An answer becomes the JSON that the prompt requests, so that the call log, replay, ratings and ballots work as with any
model. A call is logged when all its questions are answered: a resume takes every complete answer from the log, and
repeats all questions of a call that was interrupted between them. Limits, retries and the cache do not apply.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol

from scai_cli.errors import Interrupted, ScaiError
from scai_cli.experiment.personas import HUMAN
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.messages import ChatRequest, Completion
from scai_cli.prompts.fences import Fenced, fenced
from scai_cli.text.scale_numbers import read_on_scale


@dataclass(frozen=True, slots=True)
class Question:
    """A question to one participant: the call's id, the titled texts to judge, and the number of waiting calls."""

    participant: str
    call: str
    sections: Sequence[tuple[str, str]]
    waiting: int = 0


class ParticipantPrompt(Protocol):
    """The terminal of the participants: shows questions and reads answers."""

    def show(self, question: Question) -> None:
        """Show the texts of the question."""

    def tell(self, line: str) -> None:
        """Explain why an answer is not valid."""

    async def read(self, prompt: str, *, multiline: bool) -> str:
        """Read a line, or with `multiline` a pasted text; raises EOFError at the end of the input."""


@dataclass(eq=False, slots=True)
class _PendingCall:
    participant: str
    call: str
    turn: asyncio.Future[None]


@dataclass(slots=True)
class Participants:
    """The participants of a run; they share one prompt, which serves one call at a time."""

    prompt: ParticipantPrompt
    on_end: Callable[[Interrupted], None] = lambda _: None
    """Called when the input ends."""
    thinking: Callable[[], AbstractContextManager[None]] = nullcontext
    """A context that is active while a participant answers."""
    _pending: list[_PendingCall] = field(default_factory=list)
    _serving: _PendingCall | None = None
    _last: str = ""
    _closed: ScaiError | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def turn(self, participant: str, call: str) -> AsyncIterator[int]:
        """Wait for the turn of a call; yield the number of calls still waiting."""
        if self._closed is not None:
            raise self._closed
        loop = asyncio.get_running_loop()
        pending = _PendingCall(participant, call, loop.create_future())
        self._pending.append(pending)
        # Not at once: calls that arrive in the same pass of the event loop are all pending before one is chosen, so
        # that their order follows from their ids and not from who came first.
        loop.call_soon(self._next)
        try:
            await pending.turn
            yield len(self._pending) - 1
        finally:
            self._pending.remove(pending)
            if self._serving is pending:
                self._serving = None
                # Not at once either: an answer often leads to the same participant's next call, which then is pending.
                loop.call_soon(self._next)

    async def read(self, prompt: str, *, multiline: bool = False) -> str:
        """Read an answer; raises the closing error of the prompt, or Interrupted when the input ends."""
        reading = asyncio.ensure_future(self.prompt.read(prompt, multiline=multiline))
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            # A person may think for hours: a stop (a limit, Ctrl-C) must not wait for the answer.
            await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            if self._closed is not None:
                raise self._closed
            return reading.result()
        except EOFError:
            ended = Interrupted(f"there is no more input, and {self._last} is asked")
            # Closed first: `on_end` stops all models of the run, these participants included.
            self.close_for_new_calls(ended)
            self.on_end(ended)
            raise ended from None
        finally:
            reading.cancel()  # else the terminal would keep on reading a line that no call waits for
            stopping.cancel()

    def close_for_new_calls(self, error: ScaiError) -> None:
        """Make the open question and all waiting calls raise the error, the first one if there are several."""
        if self._closed is not None:
            return
        self._closed = error
        self._stop.set()  # ends the open question; the pending calls are not reading yet, so each gets the error
        for pending in self._pending:
            if not pending.turn.done():
                pending.turn.set_exception(error)

    def _next(self) -> None:
        """Start the next call, preferably of the current participant, so that people change seats seldom."""
        if self._serving is not None or self._closed is not None or not self._pending:
            return
        self._serving = min(self._pending, key=lambda pending: (pending.participant != self._last, pending.call))
        self._last = self._serving.participant
        self._serving.turn.set_result(None)


class HumanModel:
    """The ChatModel of one participant; repeats a question until its answer is valid."""

    def __init__(self, participants: Participants, name: str, ratings: Ratings) -> None:
        self._participants = participants
        self._name = name
        self._ratings = ratings

    async def complete(self, request: ChatRequest) -> Completion:
        """Ask the participant; raises Interrupted when the input ends."""
        async with self._participants.turn(self._name, request.id) as waiting:
            began = time.monotonic()
            call = request.id.removesuffix("/user")
            self._participants.prompt.show(Question(self._name, call, _sections(request), waiting))
            with self._participants.thinking():
                text = await self._answer(request)
        return Completion(text, model=HUMAN, latency_s=time.monotonic() - began, source="human")

    async def aclose(self) -> None:
        """Do nothing: the prompt belongs to all participants."""

    async def _answer(self, request: ChatRequest) -> str:
        own, cross = self._ratings.own, self._ratings.cross
        if request.purpose == "feedback":
            feedback = await self._participants.read("What was good, what would you change?", multiline=True)
            return _json(feedback=feedback, rating=await self._rating(own))
        if request.purpose == "cross_rating":
            reason = await self._participants.read(
                "What do you think of this answer to another person?", multiline=True
            )
            return _json(reason=reason, rating=await self._rating(cross))
        if request.purpose == "ballot":
            return _json(ballot=[await self._opinion(rule.attributes["letter"], rule.text) for rule in _rules(request)])
        return await self._participants.read("Your answer", multiline=True)

    async def _rating(self, metric: str) -> float:
        low, high = self._ratings.scale
        while True:
            answer = await self._participants.read(f"Your rating for {metric}, {low:g} to {high:g}")
            if (rating := read_on_scale(answer, low, high)) is not None:
                return rating.number
            self._participants.prompt.tell(f"Please write a number from {low:g} to {high:g}.")

    async def _opinion(self, letter: str, rule: str) -> dict[str, str]:
        cases = _CASES if _HAS_CONDITION.match(rule) else {key: _CASES[key] for key in ("me", "everyone")}
        question = (
            f"Rule {letter}, {', '.join(cases.values())} ({_WORDS}; e.g. {' '.join('ao' * 2)[: 2 * len(cases) - 1]})"
        )
        while True:
            if (opinion := read_opinion(await self._participants.read(question), tuple(cases))) is not None:
                return {"rule": letter, **opinion}
            self._participants.prompt.tell(f"Please write {len(cases)} words or one for all: {_WORDS}.")


_CASES: Final = {"me": "with you", "condition": "with those it describes", "everyone": "with everyone"}
"""The cases of an opinion in the form -> their words in the question."""
_STANCES: Final = ("approve", "indifferent", "object")
_WORDS: Final = ", ".join(f"{stance[0]} = {stance}" for stance in _STANCES)
_HAS_CONDITION: Final = re.compile(r"When [^:]+: ")


def read_opinion(text: str, cases: Sequence[str]) -> dict[str, str] | None:
    """Parse `a o` or `approve, object`, a stance for each case, or one for all; None if it is neither."""
    words = re.findall(r"[^\s,;/]+", text.lower())
    stances = [stance for word in words for stance in _STANCES if stance.startswith(word)]
    if len(stances) != len(words) or len(words) not in (1, len(cases)):
        return None
    return dict(zip(cases, stances * len(cases), strict=False))


def _sections(request: ChatRequest) -> Sequence[tuple[str, str]]:
    """Return the fenced texts of the prompt with titles, or the whole prompt if it has no fences."""
    prompt = _prompt(request)
    if request.purpose == "feedback":
        messages = list(fenced(prompt, "message"))
        task, own = messages[:1], messages[-2:-1] if len(messages) > 2 else []
        titled = [("Task", task), ("You said", own), ("The assistant's answer", messages[1:][-1:])]
        sections = [(title, piece.text) for title, pieces in titled for piece in pieces]
    elif request.purpose == "cross_rating":
        titles = {"task": "Another person's task", "answer": "The assistant's answer to them"}
        sections = [(title, piece.text) for tag, title in titles.items() for piece in fenced(prompt, tag)]
    elif request.purpose == "ballot":
        sections = [(f"Rule {rule.attributes['letter']}", rule.text) for rule in _rules(request)]
    else:
        sections = []
    return sections or [("Question", prompt)]


def _rules(request: ChatRequest) -> list[Fenced]:
    return [piece for piece in fenced(_prompt(request), "candidate") if "letter" in piece.attributes]


def _prompt(request: ChatRequest) -> str:
    """Return the first user message; later ones only repeat the request for a valid form."""
    return next((message.content for message in request.messages if message.role == "user"), "")


def _json(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)
