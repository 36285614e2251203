"""Decode the body of a chat completion: what the endpoint sent becomes what the model answered.

Only the parts that scai uses are read, in each form that endpoints are known to send: the response has been paid for.
An answer without text is empty, not an error; one that is too long is an error. `wire.yaml` has the keys.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from pydantic_core import from_json

from scai_cli.errors import UnusedResponse
from scai_cli.messages import ChatRequest, Completion, Usage, ending, rough_tokens
from scai_cli.models.endpoint import Endpoint
from scai_cli.models.limits import prompt_tokens
from scai_cli.models.logprobs import answer_logprobs
from scai_cli.models.thoughts import split_thoughts
from scai_cli.text.characters import clean
from scai_cli.text.data_files import read_data_file

_KEYS: Final = read_data_file(__file__)
_LONGEST: Final = 500_000
"""The characters of an answer with its thoughts: what models can write."""
_LARGE: Final = 8 * _LONGEST
"""The bytes of a response from which on its values are counted."""
_VALUES: Final = 500_000
_CROWDED: Final = re.compile(rb'(?:(?:[^"\[{,]++|"(?:[^"\\]++|\\.)*+")*+[\[{,]){%d}+' % _VALUES, re.DOTALL)
"""JSON with at least `_VALUES` values: in memory they take many times its size."""
_WORD: Final = 200
"""The characters of a model's name, or of the word for the end of an answer."""
_DATA: Final = re.compile(rb"^data:([^\n]*\{[^\n]*)", re.MULTILINE)


Decode = Callable[[bytes], dict[str, Any]]
"""Makes a chat completion of a body in another form."""


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


def read_completion(data: bytes, request: ChatRequest, decode: Decode | None = None) -> Completion:
    """Return the completion in a body with status 200; raises ValueError if there is none."""
    body = (decode or json_object)(data)
    choice, model = _first_choice(body), body.get("model")
    message, finish = mapping(choice.get("message")), choice.get("finish_reason")
    error = choice.get("error") or (body.get("error") if finish == "error" or not choice else None)
    if error or finish == "error":  # some routers send the upstream's error with status 200
        raise BodyError(error or "the answer ended with an error")
    if not message:
        raise FilterError(choice or body)
    finish = _end(choice)
    raw, apart = _content(message)
    refusal = _text(message.get("refusal"))
    if (length := len(raw) + len(apart) + len(refusal)) > _LONGEST:
        raise BodyError(f"the answer is too long: {length:,} characters, over {_LONGEST:,}")
    text, inner, start = split_thoughts(raw)
    if not text:
        text = refusal
        finish = "refusal" if text else "tool_calls" if finish == "stop" and message.get("tool_calls") else finish
    if not text and ending(finish) == "withheld":
        raise FilterError(choice, finish)
    thoughts = clean(f"{apart}\n\n{inner}".strip())
    sent, answered, cached = _counts(body.get("usage"))
    sent = prompt_tokens(request) if sent is None else sent
    answered = rough_tokens(len(text) + len(thoughts)) if answered is None else answered
    return Completion(
        clean(text),
        clean(finish),
        Usage(sent, answered, cached),
        clean(model[:_WORD]) if isinstance(model, str) and model else None,
        logprobs=answer_logprobs(choice.get("logprobs"), raw[:start] + text, start) if request.logprobs else None,
        thoughts=thoughts,
    )


def unused_response(data: bytes, where: Endpoint, decode: Decode | None = None) -> UnusedResponse | None:
    """Return a body with status 200 that contains no usable answer, without the key; None if it counts no tokens."""
    with suppress(ValueError, RecursionError):
        body = (decode or json_object)(data)
        choice = _first_choice(body)
        sent, answered, cached = _counts(body.get("usage"))
        if sent or answered:
            text = where.in_answer(clean(_content(mapping(choice.get("message")))[0][: 2 * _LONGEST]))
            word = where.end_word(clean(str(end)[:_WORD])) if (end := choice.get("finish_reason")) else None
            return UnusedResponse(text[:_LONGEST], word, sent or 0, answered or 0, cached)
    return None


