"""ShareGPT and Alpaca rows for LLaMA-Factory 0.9.5, and the `dataset_info.json` that registers them.

Its rules, from its source: turns of `human` and `gpt` alternate; `chosen` and `rejected` are one message each, beside a
conversation that ends with the user, and `"ranking": true` says so; the label of KTO is in a column named by `kto_tag`.
A row that breaks them is dropped with a warning in a log. A kept system message is in its own column in every row. If
it is missing or empty, the template may silently add one of its own (Qwen's does), so a sample without one is left out.
https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from scai_cli.datasets.formats import preference, sft
from scai_cli.datasets.formats.format import ExportedFile, Fields, Format, Layout, Row, RowReader
from scai_cli.datasets.formats.turns import Message, blank, read_prompt
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.datasets.samples.sample import Answer, Pair
from scai_cli.text.data_files import read_data_file

DATASET_INFO: Final = "dataset_info.json"
_NAMES: Final = {"user": "human", "assistant": "gpt"}
_ENTRIES: Final = read_data_file(__file__)
"""Format -> its entry in `dataset_info.json`."""

_Converted = Callable[[Row, Row], Row]
"""Turns a row of another format, and the column of the system message or none, into a row."""


def _made_of(form: Format, converted: _Converted) -> Callable[[Answer | Pair, Layout], Iterator[Row]]:
    """Return what makes the rows of another format in a form of LLaMA-Factory's, the system message in its column."""

    def make(sample: Answer | Pair, layout: Layout) -> Iterator[Row]:
        system = layout.system_message(sample.system)
        if system is not None and blank(system):
            return
        for row in form.make(sample, replace(layout, system=None)):
            yield converted(row, {} if system is None else {"system": system})

    return make


def _sharegpt(row: Row, system: Row) -> Row:
    return {"conversations": _said(row["messages"]), **system}


def _sharegpt_dpo(row: Row, system: Row) -> Row:
    (chosen,), (rejected,) = _said(row["chosen"]), _said(row["rejected"])
    return {"conversations": _said(row["prompt"]), "chosen": chosen, "rejected": rejected, **system}


def _sharegpt_kto(row: Row, system: Row) -> Row:
    return {"conversations": _said([*row["prompt"], *row["completion"]]), "kto_tag": row["label"], **system}


def _alpaca(row: Row, system: Row) -> Row:
    *texts, question, answer = (message["content"] for message in row["messages"])
    history = [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]
    return {"instruction": question, "input": "", "output": answer, **system, "history": history}


def _said(messages: Sequence[Message]) -> list[Message]:
    return [{"from": _NAMES[message["role"]], "value": message["content"]} for message in messages]


def _read_sharegpt(row: Fields) -> RowTexts:
    *before, last = row["conversations"]
    prompt, _ = read_prompt(before, "from", "value")
    label = preference.read_label(row.get("kto_tag"))
    return RowTexts(prompt, last["value"], label=label, system=row.get("system") or "")


def _read_sharegpt_dpo(row: Fields) -> RowTexts:
    prompt, _ = read_prompt(row["conversations"], "from", "value")
    return RowTexts(prompt, row["chosen"]["value"], row["rejected"]["value"], system=row.get("system") or "")


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
            if file.rows and not _is_csv(file)
        }
    }


def _warnings(file: ExportedFile) -> Iterator[str]:
    if _is_csv(file):
        yield f"{file.name}: LLaMA-Factory reads no lists from CSV; for it, export JSONL or Parquet."


def _is_csv(file: ExportedFile) -> bool:
    return file.name.endswith(".csv")


def _format(
    name: str,
    of: Format,
    converted: _Converted,
    reader: RowReader,
    late_types: Mapping[str, Any] = MappingProxyType({}),
) -> Format:
    return Format(
        of.kind,
        _made_of(of, converted),
        reader=reader,
        late_types=late_types,
        side_files=partial(_dataset_info, _ENTRIES[name]),
        warnings=_warnings,
    )


sharegpt: Final = _format("sharegpt", sft.messages, _sharegpt, RowReader(frozenset({"conversations"}), _read_sharegpt))
"""`{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}], "system": ...}`."""

sharegpt_dpo: Final = _format(
    "sharegpt-dpo",
    preference.dpo,
    _sharegpt_dpo,
    RowReader(frozenset({"conversations", "chosen", "rejected"}), _read_sharegpt_dpo),
)
"""`{"conversations": [..., {"from": "human", ...}], "chosen": {"from": "gpt", "value": ...}, "rejected": {...}}`."""

sharegpt_kto: Final = _format(
    "sharegpt-kto",
    preference.kto,
    _sharegpt_kto,
    RowReader(frozenset({"conversations", "kto_tag"}), _read_sharegpt),
)
"""`{"conversations": [..., {"from": "gpt", ...}], "kto_tag": true}`; unrated answers are left out."""

alpaca: Final = _format(
    "alpaca",
    sft.messages,
    _alpaca,
    RowReader(frozenset({"instruction", "output"}), _read_alpaca),
    {"history": list[list[str]]},
)
"""`{"instruction", "input": "", "output", "history": [[question, answer], ...], "system"}`."""
