"""The topics of a task: phrases for the action and the things it asks about, which fit behind any preposition."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from scai_cli.measures.conditions import CONDITIONS
from scai_cli.measures.observed import observe
from scai_cli.measures.phrases import patterns
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.wordings import INTRODUCTIONS, LEADS, QUESTIONS
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)
SENTENCE: Final = re.compile(r"(?<=[.?!])\s+")
_SHOWING: Final = (sentence for condition in CONDITIONS.values() for sentence in condition.openings)
_BESIDES: Final = sorted((*LEADS, *QUESTIONS, *INTRODUCTIONS, *_SHOWING), key=len, reverse=True)
_ASIDES: Final = re.compile("|".join(map(re.escape, _BESIDES)))
_FUNCTION, _VERBS, _VAGUE, _EMPTY, _CUT = (
    frozenset(patterns(_LISTS[name])) for name in ("function", "verbs", "vague", "empty", "cut")
)
_PEOPLE: Final = "|".join(sorted(patterns(_LISTS["people"]), key=len, reverse=True))
_ADVERB: Final = r"(?:(?:also|still|really|continue to|need to|have to|want to|try to|be allowed to) )*"
_REST: Final = r"((?: [\w'’%-]+)*)"
_ACTIVE: Final = re.compile(
    rf"\b(?:(?:should|shall|could|can|may|must|would|do|does|will) (?:{_PEOPLE})|it\b[^?.;]{{0,60}}? to) "
    rf"{_ADVERB}([a-z-]+){_REST}",
    re.IGNORECASE,
)
_IMPERATIVE: Final = re.compile(rf"^(?:please )?([a-z-]+){_REST}", re.IGNORECASE)
_PASSIVE: Final = re.compile(
    rf"\b(?:should|must|can|could|may|will) ([\w'’ -]{{3,60}}?) (?:not )?be ([a-z]+){_REST}", re.IGNORECASE
)
_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*|[^\s\w]")
_LOOKED_AT: Final = 600
_READ: Final = 1200
_LONGEST, _MOST = 9, 3


@lru_cache(maxsize=256)
def topics(task: str) -> tuple[str, ...]:
    """Return up to three phrases for what a task asks about, actions first, without those that show a trait.

    An opening has the topics of its task.
    """
    sentences = SENTENCE.split(matter(task)[:_LOOKED_AT])
    sentences.sort(key=lambda sentence: not sentence.endswith("?"))
    phrases = [phrase for find in (_actions, _things) for sentence in sentences for phrase in find(sentence)]
    harmless = [phrase for phrase in dict.fromkeys(phrases) if _is_harmless(phrase)]
    return tuple(harmless[:1] + [phrase for phrase in harmless[1:_MOST] if " " in phrase])


def content_words(task: str) -> frozenset[str]:
    """Return the words of a task, or of its opening, that say what it is about, in lower case."""
    return frozenset(re.findall(r"\w+", matter(task).casefold())) - _FUNCTION


def matter(task: str) -> str:
    """Return the beginning of a task or its opening on one line, without the sentences that are not about the task."""
    return " ".join(_ASIDES.sub(" ", " ".join(task[:_READ].split())).split())


def _actions(sentence: str) -> Iterator[str]:
    """Yield what should be done: "Should we build a road?" and "Should a road be built?" ask about building a road."""
    for subject, participle, rest in _PASSIVE.findall(sentence):
        if participle in _LISTS["ing"] or (participle.endswith("ed") and subject.lower() not in ("it", "there")):
            yield from _action(f"{_ing(participle)} {subject}{rest}")
    for verb, rest in (*_ACTIVE.findall(sentence), *_IMPERATIVE.findall(sentence)):
        if verb.lower() in _VERBS - _VAGUE and not rest.startswith((" me ", " us ")):
            yield from _action(f"{_ing(verb.lower())}{rest}")


def _action(text: str) -> Iterator[str]:
    """Cut an action short; yield it if it still names something."""
    words = text.split()
    words = words[: next((n for n, word in enumerate(words) if word.lower() in _CUT), len(words))]
    while words and words[-1].lower() in _FUNCTION | _EMPTY:
        words.pop()
    if 1 < len(words) <= _LONGEST:
        yield " ".join(_LISTS["to_you"].get(word.lower(), word) for word in words)


def _ing(verb: str) -> str:
    if verb in _LISTS["ing"]:
        return str(_LISTS["ing"][verb])
    return re.sub(r"(?:i?ed|(?<![eoy])e)$", lambda end: "y" if end[0] == "ied" else "", verb) + "ing"


def _things(sentence: str) -> list[str]:
    """Return the noun phrases of one to four words with their article, those of several words first."""
    phrases: list[tuple[bool, str]] = []
    before, run = "", list[str]()
    for word in (*_WORD.findall(sentence), "."):
        breaks = word.endswith("ed") or (word.endswith("ly") and before not in _LISTS["articles"])
        if word[0].isalpha() and word.lower() not in _FUNCTION | _VERBS and not breaks:
            run.append(word)
            continue
        article = _LISTS["articles"].get(before, "")
        if (
            run
            and run[-1].lower() not in _EMPTY
            and (len(run) in (2, 3, 4) or (article or run[0].endswith(_LISTS["noun_endings"])))
        ):
            phrases.append((len(run) == 1, " ".join([article, *run]).strip()))
        before, run = word.lower(), []
    return [phrase for _, phrase in sorted(phrases, key=lambda phrase: phrase[0])]


def _is_harmless(phrase: str) -> bool:
    """Whether a phrase neither shows a trait nor asks for one."""
    shown = {trait for trait, strength in observe(phrase).items() if strength}
    return not requested(phrase) and shown <= {"concise", "detailed", "plain_words"}
