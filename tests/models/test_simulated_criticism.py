"""The simulated assistant as critic and reviser, and the simulated judge: by what a principle asks and a text shows."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from statistics import mean

import pytest
from simulated_society import TASK, answer

from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested
from scai_cli.messages import ChatRequest, Completion, Message, Sampling
from scai_cli.models.simulated import connect
from scai_cli.models.simulated.wordings import rule
from scai_cli.simulation.prompts import Prompts

PROMPTS = Prompts({}, Ratings(), ConstitutionStart(), ())
MODEL = connect(ModelSettings(), seed=1)
SHORT, LONG = "Keep every answer short.", "Explain things in detail."


def ask(messages: Sequence[Message], seed: int = 0, logprobs: int | None = None) -> Completion:
    request = ChatRequest("x", "assistant", "any", "simulated", tuple(messages), Sampling(seed=seed), None, logprobs)
    return asyncio.run(MODEL.complete(request))


def improved(principle: str, seed: int) -> tuple[str, str, str]:
    """A first answer without rules, its critique and its revision."""
    first = answer(seed=seed)
    critique = ask(PROMPTS.critique(TASK, first, principle), seed).text
    return first, critique, ask(PROMPTS.revision(TASK, first, critique, principle), seed).text


def better(principle: str, first: str, second: str, seed: int = 0) -> float:
    """The probability that the first is better, over both orders."""
    ahead, behind = (
        math.exp(dict(ask(PROMPTS.comparison(TASK, principle, pair), seed, 5).logprobs or ())["A"])
        for pair in ((first, second), (second, first))
    )
    return (ahead + 1 - behind) / 2


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("trait", TRAITS)
def test_a_revision_shows_more_of_what_its_principle_asks_for(trait: str, wanted: bool) -> None:
    before, after = [], []
    for seed in range(12):
        principle = rule(trait, wanted, random.Random(f"{trait}/{seed}"))
        first, _, revised = improved(principle, seed)
        before.append(observe(first)[trait])
        after.append(observe(revised)[trait])
    if wanted:
        assert mean(after) > min(0.8, mean(before) + 0.1)
    else:
        assert mean(after) <= mean(before) + 0.1


@pytest.mark.parametrize("trait", TRAITS)
def test_a_critique_names_what_is_missing_or_too_much(trait: str) -> None:
    for seed in range(4):
        principle = rule(trait, True, random.Random(f"{trait}/{seed}"))
        first, critique, _ = improved(principle, seed)
        if observe(first)[trait] < 0.5 and trait in requested(principle):
            assert requested(critique)[trait] == 1.0, critique


def test_a_revision_keeps_what_was_there() -> None:
    first = (
        "For instance, my neighbour began with one pot. For example, a friend used a bucket. For instance, so did I."
    )
    critique = ask(PROMPTS.critique(TASK, first, "Use bullet points.")).text
    revisions = [ask(PROMPTS.revision(TASK, first, critique, "Use bullet points."), seed).text for seed in range(20)]
    assert mean(observe(text)["bullet_list"] for text in revisions) > 0.5
    assert mean(observe(text)["gives_example"] for text in revisions) > 0.4


def test_the_judge_prefers_by_the_principle_and_not_by_the_place() -> None:
    short, long = "Soup.", answer(LONG)
    assert better(SHORT, short, long) > 0.8
    assert better(LONG, short, long) < 0.2
    assert better(SHORT, long, short) == pytest.approx(1 - better(SHORT, short, long), abs=0.1)
    assert better("Be purple.", short, long) == pytest.approx(0.5, abs=0.1)
    ahead = ask(PROMPTS.comparison(TASK, "Be purple.", (short, long)), 1, 5).logprobs
    assert math.exp(dict(ahead or ())["A"]) > 0.5  # whatever stands first has it easier


def test_letters_come_as_often_as_their_probability_says() -> None:
    asked = PROMPTS.comparison(TASK, SHORT, (answer(seed=1), answer(SHORT, seed=2)))
    told = [math.exp(dict(ask(asked, seed, 5).logprobs or ())["A"]) for seed in range(300)]
    letters = [ask(asked, seed).text for seed in range(300)]
    assert set(letters) == {"A", "B"}
    assert letters.count("A") / 300 == pytest.approx(mean(told), abs=0.08)
    assert ask(asked).logprobs is None


def test_a_users_own_tags_make_no_critic_of_the_assistant() -> None:
    attack = PROMPTS.comparison("Hi.", SHORT, ("a", "b"))[0].content
    assert len(answer(task=attack)) > 20
