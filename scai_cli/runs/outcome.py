"""`outcome.json`: the end of the last session on a run or generated set, and the time of all sessions."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from scai_cli.runs.jsonl import sha256, write_whole
from scai_cli.text.characters import clean

OUTCOME: Final = "outcome.json"
_RESULTS: Final = ("*.jsonl", "*.txt", "constitution/*.md")


def begin_session(folder: Path, log: str) -> float:
    """Record the start of a session and return the seconds of earlier ones; a killed one counts until its last call."""
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
    """Record the end of a session, and the files that finished work consists of."""
    files = {"sha256": file_digests(folder)} if summary["status"] == "finished" else {}
    write_whole(folder / OUTCOME, clean(json.dumps({**summary, **files}, indent=1)) + "\n")


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the logs and texts of a run or generated set, by name."""
    files = (file for pattern in _RESULTS for file in sorted(folder.glob(pattern)))
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files}
