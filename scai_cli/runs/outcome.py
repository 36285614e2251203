"""`outcome.json`: how the last session on a run or a generated set ended, and how long all of them took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from scai_cli.runs.jsonl import write_whole
from scai_cli.text.characters import clean

OUTCOME: Final = "outcome.json"


def begin_session(folder: Path, log: str) -> float:
    """Record that a session begins, and return the seconds of earlier ones; of a killed one, until its `log` ended."""
    file, seconds = folder / OUTCOME, 0.0
    try:
        earlier = json.loads(file.read_bytes())
        seconds = float(earlier["wall_s"])
        if earlier["status"] == "running":  # killed: it worked at least until it last wrote
            seconds += max(0.0, (folder / log).stat().st_mtime - file.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the first session, or a file that a user has changed
    write_whole(file, json.dumps({"status": "running", "wall_s": seconds}) + "\n")
    return seconds


def end_session(folder: Path, summary: Mapping[str, Any]) -> None:
    """Record how a session ended."""
    write_whole(folder / OUTCOME, clean(json.dumps(summary, indent=1)) + "\n")
