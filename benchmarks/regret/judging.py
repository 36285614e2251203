"""Measure every combination in one society against the best constitution and against the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from benchmarks.regret.playing import budget, played
from benchmarks.regret.search import best, bound
from benchmarks.regret.societies import Society
from benchmarks.regret.truth import utilities
from scai_cli.experiment.constitution import Clause, Constitution
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.options import Flaws

ACCEPTANCES = ("always", "improves", "vote", "both")
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "rewrite": {"strategy": "rewrite"},
    "reflect": {"strategy": "reflect"},
    "edits": {"strategy": "edits"},
    "grounded": {"strategy": "grounded"},
    "candidates": {"strategy": "candidates", "base": ("grounded", "edits", "rewrite")},
}
COMBINATIONS: Mapping[str, Mapping[str, Any]] = {
    **{f"{s} + {a}": {**STRATEGIES[s], "acceptance": a} for s in STRATEGIES for a in ACCEPTANCES},
    **{
        f"{s} + {a}, best_so_far": {**STRATEGIES[s], "acceptance": a, "best_so_far": True}
        for s, a in (("rewrite", "always"), ("grounded", "always"), ("grounded", "improves"), ("grounded", "vote"))
    },
}
"""Name -> the experiment's `revision`."""
BASELINE = "rewrite + always"

RATES = (0.0, 0.5, 1.0, 2.0)
"""The flaws of the meta role, as multiples of the shipped rates."""


@dataclass(frozen=True, slots=True)
class Job:
    """A society, the combinations to run in it, and the multiples of the flaw rates."""

    society: Society
    names: tuple[str, ...]
    rates: tuple[float, ...] = (1.0,)
    searched: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one combination in one society; `regret` is None if no best constitution was searched."""

    society: Society
    name: str
    rate: float
    regret: float | None
    below: bool
    """Whether the worst-off person has less than the worst-off person under the starting constitution."""
    ruled: bool | None
    """Whether the manipulator got the rule; None without a manipulator."""
    calls: int
    budget: int
    epochs: int
    adopted: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A finished job; `bound` is a limit for any constitution, `best` the search's result, by the same measure."""

    society: Society
    rows: tuple[Row, ...]
    start: float
    best: float | None
    bound: float | None


def judge(job: Job) -> Judged:
    """Run all combinations and measure them by the known preferences."""
    start = utilities(job.society, Constitution())
    found, most = (
        fmean(utilities(job.society, search(job.society))) if job.searched else None for search in (best, bound)
    )
    return Judged(job.society, tuple(_rows(job, found, min(start))), fmean(start), found, most)


def _rows(job: Job, found: float | None, worst: float) -> Iterator[Row]:
    calls = budget(job.society)
    for rate in job.rates:
        flaws = {name: min(1.0, rate * share) for name, share in _FLAWS.items()}
        for name in job.names:
            outcome = played(job.society, COMBINATIONS[name], flaws, calls)
            reached = utilities(job.society, outcome.product)
            yield Row(
                society=job.society,
                name=name,
                rate=rate,
                regret=None if found is None else found - fmean(reached),
                below=min(reached) < worst - 1e-9,
                ruled=_ruled(job.society, outcome.product),
                calls=outcome.calls,
                budget=calls,
                epochs=outcome.epochs,
                adopted=outcome.adopted,
            )


_FLAWS = {name: getattr(Flaws(), name) for name in Flaws.__slots__}


def _ruled(society: Society, product: Constitution) -> bool | None:
    """Return whether a principle, or a clause for the manipulator alone, asks for the manipulator's demand."""
    if society.demanded is None:
        return None
    own = (society.manipulator,)
    rules = (rule for rule in product.rules if not isinstance(rule, Clause) or rule.users == own)
    return any(requested(rule.text).get(society.demanded) == 1.0 for rule in rules)
