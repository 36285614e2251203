"""Rows of Constitutional AI, in the form of HuggingFaceH4/cai-conversation-harmless.

The first six columns are one dialogue: a prompt, its first answer, the critique of that answer and the revision that
follows. `steps` has it and all further critiques, each of the revision before it. There is no column `prompt`: with
one, TRL's DPO would read the conversations in chosen and rejected as completions.
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
    first = trace.steps[0]
    chosen = [*before, answer(pair.chosen)]
    yield {
        "init_prompt": turns[-1]["content"],
        "init_response": trace.initial,
        "critic_prompt": first.critic_prompt,
        "critic_response": first.critic_response,
        "revision_prompt": first.revision_prompt,
        "revision_response": first.revision_response,
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
