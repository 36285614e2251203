"""The traits that a rule or a remark asks for: their words, and negations near them."""

from __future__ import annotations

from typing import Final

from scai_cli.measures.lexicon import REQUESTS, THEMES
from scai_cli.measures.phrases import SENTENCE_ENDS, Hit, Lexicon, patterns, tokens

_NEGATION: Final = patterns("""
    not, don't, dont, no, never, without, avoid*, less, fewer, stop*, skip*, leave out, leave aside, omit*,
    no more, not more, rather than, instead of, refrain*, drop, cut, cut out, spare, enough of, enough with,
    tired of, sick of, dislike*, hate*, resent*, distrust*, mistrust*, against, oppos*, refuse*, reject*,
    ban, bans, i mind, i minded, bother*, annoy*, nor, neither, hardly, do without, free of, steer clear of,
    keep away from, stay away from, hold back on, isn't, tone down, cut back on, cut down on, go easy on,
    easy on, put off by, fed up with, ignore, doesn't, didn't, can't stand, cannot stand, no need for, wary
    of, sceptical of, skeptical of, suspicious of, too much, too many, was too much about, was too much of,
    was too much talk, rejects, avoids, shouldn't, not so, leave the, keep out, push back against, nothing
    against""")
_NEAR: Final = patterns("too, so very, overly, far too, all too, unnecessarily")
_AFFIRMATION: Final = patterns("""
    but, instead, yet, not enough, too little, too few, not only, more, missing, lack, lacked, lacks,
    lacking, i missed, there was no, there were no, nothing about, nothing on, not a word about, no word
    about, without a word about, never mentioned, no mention of, hardly any, hardly a, please, like, liked,
    love, loves, loved, appreciate*, thank*, want, wants, wanted, need, needs, prefer*, could use, no harm,
    without fail, why not, no lack of, i wish, no sign of, no trace of, nothing against""")
_AFTERTHOUGHT: Final = patterns("""
    put me off, puts me off, bothered me, bothers me, annoyed me, annoys me, was too much, were too much, is
    too much, are too much, was not for me, is not for me, are not for me, were not for me, was not needed,
    were not needed, has no place, have no place, should go, can go, needs to go, need to go, left me cold,
    leaves me cold, got on my nerves, gets on my nerves, was unnecessary, were unnecessary, did nothing for
    me, does nothing for me, not welcome""")

_NOTS: Final = ("not", "don't", "never", "didn't", "doesn't")
_WELCOME: Final = ("like", "want", "need", "love", "prefer", "appreciate", "enjoy", "care for", "care about", "ask for")
_OMITTING: Final = (
    "forget", "ignore", "skip", "omit", "neglect", "leave out", "avoid", "overlook", "hold back",
    "hesitate", "drop", "stop", "shy away from", "mention", "harm", "hurt", "fail to", "be afraid of",
)  # fmt: skip
_OPENINGS: Final = (
    "use", "give", "be", "add", "keep", "say", "name", "write", "show", "speak", "tell", "put", "make",
    "offer", "cite", "do", "i", "you", "it", "let", "mention", "end", "think", "consider", "include",
    "respect", "always", "rather", "explain",
)  # fmt: skip

_REACH: Final = 7
_NEAR_REACH: Final = 3


def _table() -> dict[str, tuple[str, ...]]:
    table = {name: patterns(words) for name, words in {**REQUESTS, **THEMES}.items()}
    table["no"] = (*_NEGATION, *(f"{no} {verb}" for no in _NOTS for verb in _WELCOME))
    table["too"] = _NEAR
    table["after"] = _AFTERTHOUGHT
    openings = (f"{mark} {verb}" for mark in ("<comma>", "and", "then") for verb in _OPENINGS)
    table["yes"] = (*_AFFIRMATION, *(f"{no} {verb}" for no in _NOTS for verb in _OMITTING), *openings, ";")
    return table


_LEXICON: Final = Lexicon(_table())


def requested(text: str) -> dict[str, float]:
    """Return the traits that a text asks for (1.0) or against (-1.0), in the order of their first mention.

    A trait's words ask for it, unless a negation precedes them by up to seven words in the same sentence
    ("avoid", "no", "too much", ...) or ends the sentence ("... put me off"). A negation reaches
    up to the next affirmation ("but", "more", ", give"). Words of the opposite ("jargon" for plain words)
    count the other way round. A trait with both signs counts by the more frequent one, and is left out if they tie.
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
    """Note a trait with its sign, or change how far a negation reaches; return that token (-1 for none)."""
    match hit.key:
        case "no":
            return hit.end + _REACH
        case "too":
            return max(negated_until, hit.end + _NEAR_REACH)
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
