"""Read the letter of an answer that chooses A or B. An answer that is not clear is read as no choice."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from scai_cli.text.data_files import read_data_file

_WORDS: Final = {name: "|".join(entries) for name, entries in read_data_file(__file__).items()}
_OPEN: Final = r"(?:\$?\\boxed\{)?[^\w.?!,;/+\\-]{0,8}"
_CLOSE: Final = r"[)\]}）】」*_\"'”’`»$]{0,6}"
_NAMED: Final = rf"{_OPEN}(?:(?:{_WORDS['nouns']})\b{_OPEN})?(?<!\w)(?P<letter>(?-i:[AB]))(?!\w|['’]\w)"
_ENDS: Final = (
    rf"{_CLOSE}(?=\s*(?:\Z|[,;:!\n—–(<]|\.(?!\w))|\s+(?:-\s|(?:because|since|as|over|for|is)\b)|(?<=[)*])\s+(?-i:[A-Z]))"
    r"(?![\s,/()*\"']*(?:\b(?:or|and|vs)\b[\s/()*\"']*)?\b(?-i:[AB])\b)"
)
"""The end of a choice; `A or B` and `A/B` are none."""


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.MULTILINE)


_WHOLE: Final = _pattern(r"\A[\W_]*(?P<letter>[ab])[^\w?/+-]*\Z")
_ALONE: Final = _pattern(rf"^{_NAMED}[^\w?/+-]*?$")
_CHOSEN: Final = _pattern(
    rf"(?P<final>\bfinal(?:ly)?\b[^.!?\n]{{0,20}})?\b(?:(?:{_WORDS['choosing']})"
    rf"|(?:{_WORDS['announcing']})\b[^.!?:：=\n]{{0,80}}?(?:\b(?:is|be)\b|[:：=]|(?<=<answer)>|[-=]>|→)\s*[:：]?){_NAMED}{_ENDS}"
)
_BETTER: Final = _pattern(
    rf"(?:^|[.:,]\s|\b(?:{_WORDS['thinking']})\s){_NAMED}{_CLOSE}\s+(?:is|seems|looks)\s+(?:(?:{_WORDS['degrees']})\s+)*(?:better|best|preferable|winner|stronger)\b"
    rf"(?:\s+than\s+{_NAMED.replace('letter', 'other')})?"
)
_LEADING: Final = _pattern(rf"\A{_NAMED}{_ENDS}")
_AGAINST: Final = _pattern(rf"(?<!\w)(?:{_WORDS['against']})(?!\w)[^.!?;\n]*\Z")
_CORRECTED: Final = _pattern(rf"(?<!\w)(?:{_WORDS['correcting']})(?!\w)")
_OTHER: Final = {"A": re.compile(r"(?<!\w)B(?!\w)"), "B": re.compile(r"(?<!\w)A(?!\w)")}


class Choice(NamedTuple):
    """The chosen letter, `A` or `B`, and its offset in the text."""

    letter: str
    at: int


def choice(text: str) -> Choice | None:
    """Return the letter that an answer chooses; None if it chooses none or both, or takes its choice back."""
    if (whole := _WHOLE.match(text)) is not None:
        return Choice(whole["letter"].upper(), whole.start("letter"))
    chosen = _claims(_CHOSEN, text)
    alone = list(_ALONE.finditer(text))
    if len({match["letter"] for match in alone}) > 1:  # the headings of a list of both
        alone = []
    clear = ([match for match in chosen if match["final"]] or chosen) + alone
    found = clear + _claims(_BETTER, text) or list(filter(None, [_LEADING.match(text)]))
    if len({match["letter"] for match in found}) != 1:
        return None
    first, last = found[0], found[-1]
    name, after = first["letter"], text[last.end() :]
    others = _OTHER[name].search(after), not clear and _OTHER[name].search(text[: first.start()])
    corrected = _CORRECTED.search(after)
    doubtful = corrected and others[0] if clear else corrected or any(others)
    return None if doubtful else Choice(name, first.start("letter"))


def _claims(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Return the matches whose sentence does not deny them or leave them open."""
    return [match for match in pattern.finditer(text) if not _AGAINST.search(text[: match.start("letter")])]
