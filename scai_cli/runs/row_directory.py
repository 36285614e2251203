"""The directory of a generated set or an evaluation while it is written: rows, calls, and what the rows are made from.

`rows.jsonl` grows in the order of the rows, so a resume continues after its last line. The sources (`tasks.jsonl` or
`items.jsonl`, and `experiment.yaml`) are written first; the manifest, written last, makes the folder a set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs.file_names import EVALUATION, GENERATION, ROWS
from scai_cli.runs.jsonl import lines, whole_file
from scai_cli.runs.locked_folder import CALLS, CreationFiles, LockedFolder
from scai_cli.text.characters import escape_line_ends

EXPERIMENT: Final = "experiment.yaml"
TASKS: Final = "tasks.jsonl"
ITEMS: Final = "items.jsonl"
PEOPLE: Final = "people.jsonl"
"""The real people of an evaluation whose suites need them."""

GENERATED: Final = CreationFiles(earlier=(TASKS, EXPERIMENT), last=GENERATION)
"""The files of a generated set."""
EVALUATED: Final = CreationFiles(earlier=(ITEMS, PEOPLE, EXPERIMENT), last=EVALUATION)
"""The files of an evaluation."""

_SYNC_EVERY: Final = 256
"""The number of rows that a power cut can lose."""
_PAUSE_EVERY: Final = 1024
"""The number of tasks that are written before other work gets a turn."""
_WHOLE: Final = (b'"problem":null}\n', b'"problem":null}\r\n')


@dataclass(slots=True)
class RowDirectory:
    """The writer of a generated set or an evaluation."""

    folder: LockedFolder
    files: CreationFiles
    first: int = 0
    """The number of the first row; not 0 for a shard of a set."""
    written: int = 0
    """The number of rows."""
    problems: int = 0
    """The number of rows with a problem, from earlier sessions."""

    @classmethod
    def create(cls, runs: Path, run_id: str | None, name: str, files: CreationFiles, first: int = 0) -> RowDirectory:
        """Create and lock the folder of a set: `run_id`, or the next of `name`, `name-2`, ...

        `complete` makes it a set. Raises RunError if the id is in use or the folder cannot be written.
        """
        folder = LockedFolder.create(runs, run_id, name, files)
        if folder is None:
            raise RunError(f"{runs}/{run_id}: exists already; choose another --run-id")
        return cls(folder, files, first)

    @classmethod
    def reopen(cls, path: Path, files: CreationFiles, first: int = 0) -> RowDirectory:
        """Lock and repair an unfinished set and count its rows; raises RunError if it is in use.

        Rows from the first one that is out of order on are taken back: a power cut lost a row before them.
        """
        folder = LockedFolder.open(path, CALLS, ROWS)
        with folder.closed_on_failure():
            directory = cls(folder, files, first)
            for _, offset, line in lines(path / ROWS):
                if not line.startswith(f'{{"id":"r{directory.next}",'.encode()):
                    folder.repairs.append(folder.take_back(ROWS, offset, f"row r{directory.next} is missing"))
                    break
                directory.written += 1
                directory.problems += not line.endswith(_WHOLE)  # quotes in texts are escaped: no text ends like this
            return directory

    @property
    def next(self) -> int:
        """The number of the next row."""
        return self.first + self.written

    async def write_source(self, name: str, values: Iterable[bytes]) -> int:
        """Write tasks or items, one JSON object per line, and return their number."""
        count = 0
        with whole_file(self.folder.path / name, lasting=True) as file:
            for count, value in enumerate(values, 1):
                file.write(escape_line_ends(value) + b"\n")
                if count % _PAUSE_EVERY == 0:  # a million tasks take half a minute, which a signal may end
                    await asyncio.sleep(0)
        return count

    def complete(self, experiment: str, manifest: str) -> None:
        """Write the files that make the folder a set, and open it for rows."""
        self.folder.write_text(EXPERIMENT, experiment, lasting=True)
        self.folder.write_text(self.files.last, manifest, lasting=True)
        self.folder.open_logs(CALLS, ROWS)

    def write_row(self, line: bytes) -> None:
        """Append the next row; raises OutputError if it cannot be written."""
        self.folder.append(ROWS, line)
        self.written += 1
        if self.written % _SYNC_EVERY == 0:
            self.folder.sync()  # the calls first: a row on the disk rests on calls that are there too


def row_number(call_id: str) -> int | None:
    """Return the number of a call's row (`r17/final/assistant` or `~r17/...` -> 17); None for other calls."""
    row = call_id.partition("/")[0].removeprefix("~")
    return int(row[1:]) if row[:1] == "r" and row[1:].isdecimal() else None
