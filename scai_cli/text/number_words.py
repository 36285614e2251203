"""The numbers in a text, in digits and in English words."""

import re
from itertools import pairwise
from typing import Final

from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)
_UNITS, _TENS = (_LISTS[name].split(", ") for name in ("units", "tens"))
_VALUES: Final = {word: n for n, word in enumerate(_UNITS)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_HUNDRED: Final = 100
_TIMES: Final = {"hundred": _HUNDRED, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_WORD: Final = re.compile(r"\d{1,18}|[^\W\d_]+|[^\s\w-]")
_THOUSANDS: Final = re.compile(r"(?<=\d)[,.](?=\d{3}\b)")


def numbers(text: str) -> set[int]:
    """Return the numbers in a text, e.g. 250 for "250", "two hundred fifty" and "two hundred and fifty".

    "One" alone is left out, as it is mostly no number.
    """
    words = _WORD.findall(_THOUSANDS.sub("", text.casefold()))
    found: list[int] = []
    part = room = 0  # what a "thousand" would multiply; a number word below `room` belongs to the number before it
    for word, after in pairwise([*words, ""]):
        times, value = _TIMES.get(word), int(word) if word.isdecimal() else _VALUES.get(word)
        if times:
            if 0 < part < times or (part and times > _HUNDRED):
                found[-1] += part * (times - 1)
            else:
                part = 1
                found.append(times)
            part, room = (part * times if times == _HUNDRED else 0), times
        elif 0 < _VALUES.get(word, 0) < room:
            found[-1] += _VALUES[word]
            part, room = part + _VALUES[word], 10 if word in _TENS else 0
        elif value is not None and (word != "one" or after in _TIMES):
            found.append(value)
            part, room = value, 10 if word in _TENS else 0
        elif not (word == "and" and room >= _HUNDRED and after in _VALUES):
            part = room = 0
    return set(found)


_SMALL: Final = "|".join(reversed(_UNITS))  # "seventeen" before "seven"
_TENS_PATTERN: Final = rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_UNITS[1:10])}))?"
_IN_WORDS: Final = re.compile(
    rf"\b(?:(?:(?:a|{_SMALL}) )?hundred(?:(?: and)? (?:{_TENS_PATTERN}|{_SMALL}))?"
    rf"|{_TENS_PATTERN}|(?!one\b)(?:{_SMALL}))\b",
    re.IGNORECASE,
)


def with_digits(text: str) -> str:
    """Return a text with its English number words below a thousand as digits; "one" alone stays."""
    return _IN_WORDS.sub(lambda words: str(max(numbers(words[0]))), text)
