"""A message of LangChain in the form of a chat completion, so that `wire` reads it as it reads every other answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_ENDS: Final = ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason")
"""Where integrations put the word for the end of an answer in `response_metadata`."""


def as_completion(message: BaseMessage) -> str:
    """Return the chat completion that a message was read from, as JSON."""
    about, beside = _mapping(message.response_metadata), _mapping(message.additional_kwargs)
    ends = [about.get(name) for name in _ENDS]
    # Why an answer is incomplete (OpenAI's Responses), or why a prompt was blocked (Google).
    ends += [_mapping(about.get("incomplete_details")).get("reason")]
    ends += [_mapping(about.get("prompt_feedback")).get("block_reason")]
    words = [str(word) for word in ends if word]
    answer = {
        **beside,
        "content": message.content,
        "refusal": beside.get("refusal") or _refusal(message.content),
        "tool_calls": getattr(message, "tool_calls", None),
    }
    choice = {"message": answer, "finish_reason": words[0] if words else None, "stop_reason": words[-1:] and words[-1]}
    names = (about.get(key) for key in ("model_name", "model", "model_id"))
    body = {"model": next(filter(None, names), None), "choices": [choice], "usage": _usage(message, about)}
    return to_json(body, fallback=str, inf_nan_mode="null").decode()


def _usage(message: BaseMessage, about: Mapping[str, Any]) -> Mapping[str, Any]:
    counts = _mapping(getattr(message, "usage_metadata", None))
    if not counts:
        return _mapping(about.get("token_usage") or about.get("usage"))
    return {**counts, "cached_tokens": _mapping(counts.get("input_token_details")).get("cache_read")}


def _refusal(content: object) -> str:
    blocks = content if isinstance(content, list) else ()
    return "".join(str(block.get("refusal") or "") for block in blocks if isinstance(block, Mapping))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
