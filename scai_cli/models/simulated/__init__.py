"""A small model society with a known truth: needs no network, speaks only through the messages' text."""

from __future__ import annotations

import asyncio
import json
import math
import random

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Usage, clean
from scai_cli.models.base import ChatModel
from scai_cli.models.simulated.assistant import answer
from scai_cli.models.simulated.ballots import rank
from scai_cli.models.simulated.biographies import biography
from scai_cli.models.simulated.chance import draws
from scai_cli.models.simulated.criticism import Piece, criticised, first_better, piece, revised
from scai_cli.models.simulated.forms import Asked, asked, filled
from scai_cli.models.simulated.meta import cut_off, judged
from scai_cli.models.simulated.options import Options, options
from scai_cli.models.simulated.portrait import person
from scai_cli.models.simulated.user import comment, cross_rate

__all__ = ["connect"]

_CHARACTERS_PER_TOKEN = 4


def connect(model: ModelSettings, *, seed: int) -> ChatModel:
    """The simulated model; raises ConfigError for an option that it does not have."""
    return _Simulated(options(model.options), seed)


class _Simulated:
    """Answers every request from (seed, request) alone, as the user, the meta or the assistant."""

    def __init__(self, settings: Options, seed: int) -> None:
        self._settings = settings
        self._seed = seed

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer at once; the usage counts four characters as a token, rounded up."""
        await asyncio.sleep(0)
        rng = draws(self._seed, request.digest())
        if (shown := piece(request)) is not None and shown.candidates:
            return self._compared(request, shown, rng)
        text, reason = self._answered(request, shown, rng)
        text = clean(text)
        limit = request.sampling.max_tokens
        if limit is not None and len(text) > limit * _CHARACTERS_PER_TOKEN:
            text, reason = text[: limit * _CHARACTERS_PER_TOKEN], "length"
        return Completion(text, reason, _usage(request, text), model="simulated")

    async def aclose(self) -> None:
        """Nothing to give back."""

    def _compared(self, request: ChatRequest, shown: Piece, rng: random.Random) -> Completion:
        """A letter, drawn by the probability that its answer is the better one."""
        p = first_better(shown, self._settings, rng)
        text = "A" if rng.random() < p else "B"
        told = (("A", math.log(p)), ("B", math.log1p(-p))) if request.logprobs else None
        return Completion(text, "stop", _usage(request, text), model="simulated", logprobs=told)

    def _answered(self, request: ChatRequest, shown: Piece | None, rng: random.Random) -> tuple[str, str]:
        if shown is not None:
            if shown.critique is None:
                return criticised(shown, rng), "stop"
            return revised(shown, self._settings.attention, rng), "stop"
        task = asked(request)
        if task is None:
            return answer(request, self._settings.attention, rng), "stop"
        text = json.dumps(self._in_form(task, rng), ensure_ascii=False)
        if _revises(task):
            cut = cut_off(text, self._settings.flaws, rng)
            return (text, "stop") if cut is None else (cut, "length")
        return text, "stop"

    def _in_form(self, task: Asked, rng: random.Random) -> object:
        if _revises(task):
            judgement = judged(task, self._settings.flaws, rng)
            return judgement.as_edits() if "edits" in task.form else judgement.as_rewrite()
        if "biography" in task.form:
            return biography(task, rng)
        who = person(task.system, self._seed)
        if who is not None and "feedback" in task.form:
            return _completed(task, comment(task, who, self._settings.noise, rng))
        if who is not None and "reason" in task.form:
            return _completed(task, cross_rate(task, who, self._settings.noise, rng))
        if who is not None and _votes(task):
            return rank(task, who, self._settings, rng)
        return filled(task.form, rng.uniform(0.4, 0.7))


def _completed(task: Asked, known: dict[str, object]) -> dict[str, object]:
    """The form's keys, with what is known of them."""
    return {key: known[key] if key in known else filled(value, 0.5) for key, value in task.form.items()}


def _revises(task: Asked) -> bool:
    return {"critique", "principles", "contract"} <= task.form.keys() or {"critique", "edits"} <= task.form.keys()


def _votes(task: Asked) -> bool:
    return task.form.keys() == {"ranking"}


def _usage(request: ChatRequest, text: str) -> Usage:
    read = sum(len(message.content) for message in request.messages)
    return Usage(_tokens(read), _tokens(len(text)))


def _tokens(characters: int) -> int:
    return math.ceil(characters / _CHARACTERS_PER_TOKEN)
