"""An index of the logged answers of earlier sessions, so that no call is paid for twice."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from scai_cli.errors import AnswerLost, CallFailed, PromptRefused, RunError
from scai_cli.messages import AgentRole, ChatRequest, Completion, Usage
from scai_cli.runs.events import Problem
from scai_cli.runs.jsonl import damaged, lines


@dataclass(slots=True)
class CallIndex:
    """The offset of each answered call in a call log; the answers stay on the disk.

    A line with `used: false` is a paid response without a usable answer: it is counted, and never the answer.

    A failed call is repeated, unless the run's events record the failure as a problem (`failed`: call id -> problem).
    Then it stays failed: an answer now would lead to other events than the recorded ones. For the same reason a call
    that an event results from (`settled`: call id -> the event's type or "") has the answer to its last logged
    request, also if its request would differ now. Without one, a power cut lost it, and the event is taken back.

    Of several lines with one id and digest the first is the answer, as events rest on it; equal lines count once.
    """

    path: Path
    failed: Mapping[str, Problem] = field(default_factory=dict)
    settled: Callable[[str], str] = lambda _: ""
    seen: Callable[[str, bool], None] = lambda *_: None
    """Called with the id of each answer in the log, and whether it is wanted."""
    spent: dict[tuple[AgentRole, str], Usage] = field(default_factory=lambda: defaultdict(Usage))
    """Tokens paid for, by role and model."""
    paid_calls: int = 0
    _offsets: dict[bytes, int] = field(default_factory=dict)
    """Fingerprint of a call's id and its request's digest ("" if settled) -> offset of its line: 150 bytes a call."""
    _failures: set[str] = field(default_factory=set)
    """The ids of calls that failed."""
    _lost: set[str] = field(default_factory=set)
    """The ids of calls that events result from, and whose answers were requested and are not there."""
    _file: BinaryIO | None = None

    @classmethod
    def read(
        cls,
        path: Path,
        failed: Mapping[str, Problem] | None = None,
        wanted: Callable[[str], bool] = lambda _: True,
        settled: Callable[[str], str] = lambda _: "",
        seen: Callable[[str, bool], None] = lambda *_: None,
    ) -> CallIndex:
        """Index the calls whose ids are `wanted`, and count all paid ones; raises RunError for a damaged line.

        `seen` gets the id of each answer, and whether it is wanted.
        """
        index = cls(path, failed or {}, settled, seen)
        for number, offset, line in lines(path):
            try:
                index._add(decode_call(line), offset, line, wanted)
            except (ValueError, msgspec.DecodeError, RecursionError):
                raise RunError(damaged(path, number)) from None
        return index

    def answer(self, request: ChatRequest) -> Completion | None:
        """Return the logged answer to a request, or None; raises CallFailed for a recorded failure, or AnswerLost."""
        if (problem := self.failed.get(request.id)) is not None:
            error = (PromptRefused if problem.refused else CallFailed)(problem.problem)
            error.recorded = True
            raise error
        offset = self._offsets.get(_key(request.id, ""))
        if offset is None:
            offset = self._offsets.get(_key(request.id, request.digest()))
        if offset is not None:
            return _completion(json.loads(self._line(offset)))
        # Some revisions rest on no answer: a strategy may do without a call that failed, or that it did not make.
        kind = self.settled(request.id)
        if kind not in ("", "oversized") and (kind != "revision" or request.id not in self._failures):
            self._lost.add(request.id)
        if self._lost:
            raise AnswerLost(self._lost)
        return None

    def count(self, call: LoggedCall) -> None:
        """Count a paid call."""
        if call.usage is not None:
            self.paid_calls += 1
            self.spent[call.role, call.model] += call.usage.counted

    def close(self) -> None:
        """Close the call log."""
        if self._file is not None:
            self._file.close()

    def _add(self, call: LoggedCall, offset: int, line: bytes, wanted: Callable[[str], bool]) -> None:
        if call.error is not None:
            self._failures.add(call.id)
            return
        required = (call.response, call.finish_reason, call.latency_s, call.retries, call.source)
        if call.usage is None or call.answered_by is msgspec.UNSET or None in required:
            raise ValueError("neither an error nor a complete answer")
        if not call.used:
            is_copy = self._offsets.setdefault(_key(call.id, f"unused {hash(line)}"), offset) != offset
        else:
            is_wanted = wanted(call.id)
            is_copy = is_wanted and self._place(call, offset, line)
            if not is_copy:
                self.seen(call.id, is_wanted)
        if call.source == "model" and not is_copy:
            self.count(call)

    def _place(self, call: LoggedCall, offset: int, line: bytes) -> bool:
        """Index an answer, unless an earlier line counts; return whether it is a copy of that line."""
        key = _key(call.id, "" if self.settled(call.id) else call.digest)
        if (first := self._offsets.setdefault(key, offset)) == offset:
            return False
        before = self._line(first)
        if (digest := decode_call(before).digest) != call.digest:  # settled, and not the same request
            own, other = _key(call.id, call.digest), _key(call.id, digest)
            if own not in self._offsets:
                self._offsets |= {other: first, key: offset}
                return False
            before = self._line(self._offsets[own])
        return before == line

    def _line(self, offset: int) -> bytes:
        if self._file is None:
            self._file = self.path.open("rb")
        self._file.seek(offset)
        return self._file.readline()


class _Tokens(msgspec.Struct, gc=False):
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0

    @property
    def counted(self) -> Usage:
        return Usage(self.input_tokens, self.output_tokens, self.cached_tokens)


class LoggedCall(msgspec.Struct, gc=False):
    """A logged call without its request, which would take most of the decoding time."""

    id: str
    role: AgentRole
    model: str
    digest: str
    error: str | None = None
    response: str | None = None
    finish_reason: str | None = None
    usage: _Tokens | None = None
    answered_by: str | msgspec.UnsetType | None = msgspec.UNSET
    latency_s: float | None = None
    retries: int | None = None
    source: str | None = None
    logprobs: list[tuple[str, float]] | None = None
    used: bool = True


decode_call: Final = msgspec.json.Decoder(LoggedCall).decode


def paid_calls(path: Path) -> Iterator[LoggedCall]:
    """Yield the paid calls of a log, each once although a power cut can leave a line twice; skip unreadable lines."""
    seen = set[int]()
    for *_, line in lines(path):
        try:
            call = decode_call(line)
        except (ValueError, msgspec.DecodeError, RecursionError):  # a resume reports it
            continue
        if call.source == "model" and call.usage is not None and (copied := hash(line)) not in seen:
            seen.add(copied)
            yield call


def _key(call_id: str, digest: str) -> bytes:
    return hashlib.blake2b(f"{call_id} {digest}".encode(), digest_size=12).digest()


def _completion(call: Mapping[str, Any]) -> Completion:
    """Return the answer of a logged call; raises KeyError or TypeError for a missing part."""
    return Completion(
        text=call["response"],
        finish_reason=call["finish_reason"],
        usage=Usage(**call["usage"]),
        model=call["answered_by"],
        latency_s=call["latency_s"],
        retries=call["retries"],
        source="replay",
        logprobs=tuple((token, value) for token, value in call["logprobs"]) if "logprobs" in call else None,
        thoughts=call.get("thoughts", ""),
    )
