"""The simulated assistant at critiques and revisions, and the simulated judge of two answers.

Both go by what a principle asks for and what can be measured in the answers; all they know stands in the prompt.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe, utility
from scai_cli.measures.requested import requested
from scai_cli.messages import ChatRequest
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.forms import system_text
from scai_cli.models.simulated.options import Options
from scai_cli.prompts.fences import fenced

_ENOUGH: Final = 0.55
"""A wanted trait that shows as strongly is not asked for once more."""
_TOO_MUCH: Final = 0.2
_LACKS: Final = ("The answer lacks {label}.", "It should give the user {label}.", "I miss {label} in it.")
_MINDS: Final = ("The answer should do without {label}.", "It should leave out {label}.", "Less of {label}, please.")
_KEEPS: Final = "The answer keeps to the principle."
_KEPT: Final = 0.7
"""How strongly a revision tries to show again what was there, beside what it is asked for."""
_SURE: Final = 3.0
"""Log-odds for an answer that meets the principle in full against one that does not at all."""
_FIRST: Final = 0.3
"""Log-odds for whatever stands first: models have this bias, which is why both orders are asked."""

_seen: Final = lru_cache(maxsize=1024)(observe)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a critique, a revision or a comparison is asked about; what is None does not stand in the prompt."""

    task: str
    principle: str
    answer: str | None
    critique: str | None
    candidates: tuple[str, ...]


def piece(request: ChatRequest) -> Piece | None:
    """What a prompt that shows one principle asks about; None for any other, and for one under a system message."""
    if not request.messages or system_text(request):
        return None
    found: dict[str, list[str]] = {}
    for part in fenced(request.messages[-1].content):
        found.setdefault(part.tag, []).append(part.text)
    if "principle" not in found or not {"answer", "candidate"} & found.keys():
        return None
    first = {tag: texts[0] for tag, texts in found.items()}
    candidates = tuple(found.get("candidate", ()))
    return Piece(first.get("task", ""), first["principle"], first.get("answer"), first.get("critique"), candidates)


def criticised(piece: Piece, rng: random.Random) -> str:
    """What the answer lacks, and what it has that the principle is against."""
    observed = _seen(piece.answer or "")
    said = []
    for trait, sign in requested(piece.principle).items():
        if sign > 0 and observed[trait] < _ENOUGH:
            said.append(rng.choice(_LACKS).format(label=TRAITS[trait].label))
        elif sign < 0 and observed[trait] > _TOO_MUCH:
            said.append(rng.choice(_MINDS).format(label=TRAITS[trait].label))
    return " ".join(said) or _KEEPS


def revised(piece: Piece, attention: float, rng: random.Random) -> str:
    """An answer that does what the principle and the critique ask for, and shows again what the old one showed."""
    wanted = demands(piece.principle, [piece.task, piece.critique or ""])
    for trait, strength in _seen(piece.answer or "").items():
        if trait not in wanted and wanted.get(TRAITS[trait].excludes or "", 0.0) <= 0:
            wanted[trait] = _KEPT * strength
    return compose(shared(wanted, attention), piece.task, rng)


def first_better(piece: Piece, settings: Options, rng: random.Random) -> float:
    """The probability with which the judge takes the first of two answers for the better one by the principle."""
    asks = requested(piece.principle)
    met = [utility(asks, _seen(text)) or 0.0 for text in piece.candidates[:2]]
    odds = _SURE * ((met[0] - met[-1]) + rng.gauss(0.0, settings.noise)) + _FIRST
    return 1.0 / (1.0 + math.exp(-odds))
