"""Decode the answers of Anthropic's Messages API as the chat completions that `wire` reads."""

from typing import Any, Final

from scai_cli.models.wire import json_object, mapping, number

_INPUT: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
"""The counts whose sum is the input; each token is in one of them."""


def chat_completion(data: bytes) -> dict[str, Any]:
    """Return a body with a message as a chat completion, and any other body unchanged; raises ValueError."""
    body = json_object(data)
    if not isinstance(body.get("content"), list):
        return body
    end, category = body.get("stop_reason"), mapping(body.get("stop_details")).get("category")
    choice = {
        "message": {"content": body["content"]},
        "finish_reason": f"{end}: {category}" if end == "refusal" and category else end,
    }
    return {"choices": [choice], "model": body.get("model"), "usage": _usage(mapping(body.get("usage")))}


def _usage(counts: dict[str, Any]) -> dict[str, Any]:
    parts = [number(counts, (key,)) for key in _INPUT]
    return {
        "prompt_tokens": None if parts[0] is None else sum(part or 0 for part in parts),
        "completion_tokens": counts.get("output_tokens"),
        "cached_tokens": parts[2],
    }
