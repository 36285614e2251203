"""A run in numbers, each under a name that other runs have too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scai_cli.analysis.version_similarity import rules_text
from scai_cli.runs.events import WelfareMeasured
from scai_cli.runs.history.history import History
from scai_cli.runs.history.status import spent

Measures = dict[str, float | None]


def measures(history: History) -> Measures:
    """Name -> number; None where the run cannot tell (yet).

    `welfare.NAME.first` and `.last` are of the first and the last epoch that was played to its end;
    `welfare.NAME.product` is of the constitution that is the run's product: with the users and tasks that were held
    out, or else in the last epoch in which it was in force; None where it was never played.
    """
    measured = history.measured
    constitution, _ = history.product if history.started else (None, "")
    return {
        "epochs": float(len(measured)),
        **_cost(history),
        **_ends("satisfaction", [_mean(m.satisfaction) for m in measured]),
        **_ends("harmlessness", [_mean(m.harmlessness) for m in measured]),
        **_welfare(history, measured),
        "missing_ratings": float(sum(m.missing for m in measured)),
        "problems": float(sum(len(epoch.problems) for epoch in history.epochs)),
        "rules": float(len(constitution.rules)) if constitution else None,
        "rule_words": float(len(rules_text(constitution).split())) if constitution else None,
    }


def product_values(history: History) -> tuple[str, Mapping[str, float | None]]:
    """Where the run's product was played last (`holdout`, `epoch N`, or empty) and its welfare by every function."""
    if history.proof is not None:
        return "holdout", history.proof.last_values
    if history.started is None:
        return "", {}
    version = history.product[0].version
    played = [m for m in history.measured if m.version == version]
    return (f"epoch {played[-1].epoch}", played[-1].values) if played else ("", {})


def _welfare(history: History, measured: list[WelfareMeasured]) -> Measures:
    found: Measures = {}
    _, product = product_values(history)
    for name in dict.fromkeys(name for m in measured for name in m.values):
        found |= _ends(f"welfare.{name}", [m.values.get(name) for m in measured])
        found[f"welfare.{name}.product"] = product.get(name)
    return found


def _cost(history: History) -> Measures:
    outcome: Mapping[str, Any] = history.outcome
    usage = outcome.get("usage", {})
    if outcome:
        tokens = (usage.get("input_tokens"), usage.get("output_tokens"))
        return _costs(outcome.get("calls"), tokens, usage.get("usd"), outcome.get("wall_s"))
    so_far = spent(history.path)
    if so_far is None:
        return _costs(None, (None, None), None, None)
    return _costs(so_far.calls, (so_far.usage.input_tokens, so_far.usage.output_tokens), None, None)


def _costs(
    calls: int | None, tokens: tuple[int | None, int | None], usd: float | None, wall_s: float | None
) -> Measures:
    return {"calls": calls, "input_tokens": tokens[0], "output_tokens": tokens[1], "usd": usd, "wall_s": wall_s}


def _ends(name: str, values: list[float | None]) -> Measures:
    return {f"{name}.first": values[0] if values else None, f"{name}.last": values[-1] if values else None}


def _mean(values: Mapping[str, float | None]) -> float | None:
    known = [value for value in values.values() if value is not None]
    return sum(known) / len(known) if known else None
