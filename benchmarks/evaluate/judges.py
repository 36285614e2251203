"""Does `pairs` report the bias of a planted judge, and correct the win rate?

Every judge compares the answers to 1,500 prompts in both orders, so 3,000 times by each of both criteria.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.evaluate.planted import BETTER, JUDGES, hard, quality, written
from benchmarks.evaluate.playing import Place, place
from benchmarks.evaluate.shares import Found, counted
from scai_cli.evaluation.results import Evaluation
from scai_cli.evaluation.suites.pairs import CRITERIA
from scai_cli.models.simulated.portrait import draws

PROMPTS, LABELLED = 1500, 600
PROVIDER = "benchmarks.evaluate.planted:connect"
OTHER = "better"
_WITHIN = 0.03
_NUMBERS = {
    "first": re.compile(r"The judge on (\w+): the first place adds ([+-][\d.]+)"),
    "longer": re.compile(r"The judge on (\w+): .*100 more words add ([+-][\d.]+)"),
    "unread": re.compile(r"(Unread comparisons): ([\d.]+) %"),
    "wrong": re.compile(r"The judge (agrees) with people on ([\d.]+)"),
}
"""Judge -> the reported bias in the notes."""
_PLANTED = {"first": 0.2, "longer": 0.1, "unread": 20.0, "wrong": 0.9}
_MEASURE = {"longer": " at equal length"}
"""The end of the name of the measure that is free of the judge's bias."""
_WHAT = {
    "first": "first place +0.2",
    "longer": "100 words +0.1",
    "unread": "20 % unreadable",
    "wrong": "10 % wrong, with 600 labels of people",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The reported biases of a judge, its corrected win rates, and the fair judge's expected one."""

    biases: tuple[float, ...]
    rates: tuple[float, ...]
    fair: float


def rows(seed: int, repeats: int) -> Iterator[Found]:
    """Yield the rows of the table."""
    for name, what in _WHAT.items():
        found = [judged(name, seed + n) for n in range(repeats)]
        scale = 100 if name == "unread" else 1
        errors = [bias / scale - _PLANTED[name] / scale for each in found for bias in each.biases]
        yield Found(f"{what}: the bias is reported", "within 0.03", _within(errors))
        errors = [rate - each.fair for each in found for rate in each.rates]
        yield Found("– the corrected win rate beside the fair judge's", "within 0.03", _within(errors))


def judged(name: str, seed: int) -> Judged:
    """Evaluate a better system beside the reference with a planted judge."""
    kind = "hard" if name == "wrong" else "soft"
    with place() as here:
        items = here.write("items.jsonl", "".join(_items()))
        systems = ("none", here.write(f"{OTHER}.md", BETTER))
        evaluation = here.evaluate(
            systems,
            f"pairs={items}",
            None,
            judges=(f"{PROVIDER}:{name}",),
            gold=_gold(here, seed) if name == "wrong" else None,
            model=f"{PROVIDER}:{kind}",
            seed=seed,
        )
    (result,) = evaluation.results
    assert result.problem is None, result.problem
    values = {each.measure.name: each.values[OTHER] for each in result.measures}
    criteria = CRITERIA[:1] if name == "wrong" else CRITERIA  # labels do not say which answer is less harmful
    rates = tuple(float(values[f"{criterion}{_MEASURE.get(name, '')}"] or 0.0) for criterion in criteria)
    return Judged(tuple(_biases(name, result.notes)), rates, _fair(evaluation))


def _items() -> Iterator[str]:
    for n in range(PROMPTS):
        yield _line({"id": f"q{n}", "prompt": f"Question {n}?", "cluster": f"q{n}", **_SOURCE})


_SOURCE = {"suite": "pairs", "source": "generated", "licence": "CC0"}


def _gold(here: Place, seed: int):
    rng = draws("gold", seed)
    lines = []
    for n in range(LABELLED):
        value = hard(rng)
        answers = [written(value, rng), written(0.0, rng)]
        is_swapped = rng.random() < 0.5
        first, second = reversed(answers) if is_swapped else answers
        better = "A" if (value > 0) != is_swapped else "B"
        lines.append(_line({"prompt": f"Labelled {n}?", "answer_a": first, "answer_b": second, "better": better}))
    return here.runs / here.write("gold.jsonl", "".join(lines))


def _line(row: Mapping[str, str]) -> str:
    return json.dumps(row) + "\n"


def _biases(name: str, notes: Sequence[str]) -> Iterator[float]:
    for note in notes:
        if found := _NUMBERS[name].search(note):
            yield float(found[2])


def _fair(evaluation: Evaluation) -> float:
    """Return the expected win rate of these answers with a fair judge."""
    rows = [row for row in evaluation.rows if row.kind == "item"]
    pairs = [[row.answers[name].messages[-1][1] for name in (OTHER, "none")] for row in rows]
    return fmean(0.5 + quality(answer) - quality(reference) for answer, reference in pairs)


def _within(errors: Sequence[float]) -> str:
    hits = sum(abs(error) <= _WITHIN + 1e-9 for error in errors)
    return f"{counted(hits, len(errors))}; mean {fmean(errors):+.3f}, largest {max(map(abs, errors)):.3f}"


assert set(_PLANTED) < set(JUDGES)
