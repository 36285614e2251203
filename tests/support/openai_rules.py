"""The published rules of the fine-tuning API, as a check of single rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

_NotBlank = Annotated[str, Meta(pattern=r"\S")]


class _RowMessage(Struct, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant"]
    content: _NotBlank


class _RowAnswer(Struct, forbid_unknown_fields=True):
    role: Literal["assistant"]
    content: _NotBlank


class _RowMessages(Struct, forbid_unknown_fields=True):
    messages: list[_RowMessage]


class _RowPair(Struct, forbid_unknown_fields=True):
    input: _RowMessages
    preferred_output: tuple[_RowAnswer]
    non_preferred_output: tuple[_RowAnswer]


def is_legal_sft(row: Any) -> bool:
    """Return whether a row keeps every rule of supervised fine-tuning: the assistant has the last word."""
    try:
        return _take_turns(msgspec.convert(row, _RowMessages).messages, last="assistant")
    except msgspec.ValidationError:
        return False


def is_legal_dpo(row: Any) -> bool:
    """Return whether a row keeps every rule of preference fine-tuning: one message a side, and not the same."""
    try:
        pair = msgspec.convert(row, _RowPair)
    except msgspec.ValidationError:
        return False
    return _take_turns(pair.input.messages, last="user") and pair.preferred_output != pair.non_preferred_output


def _take_turns(messages: list[_RowMessage], last: str) -> bool:
    """Return whether user and assistant take turns after an optional system message, the user first."""
    roles = [message.role for message in messages]
    if roles[:1] == ["system"]:
        del roles[0]
    turns = ("user", "assistant")
    return all(role == turns[n % 2] for n, role in enumerate(roles)) and roles[-1:] == [last]
