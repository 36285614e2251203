"""What the turns of real or simulated users look like: length, disagreement, manners, repeats, vocabulary.

A program counts, by rules and word lists: it compares users with each other, and understands none of them.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from scai_cli.messages import Message
from scai_cli.simulation.comment_marks import speaks_as_assistant
from scai_cli.text.data_files import read_data_file
from scai_cli.text.languages import may_be_in
from scai_cli.text.words import length, words


@dataclass(frozen=True, slots=True)
class TurnMeasure:
    """A statistic of a person's turns; `tested` ones are compared with real people's."""

    name: str
    words: str
    short: str = ""
    """The column of the people's table; none if empty."""
    tested: bool = True
    share: bool = True
    """Whether it is at most 1."""


MEASURES: Final = (
    TurnMeasure("words", "words of a turn", tested=False, share=False),
    TurnMeasure("first_words", "words of the first turn", "first", share=False),
    TurnMeasure("later_words", "words of a later turn", "later", share=False),
    TurnMeasure("turns", "turns in a conversation", tested=False, share=False),
    TurnMeasure("questions", "turns with a question mark", "asks"),
    TurnMeasure("disagreement", "later turns that disagree or complain", "no"),
    TurnMeasure("polite", "turns with please or thanks", "polite"),
    TurnMeasure("goodbye", "conversations whose last turn says goodbye", "bye"),
    TurnMeasure("role_flips", "turns that speak as an assistant", "flips"),
    TurnMeasure("own_repeats", "word triples of later turns said before", "again"),
    TurnMeasure("echoes", "word triples of later turns from the assistant", "echo"),
    TurnMeasure("no_capitals", "turns without a capital letter"),
    TurnMeasure("vocabulary", "different words among 42 of a person", "vocab"),
    TurnMeasure("english", "conversations in English", tested=False),
)
"""In the order in which they are shown."""

_LISTS: Final[dict[str, Any]] = read_data_file(__file__)
PUBLISHED: Final[dict[str, Sequence[dict[str, Any]]]] = _LISTS["published"]
"""Measure -> the numbers of real users in the literature: number, unit, data set, and where it is published."""
_DISAGREES, _POLITE, _CLOSES = (re.compile("|".join(_LISTS[name])) for name in ("disagrees", "polite", "closes"))
_ENGLISH: Final = frozenset(("en",))
_QUESTION: Final = re.compile(r"[?？؟]")
DRAWN: Final = 42
"""The words of a draw for the vocabulary, as in vocd-D and HD-D; a person with fewer has none."""


def turn_scores(conversations: Iterable[Sequence[Message]], *, first_turns: bool = True) -> dict[str, float | None]:
    """Return measure -> the mean over a person's turns or conversations, None where nothing can be counted.

    Empty turns are left out; without `first_turns`, so are the first ones, where they are the text of a task.
    Disagreement, manners and role flips are looked for in English conversations alone. Word triples are counted once a
    turn, in turns of three words or more. The vocabulary is HD-D, over all turns together: the expected share of
    different words among 42 that are drawn from them without replacement (McCarthy and Jarvis 2010), which hardly
    changes with the length of the texts.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    said: Counter[str] = Counter()
    for messages in conversations:
        kept = [message for message in messages if message.content.strip()]
        turns = [message.content for message in kept if message.role == "user"]
        own = turns[not first_turns :]
        if own:
            english = may_be_in(" ".join(own), _ENGLISH)
            found["turns"].append(len(turns))
            found["english"].append(english)
            _count_repeats(kept, found)
            for number, turn in enumerate(own, int(not first_turns)):
                _count_turn(turn, number, found, english=english)
            if english and len(turns) > 1:
                found["goodbye"].append(_says(_CLOSES, own[-1]))
            said.update(word for turn in own for word in words(turn))
    means = {measure.name: fmean(found[measure.name]) if found[measure.name] else None for measure in MEASURES}
    return {**means, "vocabulary": distinct_share(said)}


def distinct_share(counts: Counter[str]) -> float | None:
    """Return the expected share, in (0, 1], of different words among 42 drawn (HD-D); None for fewer words."""
    total = counts.total()
    if total < DRAWN:
        return None
    absent = sum(math.exp(_log_choose(total - n) - _log_choose(total)) for n in counts.values() if total - n >= DRAWN)
    return (len(counts) - absent) / DRAWN


def _log_choose(n: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(DRAWN + 1) - math.lgamma(n - DRAWN + 1)


def _count_turn(turn: str, number: int, found: defaultdict[str, list[float]], *, english: bool) -> None:
    size = length(words(turn))
    found["words"].append(size)
    found["later_words" if number else "first_words"].append(size)
    found["questions"].append(_QUESTION.search(turn) is not None)
    if any(letter.islower() or letter.isupper() for letter in turn):  # not in scripts without capitals
        found["no_capitals"].append(not any(letter.isupper() for letter in turn))
    if english:
        found["polite"].append(_says(_POLITE, turn))
        found["role_flips"].append(speaks_as_assistant(turn))
        if number:
            found["disagreement"].append(_says(_DISAGREES, turn))


def _says(pattern: re.Pattern[str], turn: str) -> bool:
    return pattern.search(turn.lower().replace("’", "'")) is not None


def _count_repeats(messages: Sequence[Message], found: defaultdict[str, list[float]]) -> None:
    """Count the share of each later turn's triples that the user, or the assistant, has said before."""
    before: dict[str, set[tuple[str, ...]]] = {"user": set(), "assistant": set()}
    is_later = False
    for message in messages:
        parts = words(message.content)
        triples = set(zip(parts, parts[1:], parts[2:], strict=False))
        if message.role == "user" and is_later and triples:
            found["own_repeats"].append(len(triples & before["user"]) / len(triples))
            found["echoes"].append(len(triples & before["assistant"]) / len(triples))
        is_later = is_later or message.role == "user"
        before.setdefault(message.role, set()).update(triples)
