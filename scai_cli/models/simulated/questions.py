"""Questions that a system message wants asked, one at most in a conversation, and their answers."""

import random
from collections.abc import Iterator
from typing import Final

from scai_cli.experiment.constitution import QUESTIONS
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import split_rule
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.recognition import Recognises
from scai_cli.models.simulated.wordings import ASKED, label_of, remark

_BY_SENTENCE: Final = {ASKED[trait.kind].format(label=label_of(name)): name for name, trait in TRAITS.items()}
_CARES: Final = 0.1
"""The weight of a wish from which on a question about it is answered."""


def without_questions(system: str) -> Iterator[str]:
    """Return the lines of a system message that are not questions to ask."""
    return (line for line, asks in _lines(system) if not asks)


def _lines(system: str) -> Iterator[tuple[str, bool]]:
    """Yield each line, and whether it belongs to the questions: their heading and what follows up to an empty line."""
    asks = False
    for line in system.splitlines():
        asks = line == QUESTIONS or (asks and bool(line.strip()))
        yield line, asks


def topic(rule: str) -> str | None:
    """Return the trait that a question is about: the first that it names besides asking itself; None for none."""
    return next((trait for trait in requested(rule) if trait != "asks_back"), None)


def question(system: str, recognises: Recognises) -> str | None:
    """Return the trait of the first question of a system message whose condition, if any, is recognised."""
    for line, asks in _lines(system):
        condition, rule = split_rule(line)
        if asks and (trait := topic(rule)) and (condition is None or recognises(condition)):
            return trait
    return None


def with_question(answer: str, trait: str) -> str:
    """Return an answer that ends with the question about a trait."""
    return f"{answer}\n\n{ASKED[TRAITS[trait].kind].format(label=label_of(trait))}"


def asked_in(answer: str) -> str | None:
    """Return the trait that the question at the end of an answer is about; None without a question of this kind."""
    return _BY_SENTENCE.get(answer.rpartition("\n")[2])


def reply(trait: str, weight: float, rng: random.Random) -> str | None:
    """Return what a user says of a trait that they were asked about; None from those who do not care."""
    if abs(weight) < _CARES:
        return None
    return remark(trait, "wished" if weight > 0 else "unwanted", rng)
