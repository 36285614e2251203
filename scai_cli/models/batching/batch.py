"""A batch: the file of its requests, the file of its results, and the journal that survives every kill."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from pydantic_core import to_json

from scai_cli.experiment.model_settings import BatchKind
from scai_cli.messages import ChatRequest
from scai_cli.models.wire import mapping

_LONGEST: Final = 64 * 2**20
"""The longest line of results in bytes; memory contains no more of a file that is something else."""


@dataclass(slots=True)
class Batch:
    """One batch; `requests` are the custom ids in its file, `id` is its name at the endpoint once that is known."""

    number: int
    kind: BatchKind
    address: str
    """Where its calls go; another endpoint cannot have its results."""
    model: str
    requests: Sequence[str]
    name: str = field(default_factory=lambda: f"scai-{uuid.uuid4().hex}")
    """A name of our own, which finds the batch at the endpoint after a kill."""
    at: int = field(default_factory=lambda: int(time.time()))
    """The time of its making, in seconds since 1970."""
    id: str | None = None
    is_earlier: bool = False
    """Whether an earlier session made it."""

    @property
    def requests_file(self) -> str:
        """The file of its requests, in the folder of the batches."""
        return f"{self.number}.requests.jsonl"

    @property
    def results_file(self) -> str:
        """The file of its results."""
        return f"{self.number}.results.jsonl"


class BatchJournal(Protocol):
    """The folder of the batches of one piece of work, and the log of them."""

    @property
    def folder(self) -> Path:
        """The folder of the files of requests and results."""

    def earlier(self) -> Sequence[Batch]:
        """Return the batches of earlier sessions, in their order."""

    def whole_file(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file of the folder that exists whole or not at all, also after a power cut."""

    def begun(self, batch: Batch) -> None:
        """Record a batch before it is handed over; the record survives a power cut."""

    def handed_over(self, batch: Batch) -> None:
        """Record the endpoint's id of a batch."""


def custom_id(request: ChatRequest) -> str:
    """Return the id of a request in the files of all batches: 32 hex digits of its place in the run and its content."""
    return hashlib.blake2b(f"{request.id}\n".encode() + request.canonical(), digest_size=16).hexdigest()


def request_line(key: str, body: Mapping[str, Any]) -> bytes:
    """Return the line of a request, without the newline."""
    return to_json({"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body})


@dataclass(frozen=True, slots=True)
class Result:
    """A line of results: the status and body of a response, or status 0 and an error in place of one."""

    status: int
    body: bytes


@dataclass(slots=True)
class Results:
    """A file of results, read on demand; of several lines for one request the last one that is an answer counts."""

    path: Path
    answers: int = 0
    _offsets: dict[str, int] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Results:
        """Index a file; lines that are not results, e.g. a last line cut short, are skipped."""
        results = cls(path)
        for offset, line in _lines(path):
            with suppress(ValueError, RecursionError):
                entry = mapping(json.loads(line))
                key, is_answer = entry.get("custom_id"), _status(entry) == 200
                if isinstance(key, str) and (is_answer or key not in results._answered):
                    results._offsets[key] = offset
                    results._answered |= {key} if is_answer else set()
        results.answers = len(results._answered)
        return results

    def of(self, key: str) -> Result | None:
        """Return the result of a request; None if there is none."""
        if key not in self._offsets:
            return None
        with self.path.open("rb") as file, suppress(ValueError, RecursionError):
            file.seek(self._offsets[key])
            entry = mapping(json.loads(file.readline(_LONGEST)))
            status = _status(entry)
            body = mapping(entry["response"]).get("body") if status else entry.get("error")
            return Result(status, json.dumps(body).encode())
        return None


def _status(entry: dict[str, Any]) -> int:
    status = mapping(entry.get("response")).get("status_code")
    return status if isinstance(status, int) else 0


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their offsets, without those that are too long."""
    offset, is_start = 0, True
    with path.open("rb") as file:
        while piece := file.readline(_LONGEST):
            is_end = piece.endswith(b"\n")
            if is_start and (is_end or len(piece) < _LONGEST):
                yield offset, piece
            offset, is_start = offset + len(piece), is_end
