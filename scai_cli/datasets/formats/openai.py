"""Rows for the fine-tuning API of OpenAI, which Azure, Together and Fireworks read as well, and the rules they state.

https://developers.openai.com/api/docs/guides/supervised-fine-tuning, .../direct-preference-optimization,
https://docs.together.ai/docs/fine-tuning/data-preparation, https://docs.fireworks.ai/fine-tuning/dpo-fine-tuning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from scai_cli.datasets.formats.format import ExportedFile, Fields, Format, Layout, Row, RowReader, RowTexts
from scai_cli.datasets.formats.guide import CHARACTERS_PER_TOKEN, MESSAGES, FormatGuide
from scai_cli.datasets.formats.turns import answer, conversation, no_choice, read_answer, read_prompt
from scai_cli.datasets.samples.sample import Answer, Pair

LEAST_ROWS: Final = 10
"""Files with fewer rows are refused."""

MOST_TOKENS: Final = 65_536
"""What is longer in one row is cut off (the context of the models that can be trained; Together and Fireworks: the
model's own)."""

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


def _sft(sample: Answer, layout: Layout) -> Iterator[Row]:
    row = {"messages": [*(conversation(sample, layout) or ()), answer(sample.text)]}
    if is_legal_sft(row):
        yield row


def _dpo(pair: Pair, layout: Layout) -> Iterator[Row]:
    row = {
        "input": {"messages": conversation(pair, layout)},
        "preferred_output": [answer(pair.chosen)],
        "non_preferred_output": [answer(pair.rejected)],
    }
    if not no_choice(pair) and is_legal_dpo(row):
        yield row


def _read_dpo(row: Fields) -> RowTexts:
    prompt, system = read_prompt(row["input"]["messages"])
    chosen, rejected = read_answer(row["preferred_output"]), read_answer(row["non_preferred_output"])
    return RowTexts(prompt, chosen, rejected, system=system)


def _warnings(file: ExportedFile) -> Iterator[str]:
    if file.rows < LEAST_ROWS:
        yield f"{file.name}: the API takes no file of fewer than {LEAST_ROWS} rows."
    if file.longest_characters > MOST_TOKENS * CHARACTERS_PER_TOKEN:
        yield f"{file.name}: the API cuts rows off at {MOST_TOKENS:,} tokens; the longest is longer."


_ADVICE: Final = (
    "Every row was checked against the published rules; the file holds nothing else, for the API refuses other keys.",
    f"The API refuses files of fewer than {LEAST_ROWS} rows and cuts a row off at {MOST_TOKENS:,} tokens (OpenAI; "
    "elsewhere at the model's context).",
)

sft: Final = Format(
    "answers",
    _sft,
    FormatGuide(
        "the fine-tuning API of OpenAI (supervised), Azure, Together, Fireworks",
        {"messages": f"{MESSAGES}: the conversation, ends with the answer"},
        _ADVICE,
        ("sft",),
    ),
    warnings=_warnings,
)
"""`{"messages": [...]}` and nothing else: the API refuses other keys."""

dpo: Final = Format(
    "pairs",
    _dpo,
    FormatGuide(
        "the fine-tuning API of OpenAI (preference), Azure, Together, Fireworks",
        {
            "input": f"object with `messages`, a {MESSAGES}",
            "preferred_output": f"{MESSAGES}: the better answer",
            "non_preferred_output": f"{MESSAGES}: the worse one",
        },
        _ADVICE,
        ("dpo", "preference"),
    ),
    RowReader(frozenset({"input", "preferred_output", "non_preferred_output"}), _read_dpo),
    warnings=_warnings,
)
"""`{"input": {"messages": [...]}, "preferred_output": [...], "non_preferred_output": [...]}`, one message a side."""
