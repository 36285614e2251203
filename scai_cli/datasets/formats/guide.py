"""The description of a format on the dataset card; those of the built-in formats are in `guide.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from scai_cli.text.data_files import read_data_file


@dataclass(frozen=True, slots=True)
class FormatGuide:
    """The description of a format, for people."""

    purpose: str = "fine-tuning"
    """Completes "rows for ..."."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column -> its content, in Markdown."""
    advice: tuple[str, ...] = ()
    """Warnings for people who train on the rows, one or two sentences each."""
    tags: tuple[str, ...] = ()
    """Tags of the Hub."""
    task: str = "text-generation"
    """The Hub's task category."""


def guide(name: str) -> FormatGuide:
    """Return the description of a built-in format by its name, the default for one without a card."""
    return FormatGuide(**_guides().get(name, {}))


@cache
def _guides() -> dict[str, Any]:
    return read_data_file(__file__)
