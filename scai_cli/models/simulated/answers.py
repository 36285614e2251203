"""Answers in words from the strengths of traits: choose sentences, put them in order, lay them out."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)

BANK: Final[Mapping[str, tuple[str, ...]]] = _LISTS["traits"]
"""Trait -> sentences that show it. Length, layout and simple words are shown by the whole answer."""
PLAIN: Final[tuple[str, ...]] = _LISTS["plain"]
"""Short sentences in short words that show no other trait."""
NEUTRAL: Final[tuple[str, ...]] = _LISTS["neutral"]
"""Longer sentences in longer words that show no trait, to fill an answer."""
STEPS: Final[tuple[str, ...]] = _LISTS["steps"]
"""Actions for a numbered list, which keeps their order."""
LEADS: Final[tuple[str, ...]] = _LISTS["leads"]
"""Lines that open a list."""
THINGS: Final[tuple[str, ...]] = _LISTS["things"]
"""Topic phrases for tasks that offer none."""

_NOUN_PHRASE: Final = re.compile(r"\b(a|an|the|my|our) ([a-z]{3,14})(?=[.,;?!]|$| (?:of|for)\b)", re.IGNORECASE)
_FROM_HERE: Final = {"my": "your", "our": "your"}
_NO_TOPIC: Final = frozenset((
    "best", "bit", "each", "else", "end", "evening", "few", "first", "kind", "last", "least", "less",
    "little", "lot", "many", "month", "more", "most", "other", "ones", "same", "second", "side", "sides",
    "sort", "thing", "third", "time", "times", "user", "way", "week", "world", "worst", "year",
))  # fmt: skip
_LOOKED_AT: Final = 600
"""Characters of a task in which topics are looked for."""

_BESIDE_LENGTH: Final = frozenset(TRAITS) - {"concise", "detailed", "plain_words"}
_FIRST: Final = ("warm", "casual", "direct")
_LAST: Final = ("humorous", "asks_back")
_SENTENCES: Final = 2
_ITEMS: Final = 3
_LIGHT: Final = 0.3
_WORDS, _SHORT, _LONG = 85, 34, 190


def compose(strengths: Mapping[str, float], task: str, rng: random.Random) -> str:
    """Write an answer to the task that shows each trait about as strongly as its strength (-1 to 1) says.

    A trait of strength s > 0 gets 2 s sentences on average (3 s items of a list), within a length of about 85
    words that `concise` shortens to 34 and `detailed` stretches to 190.
    """
    writer = _Writer(strengths, task, rng)
    body = writer.body(_length(strengths))
    bullets, steps = (
        _stochastic_round(_ITEMS * max(0.0, strengths.get(name, 0.0)), rng) for name in ("bullet_list", "step_by_step")
    )
    return writer.lay_out(body, bullets=bullets, steps=steps)


def noun_phrases(task: str) -> list[str]:
    """Return the task's plainest noun phrases as the assistant says them: "my garden" becomes "your garden"."""
    phrases = _NOUN_PHRASE.findall(task[:_LOOKED_AT].lower())
    return [f"{_FROM_HERE.get(article, 'the')} {noun}" for article, noun in phrases if noun not in _NO_TOPIC]


def _length(strengths: Mapping[str, float]) -> float:
    concise = strengths.get("concise", 0.0)
    detailed = max(strengths.get("detailed", 0.0), -concise)
    concise = max(concise, -strengths.get("detailed", 0.0) / 2)
    return _WORDS + max(0.0, detailed) * (_LONG - _WORDS) - max(0.0, concise) * (_WORDS - _SHORT)


class _Writer:
    """Writes one answer; remembers its topics and used sentences."""

    def __init__(self, strengths: Mapping[str, float], task: str, rng: random.Random) -> None:
        self.strengths = strengths
        self.rng = rng
        self.topics = [*_harmless(noun_phrases(task)), *rng.sample(THINGS, 2)]
        self.plain = rng.random() < strengths.get("plain_words", 0.0)
        self.used: set[str] = set()

    def body(self, length: float) -> list[str]:
        """Return the sentences in order, about `length` words at most; the strongest traits are chosen first."""
        wanted = self._planned()
        chosen: list[tuple[str, str]] = []
        words = 0
        while words < length - 5:
            name = wanted.pop() if wanted else ""
            filler = PLAIN if not name and (self.plain or self.rng.random() < _LIGHT) else NEUTRAL
            sentence = self.say(BANK[name] if name else filler)
            if sentence is None:
                if not name:
                    break
                continue
            chosen.append((name, sentence))
            words += sentence.count(" ") + 1
        return [sentence for _, sentence in sorted(chosen, key=self._position)]

    def say(self, bank: tuple[str, ...]) -> str | None:
        """Return an unused sentence of the bank, or None; a short one if words are to be plain."""
        unused = [sentence for sentence in bank if sentence not in self.used]
        if not unused:
            return None
        if self.plain:
            unused = sorted(unused, key=len)[: max(1, len(unused) // 2)]
        sentence = self.rng.choice(unused)
        self.used.add(sentence)
        text = sentence.format(topic=self.rng.choice(self.topics))
        return text[0].upper() + text[1:]

    def lay_out(self, body: list[str], *, bullets: int, steps: int) -> str:
        """Return the text in paragraphs: the middle sentences as bullets, then numbered actions."""
        bullets = min(bullets, len(body))
        start = (len(body) - bullets) // 2
        listed = [f"- {sentence}" for sentence in body[start : start + bullets]]
        actions = [action for _ in range(steps) if (action := self.say(STEPS))]
        blocks = (
            " ".join(body[:start]),
            "\n".join([self.rng.choice(LEADS), *listed] if listed else []),
            "\n".join(f"{n}. {action}" for n, action in enumerate(actions, 1)),
            " ".join(body[start + bullets :]),
        )
        return "\n\n".join(block for block in blocks if block)

    def _planned(self) -> list[str]:
        """Return a trait for each sentence to write, the most important last; first sentences precede second ones."""
        rounds: list[tuple[float, float, str]] = []
        for name, strength in self.strengths.items():
            if name in BANK and strength > 0:
                for n in range(_stochastic_round(_SENTENCES * strength, self.rng)):
                    rounds.append((strength - n, self.rng.random(), name))
        return [name for _, _, name in sorted(rounds)]

    def _position(self, chosen: tuple[str, str]) -> tuple[int, float]:
        name = chosen[0]
        return (0 if name in _FIRST else 2 if name in _LAST else 1, self.rng.random())


def _harmless(phrases: list[str]) -> list[str]:
    """Return the phrases that show no trait."""
    return [phrase for phrase in phrases[:3] if not _BESIDE_LENGTH.intersection(_shown(phrase))]


def _shown(text: str) -> list[str]:
    return [name for name, strength in observe(text).items() if strength]


def _stochastic_round(x: float, rng: random.Random) -> int:
    """Round `x` >= 0 up or down at random, so that the expectation is `x`."""
    whole = int(x)
    return whole + (rng.random() < x - whole)
