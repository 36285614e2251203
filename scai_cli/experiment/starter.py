"""The configs, tasks and personas that ship with the program, for `scai init`."""

import os
import shutil
from pathlib import Path
from typing import Final

from scai_cli.errors import RunError, cannot_write

_FOLDERS: Final = ("configs", "personas")
SENTENCES: Final = "sentences"
"""The folder of what the simulated assistant says; it is read where it ships, so a copy would have no effect."""


def write_starter(folder: Path) -> int:
    """Copy the shipped configs and personas and return the number of files; raises RunError if a folder exists."""
    source = shipped()
    taken = [folder / name for name in _FOLDERS if os.path.lexists(folder / name)]
    if taken:
        raise RunError(f"{taken[0]}: exists already; name another folder")
    paths = (path for name in _FOLDERS for path in sorted((source / name).rglob("*")))
    files = [path for path in paths if path.is_file() and path.parent.name != SENTENCES]
    try:
        for path in files:
            target = folder / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    except (NotADirectoryError, FileExistsError):
        raise RunError(f"{folder}: is a file, or would be in one; name another folder") from None
    except OSError as error:
        for name in _FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)
        raise cannot_write(folder, error) from None
    return len(files)


def shipped() -> Path:
    """Return the folder with `configs` and `personas`: in the installed package, or the root of a checkout."""
    package = Path(__file__).parent.parent
    copied = package / "shipped"
    return copied if copied.is_dir() else package.parent
