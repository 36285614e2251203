"""A format: of which samples its rows are made, how, and whether their readers bear more columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from scai_cli.datasets.samples.sample import Sample

Kind = Literal["answers", "rated", "pairs", "traces", "ratings"]
"""`answers`: those to imitate; `rated`: good and bad ones alike, with their scores; `pairs`; `traces`: generated rows
with critiques and revisions; `ratings`: who rated which answer how."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a format's rows are to look."""

    system: str | None = None
    """`--system`: None leaves the system message out, "" keeps the one in force, any other text stands in its place."""

    def system_message(self, in_force: str) -> str | None:
        """The system message of a row, None for none."""
        return in_force if self.system == "" else self.system


@dataclass(frozen=True, slots=True)
class Format:
    """How samples become rows; what `plugins.resolve("exporter", name)` finds for the formats of this package."""

    kind: Kind
    make: Callable[[Any, Layout], Iterable[Row]]
    """(sample of that kind, layout) -> its rows, often one; none where no reader of the format would take the row."""
    columns: bool = False
    """Whether provenance may stand in columns of its own; otherwise it goes to a side-car."""
    splits: str = ""
    """What follows `train`/`test` in the names of splits, e.g. `_prefs`."""
    parts: tuple[str, ...] = ()
    """Into which parts each split is dealt, prompt by prompt: `_sft` and `_prefs`; () leaves it whole."""

    def __call__(self, sample: Sample, layout: Layout) -> Iterable[Row]:
        """The rows of a sample."""
        return self.make(sample, layout)
