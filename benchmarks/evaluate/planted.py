"""A provider: answers of known quality, and judges with a known bias (`benchmarks.evaluate.planted:connect:NAME`).

An answer is `Quality Q.` and some words more; that of the reference has the quality 0. A fair judge prefers the first
of two answers with the probability 0.5 + Q1 - Q2.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models.base import ChatModel
from scai_cli.models.simulated.criticism import principle_request
from scai_cli.models.simulated.portrait import draws
from scai_cli.simulation.rater_check import PAIRS

BETTER = "Be better."
"""The system message of the system that is compared with the reference."""
_WORDS = (20, 220)
_QUALITY = re.compile(r"Quality (-?\d\.\d+)\.")
_PLAIN = {" ".join(pair[kind].split()): q for pair in PAIRS for kind, q in (("good", 1.0), ("bad", -1.0))}
"""The answers of the rater check, which every judge knows."""


@dataclass(frozen=True, slots=True)
class Bias:
    """What the first place and 100 words add to a preference, and the shares of unreadable and of wrong answers."""

    first: float = 0.0
    per_100_words: float = 0.0
    unread: float = 0.0
    wrong: float = 0.0

    def prefers(self, first: str, second: str) -> float:
        """Return the probability that a readable answer prefers the first one."""
        lead = quality(first) - quality(second)
        if abs(lead) >= 1:
            return float(lead > 0)
        p = 0.5 + lead + self.first + self.per_100_words * (len(first.split()) - len(second.split())) / 100
        return self.wrong + (1 - 2 * self.wrong) * min(1.0, max(0.0, p))


JUDGES: Mapping[str, Bias] = {
    "fair": Bias(),
    "first": Bias(first=0.2),
    "longer": Bias(per_100_words=0.1),
    "unread": Bias(unread=0.2),
    "wrong": Bias(wrong=0.1),
}


def quality(answer: str) -> float:
    """Return the quality of an answer, 0 if it says none."""
    found = _QUALITY.match(answer)
    return float(found[1]) if found else _PLAIN.get(" ".join(answer.split()), 0.0)


def written(value: float, rng: random.Random) -> str:
    """Return an answer of this quality, of a random length."""
    return f"Quality {value:.3f}. " + " ".join(["word"] * rng.randint(*_WORDS))


def soft(rng: random.Random) -> float:
    """Draw a quality so that a fair judge prefers it in 55 % of the cases, and a bias stays within 0 and 1."""
    return rng.uniform(-0.2, 0.3)


def hard(rng: random.Random) -> float:
    """Draw a quality that a fair judge always or never prefers; always for 65 %."""
    return 0.5 if rng.random() < 0.65 else -0.5


def connect(model: ModelSettings, *, seed: int) -> ChatModel:
    """Return the model that writes `soft` or `hard` answers, or one of `JUDGES`."""
    return _Planted(model.name or "", seed)


@dataclass(frozen=True, slots=True)
class _Planted:
    name: str
    seed: int

    async def complete(self, request: ChatRequest) -> Completion:
        """Compare if asked to, else answer."""
        rng = draws("planted", self.seed, request.digest())
        task = principle_request(request)
        if task is not None and task.candidates:
            return Completion(self._letter(*task.candidates, rng=rng), "stop", Usage(1, 1), model=self.name)
        draw = hard if self.name == "hard" else soft
        is_reference = BETTER not in request.messages[0].content
        return Completion(written(0.0 if is_reference else draw(rng), rng), "stop", Usage(1, 1), model=self.name)

    def _letter(self, first: str, second: str, rng: random.Random) -> str:
        bias = JUDGES.get(self.name, Bias())
        if abs(quality(first) - quality(second)) < 1 and rng.random() < bias.unread:
            return "I like both of them."
        return "A" if rng.random() < bias.prefers(first, second) else "B"

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""
