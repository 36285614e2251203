"""What a prompt asks for: the JSON form at its end, and an answer of that form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scai_cli.messages import ChatRequest
from scai_cli.prompts.fences import fenced
from scai_cli.prompts.templates import FORM

_SCALE: Final = re.compile(r"\bfrom\s+(-?\d+(?:\.\d+)?)[^.;?!<>{}]{0,200}?\bto\s+(-?\d+(?:\.\d+)?)")
DEFAULT_SCALE: Final = (0.0, 10.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt that ends in a form: all system text, the prompt's text, and the example of the form."""

    system: str
    prompt: str
    form: Mapping[str, Any]


def asked(request: ChatRequest) -> Asked | None:
    """The last message that asks for a form; None where no message does."""
    for message in reversed(request.messages):
        prompt, found, rest = message.content.rpartition(FORM)
        form = _first_object(rest) if found and message.role == "user" else None
        if form is not None:
            return Asked(system_text(request), prompt, form)
    return None


def system_text(request: ChatRequest) -> str:
    """All system messages."""
    return "\n".join(message.content for message in request.messages if message.role == "system")


def wording(prompt: str) -> str:
    """The prompt without what stands in its fences."""
    for piece in fenced(prompt):
        prompt = prompt.replace(f">\n{piece.text}\n</{piece.tag}>", ">", 1)
    return prompt


def scale(prompt: str) -> tuple[float, float]:
    """The rating scale that the wording outside the fences names last ("from 0 (worst) to 10"), low first."""
    found = [(float(low), float(high)) for low, high in _SCALE.findall(wording(prompt))]
    return next((pair for pair in reversed(found) if pair[0] < pair[1]), DEFAULT_SCALE)


def on_scale(share: float, low: float, high: float) -> float | int:
    """A share in [0, 1] as a point of the scale: an integer where it is at least 5 wide, else one decimal."""
    value = low + (high - low) * min(1.0, max(0.0, share))
    return round(value) if high - low >= 5 else round(value, 1)


def filled(example: object, share: float) -> object:
    """A value of the example's shape: numbers at `share` of 0..10, truth values as in the example."""
    if isinstance(example, Mapping):
        return {str(key): filled(value, share) for key, value in example.items()}
    if isinstance(example, list):
        return [filled(value, share) for value in example]
    if isinstance(example, bool) or example is None:
        return example
    if isinstance(example, int | float):
        return on_scale(share, *DEFAULT_SCALE)
    return "Nothing speaks against it." if example == "..." else example


def _first_object(text: str) -> dict[str, Any] | None:
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
