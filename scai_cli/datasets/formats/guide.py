"""The description of a format on the dataset card, and the sentences that several formats share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MESSAGES: Final = "list of `{role, content}`"
PROMPT: Final = f"{MESSAGES}: everything before the answer; a user message is last"
TRL_DROPS: Final = (
    "TRL silently drops a row if its prompt alone fills `max_length` (DPO), or if cutting at `max_length` leaves no "
    "answer (SFT)."
)


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
