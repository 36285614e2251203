"""How a run stands or ended, told by its lock and by what its last session left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from scai_cli.messages import Usage
from scai_cli.runs.call_index import decode_call
from scai_cli.runs.jsonl import lines
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.locks import is_locked
from scai_cli.runs.outcome import OUTCOME

Status = Literal["finished", "stopped", "failed", "interrupted", "running"]

_COUNTED: Final = 100 * 2**20
"""A log of so many bytes is counted in about 0.2 s."""


def status_of(path: Path, finished: bool, outcome: Mapping[str, Any]) -> Status:
    """Finished, still running, or how the last session on the run ended (killed: interrupted)."""
    if finished:
        return "finished"
    if is_locked(path):
        return "running"
    status = outcome.get("status")
    return status if status in ("stopped", "failed", "interrupted") else "interrupted"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has asked of models so far."""

    calls: int
    usage: Usage


def spent(path: Path) -> Spent | None:
    """Count the calls that were answered and their tokens in the log; None where it is too long to be counted at once.

    Lines that cannot be read are left out: whoever resumes the run is told of them.
    """
    log = path / CALLS
    if not log.exists() or log.stat().st_size > _COUNTED:
        return None
    calls = sent = answered = 0
    for _, line in lines(log):
        with suppress(msgspec.DecodeError):
            call = decode_call(line)
            if call.source == "model" and call.usage is not None:
                calls += 1
                sent += call.usage.input_tokens
                answered += call.usage.output_tokens
    return Spent(calls, Usage(sent, answered))


def outcome_of(path: Path) -> Mapping[str, Any]:
    """What the last session wrote when it ended; empty while it goes on, after it was killed, or where it is broken."""
    try:
        found = json.loads((path / OUTCOME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("status") != "running" else {}
