"""ShareGPT and Alpaca rows for LLaMA-Factory, and the `dataset_info.json` that registers them.

A kept system message is in its own column in every row. If it is missing or empty, LLaMA-Factory's template may
silently add one of its own (Qwen's does), so a sample without one is left out.
https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from scai_cli.datasets.formats.format import ExportedFile, Fields, Format, Layout, Row, RowReader, RowTexts
from scai_cli.datasets.formats.turns import blank, messages, read_prompt
from scai_cli.datasets.samples.sample import Answer
from scai_cli.text.data_files import read_data_file

DATASET_INFO: Final = "dataset_info.json"
_NAMES: Final = {"user": "human", "assistant": "gpt"}
_ENTRIES: Final = read_data_file(__file__)
"""Format -> its entry in `dataset_info.json`."""


def _sharegpt(sample: Answer, layout: Layout) -> Iterator[Row]:
    before, system = messages(sample.prompt), _system(sample, layout)
    if before is None or system is None or blank(sample.text):
        return
    turns = [{"from": _NAMES[turn["role"]], "value": turn["content"]} for turn in before]
    yield {"conversations": [*turns, {"from": "gpt", "value": sample.text}], **system}


def _alpaca(sample: Answer, layout: Layout) -> Iterator[Row]:
    before, system = messages(sample.prompt), _system(sample, layout)
    if before is None or system is None or blank(sample.text):
        return
    texts = [turn["content"] for turn in before]
    history = [list(pair) for pair in zip(texts[:-1:2], texts[1::2], strict=True)]
    yield {"instruction": texts[-1], "input": "", "output": sample.text, **system, "history": history}


def _system(sample: Answer, layout: Layout) -> dict[str, str] | None:
    """Return the column of the system message: {} if none is wanted, None if the wanted one is missing."""
    system = layout.system_message(sample.system)
    if system is None:
        return {}
    return None if blank(system) else {"system": system}


def _read_sharegpt(row: Fields) -> RowTexts:
    *before, last = row["conversations"]
    prompt, _ = read_prompt(before, "from", "value")
    return RowTexts(prompt, last["value"], system=row.get("system") or "")


def _read_alpaca(row: Fields) -> RowTexts:
    history = (text for pair in row.get("history") or () for text in pair)
    prompt = "\n\n".join((*history, row["instruction"], *([row["input"]] if row.get("input") else [])))
    return RowTexts(prompt, row["output"], system=row.get("system") or "")


def _dataset_info(entry: Mapping[str, Any], name: str, files: Sequence[ExportedFile]) -> dict[str, Any]:
    """Return `dataset_info.json`: one entry `NAME_SPLIT` per file, with only the columns of the file."""
    return {
        DATASET_INFO: {
            f"{name}_{file.split}": {
                "file_name": file.name,
                **entry,
                "columns": {role: column for role, column in entry["columns"].items() if column in file.columns},
            }
            for file in files
            if file.rows
        }
    }


sharegpt: Final = Format(
    "answers",
    _sharegpt,
    reader=RowReader(frozenset({"conversations"}), _read_sharegpt),
    side_files=partial(_dataset_info, _ENTRIES["sharegpt"]),
)
"""`{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}], "system": ...}`."""

alpaca: Final = Format(
    "answers",
    _alpaca,
    reader=RowReader(frozenset({"instruction", "output"}), _read_alpaca),
    late_types={"history": list[list[str]]},
    side_files=partial(_dataset_info, _ENTRIES["alpaca"]),
)
"""`{"instruction", "input": "", "output", "system", "history": [[question, answer], ...]}`."""
