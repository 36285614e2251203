"""Rows to imitate: the assistant's answers, by default without the constitution that led to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.turns import answer, blank, conversation
from scai_cli.datasets.samples.sample import Answer


def _messages(sample: Answer, layout: Layout) -> Iterator[Row]:
    before = conversation(sample, layout)
    if before is not None and not blank(sample.text):
        yield {"messages": [*before, answer(sample.text)]}


def _prompt_completion(sample: Answer, layout: Layout) -> Iterator[Row]:
    before = conversation(sample, layout)
    if before is not None and not blank(sample.text):
        yield {"prompt": before, "completion": [answer(sample.text)]}


messages: Final = Format("answers", _messages, columns=True)
"""`{"messages": [...]}`: TRL trains on every message of it, the constitution included, unless it is told otherwise."""

prompt_completion: Final = Format("answers", _prompt_completion, columns=True)
"""`{"prompt": [...], "completion": [...]}`: TRL trains on the answer alone."""
