"""Read the letter of an answer that chooses among A, B, ...; an answer that is not clear is read as no choice."""

import re
from functools import cache
from typing import Final, NamedTuple

from scai_cli.text.data_files import read_data_file

_ENTRIES: Final = read_data_file(__file__)
_TWO: Final = "AB"


def _written(name: str) -> str:
    entry = _ENTRIES[name]
    text = entry if isinstance(entry, str) else f"(?:{'|'.join(entry)})"
    return re.sub(r"\{([a-z]+)\}", lambda match: _written(match[1]), text)


class _Patterns:
    """The compiled entries of `choice.yaml` for some letters."""

    def __init__(self, letters: str) -> None:
        names = ("whole", "alone", "chosen", "better", "item", "leading", "denied", "corrected")
        self.whole, self.alone, self.chosen, self.better, self.item, self.leading, self.denied, self.corrected = (
            re.compile(
                _written(name).replace("[AB]", f"[{letters}]").replace("[ab]", f"[{letters.lower()}]"),
                re.IGNORECASE | re.MULTILINE,
            )
            for name in names
        )
        self.others = {letter: re.compile(rf"(?<!\w)[{letters.replace(letter, '')}](?!\w)") for letter in letters}


_patterns = cache(_Patterns)


class Choice(NamedTuple):
    """The chosen letter and its offset in the text."""

    letter: str
    at: int


def choice(text: str, letters: str = _TWO) -> Choice | None:
    """Return the letter that an answer chooses; None if it chooses none or several, or takes its choice back."""
    known = _patterns(letters)
    if (whole := known.whole.match(text)) is not None:
        return Choice(whole["letter"].upper(), whole.start("letter"))
    chosen, alone = _claims(known, known.chosen, text), list(known.alone.finditer(text))
    items = {match.start("letter"): match["letter"] for match in known.item.finditer(text)}
    if len(set(items.values())) > 1:  # a list of several
        chosen = [match for match in chosen if match.start("letter") not in items]
        alone = alone if len({match["letter"] for match in alone}) == 1 else []
    clear = ([match for match in chosen if match["final"]] or chosen) + alone
    found = clear + _claims(known, known.better, text) or list(known.leading.finditer(text))
    if len({match["letter"] for match in found}) != 1:
        return None
    name, at, after = found[0]["letter"], found[0].start("letter"), text[found[-1].end() :]
    named_after, corrected = known.others[name].search(after), known.corrected.search(after)
    doubtful = corrected and named_after if clear else corrected or named_after or known.others[name].search(text[:at])
    return None if doubtful else Choice(name, at)


def _claims(known: _Patterns, pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Return the matches whose sentence, of which 300 characters count, neither denies them nor leaves them open."""
    found = [(match, match.start("letter")) for match in pattern.finditer(text)]
    return [match for match, at in found if not known.denied.search(text, max(0, at - 300), at)]
