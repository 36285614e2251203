"""What an export has made: what its card and its manifest tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scai_cli.experiment.constitution import Constitution


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of rows."""

    name: str
    """Relative to the folder."""
    split: str
    rows: int
    sha256: str
    columns: tuple[str, ...]
    longest: int
    """Characters of the longest row; about four are a token."""


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A run or a generated set that rows came from."""

    run_id: str
    constitution: Constitution
    """Its last one."""
    models: Mapping[str, str]
    digest: str
    """SHA-256 of its `events.jsonl` or `rows.jsonl`."""
    personas: int = 0
    """Who spoke and rated in it."""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """An export in full."""

    format: str
    files: tuple[ExportedFile, ...]
    sources: tuple[ExportSource, ...]
    licences: Mapping[str, int]
    """Licence -> rows; "" for rows whose personas and tasks state none."""
    left_out: Mapping[str, int]
    """Why rows were left out -> how many (`rating`, `margin`, `duplicate`, `contaminated`, `held out`, ...)."""
    command: str
    """The exact command, quoted for a shell."""
    settings: Mapping[str, object]
    """The filters, splits and seeds that were not left at their defaults."""
    notes: tuple[str, ...] = ()
    """What a reader must know, e.g. the decontamination's report."""
