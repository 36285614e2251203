"""Rows to prefer by: pairs of answers for DPO and reward models, single ones with a label for KTO."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.turns import answer, blank, conversation, messages, no_choice
from scai_cli.datasets.samples.sample import Answer, Pair

GOOD: Final = 0.5
"""An answer is desirable from this utility (the middle of the rating scale) on."""


def _dpo(pair: Pair, layout: Layout) -> Iterator[Row]:
    """Completions alone: with a `prompt`, transcripts in chosen and rejected train on garbage without an error."""
    before = conversation(pair, layout)
    if before is not None and not no_choice(pair):
        yield {"prompt": before, "chosen": [answer(pair.chosen)], "rejected": [answer(pair.rejected)]}


def _dpo_plain(pair: Pair, layout: Layout) -> Iterator[Row]:
    """Plain text cannot tell turns apart: one question, one answer. Trainers put both together as they are."""
    said = messages(pair.prompt)
    if said is None or len(said) > 1 or no_choice(pair):
        return
    system = layout.system_message(pair.system)
    question = said[0]["content"] if system is None or blank(system) else f"{system}\n\n{said[0]['content']}"
    yield {"prompt": f"{question}\n\n", "chosen": pair.chosen, "rejected": pair.rejected}


def _reward(pair: Pair, layout: Layout) -> Iterator[Row]:
    before = conversation(pair, layout)
    if before is not None and not no_choice(pair):
        yield {"chosen": [*before, answer(pair.chosen)], "rejected": [*before, answer(pair.rejected)]}


def _kto(sample: Answer, layout: Layout) -> Iterator[Row]:
    before = conversation(sample, layout)
    if before is not None and not blank(sample.text) and sample.utility is not None:
        yield {"prompt": before, "completion": [answer(sample.text)], "label": sample.utility >= GOOD}


dpo: Final = Format("pairs", _dpo, columns=True)
"""`{"prompt": [...], "chosen": [...], "rejected": [...]}`, conversational."""

dpo_plain: Final = Format("pairs", _dpo_plain, columns=True)
"""`{"prompt": "...", "chosen": "...", "rejected": "..."}`, of conversations with one question."""

reward: Final = Format("pairs", _reward, columns=True)
"""`{"chosen": [...], "rejected": [...]}`: whole conversations that differ in the last message."""

kto: Final = Format("rated", _kto, columns=True)
"""`{"prompt": [...], "completion": [...], "label": true}`; unrated answers are left out."""
