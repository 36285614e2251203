"""Count the calls of an evaluation, its cost, and the smallest difference that it can find; make no call."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from scai_cli import plugins
from scai_cli.evaluation.item import Item
from scai_cli.jobs.endpoint_gates import RoleModel
from scai_cli.jobs.evaluate_items import read_evaluation_items
from scai_cli.jobs.evaluate_source import EvaluateOptions, EvaluateSource, models_of, read_source
from scai_cli.jobs.model_pool import costs_of, prices_of
from scai_cli.messages import AgentRole, Usage
from scai_cli.stats.power import detectable_before

_TOKENS: Final = (900, 250)
"""The assumed input and output tokens of a call: a system message and a short conversation; an answer."""
_SHORT: Final = 40
"""The assumed output tokens of a grade, a vote or a letter."""
_JUDGED: Final = ("grade", "comparison", "violation", "check", "judge")
_LETTERS: Final = ("choice", "survey")
_TALKED: Final = ("opening", "reply", "probe")
_RATED: Final = ("feedback", "cross_rating", "control", "survey")


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """The items of a suite, its calls by purpose, and the smallest difference of a score from 0 to 1 that it finds."""

    name: str
    items: int
    clusters: int
    calls: Mapping[str, int]
    detectable: float | None
    """None for too few clusters."""


@dataclass(frozen=True, slots=True)
class EvaluatePlan:
    """The suites of an evaluation; tokens are estimates, and `usd` is None if a price is not known."""

    suites: Sequence[SuitePlan]
    total: int
    input_tokens: int
    output_tokens: int
    usd: float | None

    def as_object(self) -> dict[str, Any]:
        """Return the object of `scai evaluate --dry-run --json`."""
        return asdict(self)


def plan_evaluate(options: EvaluateOptions, runs: Path) -> EvaluatePlan:
    """Count the calls, without retries and probes; raises ConfigError and RunError if it cannot be started."""
    source = read_source(options, runs)
    found = read_evaluation_items(source, options, runs)
    suites = []
    for suite in found.suites:
        items = [item for item in found.items if item.suite == suite.name and item.people is None]
        clusters = len({item.cluster for item in items})
        calls = found.calls[suite.name]
        suites.append(SuitePlan(suite.name, len(items), clusters, calls, _detectable(suite.name, items)))
    spent = _spent(source, suites)
    costs = costs_of(spent, prices_of(source.config.prices, [*source.config.models(), *models_of(source)]))
    usage = sum(spent.values(), Usage())
    usd = None if None in costs else round(sum(cost or 0.0 for cost in costs), 4)
    total = sum(sum(suite.calls.values()) for suite in suites)
    return EvaluatePlan(suites, total, usage.input_tokens, usage.output_tokens, usd)


def _detectable(name: str, items: Sequence[Item]) -> float | None:
    """Return the smallest difference that the measure with the fewest items finds; None without a verdict.

    A suite whose measures have their own items returns these from `parts`. Where people and tasks cross, the fewer
    count.
    """
    split = getattr(plugins.resolve("suite", name)(), "parts", None)
    parts = [items] if split is None else split(items)
    found = [_of_part(part) for part in parts]
    return None if not found or None in found else max(each for each in found if each is not None)


def _of_part(items: Sequence[Item]) -> float | None:
    people, tasks = {item.persona for item in items}, {item.task for item in items}
    clusters = len({item.cluster for item in items}) if None in people else min(len(people), len(tasks))
    return detectable_before(clusters, len(items) / max(1, clusters))


def _spent(source: EvaluateSource, suites: Sequence[SuitePlan]) -> dict[RoleModel, Usage]:
    """Return the assumed tokens of each model: answers are shared by the systems, grades by the judges."""
    spent: defaultdict[RoleModel, Usage] = defaultdict(Usage)
    given, written = _TOKENS
    for suite in suites:
        for purpose, calls in suite.calls.items():
            role: AgentRole = "assistant"
            models = [system.model for system in source.systems]
            if purpose in _JUDGED:
                role, models = "meta", list(source.judges)
            elif purpose in (*_TALKED, *_RATED):
                role, models = "user", [source.config.model_for("rater" if purpose in _RATED else "user")]
            output = _SHORT if purpose in (*_JUDGED, *_LETTERS) else written
            for model in models:
                share = calls / len(models)
                spent[role, model.label] += Usage(round(share * given), round(share * output))
    return dict(spent)
