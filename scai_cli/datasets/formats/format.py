"""The extension point of `scai export`: a format turns samples into rows, and describes those rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from scai_cli import plugins
from scai_cli.datasets.formats.guide import FormatGuide, guide
from scai_cli.datasets.samples.filters import Kind
from scai_cli.datasets.samples.row_texts import RowTexts
from scai_cli.datasets.samples.sample import Sample
from scai_cli.errors import ConfigError

Row = dict[str, Any]
Fields = Mapping[str, Any]
"""A row read back from a file."""

FileKind = Literal["jsonl", "csv", "parquet", "text", "markdown"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Options for the content of rows."""

    system: str | None = None
    """`--system`: None removes the system message, "" keeps the one in force, any other text replaces it."""
    audience: str | None = None
    """`--for`: everyone, members or a persona's id, of formats with that option; None is everyone."""

    @classmethod
    def parse(cls, system: str, audience: str | None = None) -> Layout:
        """Return the layout for `--system drop`, `keep` or a text, and `--for`; raises ConfigError for no text."""
        if not system.strip():
            raise ConfigError("--system: the text is empty; write drop, keep or a text")
        return cls({"drop": None, "keep": ""}.get(system, system), audience)

    @property
    def keeps_system(self) -> bool:
        """Return whether each row has the system message that its answer was given under."""
        return self.system == ""

    def system_message(self, in_force: str) -> str | None:
        """Return the system message of a row; None for no system message."""
        return in_force if self.keeps_system else self.system


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
    """Of the longest row; a token has about four."""


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows back; of several formats that match a row's columns the one with the most columns reads it."""

    columns: frozenset[str]
    read: Callable[[Fields], RowTexts]
    """May raise KeyError, TypeError, ValueError, IndexError or AttributeError for a malformed row."""


@dataclass(frozen=True, slots=True)
class Format:
    """Turns samples into rows. `plugins.resolve("format", name)` finds it; only `kind` and `make` are required."""

    kind: Kind
    """The kind of samples that `make` takes."""
    make: Callable[[Any, Layout], Iterable[Row]]
    """Turns (sample, layout) into rows, often one; none if readers of the format would reject the row."""
    guide: FormatGuide = field(default=FormatGuide())
    """That of a built-in format is set by `find_format`."""
    reader: RowReader | None = None
    """None if the rows have the shape of another format, whose reader reads them."""
    extra_columns: bool = False
    """Whether readers accept a column for provenance; otherwise provenance goes to a side-car file, line by line."""
    parts: tuple[str, ...] = ()
    """Parts of each split, filled by prompt, such as `_sft` and `_prefs`; () for a split without parts."""
    late_types: Mapping[str, Any] = field(default_factory=dict)
    """Column -> type, for columns without text that may be empty in many rows, such as `list[list[str]]`."""
    texts: Mapping[FileKind, Callable[[Row], str]] = field(default_factory=dict)
    """`--as text` or `markdown` -> a function that writes a row in that form, for formats that people read."""
    csv_row: Callable[[Row], Row] | None = None
    """Turns a row into that of a CSV file, if readers of CSV want other columns."""
    options: tuple[str, ...] = ("as", "guard", "system", "min-rating", "epoch", "persona", "task")
    """The options of `scai export` that a format of whole runs takes; with `for`, its rows are for an audience."""
    side_files: Callable[[str, Sequence[ExportedFile]], Mapping[str, Any]] | None = None
    """Turns (dataset name, files) into further files of the folder: name -> JSON content."""
    warnings: Callable[[ExportedFile], Iterable[str]] = lambda _: ()
    """Yields what the readers of a file will reject."""

    def __call__(self, sample: Sample, layout: Layout) -> Iterable[Row]:
        """Return the rows of a sample."""
        return self.make(sample, layout)


def find_format(name: str) -> Format:
    """Return a built-in or third-party format by its name; raises ConfigError."""
    form = plugins.resolve("format", name)
    if not isinstance(form, Format):
        raise ConfigError(f"format {name!r} is not a scai_cli.api.Format; name an object that is one")
    return form if plugins.is_foreign("format", name) else replace(form, guide=guide(name))


def built_in_formats() -> Mapping[str, Format]:
    """Return every format of this package by its name."""
    return {name: find_format(name) for name in plugins.BUILT_IN["format"]}
