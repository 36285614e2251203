"""The JSON form at the end of a prompt, and answers of that form."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scai_cli.messages import ChatRequest
from scai_cli.prompts.fences import fenced
from scai_cli.prompts.templates import FORM

_SCALE: Final = re.compile(r"\bfrom\s+(-?\d+(?:\.\d+)?)[^.;?!<>{}]{0,200}?\bto\s+(-?\d+(?:\.\d+)?)")
_PLACEHOLDER: Final = re.compile(r"<([^<>{}]*)>")
_AND_SO_ON: Final = re.compile(r", \.\.\.(?=[\]}])")
DEFAULT_SCALE: Final = (0.0, 10.0)


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A prompt that ends in a form: all system text, the prompt's text, and the example of the form."""

    system: str
    prompt: str
    form: Mapping[str, Any]


def form_request(request: ChatRequest) -> FormRequest | None:
    """Read the last message that asks for a form; None if no message does."""
    for message in reversed(request.messages):
        prompt, separator, rest = message.content.rpartition(FORM)
        form = _example(rest) if separator and message.role == "user" else None
        if form is not None:
            return FormRequest(system_text(request), prompt, form)
    return None


def system_text(request: ChatRequest) -> str:
    """Return the text of all system messages."""
    return "\n".join(message.content for message in request.messages if message.role == "system")


def wording(prompt: str) -> str:
    """Return the prompt without the texts in its fences."""
    for piece in fenced(prompt):
        prompt = prompt.replace(f">\n{piece.text}\n</{piece.tag}>", ">", 1)
    return prompt


def scale(prompt: str) -> tuple[float, float]:
    """Return the rating scale that the wording outside the fences names last ("from 0 (worst) to 10"), low first."""
    pairs = [(float(low), float(high)) for low, high in _SCALE.findall(wording(prompt))]
    return next((pair for pair in reversed(pairs) if pair[0] < pair[1]), DEFAULT_SCALE)


def on_scale(share: float, low: float, high: float) -> float | int:
    """Map a share in [0, 1] to the scale: to an integer if it is at least 5 wide, else to one decimal."""
    value = low + (high - low) * min(1.0, max(0.0, share))
    return round(value) if high - low >= 5 else round(value, 1)


def fill_form(example: object, share: float) -> object:
    """Return a value of the example's shape: numbers at `share` of 0..10, truth values as in the example."""
    if isinstance(example, Mapping):
        return {str(key): fill_form(value, share) for key, value in example.items()}
    if isinstance(example, list):
        return [fill_form(value, share) for value in example]
    if isinstance(example, bool) or example is None:
        return example
    if isinstance(example, int | float):
        return on_scale(share, *DEFAULT_SCALE)
    return "Nothing speaks against it." if example == "..." else example


def _example(text: str) -> dict[str, Any] | None:
    """Return the first object of a form's text with a value of its kind for each `<...>`; None if there is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(_PLACEHOLDER.sub(_value, _AND_SO_ON.sub("", text[start:])))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _value(placeholder: re.Match[str]) -> str:
    kind = placeholder[1]
    return "0" if kind.startswith("a number") else "false" if kind == "true or false" else '"..."'
