"""Samples made by hand, one of each kind, and the rows that a format makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scai_cli import plugins
from scai_cli.datasets.formats.format import Format, Layout, Row, find_format
from scai_cli.datasets.samples.sample import (
    Answer,
    CritiqueStep,
    Origin,
    Pair,
    RatingSample,
    RoleModelName,
    Sample,
    Score,
    Trace,
    Turn,
)

RULES = "You are a helpful assistant.\n\nP1: Be short."
DROP, KEEP, OTHER = Layout(None), Layout(""), Layout("Be kind.")
ORIGIN = Origin(
    run="tiny",
    conversation="e1/ann/tea",
    messages=("e1/ann/tea/m3",),
    epoch=1,
    version=0,
    rules=("P1",),
    models=(RoleModelName("assistant", "simulated"),),
    raters=("ann",),
    licences=("CC-BY-4.0",),
    persona="ann",
    others=(),
    task="tea",
)

FORMATS = [name for name in plugins.BUILT_IN["format"] if find_format(name).kind != "runs"]
IMITATING = ["sft", "sft-prompt-completion", "openai-sft", "sharegpt", "alpaca"]
PREFERRING = ["dpo", "reward", "hh", "openai-dpo", "sharegpt-dpo"]
LABELLED = ["kto", "sharegpt-kto"]


def turns(*texts: str) -> tuple[Turn, ...]:
    """A user's and the assistant's words in turn."""
    roles: Sequence[Literal["user", "assistant"]] = ("user", "assistant")
    return tuple(Turn(roles[n % 2], text) for n, text in enumerate(texts))


TEA = turns("How do I make tea?")
LONG = turns("How do I make tea?", "Boil water.", "And then?")


def an_answer(
    prompt: tuple[Turn, ...] = TEA, text: str = "Boil water.", *, system: str = RULES, good: bool | None = True
) -> Answer:
    return Answer(system, prompt, text, (Score("ann", "own", "satisfaction", 8.0),), ORIGIN, 8.0, 0.8, good=good)


def a_pair(
    prompt: tuple[Turn, ...] = TEA, chosen: str = "Boil water.", rejected: str = "Go away.", *, system: str = RULES
) -> Pair:
    return Pair(system, prompt, chosen, rejected, None, 3.0, 0.0, "ratings", None, ORIGIN)


def a_trace(prompt: tuple[Turn, ...] = TEA, steps: int = 1, **given: str) -> Trace:
    made = tuple(
        CritiqueStep(f"P{n}", f"critic {n}?", f"too curt {n}", f"revise {n}!", f"Boil water {n}.") for n in range(steps)
    )
    return Trace(a_pair(prompt, **given), made, "Go away.")


def a_rating(value: float | None = 8.0) -> RatingSample:
    return RatingSample(
        "How do I make tea?", "Boil water.", Score("bob", "cross", "harmlessness", value), "=fine", ORIGIN
    )


def a_sample(form: Format, prompt: tuple[Turn, ...] = TEA, text: str = "Boil water.", system: str = RULES) -> Sample:
    """A sample of the kind that a format takes."""
    if form.kind == "pairs":
        return a_pair(prompt, text, system=system)
    if form.kind == "traces":
        return a_trace(prompt, chosen=text, system=system)
    return a_rating() if form.kind == "ratings" else an_answer(prompt, text, system=system)


def made(name: str, sample: Sample, layout: Layout = DROP) -> list[Row]:
    return list(find_format(name)(sample, layout))
