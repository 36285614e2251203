"""Rows of Constitutional AI, in the form of HuggingFaceH4/cai-conversation-harmless.

A row has the critique and the revision of an answer, the messages to imitate and the pair to prefer by. There is no
column `prompt`: with one, TRL's DPO would read the conversations in chosen and rejected as completions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import asdict

from scai_cli.datasets.formats.format import Format, Layout, Row, RowReader
from scai_cli.datasets.formats.guide import MESSAGES, FormatGuide
from scai_cli.datasets.formats.preference import read_conversations
from scai_cli.datasets.formats.turns import answer, blank, conversation, messages, no_choice
from scai_cli.datasets.samples.sample import Trace


def _constitutional(trace: Trace, layout: Layout) -> Iterator[Row]:
    pair = trace.pair
    before, turns = conversation(pair, layout), messages(pair.prompt)
    if before is None or turns is None or not trace.steps or no_choice(pair) or blank(trace.initial):
        return
    last = trace.steps[-1]
    chosen = [*before, answer(pair.chosen)]
    yield {
        "init_prompt": turns[-1]["content"],
        "init_response": trace.initial,
        "critic_prompt": last.critic_prompt,
        "critic_response": last.critic_response,
        "revision_prompt": last.revision_prompt,
        "revision_response": last.revision_response,
        "steps": [asdict(step) for step in trace.steps],
        "messages": chosen,
        "chosen": chosen,
        "rejected": [*before, answer(pair.rejected)],
    }


constitutional: Final = Format(
    "traces",
    _constitutional,
    FormatGuide(
        "Constitutional AI: critiques and revisions by one principle each, and the resulting pair",
        {
            "init_prompt": "text: the task",
            "init_response": "text: the first answer",
            "critic_prompt": "text: the request for the last critique",
            "critic_response": "text: the critique",
            "revision_prompt": "text: the request for the last revision",
            "revision_response": "text: the revision",
            "steps": "list of all critiques and revisions, with the id of the principle of each",
            "messages": f"{MESSAGES}: the task and the better answer",
            "chosen": f"{MESSAGES}: the same",
            "rejected": f"{MESSAGES}: the task and the worse answer",
        },
        (
            "`*_sft` are for `SFTTrainer` (`messages`), `*_prefs` for `DPOTrainer` or `RewardTrainer` (`chosen` and "
            "`rejected`); no prompt is in both, so the preferences come from prompts that were not imitated.",
            "There is no column `prompt`: with one, DPO would read the conversations as answers.",
        ),
        ("constitutional-ai", "sft", "dpo", "preference", "trl"),
    ),
    RowReader(frozenset({"init_prompt", "chosen", "rejected"}), read_conversations),
    extra_columns=True,
    parts=("_sft", "_prefs"),
)
