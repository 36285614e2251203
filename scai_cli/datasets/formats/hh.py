"""Transcripts in the form of Anthropic's HH-RLHF: two texts that differ in the assistant's last turn."""

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.turns import blank, messages, no_choice
from scai_cli.datasets.samples.sample import Pair

_NAMES: Final = {"user": "Human", "assistant": "Assistant"}
_TURN_STARTS: Final = ("\n\nHuman:", "\n\nAssistant:")


def _hh(pair: Pair, layout: Layout) -> Iterator[Row]:
    """Yield no row if a paragraph begins with `Human:` or `Assistant:`: it would read as another turn."""
    turns = messages(pair.prompt)
    if turns is None or no_choice(pair):
        return
    system = layout.system_message(pair.system)
    start = "" if system is None or blank(system) else system.strip()
    contents = [turn["content"].strip() for turn in turns]
    chosen, rejected = pair.chosen.strip(), pair.rejected.strip()
    if any(_starts_turn(text) for text in (start, *contents, chosen, rejected)):
        return
    spoken = (f"\n\n{_NAMES[turn['role']]}: {text}" for turn, text in zip(turns, contents, strict=True))
    before = f"{start}{''.join(spoken)}\n\nAssistant: "
    yield {"chosen": before + chosen, "rejected": before + rejected}


def _starts_turn(text: str) -> bool:
    """Return whether a paragraph of a text begins like a turn."""
    if "Human:" not in text and "Assistant:" not in text:
        return False
    return any(start in f"\n\n{text}" for start in _TURN_STARTS)


hh: Final = Format("pairs", _hh)
"""`{"chosen": "\\n\\nHuman: ...\\n\\nAssistant: ...", "rejected": ...}`; a kept system message comes first."""
