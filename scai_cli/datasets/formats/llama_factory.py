"""ShareGPT and Alpaca rows, as LLaMA-Factory reads them, and the `dataset_info.json` that tells it about them.

A kept system message stands in a column of its own in every row. Where one is missing or empty, LLaMA-Factory's
template may put in one of its own without a word (Qwen's does), so a sample that lacks it is left out.
https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scai_cli.datasets.formats.export_record import ExportedFile
from scai_cli.datasets.formats.format import Format, Layout, Row
from scai_cli.datasets.formats.turns import blank, messages
from scai_cli.datasets.samples.sample import Answer

_NAMES: Final = {"user": "human", "assistant": "gpt"}
_COLUMNS: Final = {
    "sharegpt": {"messages": "conversations", "system": "system"},
    "alpaca": {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    },
}


def _sharegpt(sample: Answer, layout: Layout) -> Iterator[Row]:
    said, system = messages(sample.prompt), _system(sample, layout)
    if said is None or system is None or blank(sample.text):
        return
    turns = [{"from": _NAMES[turn["role"]], "value": turn["content"]} for turn in said]
    yield {"conversations": [*turns, {"from": "gpt", "value": sample.text}], **system}


def _alpaca(sample: Answer, layout: Layout) -> Iterator[Row]:
    said, system = messages(sample.prompt), _system(sample, layout)
    if said is None or system is None or blank(sample.text):
        return
    texts = [turn["content"] for turn in said]
    history = [list(pair) for pair in zip(texts[:-1:2], texts[1::2], strict=True)]
    yield {"instruction": texts[-1], "input": "", "output": sample.text, **system, "history": history}


def _system(sample: Answer, layout: Layout) -> dict[str, str] | None:
    """The column of the system message: {} where none is wanted, None where one is wanted and there is none."""
    system = layout.system_message(sample.system)
    if system is None:
        return {}
    return None if blank(system) else {"system": system}


def dataset_info(form: str, name: str, files: tuple[ExportedFile, ...]) -> dict[str, Any]:
    """The content of `dataset_info.json`: an entry `NAME_SPLIT` for each file, with the columns that it has."""
    entries: dict[str, Any] = {}
    for file in files:
        columns = {role: column for role, column in _COLUMNS[form].items() if column in file.columns}
        entry: dict[str, Any] = {"file_name": file.name, "formatting": form, "columns": columns}
        if form == "sharegpt":
            entry["tags"] = {
                "role_tag": "from",
                "content_tag": "value",
                "user_tag": "human",
                "assistant_tag": "gpt",
            }
        entries[f"{name}_{file.split}"] = entry
    return entries


sharegpt: Final = Format("answers", _sharegpt)
"""`{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}], "system": ...}`."""

alpaca: Final = Format("answers", _alpaca)
"""`{"instruction", "input": "", "output", "system", "history": [[question, answer], ...]}`."""
