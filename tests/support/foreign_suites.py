"""Suites of third parties, named `foreign_suites:NAME`: one that counts words, and ones with faults."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from scai_cli.evaluation.item import Item
from scai_cli.evaluation.paired_scores import compared
from scai_cli.evaluation.prompts import request
from scai_cli.evaluation.row import SystemAnswer
from scai_cli.evaluation.suite import (
    Difference,
    Measure,
    MeasureResult,
    ResultSource,
    ResultTable,
    SuiteContext,
    SuiteResult,
    SuiteSource,
)

NAME = "foreign_suites"


class Words:
    """How many words each system writes."""

    judged = False

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Three items."""
        kinds = {"suite": f"{NAME}:{type(self).__name__}", "source": "the test", "licence": "MIT"}
        rows = [{"id": f"w{n}", "prompt": f"Say {n}.", "cluster": f"w{n}"} for n in range(source.n or 3)]
        return [Item.model_validate({**kinds, **row}) for row in rows]

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> Mapping[str, int]:
        """One for each item and system."""
        return {"answer": len(items) * len(source.rules)}

    async def probe(self, context: SuiteContext) -> str | None:
        """None."""
        return None

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """The share of short answers."""
        answers = {}
        for system in context.systems:
            prompt = request(system.message, item.conversation)
            said = await system.assistant.say(f"{context.variant(system)}/answer", "answer", prompt)
            answers[system.name] = SystemAnswer({"short": float(len(said.text.split()) < 60)})
        return answers

    def results(self, source: ResultSource) -> SuiteResult:
        """The share of short answers."""
        return SuiteResult(f"{NAME}:{type(self).__name__}", [compared(source, Measure("short", "short answers"))])


class OfPeople(Words):
    """An item for each prompt that a real person wrote."""

    wants_human = True

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """The prompts of the ratings."""
        prompts = dict.fromkeys(rating.conversation[-1].content for rating in source.human.ratings)  # type: ignore[union-attr]
        return [
            item.model_copy(update={"prompt": prompt, "source": source.human.source})  # type: ignore[union-attr]
            for item, prompt in zip(super().items(source), prompts, strict=False)
        ]


class Raising(Words):
    """Raises at the second item."""

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """Raise."""
        if item.id == "w1":
            raise ZeroDivisionError("no\nluck \x1b[31m")
        return await super().play(context, item)


class BadProbe(Words):
    """Raises in its probe."""

    async def probe(self, context: SuiteContext) -> str | None:
        """Raise."""
        raise KeyError("probe")


class BadResults(Words):
    """Raises in its results."""

    def results(self, source: ResultSource) -> SuiteResult:
        """Raise."""
        raise IndexError("results")


class Odd(Words):
    """Answers that no row can keep, one kind for each item."""

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, Any]:
        """Return them."""
        odd = {
            "w0": {"none": SystemAnswer({"short": math.nan}, notes="\u2028 fine")},
            "w1": {"none": SystemAnswer({"short": 1.0}, notes="a \ud800 surrogate")},
            "w2": {"none": 7},
            "w3": {"none": SystemAnswer({"short": "many"})},  # type: ignore[dict-item]
            "w4": [1],
        }
        return odd[item.id]  # type: ignore[return-value]


class BadItems(Words):
    """Raises where its items are made."""

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Raise."""
        raise OSError("no items here")


class OtherSuite(Words):
    """Items of another suite."""

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Name it."""
        return [item.model_copy(update={"suite": "other"}) for item in super().items(source)]


class NoResult(Words):
    """Results that are none."""

    def results(self, source: ResultSource) -> SuiteResult:
        """Forget the result."""
        return None  # type: ignore[return-value]


class NotANumber(Words):
    """A difference whose p is not a number."""

    def results(self, source: ResultSource) -> SuiteResult:
        """Return it."""
        unknown = Difference(0.1, 0.0, 0.2, math.nan, "new items", 3)
        measured = MeasureResult(Measure("short", "short answers"), {"none": 0.5}, {"bare": unknown})
        return SuiteResult(f"{NAME}:NotANumber", [measured])


class NoCount(Words):
    """A difference of an unknown number of items."""

    def results(self, source: ResultSource) -> SuiteResult:
        """Return it."""
        odd = Difference(0.1, 0.0, 0.2, 0.5, "new items", 0, error=-1.0)
        return SuiteResult(f"{NAME}:NoCount", [MeasureResult(Measure("short", "short answers"), {}, {"bare": odd})])


class Numbers(Words):
    """Measures from a generator, and a number in a table."""

    def results(self, source: ResultSource) -> SuiteResult:
        """Return them."""
        measures = (compared(source, Measure("short", "short answers")) for _ in range(1))
        table = ResultTable("Numbers", ["a", "b"], [["a", 7]])  # type: ignore[list-item]
        return SuiteResult(f"{NAME}:Numbers", measures, [table])  # type: ignore[arg-type]


class NotMade(Words):
    """Cannot be made."""

    def __init__(self) -> None:
        raise RuntimeError("no suite today")
