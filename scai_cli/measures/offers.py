"""What a text proposes to give to its reader of a divided amount: the offers of the ultimatum game."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from scai_cli.text.number_words import with_digits

_LONGEST: Final = 4000
"""The characters of a text that are read."""
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_MARKUP: Final = re.compile(r"[*_`#|$€£“”\"()\[\]]")
_AMOUNT: Final = re.compile(r"\d+(?:\.\d+)?")
_SHARES: Final = {"half": 0.5, "nothing": 0.0, "none": 0.0, "all": 1.0, "everything": 1.0}
_READER: Final = (
    r"(?:you|(?:the )?(?:decider|responder)|the other (?:player|person|party|side)|your (?:share|part|portion|half))"
)
_WRITER: Final = r"(?:i|me|myself|(?:the )?proposer|my (?:share|part|portion|half))"
_GETS: Final = (
    r"(?: ?(?:['’](?:ll|d|s)|[:=]|\b(?:a|about|am|an|are|be|can|could|end|exactly|get|gets|getting|had|have|having|is|"
    r"just|keep|keeping|keeps|left|of|only|part|portion|receive|receives|receiving|remaining|rest|share|should|take|"
    r"takes|taking|the|then|to|up|will|with|would)\b)){0,5} ?"
)
"""Words between a player and the number that it gets; none of them gives anything to the other one."""
_GO_TO: Final = r"(?: (?!(?:for|to|and|i|you|me)\b)[a-z]+){0,4} (?:(?:is |are )?for|(?:goes |go |going )?to) "
_OFFER: Final = (
    r"\bi(?:['’](?:ll|d)| will| would| can)?(?: like to)?(?: propose to)? (?:offer|give)(?: you)?"
    r"(?: (?:a|about|the|just|exactly|only))? "
)


def _number(place: int) -> str:
    """Return a pattern for a number or a share in words, and its per cent sign; no side of a ratio, as 60/40."""
    return rf"(?P<number{place}>\d+(?:\.\d+)?|{'|'.join(_SHARES)})(?! *[-/:] *\d)(?P<percent{place}> ?%| ?per ?cent)?"


_YOURS: Final = re.compile(
    rf"\b{_READER}{_GETS}{_number(0)}|\b{_number(1)}{_GO_TO}{_READER}\b|{_OFFER}{_number(2)}",
)
_MINE: Final = re.compile(rf"\b{_WRITER}{_GETS}{_number(0)}|\b{_number(1)}{_GO_TO}{_WRITER}\b")
_EACH: Final = re.compile(rf"\beach(?: of us)?{_GETS}{_number(0)}|\b{_number(1)}(?: [a-z]+){{0,3}} each\b")
_GAME: Final = re.compile(
    r"\b(?:split|divide|share)\b\D{0,20}(\d[\d,.]{0,12}) ([a-z][a-z ]{0,30}?) between\b"
    r"(?=[\s\S]{0,400}\baccept or reject\b)"
)
_EQUAL: Final = re.compile(r"\b(?:equal(?:ly)?|evenly|even (?:split|division)|50 ?[-/:] ?50|in half|half and half)\b")


class Game(NamedTuple):
    """What is divided in a game."""

    amount: float
    currency: str


def game_in(opening: str) -> Game | None:
    """Return the game that an English opening such as that of the shipped tasks asks for; None for others."""
    match = _GAME.search(opening)
    amount = amount_in(match[1]) if match else None
    return Game(amount, match[2]) if match and amount else None


def amount_in(text: str) -> float | None:
    """Return the first number above 0 in a text, as the amount to divide; None without one."""
    numbers = map(float, _AMOUNT.findall(_THOUSANDS.sub("", with_digits(text[:_LONGEST]))))
    return next((number for number in numbers if number > 0), None)


def offered_share(text: str, amount: float) -> float | None:
    """Return the share of an amount, in [0, 1], that a proposal gives to its reader; None if it cannot be read.

    Read are forms of "you get 40 and I keep 60", in numbers, number words or per cent, with either part or both, and of
    an equal division. Parts that do not add up to the amount, or that contradict each other, cannot be read.
    """
    plain = " ".join(_MARKUP.sub(" ", _THOUSANDS.sub("", with_digits(text[:_LONGEST].casefold()))).split())
    yours, mine, each = (list(_parts(pattern, plain, amount)) for pattern in (_YOURS, _MINE, _EACH))
    if yours and mine:
        found = [part for part in yours if any(abs(part + other - amount) <= 0.01 * amount for other in mine)][-1:]
    elif yours or mine:
        found = list(dict.fromkeys(yours or [amount - part for part in mine]))
    else:
        found = [amount / 2] if _EQUAL.search(plain) or amount / 2 in each else []
    return found[0] / amount if len(found) == 1 and 0 <= found[0] <= amount else None


def _parts(pattern: re.Pattern[str], text: str, amount: float) -> Iterator[float]:
    """Yield the numbers of a pattern as parts of the amount."""
    for match in pattern.finditer(text):
        groups = match.groupdict()
        place = next(name[-1] for name, said in groups.items() if name.startswith("number") and said)
        said, percent = match[f"number{place}"], match[f"percent{place}"]
        yield _SHARES[said] * amount if said in _SHARES else float(said) * (amount / 100 if percent else 1)
