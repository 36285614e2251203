"""How a run stands or ended, told by its lock and by what its last session left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from scai_cli.store import OUTCOME, is_locked

Status = Literal["finished", "stopped", "failed", "interrupted", "running"]


def status_of(path: Path, finished: bool, outcome: Mapping[str, Any]) -> Status:
    """Finished, still running, or how the last session on the run ended (killed: interrupted)."""
    if finished:
        return "finished"
    if is_locked(path):
        return "running"
    status = outcome.get("status")
    return status if status in ("stopped", "failed", "interrupted") else "interrupted"


def outcome_of(path: Path) -> Mapping[str, Any]:
    """What the last session wrote when it ended; empty while it goes on, after it was killed, or where it is broken."""
    try:
        found = json.loads((path / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("status") != "running" else {}
