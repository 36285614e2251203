"""The batches of a run or set: `batches.jsonl`, and the files of requests and results in `batches/`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from scai_cli.errors import cannot_write
from scai_cli.runs.jsonl import decoded, remove_halves, whole_file
from scai_cli.runs.locked_folder import LockedFolder, refuse_links

BATCHES: Final = "batches.jsonl"
FOLDER: Final = "batches"


class BatchMade(msgspec.Struct, tag_field="type", tag="made"):
    """A batch before it is handed over: `requests` are the custom ids of its lines, `name` finds it at the endpoint."""

    batch: int
    kind: Literal["openai", "file"]
    address: str
    model: str
    name: str
    at: int
    """The time of its making, in seconds since 1970."""
    requests: list[str]


class BatchHandedOver(msgspec.Struct, tag_field="type", tag="handed_over"):
    """A batch that the endpoint has accepted, with the endpoint's id of it."""

    batch: int
    id: str


_LINES: Final = msgspec.json.Decoder(BatchMade | BatchHandedOver)


@dataclass(slots=True)
class BatchLog:
    """The log of the batches, and their files, in a locked folder."""

    _locked: LockedFolder

    @classmethod
    def open(cls, locked: LockedFolder) -> BatchLog:
        """Open or create the log; raises RunError for a symbolic link, and OutputError."""
        refuse_links(locked.path / BATCHES, locked.path / FOLDER)
        log = cls(locked)
        try:
            log.folder.mkdir(exist_ok=True)
            remove_halves(log.folder)
            locked.open_logs(BATCHES)
        except OSError as error:
            raise cannot_write(locked.path / BATCHES, error) from error
        return log

    @property
    def folder(self) -> Path:
        """The folder of the files of requests and results."""
        return self._locked.path / FOLDER

    def lines(self) -> Iterator[BatchMade | BatchHandedOver]:
        """Yield what earlier sessions recorded; raises RunError for a damaged line."""
        return decoded(self._locked.path / BATCHES, _LINES.decode)

    def whole_file(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file of the folder that exists whole or not at all, also after a power cut."""
        return whole_file(self.folder / name, lasting=True)

    def note(self, line: BatchMade | BatchHandedOver) -> None:
        """Record a step of a batch; the record survives a power cut."""
        self._locked.append(BATCHES, msgspec.json.encode(line))
        self._locked.sync()
