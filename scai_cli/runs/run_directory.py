"""The directory of a run while it is written: `events.jsonl` and `calls.jsonl`, synced at the end of an epoch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scai_cli import __version__
from scai_cli.errors import RunError
from scai_cli.runs.events import Event, Problem, RatersChecked, Revised, read_event
from scai_cli.runs.file_names import CONFIG, EVENTS
from scai_cli.runs.find import resume_command
from scai_cli.runs.jsonl import damaged, lines, remove_halves
from scai_cli.runs.locked_folder import CALLS, CreationFiles, LockedFolder
from scai_cli.text.characters import escape_line_ends

_FILES: Final = CreationFiles(earlier=("constitution",), last=CONFIG)
_STAMP: Final = {"seq", "time"}
_REPLACEABLE: Final = {"rater_check"}
"""Types of events of which a later one replaces an earlier one: a model is checked with its settings now."""
_ROLE: Final = re.compile(r"/(?:user|assistant|meta)(?:/retry\d+)?$")
_UNSTAMPED: Final = {"seq": None, "time": None}
_MAY_DIFFER: Final = re.compile(rb'"(?:run_id|scai)":"[^"]*",')
"""The id and version in `run_started`: a run has the name of its folder, and any version may continue it."""
_OBSERVED: Final = re.compile(rb'"observed":(?:null|[-+.\de]+),(?="comment":)')
"""What a program sees in the rated text: versions before 0.5 counted the style of others' answers, too."""
_NO_DRIFT: Final = b',"drift":{},"corrected":{}'
"""The end of `welfare` in versions before 0.7, without ratings of the kind `anchor`."""


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
    rater_check: RatersChecked | None = None
    """The check of the raters in an earlier session."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """The digests of the experiment from the first session."""
    version: str = __version__
    """The version of scai that started the run."""
    _seq: int = 0
    _written: dict[bytes, bytes] = field(default_factory=dict)
    """Fingerprint of type and id -> fingerprint of the body, for the events of earlier sessions."""

    @classmethod
    def create(cls, runs: Path, run_id: str | None, name: str, config: str) -> RunDirectory:
        """Create and lock a run directory with its config: `run_id`, or the next of `name`, `name-2`, ...

        Raises RunError if the wanted id is in use or the folder cannot be written.
        """
        folder = LockedFolder.create(runs, run_id, name, _FILES)
        if folder is None:
            again = resume_command(runs / (run_id or name))
            raise RunError(f"run {run_id!r} exists already; continue it with `{again}`, or choose another --run-id")
        with folder.discarded_on_failure(*_FILES.names, CALLS, EVENTS):
            (folder.path / "constitution").mkdir(exist_ok=True)
            folder.write_text(CONFIG, config, lasting=True)
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

    def events(self) -> Iterator[Event]:
        """Yield the written events."""
        for _, _, line in lines(self.folder.path / EVENTS):
            if (event := read_event(line)) is not None:
                yield event

    def settled_by(self, call: str) -> str:
        """Return the type of the written event that results from a call, whose answer is thus fixed, or ""."""
        for kind, event_id in _results(call):
            if _name(kind, event_id) in self._written:
                # It may have made no call: another session may have room for its prompt.
                proposed = self.revised[event_id].candidates if kind == "revision" else ()
                return "oversized" if any(each.no_answer == "oversized" for each in proposed) else kind
        return ""

    def take_back(self, calls: Collection[str]) -> str:
        """Move the first event that results from one of some lost calls, and all later ones, to another file.

        Later events may rest on it. Returns a line about it. The texts are made again from the events that remain.
        """
        for text in (self.folder.path / "constitution").glob("e*.md"):
            if text.stem[1:].isdecimal():
                text.unlink()
        lost = {_name(*result) for call in calls for result in _results(call)}
        for _, offset, line in lines(self.folder.path / EVENTS):
            event = json.loads(line)
            if _name(event["type"], event["id"]) in lost:
                return self.folder.take_back(EVENTS, offset, f"{CALLS} has lost answers that {event['id']!r} rests on")
        raise RunError(f"{self.folder.path / EVENTS}: changed meanwhile; continue with `scai resume`")

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
        cause = "another version of scai wrote the run, or its files were changed"
        if self.version != __version__:
            cause = f"scai {self.version} started the run and can continue it"
        return f"run {self.folder.run_id!r} cannot continue: its {event.type} {event.id!r} would differ now; {cause}"

    def _remember(self) -> None:
        log = self.folder.path / EVENTS
        for number, offset, line in lines(log):
            try:
                event = json.loads(line)
                name = _name(event["type"], event["id"])
                if (seq := event["seq"]) != self._seq:
                    why = f"event {self._seq} is missing" if seq > self._seq else f"event {seq} is written twice"
                    self.folder.repairs.append(self.folder.take_back(EVENTS, offset, why))
                    return
                self._written[name] = _fingerprint(_comparable(event["type"], _body(line)))
                if event["type"] == "run_started":
                    self.version, self.digests = str(event["scai"]), event["digests"]
                if event["type"] == "problem":
                    self.problems[event["id"]] = Problem.model_validate(event)
                if event["type"] == "rater_check":
                    self.rater_check = RatersChecked.model_validate(event)
                if event["type"] == "revision":
                    self.revised[event["id"]] = Revised.model_validate(event).model_copy(update=_UNSTAMPED)
                self._seq = event["seq"] + 1
            except (ValueError, LookupError, TypeError, RecursionError):
                raise RunError(damaged(log, number)) from None


def _body(line: bytes) -> bytes:
    """Return a written line without its stamp: `{"seq":N,"time":"T",BODY}` -> `BODY}`."""
    return line.rstrip(b"\r\n").split(b",", 2)[2]


def _comparable(kind: str, body: bytes) -> bytes:
    """Return the part of a body that must be the same in each session."""
    if kind == "rating":
        return _OBSERVED.sub(b"", body, count=1)
    if kind == "welfare":
        return body.replace(_NO_DRIFT, b"")
    return _MAY_DIFFER.sub(b"", body, count=2) if kind == "run_started" else body


def _fingerprint(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=12).digest()


def _results(call: str) -> Iterator[tuple[str, str]]:
    """Yield type and id of each event that a call may lead to."""
    place = _ROLE.sub("", call)
    epoch, _, rest = place.partition("/")
    if epoch == "holdout":
        yield "holdout", epoch
    elif rest.startswith(("~", "+again/", "revision/")) or rest == "revision":
        yield "revision", f"{epoch}/revision"
    yield from ((kind, place) for kind in ("message", "rating"))


def _name(kind: str, event_id: str) -> bytes:
    return _fingerprint(f"{kind}/{event_id}".encode())
