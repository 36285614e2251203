"""The rows of a file or folder of any of our formats, read one by one: what was asked, answered, preferred."""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from scai_cli.errors import ConfigError

Fields = Mapping[str, Any]

SUFFIXES: Final = (".jsonl", ".csv", ".parquet")
SIDE_CAR: Final = ".meta.jsonl"

_GUARDED: Final = ("'=", "'+", "'-", "'@", "'\t", "'\r")
"""How a cell of a CSV begins that a spreadsheet would otherwise take for a formula."""


class Reading(Struct, frozen=True, gc=False):
    """One row, whatever its format."""

    prompt: str
    """All that was said before the answer, without the system message."""
    answer: str
    """The (chosen) answer."""
    other: str | None = None
    """The rejected answer."""
    label: bool | None = None
    system: str = ""
    later: bool | None = None
    """Whether the chosen answer came later than the rejected one; None where the provenance does not tell."""


def row_files(path: Path) -> list[Path]:
    """The file, or the files of rows in a folder; raises ConfigError where there are none."""
    if path.is_dir():
        found = sorted(
            file
            for file in path.rglob("*")
            if file.suffix in SUFFIXES and not file.name.startswith(".") and not file.name.endswith(SIDE_CAR)
        )
        if not found:
            raise ConfigError(f"{path}: no file of rows in this folder; name one that `scai export -o DIR/` has made")
        return found
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path}: a file of rows ends in .jsonl, .csv or .parquet")
    return [path]


