"""Rows to fine-tune on: the assistant's answers, by default without the constitution that led to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scai_cli.exporters.answers import Answer, answers
from scai_cli.history import History
from scai_cli.selection import Selection


def prompt_completion(history: History, selection: Selection) -> Iterator[dict[str, Any]]:
    """`{"prompt": [...], "completion": [...]}`: TRL trains on the answer alone."""
    for answer in answers(history, selection):
        yield {"prompt": _before(answer), "completion": [_answer(answer)]}


def messages(history: History, selection: Selection) -> Iterator[dict[str, Any]]:
    """`{"messages": [...]}`: plain chat rows; many trainers train on every message of them."""
    for answer in answers(history, selection):
        yield {"messages": [*_before(answer), _answer(answer)]}


def _before(answer: Answer) -> list[dict[str, str]]:
    said = [{"role": message.role, "content": message.content} for message in answer.before]
    return [{"role": "system", "content": answer.system}, *said] if answer.system else said


def _answer(answer: Answer) -> dict[str, str]:
    return {"role": "assistant", "content": answer.message.content}
