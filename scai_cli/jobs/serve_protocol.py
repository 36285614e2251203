"""The chat-completions protocol of OpenAI, as `scai serve` speaks it: requests in, answers, chunks and errors out.

No parameter that changes an answer is dropped: it is forwarded, or an error names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, ValidationError

from scai_cli.errors import (
    EndpointFailed,
    Interrupted,
    LimitReached,
    OutputError,
    ParameterRefused,
    PromptRefused,
    PromptTooLong,
    ScaiError,
)
from scai_cli.messages import Completion, Ending, Message, MessageRole, Usage
from scai_cli.text.characters import clean, one_line
from scai_cli.values import Value

_ROLES: Final[Mapping[str, MessageRole]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_HARMLESS: Final = frozenset({"user", "metadata", "store", "safety_identifier", "prompt_cache_key", "service_tier"})
"""Parameters that do not change an answer."""
_NEUTRAL: Final[Mapping[str, tuple[object, ...]]] = {
    "n": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logprobs": (False,),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
}
"""Values, besides null and empty ones, with which other parameters change nothing."""
_ENDS: Final[Mapping[Ending, str]] = {"whole": "stop", "cut": "length", "withheld": "content_filter"}
_PIECE: Final = 512
"""The characters of a chunk."""


class ApiError(Exception):
    """An error of the protocol, with its HTTP status."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        kind = {429: "insufficient_quota"}.get(
            self.status, "invalid_request_error" if self.status < 500 else "api_error"
        )
        return {"error": {"message": one_line(str(self)), "type": kind, "param": self.param, "code": self.code}}


def api_error(error: ScaiError) -> ApiError:
    """Return the error of the protocol for a call without an answer."""
    text = str(error)
    if isinstance(error, LimitReached):
        # OpenAI's words, by which clients know that a retry is useless.
        return ApiError(429, f"You exceeded your current quota: {text}", code="insufficient_quota")
    if isinstance(error, ParameterRefused):
        return ApiError(400, text, error.parameter, "unsupported_parameter")
    if isinstance(error, PromptTooLong):
        return ApiError(400, text, "messages", "context_length_exceeded")
    if isinstance(error, PromptRefused):
        return ApiError(400, text, "messages", "content_filter")
    if isinstance(error, Interrupted):
        return ApiError(503, "scai serve is stopping", code="stopping")
    if isinstance(error, OutputError):
        return ApiError(500, text, code="not_logged")
    return ApiError(502, text, code="endpoint_failed" if isinstance(error, EndpointFailed) else "call_failed")


class _StreamOptions(Value):
    include_usage: bool = False
    include_obfuscation: bool = False


class _Parameters(Value):
    """The parameters that are read, besides `messages`."""

    model_config = ConfigDict(strict=True)

    model: str
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Annotated[str, Field(min_length=1)] | list[Annotated[str, Field(min_length=1)]] | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """A request of a caller."""

    model: str
    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    """The fields of `Sampling` that the caller set."""
    stop: tuple[str, ...]
    """Texts at the first of which the answer ends, without it."""
    stream: bool
    include_usage: bool

    def behind(self, system: str) -> tuple[Message, ...]:
        """Return the messages behind a system message, with the caller's own first ones after it in the same message.

        Many chat templates take one system message, at the start.
        """
        first = next((n for n, message in enumerate(self.messages) if message.role != "system"), len(self.messages))
        texts = (system, *(message.content for message in self.messages[:first]))
        return (Message("system", "\n\n".join(text for text in texts if text)), *self.messages[first:])


