"""Answers that a run got before it was interrupted, so that they are never paid for twice."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from scai_cli.chat import ChatRequest, Completion, Usage
from scai_cli.errors import CallFailed, RunError
from scai_cli.store.lines import damaged, lines


@dataclass(slots=True)
class CallIndex:
    """Where each answered call stands in `calls.jsonl`; the answers themselves stay on the disk.

    A call that failed is made again, unless the run has recorded the failure as a problem (`failed`: call id -> what
    was said of it): then it stays failed, so that the events stay what they are.
    """

    path: Path
    failed: Mapping[str, str] = field(default_factory=dict)
    spent: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    """Tokens that were paid for, by model."""
    paid_calls: int = 0
    _places: dict[str, tuple[str, int]] = field(default_factory=dict)
    _file: BinaryIO | None = None

    @classmethod
    def read(cls, path: Path, failed: Mapping[str, str]) -> CallIndex:
        """Index a call log; raises RunError for a damaged line."""
        index = cls(path, failed)
        offset = 0
        for number, line in lines(path):
            try:
                index._note(json.loads(line), offset)
            except (ValueError, KeyError, TypeError):
                raise RunError(damaged(path, number)) from None
            offset += len(line)
        return index

    def __len__(self) -> int:
        return len(self._places)

    def answer(self, request: ChatRequest) -> Completion | None:
        """The answer that this very request got, None if it has none yet; raises CallFailed if it stays failed."""
        if request.id in self.failed:
            raise CallFailed(self.failed[request.id])
        digest, offset = self._places.get(request.id, ("", -1))
        if offset < 0 or digest != request.digest():
            return None
        if self._file is None:
            self._file = self.path.open("rb")
        self._file.seek(offset)
        found = json.loads(self._file.readline())
        return Completion(
            text=found["response"],
            finish_reason=found["finish_reason"],
            usage=Usage(**found["usage"]),
            model=found["answered_by"],
            latency_s=found["latency_s"],
            retries=found["retries"],
            source="replay",
        )

    def close(self) -> None:
        """Close the file behind."""
        if self._file is not None:
            self._file.close()

    def _note(self, call: dict[str, object], offset: int) -> None:
        if "response" not in call:
            return
        self._places[str(call["id"])] = (str(call["digest"]), offset)
        if call["source"] == "model":
            self.paid_calls += 1
            self.spent[str(call["model"])] += Usage(**call["usage"])  # type: ignore[arg-type]
