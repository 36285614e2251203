"""Observe the traits of a text, and compute its utility for a person's preferences."""

import re
from collections.abc import Mapping
from typing import Final

from scai_cli.measures.catalogue import MARKERS, SEQUENCE, THEMES, TRAITS
from scai_cli.measures.phrases import SENTENCE_ENDS, Lexicon, patterns, tokens
from scai_cli.text.words import length

_SHOWN: Final = Lexicon({name: patterns(words) for name, words in {**THEMES, **MARKERS}.items()})
_BULLET: Final = re.compile(r"^[ \t]*[-*•‣+–][ \t]+\S", re.MULTILINE)
_NUMBERED: Final = re.compile(r"^[ \t]*(?:step )?\d{1,3}[.):][ \t]", re.MULTILINE | re.IGNORECASE)
_YEAR: Final = re.compile(r"\([^()\n]{0,60}\b(?:19|20)\d\d\)")
_MARKS: Final = SENTENCE_ENDS | frozenset(",;:")
_READER: Final = frozenset(("you", "your", "yours", "you'd", "you're", "you've", "yourself"))
_LONG: Final = 9

_BLANK: Final = dict.fromkeys(TRAITS, 0.0)


def observe(text: str) -> dict[str, float]:
    """Return how strongly a text shows each trait, in [0, 1]; all 0 for a text without words.

    Themes, wordings and questions to the reader: 1 - 0.4^n for n sentences that show the trait. `concise` falls from 1
    at 40 words to 0 at 120, `detailed` rises from 0 at 80 to 1 at 200; `bullet_list` and `step_by_step` are n/3 for n
    lines of that form (or sentences that open as a step); `plain_words` is the product of two falling ramps: from 9 to
    20 words per sentence, and from 5 % to 25 % words of nine letters or more. The time is linear in the length.
    """
    parts = tokens(text)
    words = [part for part in parts if part not in _MARKS and not part.isdigit()]
    if not words:
        return dict(_BLANK)
    sentences, questions, steps, ends = _sentences(parts)
    shown = _BLANK | {name: _saturating(n) for name, n in _counts(parts, ends).items()}
    long = sum(len(word) >= _LONG for word in words) / len(words)
    count = length(words)
    shown["concise"] = _ramp(count, 120, 40)
    shown["detailed"] = _ramp(count, 80, 200)
    shown["plain_words"] = _ramp(count / sentences, 20, 9) * _ramp(long, 0.25, 0.05)
    shown["bullet_list"] = min(1.0, len(_BULLET.findall(text)) / 3)
    shown["step_by_step"] = min(1.0, (steps + len(_NUMBERED.findall(text))) / 3)
    shown["asks_back"] = _saturating(questions)
    if shown["names_source"] == 0.0 and _YEAR.search(text):
        shown["names_source"] = _saturating(1)
    return shown


def utility(preferences: Mapping[str, float], observed: Mapping[str, float]) -> float | None:
    """Return how well the observed traits meet the preferences, in [0, 1]; None if no preference is nonzero.

    u = sum over traits |w| * (o if w > 0 else 1 - o) / sum |w|, with weights w in [-1, 1] and o in [0, 1]; a trait that
    was not observed has o = 0.
    """
    total = sum(abs(weight) for weight in preferences.values())
    if not total:
        return None
    met = 0.0
    for name, weight in preferences.items():
        shown = observed.get(name, 0.0)
        met += abs(weight) * (shown if weight > 0 else 1.0 - shown)
    return min(1.0, met / total)


def _counts(parts: list[str], ends: list[int]) -> dict[str, int]:
    """Count the sentences with each trait's words; `ends` are the token positions at the ends of sentences."""
    counts: dict[str, int] = {}
    last: dict[str, int] = {}
    sentence = 0
    for at, _, name in _SHOWN.find(parts):
        while sentence < len(ends) and ends[sentence] < at:
            sentence += 1
        if last.get(name) != sentence:
            last[name] = sentence
            counts[name] = counts.get(name, 0) + 1
    return counts


def _sentences(parts: list[str]) -> tuple[int, int, int, list[int]]:
    """Count sentences, questions to the reader and steps; also return the positions of the sentences' ends."""
    sentences = questions = steps = 0
    ends: list[int] = []
    empty, to_reader = True, False
    for at, part in enumerate(parts):
        if part in SENTENCE_ENDS:
            sentences += not empty
            questions += part == "?" and to_reader
            empty, to_reader = True, False
            ends.append(at)
        elif part not in _MARKS and not (empty and part.isdigit()):
            steps += empty and part in SEQUENCE
            to_reader = to_reader or part in _READER
            empty = False
    return max(1, sentences + (not empty)), questions, steps, ends


def _saturating(n: int) -> float:
    return 1.0 - 0.4**n if n else 0.0


def _ramp(x: float, zero: float, one: float) -> float:
    """Map `x` linearly from 0 at `zero` to 1 at `one`, constant outside."""
    return min(1.0, max(0.0, (x - zero) / (one - zero)))
