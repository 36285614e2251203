"""Preference rows: pairs of answers for DPO and reward models, single answers with a label for KTO."""

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from scai_cli.datasets.formats.format import Fields, Format, Layout, Row, RowReader
from scai_cli.datasets.formats.sft import read_completion
from scai_cli.datasets.formats.turns import answer, blank, conversation, no_choice, read_answer, read_prompt
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.datasets.samples.sample import Answer, Pair

_LABELS: Final = {"true": True, "false": False, "1": True, "0": False}
"""The spellings of labels in CSV files."""
_TURN: Final = re.compile(r"(?:^|\n\n)(?:Human|Assistant): ?")
"""The start of each turn in a transcript of the format `hh`."""


def _dpo(pair: Pair, layout: Layout) -> Iterator[Row]:
    """Yield the answers alone: DPO trains on a wrong text, without an error, if they repeat the prompt."""
    before = conversation(pair, layout)
    if before is not None and not no_choice(pair):
        yield {"prompt": before, "chosen": [answer(pair.chosen)], "rejected": [answer(pair.rejected)]}


def _reward(pair: Pair, layout: Layout) -> Iterator[Row]:
    before = conversation(pair, layout)
    if before is not None and not no_choice(pair):
        yield {"chosen": [*before, answer(pair.chosen)], "rejected": [*before, answer(pair.rejected)]}


def _kto(sample: Answer, layout: Layout) -> Iterator[Row]:
    before = conversation(sample, layout)
    if before is not None and not blank(sample.text) and sample.good is not None:
        yield {"prompt": before, "completion": [answer(sample.text)], "label": sample.good}


def _read_pair(row: Fields) -> RowTexts:
    prompt, system = read_prompt(row["prompt"])
    return RowTexts(prompt, read_answer(row["chosen"]), read_answer(row["rejected"]), system=system)


def read_conversations(row: Fields) -> RowTexts:
    """Read `chosen` and `rejected` as whole conversations: messages, or transcripts in the form of HH-RLHF."""
    chosen, rejected = row["chosen"], row["rejected"]
    if isinstance(chosen, str):
        *before, text = _TURN.split(chosen)
        system, *turns = before or [""]
        return RowTexts("\n\n".join(turns), text, _TURN.split(rejected)[-1], system=system)
    prompt, system = read_prompt(chosen[:-1])
    return RowTexts(prompt, read_answer(chosen), read_answer(rejected), system=system)


def _read_kto(row: Fields) -> RowTexts:
    return replace(read_completion(row), label=read_label(row["label"]))


def read_label(label: Any) -> Any:
    """Return a label read from a file, which is a text in CSV."""
    return _LABELS.get(label.lower()) if isinstance(label, str) else label


dpo: Final = Format(
    "pairs", _dpo, reader=RowReader(frozenset({"prompt", "chosen", "rejected"}), _read_pair), extra_columns=True
)
"""`{"prompt": [...], "chosen": [...], "rejected": [...]}`, conversational."""

reward: Final = Format(
    "pairs", _reward, reader=RowReader(frozenset({"chosen", "rejected"}), read_conversations), extra_columns=True
)
"""`{"chosen": [...], "rejected": [...]}`: whole conversations that differ in the last message."""

kto: Final = Format(
    "rated", _kto, reader=RowReader(frozenset({"prompt", "completion", "label"}), _read_kto), extra_columns=True
)
"""`{"prompt": [...], "completion": [...], "label": true}`; see `samples.good_answers`."""
