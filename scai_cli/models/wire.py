"""Decode the body of a chat completion: what the endpoint sent becomes what the model answered.

Only the parts that scai uses are read, in each form that endpoints are known to send: the response has been paid for.
An answer without text is empty, not an error. `wire.yaml` has the keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from scai_cli.errors import ProviderError, UnusedResponse
from scai_cli.messages import ChatRequest, Completion, Usage, ending, rough_tokens
from scai_cli.models.limits import prompt_tokens
from scai_cli.models.logprobs import answer_logprobs
from scai_cli.models.thoughts import split_thoughts
from scai_cli.text.characters import clean
from scai_cli.text.data_files import read_data_file

_KEYS: Final = read_data_file(__file__)
Error = TypeVar("Error", bound=ProviderError)


class BodyError(ValueError):
    """An error in a response with status 200; `body` is the error, `status` its code."""

    def __init__(self, body: object) -> None:
        super().__init__()
        code = str(body.get("code") if isinstance(body, Mapping) else "")
        self.status = int(code) if len(code) == 3 and code.isdecimal() and code >= "400" else 200
        self.body = body


class FilterError(ValueError):
    """A response without text, withheld by a filter with the word `finish`, or (None) without any message."""

    def __init__(self, body: object, finish: str | None = None) -> None:
        super().__init__("no choices with a message")
        self.body = body
        self.finish = finish


def read_completion(data: bytes, request: ChatRequest) -> Completion:
    """Decode the completion in a body with status 200; raises ValueError if there is none."""
    body = _body(data)
    choice, model = _first_choice(body), body.get("model")
    message, finish = _mapping(choice.get("message")), choice.get("finish_reason")
    error = choice.get("error") or (body.get("error") if finish == "error" or not choice else None)
    if error or finish == "error":  # some routers send the upstream's error with status 200
        raise BodyError(error or "the answer ended with an error")
    if not message:
        raise FilterError(choice or body)
    finish = str(finish or "stop")
    raw, apart = _content(message)
    text, inner, start = split_thoughts(raw)
    if not text:
        text = _text(message.get("refusal"))
        finish = "refusal" if text else "tool_calls" if finish == "stop" and message.get("tool_calls") else finish
    if not text and ending(finish) == "withheld":
        raise FilterError(choice, finish)
    thoughts = "\n\n".join(filter(None, (apart, inner)))
    sent, answered, cached = _counts(body.get("usage"))
    sent = prompt_tokens(request) if sent is None else sent
    answered = rough_tokens(len(text) + len(thoughts)) if answered is None else answered
    return Completion(
        clean(text),
        clean(finish),
        Usage(sent, answered, cached),
        clean(model) if isinstance(model, str) and model else None,
        logprobs=answer_logprobs(choice.get("logprobs"), raw[:start] + text, start) if request.logprobs else None,
        thoughts=clean(thoughts),
    )


def with_response(error: Error, data: bytes) -> Error:
    """Return the error that a body with status 200 caused, with the `response` if the body counts tokens."""
    try:
        body = _body(data)
    except (ValueError, RecursionError):
        return error
    choice = _first_choice(body)
    sent, answered, cached = _counts(body.get("usage"))
    if sent or answered:
        text, finish = _content(_mapping(choice.get("message")))[0], choice.get("finish_reason")
        error.response = UnusedResponse(
            clean(text), clean(str(finish)) if finish else None, sent or 0, answered or 0, cached
        )
    return error


def _body(data: bytes) -> Mapping[str, Any]:
    """Return the JSON object in a response, also if it comes as a stream of chunks."""
    text = data.decode("utf-8-sig", "replace").lstrip()
    if text.startswith(("data:", "event:", ":")):
        return _joined(
            [_mapping(json.loads(line[5:])) for line in text.split("\n") if line[:5] == "data:" and "{" in line]
        )
    body = json.loads(text)
    if not isinstance(body, Mapping):
        raise ValueError("no JSON object")
    return body


def _joined(chunks: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the response that the chunks of a stream add up to."""
    whole: dict[str, Any] = {}
    message: dict[str, str] = {}
    for chunk in chunks:
        choice = _first_choice(chunk)
        if "message" in choice:
            return chunk
        for key, value in _mapping(choice.get("delta")).items():
            message[key] = message.get(key, "") + (value if isinstance(value, str) else "")
        found = {"choices": [{**choice, "message": message}]} if choice.get("finish_reason") else {}
        whole |= {key: value for key, value in chunk.items() if value and key != "choices"} | found
    return whole


def _first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    return _mapping(choices[0]) if isinstance(choices, list) and choices else {}


def _content(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text of a message as the model wrote it, and the thoughts that the endpoint keeps apart."""
    content = message.get("content")
    beside = next((text for key in _KEYS["thought_fields"] if (text := _text(message.get(key)))), "")
    if isinstance(content, str):
        return content, beside
    parts = content if isinstance(content, list) else [content]
    thoughts = [part for part in parts if _mapping(part).get("type") in _KEYS["thought_types"]]
    return _text([part for part in parts if part not in thoughts]), _text(thoughts) or beside


def _text(part: object) -> str:
    """Return the text in a part of a content, however deep it is."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(_text, part))
    return next((text for key in _KEYS["text_fields"] if (text := _text(_mapping(part).get(key)))), "") if part else ""


def _counts(counted: object) -> tuple[int | None, int | None, int]:
    """Return the input, output and cached input tokens of a `usage`; None for those that it does not count."""
    sent, answered, cached = (
        next((number for path in _KEYS[kind] if (number := _number(counted, path)) is not None), None)
        for kind in ("input", "output", "cached")
    )
    if sent is not None and cached and cached > sent:  # counted apart from the rest of the input
        sent += cached
    return sent, answered, min(cached or 0, sent or 0)


def _number(counted: object, path: str) -> int | None:
    """Return the number at a path of keys, also from a string; None if there is no number of tokens."""
    for key in path.split("."):
        counted = _mapping(counted).get(key)
    try:
        return max(0, round(float(counted))) if isinstance(counted, str | int | float) else None
    except (ValueError, OverflowError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
