"""The extension point of `scai export`: how samples become rows, and all that is known about those rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from scai_cli import plugins
from scai_cli.datasets.formats.guide import FormatGuide
from scai_cli.datasets.samples.filters import Kind
from scai_cli.datasets.samples.sample import Sample
from scai_cli.errors import ConfigError

Row = dict[str, Any]
Fields = Mapping[str, Any]
"""A row read back from a file."""

FileKind = Literal["jsonl", "csv", "parquet", "text", "markdown"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Options for the look of rows."""

    system: str | None = None
    """`--system`: None leaves the system message out, "" keeps the one in force, any other text takes its place."""

    @classmethod
    def parse(cls, system: str) -> Layout:
        """Return the layout for `--system drop`, `keep` or a text."""
        return cls({"drop": None, "keep": ""}.get(system, system))

    def system_message(self, in_force: str) -> str | None:
        """Return the system message of a row, None for none."""
        return in_force if self.system == "" else self.system


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of exported rows."""

    name: str
    """Relative to the folder."""
    split: str
    rows: int
    sha256: str
    columns: tuple[str, ...]
    longest_characters: int
    """Of the longest row; about four are a token."""


class RowTexts(Struct, frozen=True, gc=False):
    """The texts of one row, the same for every format."""

    prompt: str
    """Everything before the answer, without the system message."""
    answer: str
    """The (chosen) answer."""
    rejected: str | None = None
    label: bool | None = None
    system: str = ""


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows back. Of all formats whose `columns` a row has, the one with the most columns reads it."""

    columns: frozenset[str]
    read: Callable[[Fields], RowTexts]
    """May raise KeyError, TypeError, ValueError, IndexError or AttributeError for a malformed row."""


@dataclass(frozen=True, slots=True)
class Format:
    """Turns samples into rows. `plugins.resolve("format", name)` finds it; only `kind` and `make` are required."""

    kind: Kind
    """The samples that `make` takes."""
    make: Callable[[Any, Layout], Iterable[Row]]
    """(sample, layout) -> its rows, often one; none where no reader of the format would take the row."""
    guide: FormatGuide = field(default=FormatGuide())
    reader: RowReader | None = None
    """None: the rows have the shape of another format, whose reader takes them."""
    extra_columns: bool = False
    """Whether readers accept a column for provenance; otherwise it goes to a side-car, line by line."""
    parts: tuple[str, ...] = ()
    """The parts that each split is divided into by prompt, e.g. `_sft` and `_prefs`; () leaves it whole."""
    late_types: Mapping[str, Any] = field(default_factory=dict)
    """Column -> type, for columns other than text that may be empty in many rows, e.g. `list[list[str]]`."""
    texts: Mapping[FileKind, Callable[[Row], str]] = field(default_factory=dict)
    """`--as text` or `markdown` -> a row in that form, for formats that people read."""
    side_files: Callable[[str, Sequence[ExportedFile]], Mapping[str, Any]] | None = None
    """(data set's name, files) -> name of a further file of the folder and its JSON content."""
    warnings: Callable[[ExportedFile], Iterable[str]] = lambda _: ()
    """What readers will object to in a file."""

    def __call__(self, sample: Sample, layout: Layout) -> Iterable[Row]:
        """Return the rows of a sample."""
        return self.make(sample, layout)


def find_format(name: str) -> Format:
    """Return a built-in or third-party format by its name; raises ConfigError."""
    form = plugins.resolve("format", name)
    if not isinstance(form, Format):
        raise ConfigError(f"format {name!r} cannot be loaded: it is no Format")
    return form


def built_in_formats() -> Mapping[str, Format]:
    """Return every format of this package by its name."""
    return {name: find_format(name) for name in plugins.BUILT_IN["format"]}
