"""Rows for the fine-tuning API of OpenAI, which Azure, Together and Fireworks read as well, and the rules they state.

https://developers.openai.com/api/docs/guides/supervised-fine-tuning, .../direct-preference-optimization,
https://docs.together.ai/docs/fine-tuning/data-preparation, https://docs.fireworks.ai/fine-tuning/dpo-fine-tuning.
"""

from collections.abc import Iterator
from typing import Final

from scai_cli.datasets.formats.format import ExportedFile, Fields, Format, Layout, Row, RowReader
from scai_cli.datasets.formats.sft import messages
from scai_cli.datasets.formats.turns import answer, conversation, no_choice, read_answer, read_prompt
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.datasets.samples.sample import Pair
from scai_cli.messages import CHARACTERS_PER_TOKEN

LEAST_ROWS: Final = 10
"""The fewest rows of a file that the API accepts."""

MOST_TOKENS: Final = 65_536
"""The most tokens of a row, longer rows are cut off; for Together and Fireworks it depends on the model."""


def _dpo(pair: Pair, layout: Layout) -> Iterator[Row]:
    before = conversation(pair, layout)
    if before is not None and not no_choice(pair):
        yield {
            "input": {"messages": before},
            "preferred_output": [answer(pair.chosen)],
            "non_preferred_output": [answer(pair.rejected)],
        }


def _read_dpo(row: Fields) -> RowTexts:
    prompt, system = read_prompt(row["input"]["messages"])
    chosen, rejected = read_answer(row["preferred_output"]), read_answer(row["non_preferred_output"])
    return RowTexts(prompt, chosen, rejected, system=system)


def _warnings(file: ExportedFile) -> Iterator[str]:
    if file.rows < LEAST_ROWS:
        yield f"{file.name}: the API refuses files with fewer than {LEAST_ROWS} rows."
    if file.longest_characters > MOST_TOKENS * CHARACTERS_PER_TOKEN:
        yield f"{file.name}: the API cuts rows off at {MOST_TOKENS:,} tokens, and the longest row is longer."


sft: Final = Format("answers", messages.make, warnings=_warnings)
"""`{"messages": [...]}` and nothing else: the API refuses other keys."""

dpo: Final = Format(
    "pairs",
    _dpo,
    reader=RowReader(frozenset({"input", "preferred_output", "non_preferred_output"}), _read_dpo),
    warnings=_warnings,
)
"""`{"input": {"messages": [...]}, "preferred_output": [...], "non_preferred_output": [...]}`, one message a side."""
