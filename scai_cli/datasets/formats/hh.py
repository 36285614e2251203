"""Transcripts as Anthropic's HH-RLHF has them: two texts that differ in the assistant's last turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.turns import blank, messages, no_choice
from scai_cli.datasets.samples.sample import Pair

_NAMES: Final = {"user": "Human", "assistant": "Assistant"}
_MARKS: Final = ("\n\nHuman:", "\n\nAssistant:")


def _hh(pair: Pair, layout: Layout) -> Iterator[Row]:
    """None where a paragraph of a text begins with `Human:` or `Assistant:`: it would read as one turn more."""
    said = messages(pair.prompt)
    if said is None or no_choice(pair):
        return
    system = layout.system_message(pair.system)
    start = "" if system is None or blank(system) else system.strip()
    contents = [turn["content"].strip() for turn in said]
    chosen, rejected = pair.chosen.strip(), pair.rejected.strip()
    if any(_speaks(text) for text in (start, *contents, chosen, rejected)):
        return
    turns = (f"\n\n{_NAMES[turn['role']]}: {text}" for turn, text in zip(said, contents, strict=True))
    before = f"{start}{''.join(turns)}\n\nAssistant: "
    yield {"chosen": before + chosen, "rejected": before + rejected}


def _speaks(text: str) -> bool:
    """Whether a paragraph of a text begins as a turn does."""
    if "Human:" not in text and "Assistant:" not in text:
        return False
    return any(mark in f"\n\n{text}" for mark in _MARKS)


hh: Final = Format("pairs", _hh)
"""`{"chosen": "\\n\\nHuman: ...\\n\\nAssistant: ...", "rejected": ...}`; a kept system message stands before all turns.

Readers cut at the last `\\n\\nAssistant: `. One that takes the longest common text as the prompt moves the words that
both answers begin with into it: for DPO, `dpo` is the format.
"""
