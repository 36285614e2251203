"""Folders of work by names that nobody has checked, as a web address has them: nothing outside of the runs is read."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError
from scai_cli.runs.find import is_evaluation, is_generated, is_run, is_sweep
from scai_cli.runs.locks import is_locked

_MOST_FILES: Final = 10_000
"""The maximal number of files in a folder of work, with those of its chats and served calls."""


def folders_inside(runs: Path, names: Sequence[str]) -> list[Path]:
    """Return the folders of runs, generated sets, evaluations or sweeps with exactly these names in `runs`.

    Raises RunError if there is none, and if one or a file in it is a link that leads out of `runs`.
    """
    # Looked up in the listing, and not joined to the path: then no name is a path, whatever is in it.
    listed, root = {path.name: path for path in _listed(runs)}, Path(os.path.realpath(runs))
    return [_inside(runs, root, listed.get(name), name) for name in names]


def _inside(runs: Path, root: Path, path: Path | None, name: str) -> Path:
    if path is None or not (is_run(path) or is_generated(path) or is_evaluation(path) or is_sweep(path)):
        raise RunError(f"there is no run, generated set, evaluation or sweep {name[:200]!r} in {runs}")
    for entry in (path, *_files(path)):
        if entry.is_symlink() and root not in Path(os.path.realpath(entry)).parents:
            raise RunError(f"{entry}: is a link that leads out of {runs}; replace it by what it leads to")
    return path


def fingerprint(path: Path) -> str:
    """Return a digest of the names, sizes and times of a folder's files, and of whether a process works on it.

    Raises RunError for a pipe or a device, which could keep its reader waiting for ever.
    """
    digest = hashlib.blake2b(digest_size=12)
    for file in sorted(_files(path)):
        try:
            state = file.stat()
        except OSError:  # deleted meanwhile, or a link to nothing
            continue
        if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
            raise RunError(f"{file}: is a pipe or a device, not a file; restore it from a copy, or remove it")
        digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\0".encode("utf-8", "surrogatepass"))
    digest.update(b"\1" if is_locked(path) else b"\0")
    return digest.hexdigest()


def _listed(runs: Path) -> list[Path]:
    try:
        return list(runs.iterdir())
    except OSError:
        return []


def _files(path: Path) -> Iterator[Path]:
    """Yield all files and links below a folder, following none; raises RunError for too many."""
    waiting, count = [path], 0
    while waiting:
        for entry in _listed(waiting.pop()):
            if entry.is_dir() and not entry.is_symlink():
                waiting.append(entry)
                continue
            count += 1
            if count > _MOST_FILES:
                raise RunError(f"{path}: has more than {_MOST_FILES:,} files; move those of its old chats elsewhere")
            yield entry
