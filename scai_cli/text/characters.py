"""Make texts safe for files, for readers of lines and for terminals.

`clean` replaces characters that UTF-8 cannot encode, `printable` replaces control characters by spaces, `visible` shows
them, and the JSON functions escape them, so that the data stay equal.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

_OBEYED: Final = "\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""DEL and the C1 controls, Unicode line ends and direction marks: characters that JSON leaves unescaped."""
_CONTROL: Final = re.compile(f"[\x00-\x08\x0b-\x1f{_OBEYED}]")
_INVISIBLE: Final = re.compile(f"[\x00-\x08\x0b-\x1f{_OBEYED}\ud800-\udfff\ufffe\uffff]")
_IN_JSON: Final = re.compile(f"[{_OBEYED}]")
_IN_JSON_BYTES: Final = re.compile(b"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
"""`_IN_JSON` in UTF-8."""
OTHER_LINE_ENDS: Final = "\x85\u2028\u2029"
"""Line ends for `str.splitlines`, for YAML and for many readers of lines, but not for JSON."""

_encode: Final = msgspec.json.Encoder().encode


def clean(text: str) -> str:
    """Return the text with U+FFFD for each lone surrogate, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def printable(text: str) -> str:
    """Return the text with a space for every control character except tab and newline."""
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def visible(text: str) -> str:
    """Return the text with every control character except tab and newline shown: `ESC` as `␛`, others as `�`."""
    return text if text.isprintable() else _INVISIBLE.sub(_picture, text.replace("\r\n", "\n"))


def one_line(text: str, width: int | None = None) -> str:
    """Return the visible text in one line, cut to a width with `…`."""
    line = " ".join(visible(text).split())
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def json_line(value: Any) -> str:
    """Return a value as JSON that is safe to print."""
    return escape_json(clean(json.dumps(value, ensure_ascii=False, separators=(",", ":"))))


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON safe to write as a line, much faster than `json_line`; bytes are JSON already."""
    line = value if isinstance(value, bytes) else as_json(value)
    if line.isascii() and b"\x7f" not in line:
        return line
    return _IN_JSON_BYTES.sub(lambda match: _escaped(match[0].decode()).encode(), line)


def as_json(value: Any) -> bytes:
    """Return a value as JSON that escapes only what msgspec cannot encode (lone surrogates)."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
        return json_line(value).encode()


def escape_json(text: str) -> str:
    """Return JSON that is safe to print and is one line for any reader; its data stay equal."""
    return text if text.isprintable() else _IN_JSON.sub(lambda match: _escaped(match[0]), text)


def escape_line_ends(line: bytes) -> bytes:
    """Return JSON without `OTHER_LINE_ENDS`, for lines of a log; resume compares their bytes."""
    for character in OTHER_LINE_ENDS:
        line = line.replace(character.encode(), _escaped(character).encode())
    return line


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "�"
