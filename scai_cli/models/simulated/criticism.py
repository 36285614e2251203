"""Critiques, revisions and comparisons by one principle, as the simulated assistant and judge write them.

Both compare the traits that the principle asks for with the traits measured in the answers. Where the task does not
show the condition of a principle, there is nothing to criticise and nothing to prefer.
"""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import shown, split_rule
from scai_cli.measures.observed import utility
from scai_cli.measures.requested import requested
from scai_cli.messages import ChatRequest, Message
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.forms import system_text
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.quotes import after_quote, with_quote
from scai_cli.models.simulated.recognition import known_to
from scai_cli.models.simulated.user import observe_cached
from scai_cli.prompts.fences import fenced
from scai_cli.prompts.instructions import instruction_kind

_ENOUGH: Final = 0.55
"""A wanted trait that shows at least as strongly is not criticised."""
_TOO_MUCH: Final = 0.2
_LACKS: Final = ("The answer lacks {label}.", "It should give the user {label}.", "I miss {label} in it.")
_MINDS: Final = ("The answer should do without {label}.", "It should leave out {label}.", "Less of {label}, please.")
_KEEPS: Final = "The answer keeps to the principle."
_NOT_MET: Final = "The principle does not apply here: its condition is not met."
_FAULTLESS: Final = "I find nothing in the answer to object to."
_FAULTS: Final = re.compile(r"\b(?:identify|find|point out|explain|list|outline|name)\b", re.IGNORECASE)
"""The verbs of a request for a critique that names faults, and no wishes."""
_DEGREE: Final = re.compile(r"\b(?:too|enough)\b", re.IGNORECASE)
"""Words that make a wish of a fault: "too long" asks for a short answer."""
_KEPT: Final = 0.7
"""How strongly a revision tries to keep the traits of the old answer."""
_SURE: Final = 3.0
"""Log-odds of an answer that meets the principle in full against one that does not at all."""
_FIRST: Final = 0.3
"""Log-odds of the first answer, a bias of real models, which is the reason to ask in both orders."""


@dataclass(frozen=True, slots=True)
class PrincipleRequest:
    """The texts in the prompt of a critique, a revision or a comparison; None for missing ones."""

    task: str
    principle: str
    answer: str | None
    critique: str | None
    candidates: tuple[str, ...]
    in_chat: bool = False
    """Whether it was asked for in a chat, by a request of the principle's own."""

    @property
    def asks(self) -> dict[str, float]:
        """The traits that the principle asks for (1.0) or against (-1.0); none if its condition is not met."""
        condition, rule = split_rule(self.principle)
        if condition is not None and not known_to(shown(self.task))(condition):
            return {}
        names_faults = self.in_chat and self.critique is None and _FAULTS.search(rule) and not _DEGREE.search(rule)
        return {trait: -sign if names_faults else sign for trait, sign in requested(rule).items()}


def principle_request(request: ChatRequest) -> PrincipleRequest | None:
    """Read a prompt with a principle, or a chat that asks for a critique or a revision of the answer in it.

    Returns None for other prompts and for prompts with a system message.
    """
    if not request.messages or system_text(request):
        return None
    if len(request.messages) > 2:
        return _chat_request([message.content for message in request.messages])
    texts: dict[str, list[str]] = {}
    for part in fenced(request.messages[-1].content):
        texts.setdefault(part.tag, []).append(part.text)
    if "principle" not in texts or not {"answer", "candidate"} & texts.keys():
        return None
    first = {tag: listed[0] for tag, listed in texts.items()}
    return PrincipleRequest(
        task=first.get("task", ""),
        principle=first["principle"],
        answer=first.get("answer"),
        critique=first.get("critique"),
        candidates=tuple(texts.get("candidate", ())),
    )


def _chat_request(said: Sequence[str]) -> PrincipleRequest | None:
    """Read [..., task, answer, request for a critique], with or without [critique, request for a revision] after it."""
    if len(said) > 4 and instruction_kind(said[-3]) == "critique":
        task, answer, _, critique, principle = said[-5:]
        return PrincipleRequest(task, principle, answer, critique, (), in_chat=True)
    if instruction_kind(said[-1]) == "critique":
        return PrincipleRequest(said[-3], said[-1], said[-2], None, (), in_chat=True)
    return None


def after_examples(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the last message alone if it follows few-shot dialogues, one of them with a critique and a revision."""
    asked = messages[:-3] if len(messages) > 6 else ()
    has_examples = any(said.role == "user" and instruction_kind(said.content) == "critique" for said in asked)
    return messages[-1:] if has_examples else messages


def criticise(request: PrincipleRequest, rng: random.Random) -> str:
    """Write which traits of the principle the answer lacks, and quote the contrary ones that it shows."""
    answer = request.answer or ""
    observed = observe_cached(answer)
    sentences = []
    for trait, sign in request.asks.items():
        if sign > 0 and observed[trait] < _ENOUGH:
            sentences.append(after_quote(rng.choice(_LACKS).format(label=TRAITS[trait].label), answer, rng))
        elif sign < 0 and observed[trait] > _TOO_MUCH:
            said = rng.choice(_MINDS).format(label=TRAITS[trait].label)
            sentences.append(with_quote(said, trait, answer))
    if not sentences and split_rule(request.principle)[0] is not None and not request.asks:
        return _NOT_MET
    return " ".join(sentences) or (_FAULTLESS if request.in_chat else _KEEPS)


def revise_answer(request: PrincipleRequest, attention: float, rng: random.Random) -> str:
    """Write an answer that meets the principle and the critique, and keeps other traits of the old answer."""
    wanted = demands(request.principle, [request.task, request.critique or ""], known_to(shown(request.task)))
    for trait, strength in observe_cached(request.answer or "").items():
        if trait not in wanted and wanted.get(TRAITS[trait].excludes or "", 0.0) <= 0:
            wanted[trait] = _KEPT * strength
    return compose(shared(wanted, attention), request.task, rng)


def first_is_better(request: PrincipleRequest, options: SocietyOptions, rng: random.Random) -> float:
    """Return the probability that the judge prefers the first of two answers by the principle."""
    asks = request.asks
    met = [utility(asks, observe_cached(text)) or 0.0 for text in request.candidates[:2]]
    odds = _SURE * ((met[0] - met[-1]) + rng.gauss(0.0, options.noise)) + _FIRST
    return 1.0 / (1.0 + math.exp(-odds))
