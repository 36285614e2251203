"""Recognise, by the first bytes, the files whose people or tasks scai cannot read, and name the remedy."""

import codecs
import re
from typing import Final

_AS_CSV: Final = "save it as CSV"
_UNPACK: Final = "unpack it"

_STARTS: Final = (
    ((b"$FL2", b"$FL3"), "an SPSS file (.sav)", _AS_CSV),
    ((b"<stata_dta>",), "a Stata file (.dta)", _AS_CSV),
    ((bytes(12) + b"\xc2\xea\x81\x60",), "a SAS file (.sas7bdat)", _AS_CSV),
    ((b"HEADER RECORD*******",), "a SAS transport file (.xpt)", _AS_CSV),
    ((b"\xd0\xcf\x11\xe0",), "an old Excel file (.xls), or one with a password", "save it as CSV or .xlsx"),
    ((b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"X\n\0\0\0"), "a file of R", _AS_CSV),
    ((b"%PDF-",), "a PDF", "copy its text to a text file, or its table to a CSV file"),
    ((b"{\\rtf",), "a document in Rich Text Format", "save it as plain text"),
    ((b"SQLite format 3\0",), "an SQLite database", "export the table as CSV"),
    ((b"ARROW1\0", b"\xff\xff\xff\xff\x10\0"), "an Arrow or Feather file", "save it as Parquet or CSV"),
    ((b"ORC\x0a", b"ORC\x11"), "an ORC file", "save it as Parquet or CSV"),
    ((b"Obj\x01",), "an Avro file", "save it as Parquet or CSV"),
    ((b"\x89HDF",), "an HDF5 file", _AS_CSV),
    ((b"\x93NUMPY",), "a NumPy file", _AS_CSV),
    ((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "a pickle of Python", "save it as JSONL or CSV"),
    ((b"\x1f\x8b",), "a gzip file inside a gzip file", _UNPACK + " once"),
    (tuple(b"BZh%d1AY" % level for level in range(1, 10)), "compressed with bzip2", _UNPACK),
    ((b"\xfd7zXZ\0",), "compressed with xz", _UNPACK),
    ((b"\x28\xb5\x2f\xfd",), "compressed with zstd", _UNPACK),
    ((b"7z\xbc\xaf\x27\x1c", b"Rar!"), "an archive", _UNPACK + ", and name the file that you mean"),
    ((b"\x89PNG", b"GIF87a", b"GIF89a", b"\xff\xd8\xff"), "an image or a recording", _AS_CSV + " what it shows"),
    (
        (b"version https://git-lfs.github.com",),
        "a pointer of Git LFS and not the file itself",
        "run `git lfs pull`, or download the file from its page",
    ),
)  # fmt: skip
"""The first bytes of a kind of file, its name, and the remedy."""

_OLD_STATA: Final = re.compile(rb"[\x69\x6c\x6e\x6f\x71\x72\x73][\x01\x02]\x01\x00")
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\b")
_WIDE: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))


def foreign(head: bytes) -> str | None:
    """Return the kind of a file and the remedy, as the end of an error line; None for a text."""
    for starts, what, remedy in _STARTS:
        if head.startswith(starts):
            return f"is {what}; {remedy}"
    if _OLD_STATA.match(head):
        return f"is a Stata file (.dta); {_AS_CSV}"
    if head[257:263] in (b"ustar\0", b"ustar "):
        return f"is a tar archive; {_UNPACK}, and name the file that you mean"
    if b"ASCII SPSS PORT FILE" in head[:300]:
        return f"is a portable SPSS file (.por); {_AS_CSV}"
    if _MARKUP.match(head):
        return "is a web page, perhaps one to log in or of an error; download the file itself"
    if _XML.match(head):
        sheet = b"urn:schemas-microsoft-com:office:spreadsheet" in head
        return f"is {'an XML file of Excel' if sheet else 'XML'}; {_AS_CSV}{' or .xlsx' if sheet else ''}"
    return _binary(head)


def _binary(head: bytes) -> str | None:
    """Recognise a file without text: many control characters, while 16-bit text has zeros at every other place."""
    wide = next((name for mark, name in _WIDE if head.startswith(mark)), None)
    if wide is not None:
        characters = head[: len(head) // 4 * 4].decode(wide, "replace")
        controls = sum(c == "\ufffd" or (c < " " and ord(c) in _CONTROLS) for c in characters)
        size = len(characters)
    else:
        sixteen = min(head[::2].count(0), head[1::2].count(0)) < len(head) / 200
        controls = len(head) - len(head.translate(None, _CONTROLS)) - (head.count(0) if sixteen else 0)
        size = len(head)
    return f"is not text, nor a file of a kind that scai reads; {_AS_CSV}" if controls > 2 + size / 50 else None
