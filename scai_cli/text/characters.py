"""Make texts safe for files, for readers of lines and for terminals.

`clean` replaces characters that UTF-8 cannot encode, `printable` replaces control characters by spaces, `visible` shows
them and hidden characters, and the JSON functions escape both, so that the data stay equal.

A hidden character has no picture of its own: Unicode's default-ignorable code points and format characters (tags, zero
width, direction marks, fillers, variation selectors, soft hyphens). It counts only out of place: emoji and the scripts
that need joiners keep theirs (`_KEPT`).
"""

import json
import re
from collections.abc import Callable
from itertools import islice
from typing import Any, Final
from unicodedata import normalize

import msgspec

_CONTROLS: Final = "\x7f-\x9f\u2028\u2029\ufffe\uffff"
"""DEL and the C1 controls, Unicode line ends and non-characters: controls that JSON leaves unescaped."""
_HIDDEN: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NEXT: Final = f"[^{_HIDDEN}]?"
_OBEYED: Final = f"\x00-\x08\x0b-\x1f{_CONTROLS}\ud800-\udfff"
HAN: Final = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
SOUTH_EAST_ASIAN: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
"""Thai, Lao, Burmese and Khmer, which write no space between words but may write U+200B."""
_EMOJI: Final = "[\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030-\u303d\u3297\u3299\U0001f000-\U0001faff]"
_JOINED: Final = (
    "\u0600-\u061b\u061d-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001e900-\U0001e95f"
)
"""Arabic, the Indic scripts and others in which a joiner changes the form of the letter before it."""
_FLAGS: Final = "|".join("".join(chr(0xE0000 + ord(c)) for c in f"{name}\x7f") for name in ("gbeng", "gbsct", "gbwls"))
"""The tags after a black flag that make it England's, Scotland's or Wales's."""
_KEPT: Final = re.compile(
    f"{_EMOJI}(?:\ufe0f?\u200d{_EMOJI}|[\ufe0e\ufe0f]{_NEXT})|[#*0-9]\ufe0f\u20e3|\U0001f3f4(?:{_FLAGS}){_NEXT}"
    f"|[{_JOINED}][\u200c\u200d]{_NEXT}|[^\\s{_OBEYED}{_HIDDEN}]\u200c\u200c?[{_JOINED}]"
    f"|[{SOUTH_EAST_ASIAN}]\u200b[{SOUTH_EAST_ASIAN}]"
    f"|[\u1820-\u18aa][\u180b-\u180f]{_NEXT}|[{HAN}][\ufe00-\ufe02\U000e0100-\U000e01ef]{_NEXT}",
)
"""Hidden characters in their place, with the character before them and the one after."""
_ACCENT: Final = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_PIECE: Final = 256
"""Characters normalised at once: the time grows with the square of a run of accents."""
_CONTROL: Final = re.compile(f"[\x00-\x08\x0b-\x1f{_CONTROLS}]")
_OUT_OF_SIGHT: Final = re.compile(f"[{_HIDDEN}]+")
_INVISIBLE: Final = re.compile(f"[{_OBEYED}]+|[{_HIDDEN}]+")
_IN_JSON: Final = re.compile(f"[{_CONTROLS}{_HIDDEN}]")
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


def hidden(text: str) -> str:
    """Return the codes of the first hidden characters, `U+200B, U+E0061`; empty if there are none."""
    found = (f"U+{ord(c):04X}" for run in _OUT_OF_SIGHT.finditer(text) if not _is_kept(run) for c in run[0])
    return ", ".join(islice(found, 3))


def without_hidden(text: str) -> str:
    """Return the text without hidden and control characters; a line end is a space."""
    return _replaced(text, lambda character: " " * character.isspace())


def without_ignorable(text: str) -> str:
    """Return the text without hidden characters, those in their place too."""
    return _OUT_OF_SIGHT.sub("", text)


def folded(text: str) -> str:
    """Return the text as its reader takes it: no hidden character, no accent, every letter in its usual form."""
    text = without_hidden(text)
    if text.isascii():
        return text
    text = without_ignorable(text)
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
    return "".join(normalize("NFC", _ACCENT.sub("", normalize("NFKD", piece))) for piece in pieces)


def visible(text: str) -> str:
    """Return the text with controls but tab and newline shown (`␛`, others `�`), and hidden ones (`‹U+200B›`)."""
    return _replaced(text.replace("\r\n", "\n"), _picture)


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
    return line if line.isascii() and b"\x7f" not in line else escape_json(line.decode()).encode()


def as_json(value: Any) -> bytes:
    """Return a value as JSON that escapes only what msgspec cannot encode (lone surrogates)."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
        return json_line(value).encode()


def escape_json(text: str) -> str:
    """Return JSON that is safe to print and is one line for any reader; its data stay equal."""
    return _IN_JSON.sub(lambda match: _escaped(match[0]), text)


def escape_line_ends(line: bytes) -> bytes:
    """Return JSON without `OTHER_LINE_ENDS`, for lines of a log; resume compares their bytes."""
    if line.isascii():
        return line
    for character in OTHER_LINE_ENDS:
        line = line.replace(character.encode(), _escaped(character).encode())
    return line


def _is_kept(run: re.Match[str]) -> bool:
    return bool(_KEPT.fullmatch(run.string, max(0, run.start() - 1), run.end() + 1))


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


def _replaced(text: str, by: Callable[[str], str]) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub(lambda run: run[0] if _is_kept(run) else "".join(map(by, run[0])), text)


def _picture(character: str) -> str:
    if _OUT_OF_SIGHT.match(character):
        return f"‹U+{ord(character):04X}›"
    return chr(0x2400 + ord(character)) if character < " " else "�"
