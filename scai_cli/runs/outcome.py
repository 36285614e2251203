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
    """Note that a session begins; the seconds that earlier ones took, a killed one as long as its `log` grew."""
    note, seconds = folder / OUTCOME, 0.0
    try:
        earlier = json.loads(note.read_bytes())
        seconds = float(earlier["wall_s"])
        if earlier["status"] == "running":  # it was killed: it worked at least until it last wrote
            seconds += max(0.0, (folder / log).stat().st_mtime - note.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the first session, or a file that somebody changed: it is for people
    write_whole(note, json.dumps({"status": "running", "wall_s": seconds}) + "\n")
    return seconds


def end_session(folder: Path, summary: Mapping[str, Any]) -> None:
    """Note how a session ended."""
    write_whole(folder / OUTCOME, clean(json.dumps(summary, indent=1)) + "\n")
