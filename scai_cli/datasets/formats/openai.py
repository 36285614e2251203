"""Rows for the fine-tuning API of OpenAI, which Azure, Together and Fireworks read as well, and the rules they state.

https://developers.openai.com/api/docs/guides/supervised-fine-tuning, .../direct-preference-optimization,
https://docs.together.ai/docs/fine-tuning/data-preparation, https://docs.fireworks.ai/fine-tuning/dpo-fine-tuning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scai_cli.datasets.formats.format import ExportedFile, Fields, Format, Layout, Row, RowReader, RowTexts
from scai_cli.datasets.formats.guide import CHARACTERS_PER_TOKEN, MESSAGES, FormatGuide
from scai_cli.datasets.formats.turns import answer, blank, conversation, no_choice, read_answer, read_prompt
from scai_cli.datasets.samples.sample import Answer, Pair

LEAST_ROWS: Final = 10
"""Files with fewer rows are refused."""

MOST_TOKENS: Final = 65_536
"""What is longer in one row is cut off (the context of the models that can be trained; Together and Fireworks: the
model's own)."""

_SFT_KEYS: Final = {"messages"}
_DPO_KEYS: Final = {"input", "preferred_output", "non_preferred_output"}
_MESSAGE_KEYS: Final = {"role", "content"}
_TURNS: Final = ("user", "assistant")
_OPENERS: Final = ("system", *_TURNS)
_ANSWERER: Final = ("assistant",)


def sft_faults(row: Any) -> list[str]:
    """Every rule of supervised fine-tuning that a row breaks, in words; [] for a legal one."""
    if not isinstance(row, dict) or row.keys() != _SFT_KEYS:
        return ["a row is an object with the key messages and no other"]
    faults = _conversation_faults(row["messages"])
    if not faults and row["messages"][-1]["role"] != "assistant":
        faults.append("the last message is the assistant's")
    return faults


def dpo_faults(row: Any) -> list[str]:
    """Every rule of preference fine-tuning that a row breaks, in words; [] for a legal one."""
    if not isinstance(row, dict) or row.keys() != _DPO_KEYS:
        return ["a row is an object with the keys input, preferred_output and non_preferred_output and no other"]
    prompt = row["input"]
    if not isinstance(prompt, dict) or prompt.keys() != _SFT_KEYS:
        return ["input is an object with the key messages and no other"]
    faults = _conversation_faults(prompt["messages"])
    if not faults and prompt["messages"][-1]["role"] != "user":
        faults.append("the last message of input is the user's")
    for side in ("preferred_output", "non_preferred_output"):
        messages = row[side]
        if not isinstance(messages, list) or len(messages) != 1:
            faults.append(f"{side} is a list of one message")
        else:
            faults += [f"{side}: {fault}" for fault in _message_faults(messages[0], _ANSWERER)]
    if row["preferred_output"] == row["non_preferred_output"]:
        faults.append("the two outputs are the same")
    return faults


def _conversation_faults(messages: Any) -> list[str]:
    if not isinstance(messages, list) or not messages:
        return ["messages is a list and not empty"]
    faults = [
        f"message {n}: {fault}"
        for n, message in enumerate(messages, 1)
        for fault in _message_faults(message, _OPENERS if n == 1 else _TURNS)
    ]
    if faults:
        return faults
    start = messages[0]["role"] == "system"
    if len(messages) == start or any(m["role"] != _TURNS[n % 2] for n, m in enumerate(messages[start:])):
        return ["after a system message, user and assistant take turns, the user first"]
    return []


def _message_faults(message: Any, roles: tuple[str, ...]) -> list[str]:
    if not isinstance(message, dict) or message.keys() != _MESSAGE_KEYS:
        return ["a message is an object with the keys role and content and no other"]
    faults = [] if message["role"] in roles else [f"its role is {' or '.join(roles)}"]
    if not isinstance(message["content"], str) or blank(message["content"]):
        faults.append("its content is a text and not empty")
    return faults


def _sft(sample: Answer, layout: Layout) -> Iterator[Row]:
    row = {"messages": [*(conversation(sample, layout) or ()), answer(sample.text)]}
    if not sft_faults(row):
        yield row


def _dpo(pair: Pair, layout: Layout) -> Iterator[Row]:
    row = {
        "input": {"messages": conversation(pair, layout)},
        "preferred_output": [answer(pair.chosen)],
        "non_preferred_output": [answer(pair.rejected)],
    }
    if not no_choice(pair) and not dpo_faults(row):
        yield row


def _read_dpo(row: Fields) -> RowTexts:
    prompt, system = read_prompt(row["input"]["messages"])
    chosen, rejected = read_answer(row["preferred_output"]), read_answer(row["non_preferred_output"])
    return RowTexts(prompt, chosen, rejected, system=system)


def _warnings(file: ExportedFile) -> Iterator[str]:
    if file.rows < LEAST_ROWS:
        yield f"{file.name}: the API takes no file of fewer than {LEAST_ROWS} rows."
    if file.longest > MOST_TOKENS * CHARACTERS_PER_TOKEN:
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
    RowReader(frozenset(_DPO_KEYS), _read_dpo),
    warnings=_warnings,
)
"""`{"input": {"messages": [...]}, "preferred_output": [...], "non_preferred_output": [...]}`, one message a side."""
