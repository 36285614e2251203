"""Decide by its content what a file is: people and tables come under any name."""

import codecs
import json
import re
import struct
import zipfile
from pathlib import Path
from typing import IO, Final, Literal

from scai_cli.errors import ConfigError
from scai_cli.experiment.foreign_files import foreign
from scai_cli.experiment.input_files import opened

Kind = Literal["empty", "json", "jsonl", "parquet", "excel", "text"]
"""`json` is one value (or several over many lines), `jsonl` a value per line, `text` anything else in characters."""

_HEAD: Final = 2**16
_LONGEST_FIRST_LINE: Final = 2**20
"""The most bytes of a first line that is parsed to find out whether it is a whole value."""
_MOST_OF_A_DIRECTORY: Final = 4 * 2**20
"""The most bytes of a zip archive's directory; that of a workbook has a few thousand."""
_JSON_START: Final = re.compile(r"""\[\s*(?:$|["{\[\]])|\{\s*(?:$|["}])""")
_JSON_NAMES: Final[dict[str, Kind]] = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PARQUET: Final = re.compile(rb"PAR1[^\t\n\r -~]")
"""A column of a text table can have the name PAR1."""
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_SHORTEST: Final = 8
"""The fewest bytes of a Parquet file or a zip archive."""


def kind(path: Path) -> Kind:
    """Return the kind of a file; raises ConfigError with the remedy for one that cannot be read as people or tasks."""
    with opened(path) as file:
        head = file.read(_HEAD)
        if not head:
            return "empty"
        if _PARQUET.match(head) or (head.startswith(b"PAR1") and path.suffix.lower() == ".parquet"):
            return "parquet"
        if head.startswith(_ZIP):
            _check_workbook(path, file)
            return "excel"
        if what := foreign(head):
            raise ConfigError(f"{path}: {what}")
        if len(head) < _SHORTEST and path.suffix.lower() in (".parquet", ".xlsx", ".xlsm"):
            raise ConfigError(f"{path}: is cut off; download it again")
        line, _, below = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").partition(b"\n")
        if not below and len(head) == _HEAD:
            line += file.readline(_LONGEST_FIRST_LINE)
            below = file.read(_HEAD)
        return _text_kind(path, line, below)


def plain_suffix(path: Path) -> str:
    """Return the last ending of a file's name in small letters, without that of gzip."""
    return next((suffix for suffix in map(str.lower, reversed(path.suffixes)) if suffix != ".gz"), "")


def text_encoding(head: bytes) -> str | None:
    """Return the encoding that the first bytes show: a byte order mark, or the zeros of 16-bit text; None if none."""
    marks = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"))
    for mark, name in (*marks, (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(mark):
            return name
    even, odd, size = head[::2].count(0), head[1::2].count(0), max(1, len(head) // 2)
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros > 0.3 * size and others < 0.01 * size:
            return name
    return None


def _text_kind(path: Path, line: bytes, below: bytes) -> Kind:
    """Decide between text and JSON by the first line with text, and by the text below it."""
    named: Kind | None = _JSON_NAMES.get(plain_suffix(path))
    encoding = text_encoding(line) or "utf-8"
    start = line.decode(encoding, "replace").strip("\ufeff \t\r\n")
    if not (named or _JSON_START.match(start)):
        return "text"
    if encoding not in ("utf-8", "utf-8-sig"):
        raise ConfigError(f"{path}: has JSON in {encoding.upper()}, and JSON is read as UTF-8; save it as UTF-8")
    if len(line) < _LONGEST_FIRST_LINE and _is_json(line):
        return "jsonl" if below.strip() else "json"
    if start.startswith("["):
        return "json"
    if below.lstrip().startswith(b"{") and not start.endswith(("{", "[", ",", ":")):
        return "jsonl"  # the first of several lines is damaged
    return "jsonl" if named == "jsonl" and start != "{" and "\r" not in start else "json"


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _check_workbook(path: Path, file: IO[bytes]) -> None:
    """Raise ConfigError for a zip archive that is damaged, or is not an Excel workbook."""
    if _directory_size(file) > _MOST_OF_A_DIRECTORY:
        raise ConfigError(f"{path}: is a zip archive of too many files; unpack it, and name the file that you mean")
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            spoken = archive.read("mimetype")[:80].decode("ascii", "replace") if "mimetype" in names[:1] else ""
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError):
        what = "an Excel file" if plain_suffix(path) in (".xlsx", ".xlsm") else "a zip archive"
        raise ConfigError(f"{path}: is {what} that is cut off or damaged; download it again") from None
    if "xl/workbook.xml" in names:
        return
    if "xl/workbook.bin" in names:
        problem = "is a binary Excel file (.xlsb); save it as CSV or .xlsx"
    elif "opendocument.spreadsheet" in spoken:
        problem = "is an OpenDocument sheet (.ods); save it as CSV or .xlsx"
    elif spoken or "word/document.xml" in names or "ppt/presentation.xml" in names:
        problem = "is a document of an office program; save its table as CSV, or its text as plain text"
    else:
        problem = "is a zip archive; unpack it, and name the file that you mean"
    raise ConfigError(f"{path}: {problem}")


def _directory_size(file: IO[bytes]) -> int:
    """Return the bytes that a zip archive states for its directory, which `zipfile` reads into memory."""
    end = file.seek(0, 2)
    file.seek(max(0, end - 2**16 - 100))
    tail = file.read()
    file.seek(0)
    sizes = [0]
    for mark, offset, form in ((b"PK\x05\x06", 12, "<L"), (b"PK\x06\x06", 40, "<Q")):
        at = tail.rfind(mark)
        if at >= 0 and len(tail) >= at + offset + struct.calcsize(form):
            sizes.append(struct.unpack_from(form, tail, at + offset)[0])
    return max(size for size in sizes if size != 0xFFFFFFFF)
