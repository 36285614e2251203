"""The limits of a whole sweep, divided among its cells at work.

Of calls, tokens and money a starting cell gets an equal part of the rest that is not promised to others; the part
that it does not use is free again when it ends. Concurrency and the rates are divided by the number of cells at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from scai_cli.experiment.config import MODEL_ROLES, ExperimentConfig, LimitsConfig
from scai_cli.experiment.model_settings import RATES, ModelChanges, ModelSettings
from scai_cli.experiment.sweep_file import SweepLimits
from scai_cli.runs.sweep_directory import CellRecord

_CAPS: Final = ("calls", "tokens", "usd")
_WHOLE: Final = {"calls", "tokens", "concurrency"}

Settings = TypeVar("Settings", ModelSettings, ModelChanges)
Amounts = Mapping[str, float]
"""`calls`, `tokens`, `usd`, those that are limited."""


@dataclass(slots=True)
class SweepBudget:
    """The use of a sweep's limits by its cells, and the promises to those at work."""

    limits: SweepLimits
    places: int
    """The number of cells at once."""
    clock: Callable[[], float] = time.monotonic
    used: dict[str, CellRecord] = field(default_factory=dict)
    """Run id -> the last record: what the cell has used in all sessions."""
    promised: dict[str, Amounts] = field(default_factory=dict)
    """Run id of a cell at work -> what it may use in this session."""
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.limits.seconds is not None and self.clock() - self.began >= self.limits.seconds

    def left(self) -> Amounts:
        """Return the part of each limited amount that is neither used nor promised."""
        return {
            key: limit
            - sum(amount_used(record, key) for record in self.used.values())
            - sum(amounts[key] for amounts in self.promised.values())
            for key in _CAPS
            if (limit := getattr(self.limits, key)) is not None
        }

    def share(self, free_places: int) -> Amounts | None:
        """Return what a cell that starts now may use, None if that is nothing; `free_places` includes its own."""
        left, shares = self.left(), {}
        for key, amount in left.items():
            # A part of a call is no call, but the last ones must not remain unused.
            shares[key] = max(1.0, amount / free_places // 1) if key in _WHOLE else amount / free_places
            if not 0 < shares[key] <= amount:
                return None
        return shares

    def begin(self, record: CellRecord, share: Amounts, own: LimitsConfig) -> dict[str, Any]:
        """Promise a share to a cell, and return the limits of its run; `record` is what it has used before."""
        self.used[record.run_id], self.promised[record.run_id] = record, share
        caps: dict[str, float] = {key: amount_used(record, key) + value for key, value in share.items()}
        if self.limits.seconds is not None:
            caps["seconds"] = record.wall_s + max(0.001, self.limits.seconds - (self.clock() - self.began))
        for key in RATES:
            if (limit := getattr(self.limits, key)) is not None:
                caps[key] = limit / self.places
        bounds = {key: getattr(own, key) for key in caps}
        least = {key: value if bounds[key] is None else min(value, bounds[key]) for key, value in caps.items()}
        return {key: max(1, int(value)) if key in _WHOLE else value for key, value in least.items()}

    def end(self, record: CellRecord) -> Amounts:
        """Take back the promise to a cell; return what it has not used of it."""
        before, promised = self.used[record.run_id], self.promised.pop(record.run_id)
        self.used[record.run_id] = record
        return {key: share + amount_used(before, key) - amount_used(record, key) for key, share in promised.items()}


def amount_used(record: CellRecord, key: str) -> float:
    """Return the calls, tokens or US dollars that a cell has used; an unknown price counts nothing."""
    if key == "tokens":
        return record.input_tokens + record.output_tokens
    return record.calls if key == "calls" else record.usd or 0.0


def with_limits(config: ExperimentConfig, limits: Mapping[str, Any]) -> ExperimentConfig:
    """Return the experiment with other limits, which also bound the rates that its models have of their own."""
    rates = {key: limits[key] for key in RATES if key in limits}
    inline = tuple(
        each.model_copy(update={"model": _slower(each.model, rates)}) if each.model else each
        for each in config.personas.inline
    )
    roles: dict[str, ModelChanges] = {role: _slower(getattr(config.roles, role), rates) for role in MODEL_ROLES}
    return config.model_copy(
        update={
            "limits": config.limits.model_copy(update=limits),
            "model": _slower(config.model, rates),
            "roles": config.roles.model_copy(update=roles),
            "personas": config.personas.model_copy(update={"inline": inline}),
        }
    )


def _slower(model: Settings, rates: Mapping[str, Any]) -> Settings:
    own = {key: value for key in rates if (value := getattr(model, key)) is not None}
    return model.model_copy(update={key: min(value, rates[key]) for key, value in own.items()})
