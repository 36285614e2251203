"""Critiques, revisions and comparisons by one principle, as the simulated assistant and judge write them.

Both compare the traits that the principle asks for with the traits measured in the answers.
"""

import math
import random
from dataclasses import dataclass
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import shown
from scai_cli.measures.observed import utility
from scai_cli.measures.requested import requested
from scai_cli.messages import ChatRequest
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.forms import system_text
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.quotes import after_quote, with_quote
from scai_cli.models.simulated.recognition import known_to
from scai_cli.models.simulated.user import observe_cached
from scai_cli.prompts.fences import fenced

_ENOUGH: Final = 0.55
"""A wanted trait that shows at least as strongly is not criticised."""
_TOO_MUCH: Final = 0.2
_LACKS: Final = ("The answer lacks {label}.", "It should give the user {label}.", "I miss {label} in it.")
_MINDS: Final = ("The answer should do without {label}.", "It should leave out {label}.", "Less of {label}, please.")
_KEEPS: Final = "The answer keeps to the principle."
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


def principle_request(request: ChatRequest) -> PrincipleRequest | None:
    """Read a prompt with a principle; return None for other prompts and for prompts with a system message."""
    if not request.messages or system_text(request):
        return None
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


def criticise(request: PrincipleRequest, rng: random.Random) -> str:
    """Write which traits of the principle the answer lacks, and quote the contrary ones that it shows."""
    answer = request.answer or ""
    observed = observe_cached(answer)
    sentences = []
    for trait, sign in requested(request.principle).items():
        if sign > 0 and observed[trait] < _ENOUGH:
            sentences.append(after_quote(rng.choice(_LACKS).format(label=TRAITS[trait].label), answer, rng))
        elif sign < 0 and observed[trait] > _TOO_MUCH:
            said = rng.choice(_MINDS).format(label=TRAITS[trait].label)
            sentences.append(with_quote(said, trait, answer))
    return " ".join(sentences) or _KEEPS


def revise_answer(request: PrincipleRequest, attention: float, rng: random.Random) -> str:
    """Write an answer that meets the principle and the critique, and keeps other traits of the old answer."""
    wanted = demands(request.principle, [request.task, request.critique or ""], known_to(shown(request.task)))
    for trait, strength in observe_cached(request.answer or "").items():
        if trait not in wanted and wanted.get(TRAITS[trait].excludes or "", 0.0) <= 0:
            wanted[trait] = _KEPT * strength
    return compose(shared(wanted, attention), request.task, rng)


def first_is_better(request: PrincipleRequest, options: SocietyOptions, rng: random.Random) -> float:
    """Return the probability that the judge prefers the first of two answers by the principle."""
    asks = requested(request.principle)
    met = [utility(asks, observe_cached(text)) or 0.0 for text in request.candidates[:2]]
    odds = _SURE * ((met[0] - met[-1]) + rng.gauss(0.0, options.noise)) + _FIRST
    return 1.0 / (1.0 + math.exp(-odds))
