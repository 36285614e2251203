"""Preference rows: pairs of answers for DPO and reward models, single answers with a label for KTO."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from scai_cli.datasets.formats.format import Fields, Format, Layout, Row, RowReader, RowTexts
from scai_cli.datasets.formats.guide import MESSAGES, PROMPT, TRL_DROPS, FormatGuide
from scai_cli.datasets.formats.sft import read_completion
from scai_cli.datasets.formats.turns import answer, blank, conversation, no_choice, read_answer, read_prompt
from scai_cli.datasets.samples.sample import Answer, Pair

GOOD: Final = 0.5
"""An answer is desirable from this utility (the middle of the rating scale) on."""
_LABELS: Final = {"true": True, "false": False, "1": True, "0": False}
"""How CSV files spell labels."""
_TURN: Final = "\n\nAssistant: "
"""What a transcript of the format `hh` has before each answer."""


def _dpo(pair: Pair, layout: Layout) -> Iterator[Row]:
    """Completions alone: with a `prompt`, transcripts in chosen and rejected train on garbage without an error."""
    before = conversation(pair, layout)
    if before is not None and not no_choice(pair):
        yield {"prompt": before, "chosen": [answer(pair.chosen)], "rejected": [answer(pair.rejected)]}


def _reward(pair: Pair, layout: Layout) -> Iterator[Row]:
    before = conversation(pair, layout)
    if before is not None and not no_choice(pair):
        yield {"chosen": [*before, answer(pair.chosen)], "rejected": [*before, answer(pair.rejected)]}


def _kto(sample: Answer, layout: Layout) -> Iterator[Row]:
    before = conversation(sample, layout)
    if before is not None and not blank(sample.text) and sample.utility is not None:
        yield {"prompt": before, "completion": [answer(sample.text)], "label": sample.utility >= GOOD}


def _read_pair(row: Fields) -> RowTexts:
    prompt, system = read_prompt(row["prompt"])
    return RowTexts(prompt, read_answer(row["chosen"]), read_answer(row["rejected"]), system=system)


def read_conversations(row: Fields) -> RowTexts:
    """Read `chosen` and `rejected` that hold whole conversations: messages, or a transcript as HH-RLHF has them."""
    chosen, rejected = row["chosen"], row["rejected"]
    if isinstance(chosen, str):
        prompt, _, text = chosen.rpartition(_TURN)
        return RowTexts(prompt, text, rejected.rpartition(_TURN)[2])
    prompt, system = read_prompt(chosen[:-1])
    return RowTexts(prompt, read_answer(chosen), read_answer(rejected), system=system)


def _read_kto(row: Fields) -> RowTexts:
    label = row["label"]
    return replace(read_completion(row), label=_LABELS.get(label.lower()) if isinstance(label, str) else label)


dpo: Final = Format(
    "pairs",
    _dpo,
    FormatGuide(
        "direct preference optimisation",
        {"prompt": PROMPT, "chosen": f"{MESSAGES}: the better answer", "rejected": f"{MESSAGES}: the worse one"},
        (
            "`chosen` and `rejected` hold the answers alone, as TRL's `DPOTrainer` wants them beside a `prompt`.",
            TRL_DROPS,
        ),
        ("dpo", "preference", "trl"),
    ),
    RowReader(frozenset({"prompt", "chosen", "rejected"}), _read_pair),
    extra_columns=True,
)
"""`{"prompt": [...], "chosen": [...], "rejected": [...]}`, conversational."""

reward: Final = Format(
    "pairs",
    _reward,
    FormatGuide(
        "reward modelling",
        {"chosen": f"{MESSAGES}: the whole conversation", "rejected": f"{MESSAGES}: the same with the worse answer"},
        ("`chosen` and `rejected` differ in their last message alone.", "TRL's `RewardTrainer` drops longer rows."),
        ("reward-model", "preference", "trl"),
    ),
    RowReader(frozenset({"chosen", "rejected"}), read_conversations),
    extra_columns=True,
)
"""`{"chosen": [...], "rejected": [...]}`: whole conversations that differ in the last message."""

kto: Final = Format(
    "rated",
    _kto,
    FormatGuide(
        "Kahneman-Tversky optimisation: good and bad answers, not in pairs",
        {"prompt": PROMPT, "completion": f"{MESSAGES}: the answer", "label": "whether it is a good one"},
        (
            f"`label` is true where the mean of an answer's ratings, moved from their scale to [0, 1], is at least "
            f"{GOOD:g}; unrated answers are left out.",
            "`KTOConfig` wants `per_device_train_batch_size` of at least 2, and weights where labels are far from "
            "even: `scai dataset describe` shows their share.",
        ),
        ("kto", "preference", "trl"),
    ),
    RowReader(frozenset({"prompt", "completion", "label"}), _read_kto),
    extra_columns=True,
)
"""`{"prompt": [...], "completion": [...], "label": true}`; unrated answers are left out."""
