"""Rows for supervised fine-tuning: the assistant's answers, by default without the system message behind them."""

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Fields, Format, Layout, Row, RowReader
from scai_cli.datasets.formats.turns import answer, blank, conversation, read_answer, read_prompt
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.datasets.samples.sample import Answer


def _messages(sample: Answer, layout: Layout) -> Iterator[Row]:
    before = conversation(sample, layout)
    if before is not None and not blank(sample.text):
        yield {"messages": [*before, answer(sample.text)]}


def _prompt_completion(sample: Answer, layout: Layout) -> Iterator[Row]:
    before = conversation(sample, layout)
    if before is not None and not blank(sample.text):
        yield {"prompt": before, "completion": [answer(sample.text)]}


def _read_messages(row: Fields) -> RowTexts:
    *before, last = row["messages"]
    prompt, system = read_prompt(before)
    return RowTexts(prompt, last["content"], system=system)


def read_completion(row: Fields) -> RowTexts:
    """Read `prompt` and `completion`."""
    prompt, system = read_prompt(row["prompt"])
    return RowTexts(prompt, read_answer(row["completion"]), system=system)


messages: Final = Format(
    "answers", _messages, reader=RowReader(frozenset({"messages"}), _read_messages), extra_columns=True
)
"""`{"messages": [...]}`: TRL trains on every message, the system message included, unless configured otherwise."""

prompt_completion: Final = Format(
    "answers",
    _prompt_completion,
    reader=RowReader(frozenset({"prompt", "completion"}), read_completion),
    extra_columns=True,
)
"""`{"prompt": [...], "completion": [...]}`: TRL trains on the answer alone."""
