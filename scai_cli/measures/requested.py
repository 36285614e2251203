"""Find the traits that a rule or a remark asks for: their words, and negations near them."""

from typing import Final

from scai_cli.measures.catalogue import REQUESTS, THEMES
from scai_cli.measures.phrases import SENTENCE_ENDS, Hit, Lexicon, patterns, tokens
from scai_cli.text.data_files import read_data_file

_REACH: Final = 7
"""The most words after a negation that it can reach."""
_EXCESS_REACH: Final = 3


def _table() -> dict[str, tuple[str, ...]]:
    words = {name: patterns(listing) for name, listing in read_data_file(__file__).items()}
    openings = (f"{mark} {verb}" for mark in ("<comma>", "and", "then") for verb in words["openings"])
    not_omitted = (f"{no} {verb}" for no in words["nots"] for verb in words["omissions"])
    table = {name: patterns(listing) for name, listing in {**REQUESTS, **THEMES}.items()}
    table["no"] = (*words["negation"], *(f"{no} {verb}" for no in words["nots"] for verb in words["welcomes"]))
    table["too"] = words["excess"]
    table["after"] = words["afterthought"]
    table["yes"] = (*words["affirmation"], *not_omitted, *openings, ";")
    return table


_LEXICON: Final = Lexicon(_table())


def requested(text: str) -> dict[str, float]:
    """Return the traits that a text asks for (1.0) or against (-1.0), in the order of their first mention.

    A trait's words ask for it, unless a negation precedes them by up to seven words in the same sentence ("avoid",
    "no", "too much", ...) or ends the sentence ("... put me off"). A negation reaches up to the next affirmation
    ("but", "more", ", give"). Words of the opposite ("jargon" for plain words) count with the opposite sign. A trait
    with both signs gets the more frequent one, and is left out for a tie.
    """
    parts = tokens(text)
    counts: dict[str, int] = {}
    pending: list[tuple[str, int]] = []
    negated_until = -1
    sentence = 0
    for hit in _LEXICON.find(parts):
        if not SENTENCE_ENDS.isdisjoint(parts[sentence : hit.at]):
            _count(pending, counts)
            negated_until = -1
        sentence = hit.at
        negated_until = _apply(hit, negated_until, pending)
    _count(pending, counts)
    return {name: 1.0 if n > 0 else -1.0 for name, n in counts.items() if n}


def _apply(hit: Hit, negated_until: int, pending: list[tuple[str, int]]) -> int:
    """Record a trait with its sign, or update how far a negation reaches; return that token (-1 for none)."""
    match hit.key:
        case "no":
            return hit.end + _REACH
        case "too":
            return max(negated_until, hit.end + _EXCESS_REACH)
        case "yes":
            return -1
        case "after":
            pending[:] = [(name, -abs(sign)) for name, sign in pending]
        case key:
            sign = -1 if hit.at < negated_until else 1
            pending.append((key.removeprefix("-"), -sign if key.startswith("-") else sign))
    return negated_until


def _count(pending: list[tuple[str, int]], counts: dict[str, int]) -> None:
    for name, sign in pending:
        counts[name] = counts.get(name, 0) + sign
    pending.clear()