def fields(path: Path) -> Iterator[tuple[int, Fields]]:
    """The rows of a file as they stand, with the numbers of their lines; raises ConfigError for one that is damaged."""
    try:
        if path.suffix == ".jsonl":
            yield from _jsonl(path)
        elif path.suffix == ".csv":
            yield from _csv(path)
        else:
            yield from _parquet(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: it is not UTF-8 text") from None


def readings(path: Path) -> Iterator[tuple[str, Fields, Reading]]:
    """The format, fields and reading of every row; raises ConfigError for a row of no format that is known."""
    beside = _side_car(path)
    for number, row in fields(path):
        form = next((form for form, (columns, _) in _FORMS.items() if columns <= row.keys()), None)
        if form is None:
            columns = ", ".join(map(str, row)) or "none"
            raise ConfigError(f"{path}:{number}: rows of no format of `scai export`: columns {columns[:200]}")
        try:
            reading = _checked(_FORMS[form][1](row))
            if reading.other is not None:
                reading = msgspec.structs.replace(reading, later=_later(row.get("provenance") or next(beside, None)))
            yield form, row, reading
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise ConfigError(f"{path}:{number}: this is no row of the format {form}; export it again") from None


def _checked(reading: Reading) -> Reading:
    if not all(isinstance(text, str) for text in (reading.prompt, reading.answer, reading.other or "", reading.system)):
        raise TypeError
    return reading


def _side_car(path: Path) -> Iterator[Fields]:
    """The provenance of every row, where it stands in a file beside."""
    file = path.with_suffix(SIDE_CAR)
    if file.is_file():
        yield from (row for _, row in _jsonl(file))


_PLACE: Final = re.compile(r"e(\d+)/|/(initial|s\d+|final)$")
"""Of an answer's id: the epoch in a run, the step in a generated row."""


def _later(provenance: Any) -> bool | None:
    """Whether the first of the two answers of a row came later than the second."""
    provenance = _cell(provenance)
    messages = provenance.get("messages") if isinstance(provenance, Mapping) else None
    if not isinstance(messages, list) or len(messages) != 2:
        return None
    one, other = (_order(str(message)) for message in messages)
    return None if one is None or other is None or one == other else one > other


def _order(message: str) -> float | None:
    found = _PLACE.search(message)
    if found is None:
        return None
    if found[1]:
        return int(found[1])
    return {"initial": 0.0, "final": math.inf}.get(found[2]) if found[2][0] != "s" else int(found[2][1:])


def _jsonl(path: Path) -> Iterator[tuple[int, Fields]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise ConfigError(f"{path}:{number}: not one JSON object; write one row a line") from None


def _csv(path: Path) -> Iterator[tuple[int, Fields]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="")
        try:
            for row in reader:
                yield reader.line_num, {name: _cell(text) for name, text in row.items()}
        except csv.Error as error:
            raise ConfigError(f"{path}:{reader.line_num}: {error}") from None


def _cell(text: Any) -> Any:
    """What a cell stands for: nested values are JSON in it, and what looks like a formula has a quote before it."""
    if isinstance(text, str) and text[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text[1:] if isinstance(text, str) and text.startswith(_GUARDED) else text


def _parquet(path: Path) -> Iterator[tuple[int, Fields]]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise ConfigError(f"{path}: Parquet needs pyarrow: pip install 'scai-cli[data]'") from None
    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=1000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except ArrowInvalid as error:
        raise ConfigError(f"{path}: {str(error).splitlines()[0]}") from None


def _talk(messages: list[Fields], role: str = "role", content: str = "content") -> tuple[str, str]:
    """(what was said, the system message)."""
    said = [(str(message[role]), str(message[content])) for message in messages]
    return (
        "\n\n".join(text for role, text in said if role != "system"),
        "\n\n".join(text for role, text in said if role == "system"),
    )


def _either(value: Any) -> str:
    """The last message of a list of them, or a text."""
    return value if isinstance(value, str) else str(value[-1]["content"])


def _messages(row: Fields) -> Reading:
    *before, last = row["messages"]
    prompt, system = _talk(before)
    return Reading(prompt, last["content"], system=system)


def _pair(row: Fields) -> Reading:
    prompt = row["prompt"]
    said, system = (prompt, "") if isinstance(prompt, str) else _talk(prompt)
    return Reading(said, _either(row["chosen"]), _either(row["rejected"]), system=system)


def _conversations(row: Fields) -> Reading:
    chosen, rejected = row["chosen"], row["rejected"]
    if isinstance(chosen, str):
        mark = "\n\nAssistant: "
        prompt, _, answer = chosen.rpartition(mark)
        return Reading(prompt, answer, rejected.rpartition(mark)[2])
    prompt, system = _talk(chosen[:-1])
    return Reading(prompt, _either(chosen), _either(rejected), system=system)


def _completion(row: Fields) -> Reading:
    prompt, completion = row["prompt"], row["completion"]
    said, system = (prompt, "") if isinstance(prompt, str) else _talk(prompt)
    label = row.get("label")
    if isinstance(label, str):
        label = {"true": True, "false": False, "1": True, "0": False}.get(label.lower())
    return Reading(said, _either(completion), label=label, system=system)


def _openai_dpo(row: Fields) -> Reading:
    prompt, system = _talk(row["input"]["messages"])
    return Reading(prompt, _either(row["preferred_output"]), _either(row["non_preferred_output"]), system=system)


def _sharegpt(row: Fields) -> Reading:
    *before, last = row["conversations"]
    prompt, _ = _talk(before, "from", "value")
    return Reading(prompt, last["value"], system=row.get("system") or "")


def _alpaca(row: Fields) -> Reading:
    history = (text for pair in row.get("history") or () for text in pair)
    prompt = "\n\n".join((*history, row["instruction"], *([row["input"]] if row.get("input") else [])))
    return Reading(prompt, row["output"], system=row.get("system") or "")


def _rating(row: Fields) -> Reading:
    return Reading(row["prompt"], row["answer"])


_FORMS: Final[Mapping[str, tuple[frozenset[str], Callable[[Fields], Reading]]]] = {
    "constitutional": (frozenset({"init_prompt", "chosen", "rejected"}), _conversations),
    "openai-dpo": (frozenset({"input", "preferred_output", "non_preferred_output"}), _openai_dpo),
    "sharegpt": (frozenset({"conversations"}), _sharegpt),
    "alpaca": (frozenset({"instruction", "output"}), _alpaca),
    "ratings": (frozenset({"rater", "value", "prompt", "answer"}), _rating),
    "dpo": (frozenset({"prompt", "chosen", "rejected"}), _pair),
    "kto": (frozenset({"prompt", "completion", "label"}), _completion),
    "sft-prompt-completion": (frozenset({"prompt", "completion"}), _completion),
    "reward": (frozenset({"chosen", "rejected"}), _conversations),
    "sft": (frozenset({"messages"}), _messages),
}
"""Format -> the columns that tell it from those after it, and how its rows are read."""