def read_request(body: object) -> ServedRequest:
    """Read a request's JSON; raises ApiError (400) that names the first parameter at fault."""
    if not isinstance(body, dict):
        raise ApiError(400, "the body is not a JSON object")
    for name, value in body.items():
        if name not in _Parameters.model_fields and name != "messages" and not _changes_nothing(name, value):
            raise ApiError(400, f"{name}: not supported with this value; leave it out", name, "unsupported_parameter")
    found = body.get("messages")
    if not isinstance(found, list) or not found:
        raise ApiError(400, "messages: must be a list of at least one message", "messages")
    messages = tuple(_message(f"messages[{n}]", message) for n, message in enumerate(found))
    if all(message.role != "user" for message in messages):
        raise ApiError(400, "messages: must contain a message of the user", "messages")
    try:
        read = _Parameters.model_validate({name: body[name] for name in _Parameters.model_fields if name in body})
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        name = str(detail["loc"][0])
        raise ApiError(400, f"{name}: {detail['msg']}", name) from None
    most = read.max_completion_tokens if read.max_tokens is None else read.max_tokens
    if read.max_completion_tokens not in (None, most):
        raise ApiError(400, "max_tokens: differs from max_completion_tokens; give one", "max_tokens")
    sampling = {"temperature": read.temperature, "top_p": read.top_p, "max_tokens": most}
    return ServedRequest(
        model=read.model,
        messages=messages,
        sampling={name: value for name, value in {**sampling, "seed": read.seed}.items() if value is not None},
        stop=(read.stop,) if isinstance(read.stop, str) else tuple(read.stop or ()),
        stream=read.stream,
        include_usage=read.stream_options is not None and read.stream_options.include_usage,
    )


def _changes_nothing(name: str, value: object) -> bool:
    return name in _HARMLESS or value is None or value in ([], {}) or value in _NEUTRAL.get(name, ())


def _message(where: str, message: object) -> Message:
    if not isinstance(message, dict):
        raise ApiError(400, f"{where}: not an object", where)
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        raise ApiError(400, f"{where}.role: must be one of {', '.join(_ROLES)}", f"{where}.role")
    for name, value in message.items():
        if name not in ("role", "content") and value is not None and value not in ([], {}, ""):
            raise ApiError(400, f"{where}.{name}: not supported; leave it out", f"{where}.{name}")
    if content is None and role == "assistant":
        content = ""
    return Message(_ROLES[role], clean(content if isinstance(content, str) else _joined(f"{where}.content", content)))


def _joined(where: str, parts: object) -> str:
    if not isinstance(parts, list):
        raise ApiError(400, f"{where}: must be a text, or a list of parts of the type text", where)
    for number, part in enumerate(parts):
        if not (isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)):
            at = f"{where}[{number}]"
            raise ApiError(400, f"{at}: only parts of the type text are supported", at)
    return "".join(part["text"] for part in parts)


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """The answer to a request, under the id of its call."""

    id: str
    created: int
    """Seconds since 1970."""
    model: str
    text: str
    finish_reason: str
    usage: Usage

    @classmethod
    def of(cls, call: str, created: int, request: ServedRequest, completion: Completion) -> ServedAnswer:
        """Return an answer that ends at the first of the request's stop texts."""
        text = completion.text[: min((at for s in request.stop if (at := completion.text.find(s)) >= 0), default=None)]
        # An endpoint's word for an end that OpenAI does not have is passed on.
        reason = _ENDS.get(completion.ended, completion.finish_reason)
        if text != completion.text:
            reason = "stop"
        return cls(call, created, completion.model or request.model, text, reason, completion.usage)

    def body(self) -> dict[str, Any]:
        """Return the JSON body of an answer in one piece."""
        message = {"role": "assistant", "content": self.text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}
        return self._object("chat.completion", choices=[choice], usage=self._usage())

    def chunks(self, include_usage: bool) -> Iterator[dict[str, Any]]:
        """Yield the events of a stream: the role, pieces of the text, the end, and the usage if it is wanted."""
        usage = {"usage": None} if include_usage else {}

        def chunk(delta: dict[str, str], end: str | None = None) -> dict[str, Any]:
            choice = {"index": 0, "delta": delta, "finish_reason": end, "logprobs": None}
            return self._object("chat.completion.chunk", choices=[choice], **usage)

        yield chunk({"role": "assistant", "content": ""})
        for start in range(0, len(self.text), _PIECE):
            yield chunk({"content": self.text[start : start + _PIECE]})
        yield chunk({}, self.finish_reason)
        if include_usage:
            yield self._object("chat.completion.chunk", choices=[], usage=self._usage())

    def _object(self, kind: str, **more: Any) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, **more}

    def _usage(self) -> dict[str, Any]:
        used = self.usage
        return {
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "total_tokens": used.total,
            "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        }
