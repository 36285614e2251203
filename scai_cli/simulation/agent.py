"""An agent: a role with its model, which answers in free text or as a JSON object of a given form."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError

from scai_cli.errors import CallFailed
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import AgentRole, ChatRequest, Completion, Message, Sampling
from scai_cli.models.base import ChatModel
from scai_cli.runs.records import Mark
from scai_cli.simulation.answer_forms import form_schema, is_read_when_cut
from scai_cli.simulation.form_reader import Form, read_form

Read = TypeVar("Read")

_SHOWN_OF_A_BAD_ANSWER = 2000
_NO_FORM: Final = "This could not be read: {problem}. Answer again, with nothing but the JSON object asked for."
_NOT_FIT: Final = "This cannot be sent: {problem}. Write it again, and nothing else."


@dataclass(frozen=True, slots=True)
class StructuredAnswer(Generic[Form]):
    """The parsed answer, or None and the `problem`; `last` is the last answer, unparsed; `marks` are that answer's."""

    form: Form | None
    problem: str | None
    last: Completion
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """A role of the simulation with its model."""

    role: AgentRole
    model: ChatModel
    config: ModelSettings
    seed: int
    format_retries: int = 2

    async def say(
        self,
        call_id: str,
        purpose: str,
        messages: Sequence[Message],
        *,
        logprobs: int | None = None,
        schema: dict[str, Any] | None = None,
    ) -> Completion:
        """Request free text, by `schema` if the server can, optionally with candidates for the answer's letter.

        The call's id is `call_id/role`.
        """
        schema = schema if self.config.structured == "json_schema" else None
        request = self._request(f"{call_id}/{self.role}", purpose, messages, schema)
        return await self._ask(request if logprobs is None else replace(request, logprobs=logprobs))

    async def ask_structured(
        self, call_id: str, purpose: str, messages: Sequence[Message], form: type[Form], context: object = None
    ) -> StructuredAnswer[Form]:
        """Request a JSON object of a form; repeat the request after an invalid answer, up to `format_retries` times.

        The repeated request contains the invalid answer and the problem. `context` is passed to the form's validators
        (the rating scale, the known letters). A withheld answer is not read, a cut one only if its form allows it.
        """
        schema = form_schema(form, context) if self.config.structured == "json_schema" else None
        example = "{" + messages[-1].content.rpartition("\n{")[2]

        def read(completion: Completion) -> tuple[Form, tuple[Mark, ...]]:
            return read_answer(completion, form, context, example)

        found, problem, last = await self._ask_until_read(call_id, purpose, messages, read, _NO_FORM, schema)
        answer, marks = found or (None, ())
        return StructuredAnswer(answer, problem, last, (*last.marks, *marks))

    async def say_checked(
        self, call_id: str, purpose: str, messages: Sequence[Message], check: Callable[[Completion], str]
    ) -> tuple[str | None, Completion]:
        """Request free text and return it as `check` does, with the answer; None if it never passes.

        `check` raises ValueError with the problem; the request is then repeated as in `ask_structured`.
        """
        text, _, last = await self._ask_until_read(call_id, purpose, messages, check, _NOT_FIT)
        return text, last

    async def _ask_until_read(
        self,
        call_id: str,
        purpose: str,
        messages: Sequence[Message],
        read: Callable[[Completion], Read],
        again: str,
        schema: dict[str, Any] | None = None,
    ) -> tuple[Read | None, str | None, Completion]:
        """Return the first answer that can be read, or None and the problem of the last one; and the last answer."""
        conversation = list(messages)
        attempt = 0
        while True:
            suffix = f"/retry{attempt}" if attempt else ""
            request = self._request(f"{call_id}/{self.role}{suffix}", purpose, conversation, schema)
            completion = await self._ask(request)
            try:
                return read(completion), None, completion
            except ValueError as error:
                problem = _describe(error, completion)
            if attempt == self.format_retries:
                return None, problem, completion
            attempt += 1
            # Only the last bad answer is quoted: a prompt that grew with each attempt might not fit any more.
            conversation = [
                *messages,
                Message("assistant", completion.text[:_SHOWN_OF_A_BAD_ANSWER] or "(no answer)"),
                Message("user", again.format(problem=problem)),
            ]

    async def _ask(self, request: ChatRequest) -> Completion:
        try:
            return await self.model.complete(request)
        except CallFailed as error:
            error.call = request.id  # the gate knows the endpoint, only the agent knows which call it was
            raise

    def _request(
        self, call_id: str, purpose: str, messages: Sequence[Message], schema: dict[str, Any] | None
    ) -> ChatRequest:
        config = self.config
        seed = call_seed(self.seed, call_id) if config.send_seed else None
        sampling = Sampling(config.temperature, config.top_p, config.max_tokens, seed)
        return ChatRequest(call_id, self.role, purpose, config.label, tuple(messages), sampling, schema)


def call_seed(seed: int, call_id: str) -> int:
    """Return the sampling seed of one call, 31 bits, from the run's seed and the call's id.

    A part of the id that starts with `~` marks a variant (the trial of a candidate, a side of the holdout). Variants
    share one seed, so that they differ only in the compared constitutions.
    """
    return int.from_bytes(hashlib.blake2b(f"{seed}/{without_variants(call_id)}".encode(), digest_size=4).digest()) >> 1


def without_variants(call_id: str) -> str:
    """Remove the variants from an id: `e2/~1/farmer/dinner` -> `e2/farmer/dinner`."""
    return "/".join(part for part in call_id.split("/") if not part.startswith("~")) if "/~" in call_id else call_id


def read_answer(
    completion: Completion, form: type[Form], context: object, example: str
) -> tuple[Form, tuple[Mark, ...]]:
    """Read a form from an answer as its end allows; raises ValueError."""
    ended = completion.ended
    if ended == "withheld":
        raise ValueError("the answer was withheld")
    if ended != "whole" and not is_read_when_cut(form):
        raise ValueError("the answer is not whole")
    return read_form(completion.text, form, context, example=example, whole=ended == "whole")


def _describe(error: ValueError, completion: Completion) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in detail["loc"])
        message = detail["msg"].removeprefix("Value error, ")
        problem = f"{key}: {message}" if key else message
    else:
        problem = str(error)
    why = "was cut off" if completion.ended == "cut" else "" if completion.text else "is empty"
    return f"{problem}{why and f' (the answer {why})'}"[:300]
