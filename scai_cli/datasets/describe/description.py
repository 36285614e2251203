"""What is in a data set: how long, how varied, how balanced its rows are, and what its splits share; one pass."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from scai_cli.datasets.describe.row_files import Fields, row_files
from scai_cli.datasets.describe.row_readers import Reading, readings
from scai_cli.datasets.describe.text_measures import (
    Lengths,
    Mean,
    Openings,
    TextSample,
    distinct,
    near_duplicates,
    self_bleu,
    share,
)
from scai_cli.errors import ConfigError
from scai_cli.text.near_duplicates import words

DISTINCT_OF: Final = 2_000
SELF_BLEU_OF: Final = 500
NEAR_OF: Final = 10_000
_SHOWN_OPENINGS: Final = 5


@dataclass(slots=True)
class FileDescription:
    """What is counted of one file."""

    name: str
    rows: int = 0
    columns: Sequence[str] = ()
    prompts: array[int] = field(default_factory=lambda: array("Q"))
    """A hash of every row's prompt."""


@dataclass(slots=True)
class DatasetDescription:
    """What is counted of a data set; about 40 bytes a row."""

    path: str
    seed: int
    forms: dict[str, int] = field(default_factory=dict)
    """Format -> rows."""
    files: list[FileDescription] = field(default_factory=list)
    rows: Lengths = field(default_factory=Lengths)
    answers: Lengths = field(default_factory=Lengths)
    rejected: Lengths = field(default_factory=Lengths)
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    openings: Openings = field(default_factory=Openings)
    rejected_openings: Openings = field(default_factory=Openings)
    labels: list[int] = field(default_factory=lambda: [0, 0])
    """Rows with a bad and with a good label."""
    later: list[int] = field(default_factory=lambda: [0, 0])
    """Pairs whose chosen answer came earlier, and later, than the rejected one."""
    longer: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Pairs whose chosen answer is shorter, as long, longer."""
    differences: Mean = field(default_factory=Mean)
    """Characters of the chosen answer minus those of the rejected one."""
    varied: TextSample = field(init=False)
    alike: TextSample = field(init=False)
    spread: TextSample = field(init=False)

    def __post_init__(self) -> None:
        self.varied, self.alike, self.spread = (
            TextSample(size, self.seed) for size in (DISTINCT_OF, NEAR_OF, SELF_BLEU_OF)
        )

    def add(self, form: str, file: FileDescription, row: Fields, reading: Reading) -> None:
        """Take a row in."""
        self.forms[form] = self.forms.get(form, 0) + 1
        file.rows += 1
        file.columns = file.columns or list(row)
        file.prompts.append(_hash(reading.prompt))
        self.hashes.append(_hash(f"{reading.prompt}\0{reading.answer}\0{reading.other}\0{reading.label}"))
        answer, other = reading.answer, reading.other
        self.rows.add(len(reading.system) + len(reading.prompt) + max(len(answer), len(other or "")))
        self.answers.add(len(answer))
        self.openings.add(answer)
        for sample in (self.varied, self.alike, self.spread):
            sample.add(answer)
        if other is not None:
            self.rejected.add(len(other))
            self.rejected_openings.add(other)
            difference = len(answer) - len(other)
            self.longer[1 + (difference > 0) - (difference < 0)] += 1
            self.differences.add(difference)
            if reading.later is not None:
                self.later[reading.later] += 1
        if reading.label is not None:
            self.labels[reading.label] += 1

    def as_object(self) -> dict[str, Any]:
        """What `scai dataset describe --json` prints."""
        total = len(self.hashes)
        by_size = sorted((file for file in self.files if file.rows), key=lambda file: -file.rows)
        texts = [words(text) for text in self.varied.texts]
        same, near = total - _different(self.hashes), near_duplicates(self.alike.texts)
        return {
            "path": self.path,
            "rows": total,
            "formats": self.forms,
            "files": [{"name": f.name, "rows": f.rows, "columns": list(f.columns)} for f in self.files],
            "lengths": {
                "row": self.rows.as_object(),
                "answer": self.answers.as_object(),
                "rejected": self.rejected.as_object(),
            },
            "diversity": {
                **{f"distinct_{n}": distinct(texts, n) for n in (1, 2, 3)},
                "distinct_of": len(texts),
                "self_bleu": self_bleu([words(text) for text in self.spread.texts]),
                "self_bleu_of": len(self.spread.texts),
                "seed": self.seed,
            },
            "duplicates": {"rows": same, "share": _part(same, total)},
            "near_duplicates": {"of": len(self.alike.texts), "share": _part(near, len(self.alike.texts))},
            "labels": self._labels(),
            "length_bias": self._bias(),
            "later_chosen": share(self.later[1], sum(self.later)),
            "refusals": {
                "answers": _part(self.openings.refusals, self.openings.seen),
                "rejected": _part(self.rejected_openings.refusals, self.rejected_openings.seen),
            },
            "openings": self.openings.most_common(_SHOWN_OPENINGS),
            "leaks": [_shared(one, other) for one, other in combinations(by_size, 2)],
        }

    def _labels(self) -> dict[str, Any] | None:
        bad, good = self.labels
        return {"good": good, "bad": bad, "share_good": share(good, good + bad)} if good + bad else None

    def _bias(self) -> dict[str, Any] | None:
        shorter, same, longer = self.longer
        if not self.differences.n:
            return None
        return {
            "pairs": self.differences.n,
            "same_length": same,
            "chosen_longer": share(longer, longer + shorter),
            "difference": self.differences.as_object(),
        }


def describe(path: Path, seed: int = 0) -> DatasetDescription:
    """Count what is in a file or folder of rows.

    Raises ConfigError for what cannot be read, or holds no row of a format of ours.
    """
    if not path.exists():
        raise ConfigError(f"{path}: there is no such file or folder")
    found = DatasetDescription(str(path), seed)
    for file in row_files(path):
        part = FileDescription(file.relative_to(path).as_posix() if path.is_dir() else file.name)
        found.files.append(part)
        for form, row, reading in readings(file):
            found.add(form, part, row, reading)
    if not found.hashes:
        raise ConfigError(f"{path}: there is no row in it")
    return found


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _different(hashes: array[int]) -> int:
    import numpy as np

    return len(np.unique(np.frombuffer(hashes, dtype=np.uint64))) if hashes else 0


def _shared(one: FileDescription, other: FileDescription) -> Mapping[str, Any]:
    """The prompts that two files have in common, and how many rows of the second (smaller) have one of them."""
    import numpy as np

    first, second = (
        np.frombuffer(f.prompts, dtype=np.uint64) if f.prompts else np.empty(0, np.uint64) for f in (one, other)
    )
    both = np.intersect1d(first, second)
    rows = int(np.isin(second, both).sum())
    return {"files": [one.name, other.name], "prompts": len(both), "rows": rows, "share": _part(rows, other.rows)}


def _part(part: int, whole: int) -> float | None:
    return part / whole if whole else None
