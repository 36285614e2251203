"""Open the files that a user names: regular files alone, as a pipe can wait for ever and a device can have no end."""

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import IO, Final, cast

from scai_cli.errors import ConfigError
from scai_cli.text.suggestions import did_you_mean

LARGEST: Final = 32 * 2**20
"""The maximal bytes of a text that is read as a whole."""
GZIP: Final = b"\x1f\x8b"
"""The first bytes of a gzip file."""
_AGAIN: Final = "download it again"


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a regular file, decompressed if it is gzip; raises ConfigError for another file or a failed read."""
    try:
        if not stat.S_ISREG(mode := (status := path.stat()).st_mode):
            kind = "folder, not a file" if stat.S_ISDIR(mode) else "pipe or a device; save its content to a file"
            raise ConfigError(f"{path}: is a {kind}")
        # In /proc, files have no size but content: that of /proc/self/environ is all keys.
        with (path if status.st_size else Path(os.devnull)).open("rb") as file:
            start = file.read(len(GZIP))
            file.seek(0)
            if start == GZIP[:1] or (start == b"" and path.suffix.lower() == ".gz"):
                raise EOFError
            yield cast("IO[bytes]", gzip.GzipFile(path, fileobj=file)) if start == GZIP else file
    except FileNotFoundError:
        near = did_you_mean(path.name, _names_in(path.parent))
        raise ConfigError(f"{path}: there is no such file{near if 'did you' in near else ''}") from None
    except EOFError:
        raise ConfigError(f"{path}: is cut off, as the end of the gzip file is missing; {_AGAIN}") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ConfigError(f"{path}: is a damaged gzip file ({error}); {_AGAIN}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:  # another process can move the folder away
        return []


def read_bytes(path: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes; raises ConfigError."""
    with opened(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ConfigError(f"{path}: is larger than {most:,} bytes; split it, or write personas or tasks as JSONL")
    return data


def read_text(path: Path, most: int = LARGEST) -> str:
    """Read a UTF-8 file of at most `most` bytes; raises ConfigError with the reason."""
    try:
        return TextIOWrapper(BytesIO(read_bytes(path, most)), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
