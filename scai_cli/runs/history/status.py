"""The status of a run, from its lock and from the outcome of its last session."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from scai_cli.messages import Usage
from scai_cli.runs.call_index import paid_calls
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.locks import is_locked
from scai_cli.runs.outcome import read_outcome

Status = Literal["finished", "stopped", "failed", "interrupted", "running"]

_COUNTED: Final = 100 * 2**20
"""The largest call log, in bytes, whose calls are counted; it takes about 0.2 s."""


def status_of(path: Path, finished: bool, outcome: Mapping[str, Any]) -> Status:
    """Return `finished`, `running`, or the end of the last session; `interrupted` if it was killed."""
    if finished:
        return "finished"
    if is_locked(path):
        return "running"
    status = outcome.get("status")
    return status if status in ("stopped", "failed", "interrupted") else "interrupted"


def spent(path: Path) -> tuple[int, Usage] | None:
    """Return the number of paid calls in the log and their tokens; None if the log is missing or too long."""
    log = path / CALLS
    if not log.exists() or log.stat().st_size > _COUNTED:
        return None
    counts = [call.usage.counted for call in paid_calls(log) if call.usage is not None]
    return len(counts), sum(counts, Usage())


def outcome_of(path: Path) -> Mapping[str, Any]:
    """Return the summary of the last session; empty while it runs, after a kill, or for a broken file."""
    outcome = read_outcome(path)
    return outcome if outcome.get("status") != "running" else {}
