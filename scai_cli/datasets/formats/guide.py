"""What the card of an export says about its format, and the sentences that several formats share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MESSAGES: Final = "list of `{role, content}`"
PROMPT: Final = f"{MESSAGES}: what comes before the answer, ends with the user"
TRL_DROPS: Final = (
    "TRL drops a row whose prompt alone fills `max_length` (DPO) or that is left without an answer by it (SFT), "
    "and says nothing."
)


@dataclass(frozen=True, slots=True)
class FormatGuide:
    """A format described for people."""

    purpose: str = "fine-tuning"
    """Completes "rows for ..."."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column -> what it holds, in Markdown."""
    advice: tuple[str, ...] = ()
    """What those who train on the rows must know, one sentence or two each."""
    tags: tuple[str, ...] = ()
    """Tags of the Hub."""
    task: str = "text-generation"
    """The Hub's task category."""
