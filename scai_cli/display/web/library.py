"""What the pages are drawn from: the folders of work in a runs folder, and the last runs that were read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

from scai_cli.display.report.sections import Run, read_run
from scai_cli.errors import RunError
from scai_cli.runs.find import is_run
from scai_cli.runs.inside import fingerprint, folders_inside

MOST_RUNS: Final = 12
"""The maximal number of runs in a comparison, and of those that are kept in memory, each with its final ratings."""
_DRAWN, _LISTED = 16, 10_000
"""The number of drawn parts of pages, and of rows of the list, that are kept in memory."""

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Asked:
    """The variable parts of an address: the names of folders, and the first value of each key of the query."""

    names: Sequence[str] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder that the page is about."""
        return self.names[0]

    def text(self, key: str) -> str:
        """Return a value of the query; empty if it was not given."""
        return self.query.get(key, "")

    def number(self, key: str) -> int | None:
        """Return a number of the query, None if it was not given; RunError for one that is not a number from 1."""
        text = self.text(key)
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
            raise RunError(f"{key}: {text[:40]!r} is not a number from 1 on; change it in the address")
        return int(text)


@dataclass(slots=True)
class _Slot:
    state: str
    lock: Lock = field(default_factory=Lock)
    thing: Any = None
    is_read: bool = False


class Shelf:
    """The last things that were read, each by one thread while others that want it wait; of each its last state."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def get(self, key: Hashable, state: str, read: Callable[[], Read]) -> Read:
        """Return the thing under a key, read now if its state is another; errors are raised, and it is read again."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None or slot.state != state:  # what a run was before its last event takes no memory
                slot = self._slots[key] = _Slot(state)
            self._slots.move_to_end(key)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
        with slot.lock:
            if not slot.is_read:
                slot.thing, slot.is_read = read(), True
            thing: Read = slot.thing
        return thing


class Library:
    """The folders of work below `runs`, for several threads at a time."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._read, self._drawn, self._listed = Shelf(MOST_RUNS), Shelf(_DRAWN), Shelf(_LISTED)

    def folder(self, name: str) -> Path:
        """Return the folder with this name; raises RunError if there is none."""
        return self.folders([name])[0]

    def folders(self, names: Sequence[str]) -> list[Path]:
        """Return the folders with these names; raises RunError if one is missing."""
        return folders_inside(self.runs, names)

    def state(self, names: Sequence[str]) -> str:
        """Return a digest of some folders, which changes with what their pages show; raises RunError."""
        return "-".join(map(fingerprint, self.folders(names)))

    def run(self, name: str) -> Run:
        """Return a run as it is now, read without its messages; raises RunError for a damaged line."""
        path = self.folder(name)
        if not is_run(path):
            raise RunError(f"{name!r} is not a run; its page has all that there is of it")
        return self._read.get(name, fingerprint(path), lambda: read_run(path, ""))

    def remembered(self, path: Path, read: Callable[[Path], Read]) -> Read:
        """Return what `read` finds in a folder, read again only after the folder has changed."""
        try:
            state = fingerprint(path)
        except RunError:  # a strange file, which `read` passes over
            return read(path)
        return self._listed.get(path, state, lambda: read(path))

    def drawn(self, what: str, name: str, draw: Callable[[], Read]) -> Read:
        """Return a part of a folder's page, drawn again only after the folder has changed."""
        return self._drawn.get((what, name), self.state([name]), draw)
