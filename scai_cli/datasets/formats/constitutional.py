"""Rows of Constitutional AI, in the form of HuggingFaceH4/cai-conversation-harmless.

A row has the critique and the revision of an answer, the messages to imitate and the pair to prefer by. There is no
column `prompt`: with one, TRL's DPO would read the conversations in chosen and rejected as completions.
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import asdict

from scai_cli.datasets.formats.format import Format, Layout, Row, RowReader
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
    reader=RowReader(frozenset({"init_prompt", "chosen", "rejected"}), read_conversations),
    extra_columns=True,
    parts=("_sft", "_prefs"),
)
