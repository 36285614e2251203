"""Answers drawn from a grammar, read as a run reads them: never a wrong rating, rule or opinion, few missing ones."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from answer_grammar import Sample, answers

from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.wire import read_completion
from scai_cli.prompts.templates import CLAUSES, TEMPLATES, fill
from scai_cli.simulation.agent import read_answer
from scai_cli.simulation.answer_forms import Ballot, CrossRating, Edits, Feedback, Rewrite
from scai_cli.text.choice import choice

REQUEST = ChatRequest("c", "user", "any", "m", (Message("user", "Answer."),))
FORMS: dict[str, tuple[Any, str]] = {
    "rating": (Feedback, "feedback_form"),
    "cross rating": (CrossRating, "cross_rating_form"),
    "rewrite": (Rewrite, "rewrite_form"),
    "edits": (Edits, "edits_form"),
    "ballot": (Ballot, "ballot_form"),
}
PLACES = {"low": "0", "high": "10", **CLAUSES["conditions"]}
SHOWN = {kind: fill(TEMPLATES[name], PLACES).rpartition("\n")[2] for kind, (_, name) in FORMS.items()}


def read(sample: Sample) -> Any:
    """What a run takes from an answer; None if it would ask again."""
    try:
        completion = read_completion(json.dumps(sample.body).encode(), REQUEST)
        return chosen(completion) if sample.kind == "letter" else filled(sample, completion)
    except ValueError:
        return None


def chosen(completion: Completion) -> str | None:
    found = choice(completion.text)
    return found and found.letter


def filled(sample: Sample, completion: Completion) -> Any:
    low, high = sample.context.scale
    of_rules = frozenset(sample.context.letters) if sample.kind == "ballot" else "conditions"
    context = (float(low), float(high)) if "rating" in sample.kind else of_rules
    form, _ = read_answer(completion, FORMS[sample.kind][0], context, sample.context.example)
    if sample.kind == "rewrite":
        return tuple(rule.text for rule in form.principles)
    if sample.kind == "edits":
        return tuple(edit.text for edit in form.edits)
    if sample.kind == "ballot":
        return tuple((opinion.rule, opinion.me, opinion.condition, opinion.everyone) for opinion in form.ballot)
    return form.rating


def check(seed: int, count: int, examples: dict[str, str] | None) -> None:
    print(f"seed {seed}")
    clear, missing = 0, []
    for sample in answers(seed, count, examples):
        found = read(sample)
        assert sample.accepts(found), (seed, sample.recipe, sample.text, found, sample.allowed)
        clear += sample.clear
        if sample.clear and found is None:
            missing.append((sample.recipe, sample.text))
    print(f"{len(missing)} of {clear} clear answers are missing")
    assert len(missing) <= 0.03 * clear, missing


@pytest.mark.parametrize("examples", [SHOWN, None], ids=["own examples", "other examples"])
@pytest.mark.parametrize("seed", range(5))
def test_no_answer_is_read_wrongly_and_few_are_missing(seed: int, examples: dict[str, str] | None) -> None:
    check(seed, 400, examples)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [SHOWN, None], ids=["own examples", "other examples"])
def test_nor_is_any_of_many_more(examples: dict[str, str] | None) -> None:
    check(random.SystemRandom().randrange(2**32), 10_000, examples)
