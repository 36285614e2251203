"""`outcome.json`: the end of the last session on a run or generated set, and the time of all sessions."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from scai_cli.runs.jsonl import sha256, write_whole
from scai_cli.text.characters import clean

OUTCOME: Final = "outcome.json"
_LARGEST: Final = 2**24
"""The largest file in bytes that is read: it has a line of 90 bytes for each epoch."""
_TYPES: Final[Mapping[str, Any]] = {"status": str, "reason": str | None, "health": list}
_MOST: Final = 1e18
"""No number of a session is as large as this."""
_RESULTS: Final = ("*.jsonl", "*.txt", "constitution/*.md")


def read_outcome(folder: Path) -> Mapping[str, Any]:
    """Return the contents of `outcome.json` without values of a wrong type; empty for a missing or broken file."""
    try:
        with (folder / OUTCOME).open("rb") as file:
            outcome = json.loads(file.read(_LARGEST))  # what is cut off breaks the object
    except (OSError, ValueError, RecursionError):
        return {}
    return {key: value for key, value in outcome.items() if _is_sound(key, value)} if isinstance(outcome, dict) else {}


def _is_sound(key: str, value: object) -> bool:
    """Return whether a value has the type that its readers rely on."""
    if key == "usage":
        return isinstance(value, dict) and all(map(_is_number, value.values()))
    if key in ("calls", "wall_s", "rows"):
        return _is_number(value)
    return isinstance(value, _TYPES.get(key, object))


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and abs(value) < _MOST)


def begin_session(folder: Path, log: str) -> float:
    """Record the start of a session and return the seconds of earlier ones; a killed one counts until its last call."""
    file, seconds, earlier = folder / OUTCOME, 0.0, read_outcome(folder)
    try:
        seconds = min(max(0.0, float(earlier["wall_s"])), sys.float_info.max)
        if earlier["status"] == "running":  # killed: it worked at least until it last wrote
            seconds += max(0.0, (folder / log).stat().st_mtime - file.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        pass  # the first session, or a file that a user has changed
    write_whole(file, json.dumps({"status": "running", "wall_s": seconds}) + "\n")
    return seconds


def end_session(folder: Path, summary: Mapping[str, Any]) -> None:
    """Record the end of a session, and the files that finished work consists of."""
    files = {"sha256": file_digests(folder)} if summary["status"] == "finished" else {}
    write_whole(folder / OUTCOME, clean(json.dumps({**summary, **files}, indent=1)) + "\n")


def is_finished(folder: Path) -> bool:
    """Return whether the last session finished the work, and its files are still as it left them; it reads them all."""
    said = read_outcome(folder)
    return said.get("status") == "finished" and said.get("sha256") == file_digests(folder)


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the logs and texts of a run or generated set, by name."""
    files = (file for pattern in _RESULTS for file in sorted(folder.glob(pattern)))
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files}
