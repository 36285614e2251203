"""A row of `rows.jsonl` of an evaluation: one item with the answers of all systems and their scores."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from scai_cli.runs.file_names import ROWS
from scai_cli.runs.jsonl import decoded


class SystemAnswer(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The answer of one system to an item.

    `scores`: name -> number, None if it is missing; a score has the name of its measure. `messages` are (role, text),
    for readers, and `notes` the judge's words. `problem` is why a score is missing.
    """

    scores: dict[str, float | None]
    messages: tuple[tuple[str, str], ...] = ()
    notes: str = ""
    problem: str | None = None


RowKind = Literal["probe", "gold", "item"]


class EvaluationRow(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One item; `answers` has a key for each system.

    A row of kind `probe` tests the judge before the items of its suite: its `problem` is why the suite cannot judge. A
    row of kind `gold` has the judge's opinion on an answer that people have labelled, under the name `judge`.
    """

    id: str
    kind: RowKind
    suite: str
    item: str
    answers: dict[str, SystemAnswer]
    problem: str | None = None

    @property
    def type(self) -> str:
        """The type as observers see it, beside those of a run's events."""
        return "evaluation_row"


def evaluation_rows(path: Path) -> Iterator[EvaluationRow]:
    """Yield the rows of an evaluation in order, without a torn last line; raises RunError for a damaged line."""
    return decoded(path / ROWS, msgspec.json.Decoder(EvaluationRow).decode)
