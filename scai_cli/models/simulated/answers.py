"""Answers in words from the strengths of traits: choose sentences, put them in order, lay them out."""

import random
from collections.abc import Mapping
from itertools import cycle, zip_longest
from typing import Final

from scai_cli.models.simulated.sentences import THINGS, bank_for
from scai_cli.models.simulated.topics import topics

_FIRST: Final = ("warm", "casual", "direct")
_LAST: Final = ("humorous", "asks_back")
_FOREMOST: Final = 6
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
        self.bank = bank_for(task)
        mentions = zip_longest(topics(task), rng.sample(THINGS, 3))
        named = [topic for mention in mentions for topic in mention if topic]
        self.topics = cycle(named)
        self.spaces = sum(topic.count(" ") for topic in named) / len(named)
        self.plain = rng.random() < strengths.get("plain_words", 0.0)
        self.used: set[str] = set()

    def body(self, length: float) -> list[str]:
        """Return the sentences in order, about `length` words at most: plain advice, then the strongest traits."""
        wanted = self._planned()
        chosen: list[tuple[int, float, str]] = []
        words = 0.0
        while words < length - 5:
            name = wanted.pop() if wanted and chosen else ""
            light = not name and (self.plain or self.rng.random() < _LIGHT)
            filler = self.bank.plain if light else self.bank.neutral
            said = self.say(self.bank.traits[name] if name else filler)
            if said is None:
                if not name:
                    break
                continue
            place, sentence = said
            chosen.append((0 if name in _FIRST else 2 if name in _LAST else 1, place, sentence))
            words += sentence.count(" ") + 1 + (self.spaces if "{topic}" in sentence else 0)
        return [sentence for _, _, sentence in sorted(chosen)]

    def say(self, sentences: tuple[str, ...]) -> tuple[float, str] | None:
        """Return an unused foremost sentence (short for plain words) and its place, 0 to 1; None if all are used."""
        unused = [n for n, sentence in enumerate(sentences) if sentence not in self.used]
        if not unused:
            return None
        if self.plain:
            short = sorted(unused, key=lambda n: len(sentences[n]))[: max(1, len(unused) // 2)]
            unused = sorted(short)
        n = self.rng.choice(unused[:_FOREMOST])
        self.used.add(sentences[n])
        return (n + self.rng.random()) / len(sentences), sentences[n]

    def word(self, sentence: str) -> str:
        """Put the next topic into the sentence."""
        if "{topic}" not in sentence:
            return sentence
        text = sentence.format(topic=next(self.topics))
        return text[0].upper() + text[1:]

    def lay_out(self, body: list[str], *, bullets: int, steps: int) -> str:
        """Return the text in paragraphs: the middle sentences as bullets, then numbered actions."""
        bullets = min(bullets, len(body))
        start = (len(body) - bullets) // 2
        lead = [self.rng.choice(self.bank.leads)] if bullets else []
        actions = sorted(self.rng.sample(range(len(self.bank.steps)), steps))
        blocks = (
            " ".join(map(self.word, body[:start])),
            "\n".join([*map(self.word, lead), *(f"- {self.word(item)}" for item in body[start : start + bullets])]),
            "\n".join(f"{n}. {self.word(self.bank.steps[action])}" for n, action in enumerate(actions, 1)),
            " ".join(map(self.word, body[start + bullets :])),
        )
        return "\n\n".join(block for block in blocks if block)

    def _planned(self) -> list[str]:
        """Return a trait for each sentence to write, the most important last; first sentences precede second ones."""
        rounds: list[tuple[float, float, str]] = []
        for name, strength in self.strengths.items():
            if name in self.bank.traits and strength > 0:
                for n in range(_stochastic_round(_SENTENCES * strength, self.rng)):
                    rounds.append((strength - n, self.rng.random(), name))
        return [name for _, _, name in sorted(rounds)]


def _stochastic_round(x: float, rng: random.Random) -> int:
    """Round `x` >= 0 up or down at random, so that the expectation is `x`."""
    whole = int(x)
    return whole + (rng.random() < x - whole)
