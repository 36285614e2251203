"""The numbers of a sweep's cell are those that `scai show` prints for its run."""

from __future__ import annotations

from pathlib import Path

from conftest import scai

from scai_cli.analysis.cell_numbers import CellNumbers, cell_numbers
from scai_cli.runs.history.fold import read_history


def numbers(path: Path) -> CellNumbers:
    return cell_numbers(read_history(path, messages=False, ratings=False))


def test_a_run_with_a_holdout_has_the_numbers_of_show() -> None:
    path = Path(__file__).parents[1] / "golden" / "v0" / "whole"
    found, shown = numbers(path), scai("show", path, "--json").json["holdout"]
    assert found.measured_on == "holdout"
    assert list(found.welfare) == ["nash", "utilitarian", "rawlsian", "gini_coefficient"]
    assert all(value == shown["last_values"][name] for name, value in found.welfare.items())
    gain, difference = found.gain, shown["difference"]
    assert gain is not None
    assert (gain.value, gain.low, gain.high) == tuple(difference[key] for key in ("estimate", "low", "high"))


def test_without_a_holdout_the_last_play_counts_and_the_declared_function_is_first(tiny: Path) -> None:
    scai("run", tiny, "--set", "welfare=atkinson(epsilon=2)", "--run-id", "fair", "--quiet")
    found = numbers(Path("runs/fair"))
    assert next(iter(found.welfare)) == "atkinson(epsilon=2)"
    assert None not in found.welfare.values()
    assert found.measured_on == "epoch 3"  # the play of the product
    assert found.gain is None


def test_a_run_that_has_played_nothing_has_no_numbers(tiny: Path) -> None:
    assert scai("run", tiny, "--set", "limits.calls=1", "--run-id", "short", "--quiet").code == 3
    assert numbers(Path("runs/short")) == CellNumbers({}, None, None)
