"""Rows of Constitutional AI, as HuggingFaceH4/cai-conversation-harmless has them: how an answer was criticised and
revised, beside the messages to imitate and the pair to prefer by.

There is no column `prompt`: with one, TRL's DPO would take the conversations in chosen and rejected for completions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.turns import answer, blank, conversation, messages, no_choice
from scai_cli.datasets.samples.sample import Trace


def _constitutional(trace: Trace, layout: Layout) -> Iterator[Row]:
    pair = trace.pair
    before, said = conversation(pair, layout), messages(pair.prompt)
    if before is None or said is None or not trace.steps or no_choice(pair) or blank(trace.initial):
        return
    last = trace.steps[-1]
    chosen = [*before, answer(pair.chosen)]
    yield {
        "init_prompt": said[-1]["content"],
        "init_response": trace.initial,
        "critic_prompt": last.critic_prompt,
        "critic_response": last.critic_response,
        "revision_prompt": last.revision_prompt,
        "revision_response": last.revision_response,
        "steps": [
            {
                "principle": step.principle,
                "critic_prompt": step.critic_prompt,
                "critic_response": step.critic_response,
                "revision_prompt": step.revision_prompt,
                "revision_response": step.revision_response,
            }
            for step in trace.steps
        ],
        "messages": chosen,
        "chosen": chosen,
        "rejected": [*before, answer(pair.rejected)],
    }


constitutional: Final = Format("traces", _constitutional, columns=True, parts=("_sft", "_prefs"))
"""`init_`, `critic_` and `revision_` `prompt` and `response` of the last step, all `steps`, `messages`, `chosen` and
`rejected`."""
