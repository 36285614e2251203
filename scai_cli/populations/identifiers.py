"""Recognise cells that identify a person: addresses, numbers of a line, coordinates, codes."""

import re
from functools import lru_cache
from ipaddress import ip_interface
from typing import Final

_ROAD: Final = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|way|place|pl|square|sq|terrace|crescent"
)
_ROAD_AT_END: Final = r"stra(?:ß|ss)e|str\.|gasse|weg|platz|allee"
_ROAD_BEFORE: Final = r"rue|calle|via|avenida|rua|ulica|ul\."
_DEGREES: Final = re.compile(r"[-+]?\d{1,3}(?:[.,]\d+)?")
_SHAPES: Final = {
    kind: re.compile(shape)
    for kind, shape in {
        "e-mail addresses": r"(?i:mailto:)?[^@\s]+@[^@\s]+\.[^@\s]{2,}",
        "web addresses": r"(?i:https?://|www\.)\S+",
        "hardware addresses": r"[\dA-Fa-f]{2}(?:[:-][\dA-Fa-f]{2}){5}",
        "coordinates": r"\(?(?=.*\.\d{3})[-+]?\d{1,2}\.\d+°?\s*[NS]?[,;\s]\s*[-+]?\d{1,3}\.\d+°?\s*[EW]?\)?",
        "street addresses": (
            rf"\d+\s?[A-Za-z]?,?\s+(?:[A-Z][\w'’.-]*\s+){{1,4}}(?i:{_ROAD})\b.*"
            rf"|[A-ZÄÖÜ][\w .-]*(?i:{_ROAD_AT_END})\s+\d+.*"
            rf"|(?i:{_ROAD_BEFORE})\s(?:(?:de|du|des|del|della|di|da|do|la|le)\s)*[A-Z].*\d+.*"
        ),
    }.items()
}
"""Kind -> the shape of a whole cell."""
_PHONE: Final = re.compile(r"\+?\(?\d[\d\s().\-/]{6,}\d")
_DATE: Final = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:[T ]\d{1,2}:\d{2}.*)?")
_BAND: Final = re.compile(r"[<>≤≥~]?\s*\W?\d[\d.,]*\s?[^\W\d]{0,3}\W?(?:\s*[-–—]\s*\W?\d[\d.,]*\s?[^\W\d]{0,3}\W?)?")
"""A number with a unit, or a range of them: `34y`, `170cm`, `10k-20k`, `65+`, `1st`."""
_PLACED: Final = re.compile(
    r"latitude|longitude|coordinate|(?:^|[\W_])(?:lat|lon|lng|gps|geo)(?:$|[\W_])", re.IGNORECASE
)
_CODE: Final = re.compile(r"[^\W_]+(?:[ _\-./:#|]+[^\W_]+)*")
_LONG: Final = re.compile(r"[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|(?=.*\d)(?=.*[a-z])[\da-z_\-]{16,}", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_LONGEST: Final = 200
"""The most characters of an identifier."""

CODES: Final = "codes"


def identifier(cell: str, column: str = "") -> str | None:
    """Return the kind of identifier that a cell is by its looks alone; None for words, numbers, dates and bands."""
    cell = cell.strip()
    if len(cell) > _LONGEST or cell.isalpha() or cell == "":
        return None
    return _judged(cell, _is_place(column))


@lru_cache
def _is_place(column: str) -> bool:
    return _PLACED.search(column) is not None


@lru_cache(maxsize=20_000)
def _judged(cell: str, is_placed: bool) -> str | None:
    for kind, shape in _SHAPES.items():
        if shape.fullmatch(cell):
            return kind
    if _is_ip(cell):
        return "IP addresses"
    if is_placed and _DEGREES.fullmatch(cell):
        return "coordinates"
    if _is_phone(cell):
        return "telephone or card numbers"
    return "long codes" if _LONG.fullmatch(cell) and not _DATE.fullmatch(cell) and not _is_words(cell) else None


def is_code(cell: str) -> bool:
    """Return whether a cell could be a code of letters and digits; it identifies if no two of a column are equal."""
    if len(cell) > _LONGEST or not _CODE.fullmatch(cell) or _BAND.fullmatch(cell) or _DATE.fullmatch(cell):
        return False
    has_both = any(c.isdigit() for c in cell) and any(c.isalpha() for c in cell)
    return has_both and (" " not in cell or cell.upper() == cell) and not _is_words(cell)


def _is_ip(cell: str) -> bool:
    if cell.count(".") != 3 and cell.count(":") < 2:
        return False
    try:
        ip_interface(cell)
    except ValueError:
        return False
    return True


def _is_phone(cell: str) -> bool:
    digits = sum(c.isdigit() for c in cell)
    has_separators = cell.startswith("+") or digits < len(cell)
    is_other = _DATE.fullmatch(cell) or _BAND.fullmatch(cell)
    return bool(_PHONE.fullmatch(cell)) and has_separators and 7 <= digits <= 19 and not is_other


def _is_words(cell: str) -> bool:
    """Return whether most of a cell is words: `covid-19 vaccine`, `High-school-diploma_2`."""
    return sum(map(len, _WORD.findall(cell))) > 0.7 * len(cell) and len(_WORD.findall(cell)) > 1
