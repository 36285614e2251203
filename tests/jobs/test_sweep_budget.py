"""The limits of a sweep: never promised twice, whole calls and tokens, and a share for all free places."""

from __future__ import annotations

from pathlib import Path

from conftest import TINY
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.experiment.config import LimitsConfig
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.experiment.sweep_file import SweepLimits
from scai_cli.jobs.sweep_budget import SweepBudget, with_limits
from scai_cli.runs.sweep_directory import CellRecord

OWN = LimitsConfig()


def record(run_id: str, calls: int = 0, tokens: int = 0, usd: float = 0.0) -> CellRecord:
    return CellRecord(run_id=run_id, values={}, status="stopped", calls=calls, input_tokens=tokens, usd=usd)


@given(
    st.integers(1, 40),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_no_call_is_promised_twice_and_none_is_lost(limit: int, places: int, steps: list[tuple[int, float]]) -> None:
    budget = SweepBudget(SweepLimits(calls=limit), places)
    used: dict[str, int] = {}
    for n, part in steps:
        run_id = f"cell-{n}"
        if run_id in budget.promised:  # it ends
            used[run_id] += round(part * budget.promised[run_id]["calls"])
            budget.end(record(run_id, used[run_id]))
        elif len(budget.promised) < places and (share := budget.share(places - len(budget.promised))):
            caps = budget.begin(record(run_id, used.setdefault(run_id, 0)), share, OWN)
            assert caps == {"calls": used[run_id] + share["calls"]}
            assert share["calls"] >= 1
        promised = sum(share["calls"] for share in budget.promised.values())
        assert budget.left()["calls"] == limit - sum(used.values()) - promised >= 0


def test_a_share_is_an_equal_part_of_the_rest() -> None:
    budget = SweepBudget(SweepLimits(calls=10, tokens=100, usd=1.0), 3)
    share = budget.share(3)
    assert share == {"calls": 3, "tokens": 33, "usd": 1 / 3}
    before = record("a", calls=2, tokens=10, usd=0.1)
    assert budget.begin(before, share, OWN) == {"calls": 5, "tokens": 43, "usd": 0.1 + 1 / 3}
    assert budget.left()["calls"] == 10 - 2 - 3
    assert budget.end(record("a", calls=3, tokens=20, usd=0.2))["calls"] == 2
    assert budget.left() == {"calls": 7, "tokens": 80, "usd": 0.8}


def test_the_least_of_two_limits_counts() -> None:
    budget = SweepBudget(SweepLimits(calls=10, concurrency=9, tokens_per_minute=100), 4)
    caps = budget.begin(record("a"), {"calls": 10.0}, LimitsConfig(calls=3, concurrency=8))
    assert caps == {"calls": 3, "concurrency": 2, "tokens_per_minute": 25.0}


def test_the_time_is_what_is_left_after_earlier_sessions() -> None:
    now = 100.0
    budget = SweepBudget(SweepLimits(seconds=10), 1, clock=lambda: now)
    now = 104.0
    assert budget.begin(record("a").model_copy(update={"wall_s": 50.0}), {}, OWN) == {"seconds": 56.0}
    assert not budget.is_over
    now = 110.0
    assert budget.is_over


def test_a_models_own_rates_are_bounded_too(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    own = ["model.concurrency=40", "roles.user.requests_per_minute=1", "personas.0.model={concurrency: 9, name: x}"]
    config = with_limits(load_experiment(path, Overrides(own)), {"concurrency": 4, "requests_per_minute": 30.0})
    assert config.limits.concurrency == 4
    assert [model.concurrency for _, model in config.models()] == [4] * 4
    assert config.model_for("user").requests_per_minute == 1
