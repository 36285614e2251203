"""The directory of a run while it is written: `events.jsonl` and `calls.jsonl`, synced at the end of an epoch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scai_cli import __version__
from scai_cli.errors import RunError
from scai_cli.runs.events import Event, Problem, Revised, RunStarted
from scai_cli.runs.jsonl import damaged, lines, remove_halves
from scai_cli.runs.locked_folder import CALLS, CreationFiles, LockedFolder
from scai_cli.text.characters import escape_line_ends

CONFIG: Final = "config.yaml"
EVENTS: Final = "events.jsonl"
_FILES: Final = CreationFiles(earlier=("constitution",), last=CONFIG)
_STAMP: Final = {"seq", "time"}
_REPLACEABLE: Final = {"rater_check"}
"""Types of events of which a later one replaces an earlier one: a model is checked with its settings now."""
_ROLE: Final = re.compile(r"/(?:user|assistant|meta)(?:/retry\d+)?$")
_UNSTAMPED: Final = {"seq": None, "time": None}
_VERSION: Final = re.compile(rb'"scai":"[^"]*",')
"""The version in `run_started`: another one may continue the run as long as its requests and events are the same."""


def now() -> str:
    """Return the current time in UTC, like `2026-01-31T12:00:00.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class RunDirectory:
    """The writer of a run: stamps events and appends each once."""

    folder: LockedFolder
    clock: Callable[[], str] = now
    problems: dict[str, Problem] = field(default_factory=dict)
    """Call id -> problem, from the events of earlier sessions."""
    revised: dict[str, Revised] = field(default_factory=dict)
    """Id -> revision, from the events of earlier sessions."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """The digests of the experiment from the first session."""
    _seq: int = 0
    _written: dict[bytes, bytes] = field(default_factory=dict)
    """Fingerprint of type and id -> fingerprint of the body, for the events of earlier sessions."""
    _version: str = __version__
    """The version of scai that started the run."""

    @classmethod
    def create(cls, runs: Path, run_id: str | None, name: str, config: str) -> RunDirectory:
        """Create and lock a run directory with its config: `run_id`, or the first unused of `name`, `name-2`, ...

        Raises RunError if the wanted id is in use or the folder cannot be written.
        """
        folder = LockedFolder.create(runs, run_id, name, _FILES)
        if folder is None:
            raise RunError(
                f"run {run_id!r} exists already; continue it with `scai resume {run_id}`, or choose another --run-id"
            )
        with folder.closed_on_failure():
            (folder.path / "constitution").mkdir(exist_ok=True)
            folder.write_text(CONFIG, config)
            folder.open_logs(CALLS, EVENTS)
        return cls(folder)

    @classmethod
    def reopen(cls, path: Path) -> RunDirectory:
        """Lock and repair an unfinished run and index its events; raises RunError if it is in use or damaged."""
        run = cls(LockedFolder.open(path, CALLS, EVENTS))
        with run.folder.closed_on_failure():
            (path / "constitution").mkdir(exist_ok=True)
            remove_halves(path / "constitution")
            run._remember()
        return run

    @property
    def is_finished(self) -> bool:
        """Whether an earlier session has finished the run."""
        return _name("run_finished", "run") in self._written

    def is_settled(self, call: str) -> bool:
        """Return whether an event of an earlier session results from a call, whose answer is therefore fixed."""
        place = _ROLE.sub("", call)
        epoch, _, rest = place.partition("/")
        if rest.startswith("~"):
            kinds = [("holdout", epoch) if epoch == "holdout" else ("revision", f"{epoch}/revision")]
        else:
            kinds = [(kind, place) for kind in ("message", "rating", "control", "judged")]
            kinds += [("revision", f"{epoch}/revision")] * (rest == "revision" or rest.startswith("revision/"))
        return any(_name(*each) in self._written for each in kinds)

    def append(self, event: Event) -> bool:
        """Stamp and write an event; return False if the run has it already; raise RunError if its body differs."""
        body = escape_line_ends(event.model_dump_json(by_alias=True, exclude=_STAMP)[1:].encode())
        if self._written:
            known = self._written.get(_name(event.type, event.id))
            if known == _fingerprint(_comparable(event.type, body)):
                return False
            if known is not None and event.type not in _REPLACEABLE:
                raise RunError(self._differs(event))
        self.folder.append(EVENTS, f'{{"seq":{self._seq},"time":"{self.clock()}",'.encode() + body)
        self._seq += 1
        return True

    def _differs(self, event: Event) -> str:
        remedy = f"; if only calls were lost, delete {EVENTS} and resume: it is rebuilt from {CALLS}"
        cause = "another version of scai wrote the run, or its files were changed"
        if self._version != __version__:
            cause = f"scai {self._version} started the run and can continue it"
        return (
            f"run {self.folder.run_id!r} cannot continue: its {event.type} {event.id!r} would differ now; {cause}"
            f"{'' if isinstance(event, RunStarted) else remedy}"
        )

    def _remember(self) -> None:
        log = self.folder.path / EVENTS
        for number, line in lines(log):
            try:
                event = json.loads(line)
                self._written[_name(event["type"], event["id"])] = _fingerprint(_comparable(event["type"], _body(line)))
                if event["type"] == "run_started":
                    self._version, self.digests = str(event["scai"]), event["digests"]
                if event["type"] == "problem":
                    self.problems[event["id"]] = Problem.model_validate(event)
                if event["type"] == "revision":
                    self.revised[event["id"]] = Revised.model_validate(event).model_copy(update=_UNSTAMPED)
                self._seq = event["seq"] + 1
            except (ValueError, LookupError, TypeError):
                raise RunError(damaged(log, number)) from None


def _body(line: bytes) -> bytes:
    """Return a written line without its stamp: `{"seq":N,"time":"T",BODY}` -> `BODY}`."""
    return line.rstrip(b"\n").split(b",", 2)[2]


def _comparable(kind: str, body: bytes) -> bytes:
    """Return the part of a body that must be the same in each session."""
    return _VERSION.sub(b"", body, count=1) if kind == "run_started" else body


def _fingerprint(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=12).digest()


def _name(kind: str, event_id: str) -> bytes:
    return _fingerprint(f"{kind}/{event_id}".encode())
