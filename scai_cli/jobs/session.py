"""A session of work on a run or a generated set: on which loop, how it ended, what it took, how to go on."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scai_cli.errors import Interrupted, LimitReached, ScaiError
from scai_cli.experiment.config import ROLES, ExperimentConfig
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.messages import Usage
from scai_cli.runs.call_index import CallIndex

Status = Literal["finished", "stopped", "failed", "interrupted"]


def status_after(stop: ScaiError) -> Status:
    """How a session ended that this has stopped."""
    if isinstance(stop, Interrupted):
        return "interrupted"
    return "stopped" if isinstance(stop, LimitReached) else "failed"


@dataclass(frozen=True, slots=True)
class Spending:
    """What was taken so far, earlier sessions included; `usd` is None where a price is not known."""

    calls: int = 0
    usage: Usage = field(default=Usage())
    usd: float | None = None
    wall_s: float = 0.0

    @classmethod
    def of(cls, pool: ModelPool, earlier: CallIndex, earlier_usd: float | None) -> Spending:
        """What a crew has taken, and the sessions before it by their calls."""
        meters = [gate.meter for gate in pool.gates.values()]
        unknown = earlier_usd is None or any(meter.usd is None for meter in meters)
        return cls(
            earlier.paid_calls + sum(meter.calls for meter in meters),
            sum((meter.usage for meter in meters), sum(earlier.spent.values(), Usage())),
            None if unknown else pool.budget.used.usd,
            pool.budget.seconds,
        )

    def as_object(self) -> dict[str, Any]:
        """`calls` and `usage`, as `--json` prints them."""
        return {
            "calls": self.calls,
            "usage": {
                "input_tokens": self.usage.input_tokens,
                "output_tokens": self.usage.output_tokens,
                "usd": None if self.usd is None else round(self.usd, 6),
            },
        }


def going_on(path: Path) -> str:
    """The command that goes on with what is in a folder."""
    return f"scai resume {shlex.quote(path.name if path.parent == Path('runs') else str(path))}"


def loop_factory(config: ExperimentConfig) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop where it is installed and a network is used; it halves what a call costs there."""
    if all(config.model_for(role).provider == "simulated" for role in ROLES):
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
