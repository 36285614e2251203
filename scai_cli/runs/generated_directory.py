"""The directory of a generated set while it is written: rows, calls, and their sources.

`rows.jsonl` grows in the order of the rows, so a resume continues after its last line. `tasks.jsonl` and
`experiment.yaml` are the sources of the rows; `generation.yaml`, written last, makes the folder a generated set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs.jsonl import lines, whole_file
from scai_cli.runs.locked_folder import CALLS, CreationFiles, LockedFolder
from scai_cli.runs.locks import LOCK
from scai_cli.text.characters import escape_line_ends

GENERATION: Final = "generation.yaml"
EXPERIMENT: Final = "experiment.yaml"
ROWS: Final = "rows.jsonl"
TASKS: Final = "tasks.jsonl"

_FILES: Final = CreationFiles(earlier=(TASKS, EXPERIMENT), last=GENERATION)
_SYNC_EVERY: Final = 256
"""The number of rows that a power cut can lose."""
_WHOLE: Final = (b'"problem":null}\n', b'"problem":null}\r\n')


@dataclass(slots=True)
class GeneratedDirectory:
    """The writer of a generated set."""

    folder: LockedFolder
    written: int = 0
    """The number of rows."""
    problems: int = 0
    """The number of rows with a problem, from earlier sessions."""

    @classmethod
    def create(cls, runs: Path, run_id: str | None, name: str) -> GeneratedDirectory:
        """Create and lock the folder of a set: `run_id`, or the first unused of `name`, `name-2`, ...

        `complete` makes it a set. Raises RunError if the id is in use or the folder cannot be written.
        """
        folder = LockedFolder.create(runs, run_id, name, _FILES)
        if folder is None:
            raise RunError(f"{runs}/{run_id}: exists already; choose another --run-id")
        return cls(folder)

    @classmethod
    def reopen(cls, path: Path) -> GeneratedDirectory:
        """Lock and repair an unfinished set and count its rows; raises RunError if it is in use.

        Rows from the first one that is out of order on are taken back: a power cut lost a row before them.
        """
        folder = LockedFolder.open(path, CALLS, ROWS)
        with folder.closed_on_failure():
            directory = cls(folder)
            for _, offset, line in lines(path / ROWS):
                if not line.startswith(f'{{"id":"r{directory.written}",'.encode()):
                    folder.repairs.append(folder.take_back(ROWS, offset, f"row r{directory.written} is missing"))
                    break
                directory.written += 1
                directory.problems += not line.endswith(_WHOLE)  # quotes in texts are escaped: no text ends like this
            return directory

    def write_tasks(self, tasks: Iterable[bytes]) -> int:
        """Write the tasks, one JSON object per line, and return their number."""
        count = 0
        with whole_file(self.folder.path / TASKS, lasting=True) as file:
            for count, task in enumerate(tasks, 1):  # noqa: B007
                file.write(escape_line_ends(task) + b"\n")
        return count

    @contextmanager
    def removed_on_failure(self) -> Iterator[None]:
        """Close the folder if the block raises, and remove it unless it is a set already."""
        try:
            yield
        except BaseException:
            self.folder.close()
            path = self.folder.path
            if not (path / GENERATION).exists():
                for name in (*_FILES.earlier, LOCK):
                    (path / name).unlink(missing_ok=True)
                with suppress(OSError):  # the user has put a file there
                    path.rmdir()
            raise

    def complete(self, experiment: str, generation: str) -> None:
        """Write the files that make the folder a generated set, and open it for rows."""
        self.folder.write_text(EXPERIMENT, experiment, lasting=True)
        self.folder.write_text(GENERATION, generation, lasting=True)
        self.folder.open_logs(CALLS, ROWS)

    def write_row(self, line: bytes) -> None:
        """Append the next row; raises OutputError if it cannot be written."""
        self.folder.append(ROWS, line)
        self.written += 1
        if self.written % _SYNC_EVERY == 0:
            self.folder.sync()  # the calls first: a row on the disk rests on calls that are there too
