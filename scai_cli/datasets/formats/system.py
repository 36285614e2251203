"""The system message that a run arrived at, to paste into any chatbot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scai_cli.runs.history.history import History
from scai_cli.runs.history.selection import Selection


def rows(history: History, selection: Selection) -> Iterator[dict[str, Any]]:
    """One row: the constitution after the last revision, or the one in force in `selection.epoch`."""
    constitution, system_message = history.product
    if selection.epoch is not None:
        (epoch,) = history.chosen(selection.epoch)
        constitution, system_message = epoch.constitution, epoch.system_message
    yield {
        "run_id": history.run_id,
        "version": constitution.version,
        "system_message": system_message,
        "principles": [{"id": p.id, "text": p.text} for p in constitution.principles],
        "contract": [{"id": c.id, "text": c.text, "for": list(c.users)} for c in constitution.contract],
    }


def text(row: dict[str, Any]) -> str:
    """The message alone."""
    return f"{row['system_message']}\n"


def markdown(row: dict[str, Any]) -> str:
    """The message under a heading that says where it came from."""
    return f"# Constitution of run {row['run_id']}, version {row['version']}\n\n{row['system_message']}\n"