def json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in a response, also if it comes as a stream of chunks."""
    if len(data) > _LARGE and sum(map(data.count, (b",", b"[", b"{"))) >= _VALUES and _CROWDED.match(data):
        raise BodyError(f"the response is too long: over {_VALUES:,} values")
    data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if data.startswith((b"data:", b"event:", b":")):
        return _joined(mapping(_decoded(found[1])) for found in _DATA.finditer(data))
    body = _decoded(data)
    if not isinstance(body, dict):
        raise ValueError("no JSON object")
    return body


def _decoded(data: bytes) -> object:
    """Return the value in JSON; of a text that is not too long also with bytes or surrogates that are not Unicode."""
    try:
        return from_json(data)
    except ValueError:
        if len(data) > _LARGE:
            raise
        return json.loads(data.decode("utf-8", "replace"))


def _joined(chunks: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the response that the chunks of a stream add up to."""
    whole: dict[str, Any] = {}
    ended: dict[str, Any] = {"choices": None}
    message: dict[str, list[object]] = {}
    for chunk in chunks:
        choice = _first_choice(chunk)
        for key, value in mapping(choice.get("delta")).items():
            message.setdefault(key, []).extend(value if isinstance(value, list) else [value])
        whole |= {key: value for key, value in chunk.items() if value}
        if choice.get("message") or choice.get("finish_reason"):
            ended = {"choices": [{"message": message, **choice}]}
    if message and not ended["choices"] and "error" not in whole:
        raise ValueError("the stream of chunks broke off")
    return {**whole, **ended}


def _first_choice(body: dict[str, Any]) -> dict[str, Any]:
    choices = body.get("choices")
    return mapping(choices[0]) if isinstance(choices, list) and choices else {}


def _content(message: dict[str, Any]) -> tuple[str, str]:
    """Return the text of a message as the model wrote it, and the thoughts that the endpoint keeps apart."""
    content = message.get("content")
    beside = next((text for key in _KEYS["thought_fields"] if key in message and (text := _text(message[key]))), "")
    if isinstance(content, str):
        return content, beside
    parts: tuple[list[object], list[object]] = [], []
    for part in content if isinstance(content, list) else [content]:
        parts[_is_thought(mapping(part))].append(part)
    return _text(parts[0]), _text(parts[1]) or beside


def _is_thought(part: dict[str, Any]) -> bool:
    kind = str(part.get("type") or ("" if "text" in part else " ".join(part))).lower()
    return part.get("thought") is True or any(word in kind for word in _KEYS["thought_types"])


def _end(choice: dict[str, Any]) -> str:
    """Return the word for the end of an answer; one that means cut or withheld counts before the others."""
    words = [str(word)[:_WORD] for key in _KEYS["ends"] if (word := choice.get(key))]
    return next((word for word in words if ending(word) in ("cut", "withheld")), (*words, "stop")[0])


def _text(part: object) -> str:
    """Return the text in a part of a content, however deep it is."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(_text, part))
    return next((text for key in _KEYS["text_fields"] if (text := _text(mapping(part).get(key)))), "") if part else ""


def _counts(usage: object) -> tuple[int | None, int | None, int]:
    """Return the input, output and cached input tokens of a `usage`; None for those that it does not count."""
    counts = mapping(usage)
    details = next((counts[key] for key in _KEYS["details"] if counts.get(key)), None)
    sent, answered = number(counts, _KEYS["input"]), number(counts, _KEYS["output"])
    cached = number({**counts, **mapping(details)}, _KEYS["cached"]) or 0
    if sent is not None and cached > sent:  # counted apart from the rest of the input
        sent += cached
    return sent, answered, min(cached, sent or 0)


def number(counts: dict[str, Any], keys: Iterable[str]) -> int | None:
    """Return the number under the first of the keys that has one, also from a string."""
    for key in keys:
        try:
            if (value := counts.get(key)) is not None and (count := round(float(value))) < 10**12:
                return max(0, count)
        except (ValueError, OverflowError, TypeError):
            continue
    return None


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, and for any other value an empty one."""
    return value if isinstance(value, dict) else {}
