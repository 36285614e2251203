"""The journal of the batches of a run or set, kept in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from scai_cli.models.batching.batch import Batch
from scai_cli.runs.batch_log import BatchHandedOver, BatchLog, BatchMade


@dataclass(frozen=True, slots=True)
class FolderJournal:
    """A `BatchJournal` in `batches.jsonl` and `batches/`."""

    log: BatchLog

    @property
    def folder(self) -> Path:
        """The folder of the files of requests and results."""
        return self.log.folder

    def earlier(self) -> Sequence[Batch]:
        """Return the batches of earlier sessions, in their order."""
        batches: dict[int, Batch] = {}
        for line in self.log.lines():
            if isinstance(line, BatchMade):
                batches[line.batch] = Batch(
                    line.batch, line.kind, line.address, line.model, line.requests, line.name, line.at, is_earlier=True
                )
            elif line.batch in batches:
                batches[line.batch].id = line.id
        return list(batches.values())

    def at_endpoint(self) -> Sequence[Batch]:
        """Return the batches of earlier sessions that were handed over to an endpoint, and have no results here."""
        return [batch for batch in self.earlier() if batch.id and not (self.folder / batch.results_file).exists()]

    def whole_file(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file of the folder that exists whole or not at all, also after a power cut."""
        return self.log.whole_file(name)

    def begun(self, batch: Batch) -> None:
        """Record a batch before it is handed over; the record survives a power cut."""
        made = BatchMade(
            batch.number, batch.kind, batch.address, batch.model, batch.name, batch.at, list(batch.requests)
        )
        self.log.note(made)

    def handed_over(self, batch: Batch) -> None:
        """Record the endpoint's id of a batch."""
        assert batch.id is not None
        self.log.note(BatchHandedOver(batch.number, batch.id))
