"""One role at its model: says something, or fills in a form and is asked again while it does not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from scai_cli.errors import CallFailed
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import AgentRole, ChatRequest, Completion, Message, Sampling
from scai_cli.models.base import ChatModel

Form = TypeVar("Form", bound=BaseModel)

_SHOWN_OF_A_BAD_ANSWER = 2000
_OBJECTS_TRIED = 20


@dataclass(frozen=True, slots=True)
class StructuredAnswer(Generic[Form]):
    """What came of asking for a form: `form`, or None with the `problem`; `last` is the last answer as it was."""

    form: Form | None
    problem: str | None
    last: Completion


@dataclass(frozen=True, slots=True)
class Agent:
    """A role of the simulation with the model that plays it."""

    role: AgentRole
    model: ChatModel
    config: ModelSettings
    seed: int
    format_retries: int = 2

    async def say(
        self, call_id: str, purpose: str, messages: Sequence[Message], *, logprobs: int | None = None
    ) -> Completion:
        """Ask for free text, and for the likeliest of its first tokens; the call's id is `call_id/role`."""
        request = self._request(f"{call_id}/{self.role}", purpose, messages, None)
        return await self._ask(request if logprobs is None else replace(request, logprobs=logprobs))

    async def ask_structured(
        self, call_id: str, purpose: str, messages: Sequence[Message], form: type[Form], context: object = None
    ) -> StructuredAnswer[Form]:
        """Ask for a JSON object of a form; told what was wrong, the model is asked again `format_retries` times.

        `context` is handed to the form's validators (the rating scale, the known users).
        """
        schema = _schema(form) if self.config.structured == "json_schema" else None
        asked = list(messages)
        attempt = 0
        while True:
            suffix = f"/retry{attempt}" if attempt else ""
            request = self._request(f"{call_id}/{self.role}{suffix}", purpose, asked, schema)
            completion = await self._ask(request)
            try:
                return StructuredAnswer(parse_form(completion.text, form, context), None, completion)
            except ValueError as error:
                problem = _told(error, completion)
            if attempt == self.format_retries:
                return StructuredAnswer(None, problem, completion)
            attempt += 1
            asked = [
                *messages,
                Message("assistant", completion.text[:_SHOWN_OF_A_BAD_ANSWER] or "(no answer)"),
                _again(problem),
            ]

    async def _ask(self, request: ChatRequest) -> Completion:
        try:
            return await self.model.complete(request)
        except CallFailed as error:
            error.call = request.id
            raise

    def _request(
        self, call_id: str, purpose: str, messages: Sequence[Message], schema: dict[str, Any] | None
    ) -> ChatRequest:
        config = self.config
        seed = call_seed(self.seed, call_id) if config.send_seed else None
        sampling = Sampling(config.temperature, config.top_p, config.max_tokens, seed)
        return ChatRequest(call_id, self.role, purpose, model_name(config), tuple(messages), sampling, schema)


def model_name(config: ModelSettings) -> str:
    """What a model is called in requests and records: its name, or its provider's."""
    return config.name or config.provider


def call_seed(seed: int, call_id: str) -> int:
    """The sampling seed of one call, 31 bits, from the run's seed and the call's place in it.

    A variant of a place (a part of the id that begins with `~`, such as a trial of a candidate) has the seed of the
    place itself, so that what is compared differs in nothing but what is tried.
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}/{unvaried(call_id)}".encode(), digest_size=4).digest()) >> 1


def unvaried(place: str) -> str:
    """An id without its variants: `e2/~1/farmer/dinner` -> `e2/farmer/dinner`."""
    return "/".join(part for part in place.split("/") if not part.startswith("~")) if "/~" in place else place


def parse_form(text: str, form: type[Form], context: object = None) -> Form:
    """The first JSON object in a text that has the form, prose and code fences around it or not; raises ValueError."""
    first: ValueError | None = None
    for data in _objects(text):
        try:
            return form.model_validate(data, context=context)
        except ValidationError as error:
            first = first or error
    raise first or ValueError("there is no JSON object in the answer")


def _objects(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at = text.find("{")
    for _ in range(_OBJECTS_TRIED):
        if at < 0:
            return
        try:
            data, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield data
        at = text.find("{", end)


def _told(error: ValueError, completion: Completion) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in detail["loc"])
        said = detail["msg"].removeprefix("Value error, ")
        problem = f"{place}: {said}" if place else said
    else:
        problem = str(error)
    cut = " (the answer was cut off)" if completion.finish_reason == "length" else ""
    return f"{problem}{cut}"[:300]


def _again(problem: str) -> Message:
    return Message(
        "user", f"This could not be read: {problem}. Answer again, with nothing but the JSON object asked for."
    )


@cache
def _schema(form: type[BaseModel]) -> dict[str, Any]:
    return form.model_json_schema()
