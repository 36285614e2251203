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
_MAILS: Final = "e-mail addresses"
_MAIL: Final = r"[^@\s,;/|<>]+@[^@\s,;/|<>]+\.[^@\s,;/|<>]{2,}"
_SHAPES: Final = {
    kind: re.compile(shape)
    for kind, shape in {
        _MAILS: rf"(?i:(?:e-?)?mail(?:to)?:\s*)?(?:[^@<>]{{1,80}}<)?{_MAIL}>?(?:[,;/|\s]+{_MAIL})*",
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
_PHONE: Final = re.compile(r"(?i:(?:tele?|phone|mobile)?\.?[:\s]*)\+?\(?\d[\d\s().\-/]{6,}\d")
_DAY: Final = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|(?:19|20)\d\d \d\d \d\d|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
    r"(?:[T ]\d{1,2}:\d{2}[^\s–—]*)?"
)
_MONTH: Final = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE: Final = re.compile(
    rf"{_DAY}(?:\s*[-–—]\s*{_DAY}|\s+[A-Za-z(].*)?|\d{{4}}[-/ ]?[QWHqwh]\d{{1,2}}|[QWHqwh]\d[-/ ]?\d{{4}}"
    rf"|\d{{1,4}}[-/. ]?{_MONTH}(?:[-/. ]?\d{{1,4}})?|{_MONTH}[-/. ]?\d{{1,4}}(?:,? \d{{4}})?"
)
"""A day, a range of days, a month `Oct-75`, a quarter `2026Q1`, a week `2026-W05`."""
_YEAR: Final = re.compile(r"(?:19|20)\d{2}")
_AMOUNT: Final = r"\d[\d.,]*\s?[^\W\d]{0,3}\W?"
_BAND: Final = re.compile(rf"[<>≤≥~]?\s*\W?{_AMOUNT}(?:\s*(?:[-–—]|to|bis|a|à)\s*\W?{_AMOUNT})?")
"""A number with a unit, or a range of them: `34y`, `170cm`, `10k-20k`, `65+`, `1st`."""
_SPACED: Final = r"(?:[1-9]\d?(?:[ \xa0\u202f]\d{3})+|[1-9]\d{2}(?:[ \xa0\u202f]\d{3})*[ \xa0\u202f]000)"
_SPACED_BAND: Final = re.compile(rf"{_SPACED}|(?:{_SPACED}|[1-9]\d{{0,2}})\s*[-–—]\s*{_SPACED}")
"""Numbers with spaces between thousands: `1 200 - 1 500`. `601 234 567` is a telephone number."""
_BY_NAME: Final = {
    kind: (re.compile(name, re.IGNORECASE), re.compile(shape))
    for kind, name, shape in (
        (
            "coordinates",
            r"latitude|longitude|coordinate|(?:^|[\W_])(?:lat|lon|lng|gps|geo)(?:$|[\W_])|^long$",
            r"[-+]?\d{1,3}[.,]\d+",
        ),
        (
            "telephone or card numbers",
            r"phone|mobile|whatsapp|(?:^|[\W_])(?:tel|fax)(?:$|[\W_])|telef|t[ée]l[ée]ph|телефон"
            r"|电话|電話|手机|手機|携帯|전화|फ़ोन|फोन|هاتف|โทรศัพท์",
            r"(?!\d*[.,]\d+$)[+(]?\d[\d\s().\-/]{5,18}\d",
        ),
        (
            "numbers of documents",
            r"(?:^|[\W_])(?:ssn|cpf|dni|nif|iban|aadhaa?r)(?:$|[\W_])|social.?security|passport"
            r"|national.?(?:id|insurance)|tax.?(?:id|payer|file)|licen[cs]e.?(?:no|num|plate)|(?:card|account).?num",
            r"(?=(?:\D*\d){5})(?!.*[a-z]{2})[A-Za-z\d](?:[ .\-/]?[A-Za-z\d]){7,33}",
        ),
        ("street addresses", r"address|(?:^|[\W_])street", r"\d+\s?[A-Za-z]?,?\s+[A-Z].*"),
    )
}
"""Kind -> a name of a column and the shape of its cells that only together identify."""
_PORT: Final = re.compile(r"(?<=\d):\d{1,5}$")  # of an IPv4 address
_CODE: Final = re.compile(r"[^\W_]+(?:[ _\-./:#|]+[^\W_]+)*")
_LONG: Final = re.compile(r"[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|(?=.*\d)(?=.*[a-z])[\da-z_\-]{16,}", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[\W_]+")
_CHANGE: Final = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
"""A place where letters and digits meet, of which random codes have several and `income_10000_20000` has none."""
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_POSSIBLE: Final = re.compile(r"[\d@:]|www\.|(?:[\da-fA-F]{2}-){5}", re.IGNORECASE)
"""What every identifier has; most cells have none of it."""
_LONGEST: Final = 200
"""The most characters of an identifier."""

CODES: Final = "codes"
LONG_CODES: Final = "long codes"


def identifier(cell: str, column: str = "") -> str | None:
    """Return the kind of identifier that a cell is by its looks alone; None for words, numbers, dates and bands."""
    cell = cell.strip()
    if len(cell) > _LONGEST or not _POSSIBLE.search(cell):
        return None
    kinds = _kinds_by_name(column)
    return _judged(cell, kinds) if kinds or not cell.isdecimal() else None


@lru_cache
def _kinds_by_name(column: str) -> tuple[str, ...]:
    return tuple(kind for kind, (name, _) in _BY_NAME.items() if name.search(column))


@lru_cache(maxsize=20_000)
def _judged(cell: str, kinds: tuple[str, ...]) -> str | None:
    for kind, shape in _SHAPES.items():
        if shape.fullmatch(cell):
            return kind
    if _is_ip(cell):
        return "IP addresses"
    if found := next((kind for kind in kinds if _BY_NAME[kind][1].fullmatch(cell)), None):
        return None if _DATE.fullmatch(cell) else found
    if _is_phone(cell):
        return "telephone or card numbers"
    return LONG_CODES if _is_long_code(cell) else None


def mail(name: str) -> str | None:
    """Return the kind `e-mail addresses` for the name of a column that is one, else None."""
    return _MAILS if "@" in name and _SHAPES[_MAILS].fullmatch(name[:_LONGEST]) else None


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
        ip_interface(_PORT.sub("", cell))
    except ValueError:
        return False
    return True


def _is_phone(cell: str) -> bool:
    digits = sum(c.isdigit() for c in cell)
    has_separators = cell.startswith("+") or digits < len(cell)
    is_band = _BAND.fullmatch(cell) or _SPACED_BAND.fullmatch(cell)
    is_other = _DATE.fullmatch(cell) or is_band or _is_period(cell)
    return bool(_PHONE.fullmatch(cell)) and has_separators and 7 <= digits <= 19 and not is_other


def _is_period(cell: str) -> bool:
    """Return whether a cell could be several dates: `03/2015-06/2018`, `8/29-31/08`."""
    groups = re.findall(r"\d+", cell)
    years = [_YEAR.fullmatch(group) is not None for group in groups]
    are_short = all(len(group) <= 2 or is_year for group, is_year in zip(groups, years, strict=True))
    return are_short and not cell.startswith("+") and ("/" in cell or any(years))


def _is_long_code(cell: str) -> bool:
    is_long = _LONG.fullmatch(cell) and not _DATE.fullmatch(cell) and not _is_words(cell)
    return bool(is_long) and (len(_CHANGE.findall(cell)) > 1 or cell.count("-") == 4)


def _is_words(cell: str) -> bool:
    """Return whether a cell is mostly words, `covid-19 vaccine`, or words and short numbers, `18_to_24_years_old`."""
    words, tokens = _WORD.findall(cell), _SEPARATORS.split(cell)
    are_alone = all(token.isalpha() or (len(token) <= 6 and token.isdigit()) for token in tokens if token)
    return len(words) > 1 and (are_alone or sum(map(len, words)) > 0.7 * len(cell))
