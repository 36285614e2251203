"""JSON on one line that no terminal obeys and that no reader of lines breaks."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from scai_cli.messages import clean

_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that JSON leaves as they are, though terminals obey them or readers of lines break at them."""
_UNSAFE_BYTES: Final = re.compile(b"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")
"""The same in UTF-8."""
_encode: Final = msgspec.json.Encoder().encode


def json_line(value: Any) -> str:
    """Return any value as JSON that is safe to print."""
    text = clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def json_bytes(value: Any) -> bytes:
    """Return any value as JSON that is safe to write as a line; bytes are JSON already.

    Several times as fast as `json_line`: data sets have millions of rows.
    """
    line = value if isinstance(value, bytes) else as_json(value)
    if line.isascii() and b"\x7f" not in line:
        return line
    return _UNSAFE_BYTES.sub(lambda found: f"\\u{ord(found[0].decode()):04x}".encode(), line)


def as_json(value: Any) -> bytes:
    """Return a value as JSON with all characters as they are, but what msgspec cannot encode (a lone surrogate)."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
        return json_line(value).encode()
