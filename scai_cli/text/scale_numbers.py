"""Numbers as people and models write them on a scale."""

import re
from typing import Final, NamedTuple

_MARKS: Final = r"[*_`]{0,3}"
_NUMBER: Final = r"[+-]?\d{1,9}(?:[.,]\d{1,9})?"
_RATING: Final = re.compile(
    rf"{_MARKS}(?P<value>{_NUMBER}){_MARKS}"
    rf"(?:\s*(?:(?:/|out of|of)\s*{_MARKS}(?P<whole>{_NUMBER})|(?P<percent>%|percent|per cent)))?{_MARKS}"
    r"(?:\s*\([^()\d]{0,200}\))?\.?",
    re.IGNORECASE,
)
_ASCII: Final = str.maketrans("−－＋．，／％（）", "--+.,/%()")


class ScaleValue(NamedTuple):
    """A number on a scale; `converted` from a fraction or a percentage of another scale."""

    number: float
    converted: bool = False


def read_on_scale(text: str, low: float, high: float) -> ScaleValue | None:
    """Parse `7`, `7,5`, `**8**`, `8 (good)`, `7/10`, `4 out of 5` or `80 %`; return None unless it is on the scale.

    A number out of the scale's highest one is the rating itself; out of another, or in per cent, it is converted, on
    scales from 0 alone. A number with exactly three decimals behind a comma may be in thousands, and is not read.
    """
    match = _RATING.fullmatch("".join(map(_digit, text.translate(_ASCII).strip())))
    value = _number(match["value"]) if match else None
    if match is None or value is None:
        return None
    if unit := match["percent"] or match["whole"]:
        whole = 100.0 if match["percent"] else _number(unit)
        if not whole or not 0 <= value <= whole or low < 0 or (low > 0 and whole != high):
            return None
        number = value if whole == high else value * high / whole
        return ScaleValue(number, whole != high) if low <= number <= high else None
    return ScaleValue(value) if low <= value <= high else None


def _number(text: str) -> float | None:
    return None if re.search(r",\d{3}$", text) else float(text.replace(",", "."))


def _digit(character: str) -> str:
    """Return the ASCII digit of any script's decimal digit; superscripts and fractions are none."""
    return str(int(character)) if character.isdecimal() else character
