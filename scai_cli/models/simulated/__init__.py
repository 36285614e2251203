"""The simulated provider: a small society of models whose users have known preferences; it needs no network.

Its models know nothing but the text of the messages, as any model does.
"""

import asyncio
import json
import math
import random
from string import ascii_uppercase

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.measures.offers import game_in
from scai_cli.messages import CHARACTERS_PER_TOKEN, ChatRequest, Completion, Usage, rough_tokens
from scai_cli.models.base import ChatModel
from scai_cli.models.limits import prompt_tokens
from scai_cli.models.simulated import criticism
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.biographies import biography
from scai_cli.models.simulated.forms import FormRequest, fill_form, form_request, system_text
from scai_cli.models.simulated.invented_tasks import invented_tasks
from scai_cli.models.simulated.meta import cut_off, propose_rules
from scai_cli.models.simulated.openings import intended_task, opening, opening_task
from scai_cli.models.simulated.options import SocietyOptions, read_options
from scai_cli.models.simulated.portrait import draws, person
from scai_cli.models.simulated.questions import question, with_question
from scai_cli.models.simulated.recognition import recognised_in
from scai_cli.models.simulated.suites import opinion, options_of, pressed_rule, pressure, probabilities
from scai_cli.models.simulated.ultimatum import decide, find_norm, propose
from scai_cli.models.simulated.user import comment, cross_rate, opinions, react
from scai_cli.text.characters import clean

__all__ = ["connect"]


def connect(model: ModelSettings, *, seed: int) -> ChatModel:
    """Return the simulated model; raises ConfigError for an unknown option."""
    return _Simulated(read_options(model.options), seed)


class _Simulated:
    """Answers each request from (seed, request) alone, as the user, the meta or the assistant."""

    def __init__(self, options: SocietyOptions, seed: int) -> None:
        self._options = options
        self._seed = seed

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer at once; the usage counts four characters as a token, rounded up."""
        await asyncio.sleep(0)
        rng = draws(self._seed, request.digest())
        if (task := criticism.principle_request(request)) is not None and task.candidates:
            return self._compare(request, task, rng)
        if options := options_of(request):
            return _choose(request, options, rng)
        text, reason = self._answer(request, task, rng)
        text = clean(text)
        limit = request.sampling.max_tokens
        if limit is not None and len(text) > limit * CHARACTERS_PER_TOKEN:
            text, reason = text[: limit * CHARACTERS_PER_TOKEN], "length"
        return Completion(text, reason, _usage(request, text), model="simulated")

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    def _compare(self, request: ChatRequest, task: criticism.PrincipleRequest, rng: random.Random) -> Completion:
        """Answer with a letter, drawn by the probability that its answer is the better one."""
        p = criticism.first_is_better(task, self._options, rng)
        text = "A" if rng.random() < p else "B"
        logprobs = (("A", math.log(p)), ("B", math.log1p(-p))) if request.logprobs else None
        return Completion(text, "stop", _usage(request, text), model="simulated", logprobs=logprobs)

    def _answer(
        self, request: ChatRequest, task: criticism.PrincipleRequest | None, rng: random.Random
    ) -> tuple[str, str]:
        if task is not None:
            if task.critique is None:
                return criticism.criticise(task, rng), "stop"
            return criticism.revise_answer(task, self._options.attention, rng), "stop"
        form = form_request(request)
        if form is None:
            return self._say(request, rng), "stop"
        if (said := opinion(form)) is not None:
            return json.dumps(said, ensure_ascii=False), "stop"
        text = json.dumps(self._fill(form, rng), ensure_ascii=False)
        if _is_revision(form):
            cut = cut_off(text, self._options.flaws, rng)
            return (text, "stop") if cut is None else (cut, "length")
        return text, "stop"

    def _say(self, request: ChatRequest, rng: random.Random) -> str:
        """Open a conversation as the user, or press against a rule, or write the assistant's next message."""
        if (rule := pressed_rule(request)) is not None:
            return pressure(rule, "<conversation>" not in request.messages[-1].content, rng)
        user, talked = person(system_text(request), self._seed), intended_task(request)
        if user is not None and talked is not None and len(request.messages) > 1:
            return react(request.messages[-1].content, user, self._options, rng)[0]
        task = opening_task(request) if talked is None else talked
        if user is not None and task is not None:
            return opening(task, user.conditions, self._options.shows, rng)
        said = [message.content for message in criticism.after_examples(request.messages) if message.role == "user"]
        if said and (game := game_in(said[0])) is not None:
            return propose(game, system_text(request), said[1:], rng)
        recognises = recognised_in(said, self._options.recognition, self._seed)
        wanted = demands(system_text(request), said, recognises)
        answer = compose(shared(wanted, self._options.attention), said[0] if said else "", rng)
        asked = question(system_text(request), recognises) if len(said) == 1 else None
        return with_question(answer, asked) if asked else answer

    def _fill(self, request: FormRequest, rng: random.Random) -> object:
        if _is_revision(request):
            proposed = find_norm(request, rng) or propose_rules(request, self._options.flaws, rng)
            return proposed.as_edits() if "edits" in request.form else proposed.as_rewrite()
        if "biography" in request.form:
            return biography(request, rng)
        if request.form.keys() == {"tasks"}:
            return invented_tasks(request, rng)
        if request.form.keys() == {"reply", "decision"}:
            return decide(request, rng)
        user = person(request.system, self._seed)
        if user is not None and "feedback" in request.form:
            return _complete(request, comment(request, user, self._options, rng))
        if user is not None and "reason" in request.form:
            return _complete(request, cross_rate(request, user, self._options.noise, rng))
        if user is not None and request.form.keys() == {"ballot"}:
            return opinions(request, user, self._options, rng)
        return fill_form(request.form, rng.uniform(0.4, 0.7))


def _choose(request: ChatRequest, options: list[str], rng: random.Random) -> Completion:
    """Answer with the letter of an option, drawn by their probabilities."""
    chances = probabilities(request, options)
    text = rng.choices(ascii_uppercase[: len(options)], chances)[0]
    logprobs = tuple((letter, math.log(p)) for letter, p in zip(ascii_uppercase, chances, strict=False))
    usage = _usage(request, text)
    return Completion(text, "stop", usage, model="simulated", logprobs=logprobs if request.logprobs else None)


def _complete(request: FormRequest, known: dict[str, object]) -> dict[str, object]:
    """Fill the form's keys with the known values, the others with defaults."""
    return {key: known[key] if key in known else fill_form(value, 0.5) for key, value in request.form.items()}


def _is_revision(request: FormRequest) -> bool:
    keys = request.form.keys()
    return {"critique", "principles", "contract"} <= keys or {"critique", "edits"} <= keys


def _usage(request: ChatRequest, text: str) -> Usage:
    return Usage(prompt_tokens(request), rough_tokens(len(text)))
