"""The rows of a file of any of our formats, whatever its format: what was asked, answered, preferred."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from scai_cli.datasets.describe.row_files import Fields, cell, fields, side_car
from scai_cli.errors import ConfigError


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


def readings(path: Path) -> Iterator[tuple[str, Fields, Reading]]:
    """The format, fields and reading of every row; raises ConfigError for a row of no format that is known."""
    beside = side_car(path)
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


_PLACE: Final = re.compile(r"e(\d+)/|/(initial|s\d+|final)$")
"""Of an answer's id: the epoch in a run, the step in a generated row."""


def _later(provenance: Any) -> bool | None:
    """Whether the first of the two answers of a row came later than the second."""
    provenance = cell(provenance)
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
