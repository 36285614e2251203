"""Read the letter of an answer that chooses A or B. An answer that is not clear is read as no choice."""

import re
from typing import Final, NamedTuple

from scai_cli.text.data_files import read_data_file

_ENTRIES: Final = read_data_file(__file__)
_OTHER: Final = {"A": re.compile(r"(?<!\w)B(?!\w)"), "B": re.compile(r"(?<!\w)A(?!\w)")}


def _written(name: str) -> str:
    entry = _ENTRIES[name]
    text = entry if isinstance(entry, str) else f"(?:{'|'.join(entry)})"
    return re.sub(r"\{([a-z]+)\}", lambda match: _written(match[1]), text)


_WHOLE, _ALONE, _CHOSEN, _BETTER, _ITEM, _LEADING, _DENIED, _CORRECTED = (
    re.compile(_written(name), re.IGNORECASE | re.MULTILINE)
    for name in ("whole", "alone", "chosen", "better", "item", "leading", "denied", "corrected")
)


class Choice(NamedTuple):
    """The chosen letter, `A` or `B`, and its offset in the text."""

    letter: str
    at: int


def choice(text: str) -> Choice | None:
    """Return the letter that an answer chooses; None if it chooses none or both, or takes its choice back."""
    if (whole := _WHOLE.match(text)) is not None:
        return Choice(whole["letter"].upper(), whole.start("letter"))
    chosen, alone = _claims(_CHOSEN, text), list(_ALONE.finditer(text))
    items = {match.start("letter"): match["letter"] for match in _ITEM.finditer(text)}
    if len(set(items.values())) > 1:  # a list of both
        chosen = [match for match in chosen if match.start("letter") not in items]
        alone = alone if len({match["letter"] for match in alone}) == 1 else []
    clear = ([match for match in chosen if match["final"]] or chosen) + alone
    found = clear + _claims(_BETTER, text) or list(_LEADING.finditer(text))
    if len({match["letter"] for match in found}) != 1:
        return None
    name, at, after = found[0]["letter"], found[0].start("letter"), text[found[-1].end() :]
    named_after, corrected = _OTHER[name].search(after), _CORRECTED.search(after)
    doubtful = corrected and named_after if clear else corrected or named_after or _OTHER[name].search(text[:at])
    return None if doubtful else Choice(name, at)


def _claims(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Return the matches whose sentence, of which 300 characters count, neither denies them nor leaves them open."""
    found = [(match, match.start("letter")) for match in pattern.finditer(text)]
    return [match for match, at in found if not _DENIED.search(text, max(0, at - 300), at)]
