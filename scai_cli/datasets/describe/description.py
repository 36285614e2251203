"""Describe a dataset in one pass: the length, the variety and the balance of its rows."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scai_cli.datasets.describe.row_files import row_files
from scai_cli.datasets.describe.row_readers import read_rows
from scai_cli.datasets.export.output_files import MANIFEST
from scai_cli.datasets.formats.format import Fields
from scai_cli.datasets.samples import text_measures
from scai_cli.datasets.samples.duplicates import NearRows, RowSketch, row_key
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.errors import ConfigError
from scai_cli.experiment.input_files import read_text
from scai_cli.text.words import words

NEAR_OF: Final = 10_000


@dataclass(slots=True)
class FileDescription:
    """The counts of one file."""

    name: str
    rows: int = 0
    columns: Sequence[str] = ()


@dataclass(slots=True)
class DatasetDescription:
    """The counts of a dataset; about 40 bytes a row."""

    path: str
    seed: int
    health: Sequence[str] = ()
    """Reasons not to trust the rows, from the manifest of their export."""
    formats: dict[str, int] = field(default_factory=dict)
    """Format -> rows."""
    files: list[FileDescription] = field(default_factory=list)
    rows: array[int] = field(default_factory=lambda: array("Q"))
    """Characters of every row, of every answer and of every rejected answer."""
    answers: array[int] = field(default_factory=lambda: array("Q"))
    rejected: array[int] = field(default_factory=lambda: array("Q"))
    differences: array[int] = field(default_factory=lambda: array("q"))
    """Per pair: characters of the chosen answer minus characters of the rejected one."""
    hashes: array[int] = field(default_factory=lambda: array("Q"))
    refusals: int = 0
    rejected_refusals: int = 0
    labels: list[int] = field(default_factory=lambda: [0, 0])
    """Rows labelled bad, and rows labelled good."""
    later: list[int] = field(default_factory=lambda: [0, 0])
    """Pairs whose chosen answer is the earlier one, and pairs whose chosen answer is the later one."""
    near_sample: text_measures.Reservoir[RowSketch] = field(init=False)
    bleu_sample: text_measures.Reservoir[str] = field(init=False)

    def __post_init__(self) -> None:
        self.near_sample = text_measures.Reservoir(NEAR_OF, self.seed)
        self.bleu_sample = text_measures.Reservoir(text_measures.SELF_BLEU_OF, self.seed)

    def add(self, form: str, file: FileDescription, row: Fields, texts: RowTexts, is_later: bool | None) -> None:
        """Count a row."""
        self.formats[form] = self.formats.get(form, 0) + 1
        file.rows += 1
        file.columns = file.columns or list(row)
        self.hashes.append(row_key(texts))
        answer, rejected = texts.answer, texts.rejected
        self.rows.append(len(texts.system) + len(texts.prompt) + max(len(answer), len(rejected or "")))
        self.answers.append(len(answer))
        self.refusals += text_measures.refuses(answer)
        self.near_sample.add(lambda: RowSketch.of(texts))
        self.bleu_sample.add(lambda: text_measures.cut(answer))
        if rejected is not None:
            self.rejected.append(len(rejected))
            self.differences.append(len(answer) - len(rejected))
            self.rejected_refusals += text_measures.refuses(rejected)
        if is_later is not None:
            self.later[is_later] += 1
        if texts.label is not None:
            self.labels[texts.label] += 1

    def as_object(self) -> dict[str, Any]:
        """Return the object that `scai dataset describe --json` prints."""
        total, near_of, bleu_texts = len(self.hashes), len(self.near_sample.items), self.bleu_sample.items
        near_rows = NearRows()
        same, near = total - _different(self.hashes), sum(not near_rows.add_new(row) for row in self.near_sample.items)
        return {
            "path": self.path,
            "rows": total,
            "health": list(self.health),
            "formats": self.formats,
            "files": [{"name": f.name, "rows": f.rows, "columns": list(f.columns)} for f in self.files],
            "lengths": {
                "row": text_measures.length_summary(self.rows),
                "answer": text_measures.length_summary(self.answers),
                "rejected": text_measures.length_summary(self.rejected),
            },
            "diversity": {
                "self_bleu": text_measures.self_bleu([words(text) for text in bleu_texts]),
                "self_bleu_of": len(bleu_texts),
                "seed": self.seed,
            },
            "duplicates": {"rows": same, "share": same / total},
            "near_duplicates": {"of": near_of, "share": near / near_of},
            "labels": self._labels(),
            "length_bias": self._bias(),
            "later_chosen": text_measures.share(self.later[1], sum(self.later)),
            "refusals": {
                "answers": self.refusals / total,
                "rejected": self.rejected_refusals / len(self.rejected) if self.rejected else None,
            },
        }

    def _labels(self) -> dict[str, Any] | None:
        bad, good = self.labels
        return {"good": good, "bad": bad, "share_good": text_measures.share(good, good + bad)} if good + bad else None

    def _bias(self) -> dict[str, Any] | None:
        pairs = len(self.differences)
        if not pairs:
            return None
        longer, same = sum(value > 0 for value in self.differences), self.differences.count(0)
        return {
            "pairs": pairs,
            "same_length": same,
            "chosen_longer": text_measures.share(longer, pairs - same),
            "difference": text_measures.mean_interval(self.differences),
        }


def describe(path: Path, seed: int = 0) -> DatasetDescription:
    """Describe a file or folder of rows; raises ConfigError if it cannot be read or has no row of a known format."""
    description = DatasetDescription(str(path), seed, _health(path))
    for file in row_files(path):
        part = FileDescription(file.relative_to(path).as_posix() if path.is_dir() else file.name)
        description.files.append(part)
        for form, row, texts, is_later in read_rows(file):
            description.add(form, part, row, texts, is_later)
    if not description.hashes:
        raise ConfigError(f"{path}: has no rows; export again, or loosen the filters")
    return description


def _health(path: Path) -> list[str]:
    """Return the reasons not to trust the rows of an export's folder, or of a file in it."""
    for folder in (path, *path.absolute().parents[:2]):
        with suppress(ConfigError, ValueError, LookupError, TypeError, RecursionError):  # not the manifest of an export
            manifest = json.loads(read_text(folder / MANIFEST))
            names = [file["name"] for file in manifest["files"]]
            if folder == path or path.absolute().relative_to(folder).as_posix() in names:
                return [f"{source['run']}: {line}" for source in manifest["sources"] for line in source["health"]]
    return []


def _different(hashes: array[int]) -> int:
    import numpy as np

    return len(np.unique(np.frombuffer(hashes, dtype=np.uint64)))
