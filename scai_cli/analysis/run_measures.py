"""The measures of a run, under names that all runs share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scai_cli.analysis.version_similarity import rules_text
from scai_cli.experiment.personas import people_mean
from scai_cli.runs.events import WelfareMeasured
from scai_cli.runs.history.history import History
from scai_cli.runs.history.status import spent
from scai_cli.text.data_files import read_data_file
from scai_cli.text.words import count

Measures = dict[str, float | None]

SHOWN_WELFARE: Final = ("utilitarian", "rawlsian", "nash", "gini_coefficient")
"""The welfare functions of every summary besides the declared one."""
_WELFARE_WORDS: Final = read_data_file(__file__)["welfare"]


def welfare_words(function: str) -> str:
    """Return a plain name with the technical one in brackets: `worst-off person (rawlsian)`."""
    return str(_WELFARE_WORDS.get(function, function))


@dataclass(frozen=True, slots=True)
class RunCost:
    """The cost of a run, from the summary of its last session or (`so_far`) from its call log."""

    calls: int | None
    input_tokens: int | None
    output_tokens: int | None
    usd: float | None = None
    wall_s: float | None = None
    so_far: bool = False

    @property
    def tokens(self) -> int:
        """The sum of input and output tokens."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)


def run_cost(history: History) -> RunCost | None:
    """Return the cost of a run; values are None if no session has ended and the log is missing or too long."""
    outcome = history.outcome
    if outcome:
        usage = outcome.get("usage") or {}
        tokens = usage.get("input_tokens"), usage.get("output_tokens")
        return RunCost(outcome.get("calls"), *tokens, usage.get("usd"), outcome.get("wall_s"))
    counted = spent(history.path)
    if counted is None:
        return None
    calls, logged = counted
    return RunCost(calls, logged.input_tokens, logged.output_tokens, so_far=True)


def measures(history: History) -> Measures:
    """Return name -> number; None where the run has none (yet).

    `welfare.NAME.first` and `.last` are of the first and the last epoch that ended, as `measured.NAME` of a declared
    measure; `welfare.NAME.product` is of the constitution that is the run's product: with the held-out users and tasks,
    or else in the last epoch in which it was in force; None where it was never played.
    """
    measured, cost, people = history.measured, run_cost(history), history.config.personas.inline
    constitution, _ = history.product if history.started else (None, "")
    return {
        "epochs": float(history.epochs_done),
        "calls": cost.calls if cost else None,
        "input_tokens": cost.input_tokens if cost else None,
        "output_tokens": cost.output_tokens if cost else None,
        "usd": cost.usd if cost else None,
        "wall_s": cost.wall_s if cost else None,
        **_ends("satisfaction", [people_mean(m.satisfaction.items(), people) for m in measured]),
        **_ends("harmlessness", [people_mean(m.harmlessness.items(), people) for m in measured]),
        **_welfare(history, measured),
        **_measured(measured),
        "missing_ratings": float(sum(m.missing for m in measured)),
        "problems": float(sum(len(epoch.problems) for epoch in history.epochs)),
        "rules": float(len(constitution.rules)) if constitution else None,
        "rule_words": float(count(rules_text(constitution))) if constitution else None,
    }


def product_values(history: History) -> tuple[str, Mapping[str, float | None]]:
    """Return the last place of the product (`holdout`, `epoch N`, or empty) and its welfare by function."""
    if history.holdout is not None:
        return "holdout", history.holdout.last_values
    if history.started is None:
        return "", {}
    version = history.product[0].version
    played = [m for m in history.measured if m.version == version]
    return (f"epoch {played[-1].epoch}", played[-1].values) if played else ("", {})


def _welfare(history: History, measured: list[WelfareMeasured]) -> Measures:
    values: Measures = {}
    _, product = product_values(history)
    for name in dict.fromkeys(name for m in measured for name in m.values):
        values |= _ends(f"welfare.{name}", [m.values.get(name) for m in measured])
        values[f"welfare.{name}.product"] = product.get(name)
    return values


def _measured(measured: list[WelfareMeasured]) -> Measures:
    values: Measures = {}
    for name in dict.fromkeys(name for m in measured for name in m.measured):
        values |= _ends(f"measured.{name}", [m.measured.get(name) for m in measured])
    return values


def _ends(name: str, values: list[float | None]) -> Measures:
    return {f"{name}.first": values[0] if values else None, f"{name}.last": values[-1] if values else None}
