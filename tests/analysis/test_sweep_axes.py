"""Comparisons along the axes of a sweep: which runs are a pair, what is the sample, and when nothing can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from scai_cli.analysis.paired import Cells
from scai_cli.analysis.pareto import ParetoPoint
from scai_cli.analysis.sweep_axes import AxisDifference, axis_differences, compared_axes
from scai_cli.analysis.sweep_runs import SweepRun
from scai_cli.analysis.sweep_seeds import seed_summaries, welfare_fronts
from scai_cli.runs.sweep_directory import CellRecord, Gain, Sweep

TASKS = ("tea", "sleep", "noise")
Utilities = Mapping[str, Sequence[float]]
"""Person -> utilities by task."""
Ran = tuple[dict[str, Any], Utilities | None]
"""Values of a cell, with the utilities of its finished run or None for one that is not finished."""


def everyone(level: float, **others: float) -> Utilities:
    """Ann, Bob and Cid have this utility, each task a little more than the one before."""
    return {who: [others.get(who, level) + n / 100 for n in range(3)] for who in ("ann", "bob", "cid")}


def swept(*cells: Ran, declared: str = "utilitarian") -> tuple[Sweep, dict[str, SweepRun]]:
    records, runs = [], {}
    for n, (values, utilities) in enumerate(cells):
        function = str(values.get("welfare", declared))
        means = [sum(row) / 3 for row in (utilities or {}).values()]
        found = {"utilitarian": sum(means) / 3, "rawlsian": min(means), "gini_coefficient": 0.1} if means else {}
        gain = Gain(value=means[0] - 0.4, low=None, high=None) if means else None
        status = "finished" if utilities else "failed"
        record = CellRecord.model_validate(
            {"run_id": f"c{n}", "values": values, "status": status, "welfare": found, "gain": gain}
        )
        records.append(record)
        if utilities:
            rated = {(who, task): u for who, row in utilities.items() for task, u in zip(TASKS, row, strict=True)}
            point = ParetoPoint(function, 1, "epoch 2", found, {str(values.get("seed")): frozenset()})
            runs[record.run_id] = SweepRun(record, function, Cells("x", rated, {}), point, "3 people", ())
    axes = list(dict.fromkeys(axis for values, _ in cells for axis in values))
    return Sweep("study", Path("runs/study"), "run", axes, records, False), runs


def along(axis: str, *cells: Ran, **more: Any) -> list[list[AxisDifference]]:
    return list(axis_differences(*swept(*cells, **more), axis))


def grid(levels: Mapping[tuple[str, int], float | None]) -> list[Ran]:
    return [({"how": how, "seed": seed}, level and everyone(level)) for (how, seed), level in levels.items()]


def test_over_several_seeds_the_runs_are_the_sample() -> None:
    levels = {("a", 1): 0.5, ("a", 2): 0.6, ("a", 3): 0.4, ("b", 1): 0.6, ("b", 2): 0.75, ("b", 3): 0.45}
    [[mean, worst]] = along("how", *grid(levels))
    assert (mean.function, worst.function) == ("utilitarian", "rawlsian")
    assert (mean.axis, mean.value, mean.against, mean.pairs, mean.seeds) == ("how", "b", "a", 3, 3)
    # Of 0.10, 0.15 and 0.05: 0.1 and the t quantile 4.303 of 2 degrees of freedom times 0.05 / sqrt(3).
    found = mean.as_object()
    assert (found["estimate"], found["level"]) == (pytest.approx(0.1), 0.95)
    assert (found["low"], found["high"]) == (pytest.approx(-0.0242, abs=1e-4), pytest.approx(0.2242, abs=1e-4))
    assert found["verdict"] == "no change beyond chance"
    assert mean.words == "no difference beyond chance (-0.02 to +0.22)"
    assert mean.sentence == (
        "Mean of all (utilitarian) with how = b minus that with a: "
        "no difference beyond chance (-0.02 to +0.22), over 3 pairs of runs with 3 seeds."
    )


def test_runs_with_one_seed_count_as_one_observation() -> None:
    cells = [
        ({"how": how, "with": other, "seed": seed}, everyone(0.5 + gain * (how == "b")))
        for how in "ab"
        for other, more in (("x", 0.0), ("y", 0.01))
        for seed, gain in ((1, 0.1 + more), (2, 0.2 + more), (3, 0.3 + more))
    ]
    [[mean, _]] = along("how", *cells)
    assert (mean.pairs, mean.seeds) == (6, 3)
    assert mean.estimate is not None
    assert mean.estimate.low == pytest.approx(0.205 - 4.3027 * 0.1 / 3**0.5, abs=1e-3)  # 2 degrees of freedom, not 5


def test_the_intervals_of_several_values_are_valid_together() -> None:
    levels = {(how, seed): 0.5 + n * seed / 100 for n, how in enumerate("abc") for seed in (1, 2, 3)}
    [[alone, _]] = along("how", *grid({key: level for key, level in levels.items() if key[0] != "c"}))
    [[first, _], [second, _]] = along("how", *grid(levels))
    assert (first.value, second.value) == ("b", "c")
    wide, narrow = first.as_object(), alone.as_object()
    assert wide["estimate"] == narrow["estimate"]
    assert wide["low"] < narrow["low"]
    assert wide["level"] == narrow["level"] == 0.95


def test_one_pair_has_the_interval_over_people_and_tasks() -> None:
    before = {"ann": [0.5, 0.6, 0.4], "bob": [0.3, 0.4, 0.5], "cid": [0.5, 0.5, 0.6]}
    after = {"ann": [0.7, 0.7, 0.6], "bob": [0.5, 0.6, 0.7], "cid": [0.6, 0.7, 0.8]}
    [[mean, worst]] = along("how", ({"how": "a"}, before), ({"how": "b"}, after))
    assert mean.words.startswith("+0.18 (95 % interval ")
    assert mean.over == "1 pair of runs, the same 3 people and 3 tasks again"
    assert worst.words == "+0.20 (cannot tell how sure)"


def test_too_few_runs_do_not_tell() -> None:
    [[mean, _]] = along("how", *grid({("a", 1): 0.5, ("a", 2): 0.6, ("b", 1): 0.6, ("b", 2): 0.75}))
    assert mean.words == "+0.12 (cannot tell how sure: an interval takes 3 seeds, not 2)"
    [[same, _]] = along("how", *grid({(how, seed): 0.5 for how in "ab" for seed in (1, 2, 3)}))
    assert same.words == "no difference at all"


def test_an_unfinished_run_is_left_out_and_counted() -> None:
    levels = {("a", 1): 0.5, ("a", 2): None, ("b", 1): None, ("b", 2): 0.75, ("c", 1): 0.7, ("c", 2): None}
    [[b, _], [c, _]] = along("how", *grid(levels))
    assert (b.pairs, b.left_out, b.words) == (0, 2, "no pair of finished runs yet")
    assert (c.pairs, c.left_out) == (1, 1)


def test_cells_that_differ_in_more_than_one_key_are_no_pair() -> None:
    [[only, _]] = along("how", ({"how": "a", "turns": 1}, everyone(0.5)), ({"how": "b", "turns": 2}, everyone(0.6)))
    assert only.words == "no pair: no two runs differ in this key alone"


def test_runs_of_other_people_are_not_compared() -> None:
    others = {"zoe": [0.5, 0.6, 0.7], "yan": [0.5, 0.6, 0.7]}
    [[only, _]] = along("how", ({"how": "a"}, everyone(0.5)), ({"how": "b"}, others))
    assert only.words == "cannot tell: the runs were not measured on the same people and tasks"


def test_the_seed_is_never_compared_along_and_one_value_is_no_comparison() -> None:
    sweep, _ = swept(*grid({("a", 1): 0.5, ("a", 2): 0.6}))
    assert compared_axes(sweep) == []
    sweep, _ = swept(*grid({("a", 1): 0.5, ("b", 1): 0.6}))
    assert compared_axes(sweep) == ["how"]


def test_an_axis_of_welfare_functions_is_compared_by_mean_and_worst_off() -> None:
    cells = [({"welfare": name}, everyone(0.5)) for name in ("nash", "rawlsian")]
    [[mean, worst]] = along("welfare", *cells)
    assert (mean.function, worst.function) == ("utilitarian", "rawlsian")
    [[declared, _, _]] = along("how", ({"how": "a"}, everyone(0.5)), ({"how": "b"}, everyone(0.6)), declared="nash")
    assert declared.function == "nash"


def test_seeds_are_summed_up_for_each_setting() -> None:
    levels = {("a", 1): 0.5, ("a", 2): 0.6, ("a", 3): 0.7, ("b", 1): 0.6, ("b", 2): None, ("b", 3): None}
    a, b = seed_summaries(*swept(*grid(levels)))
    assert (a.setting, a.runs, b.setting, b.runs) == (("a",), 3, ("b",), 1)
    assert a.welfare["utilitarian"] == (pytest.approx(0.61), pytest.approx(0.1))
    assert b.welfare["utilitarian"] == (pytest.approx(0.61), None)
    assert a.gain_words == "no change beyond chance (-0.04 to +0.46)"
    assert b.gain_words == "+0.21 (cannot tell how sure)"
    assert seed_summaries(*swept(({"how": "a"}, everyone(0.5)))) == []


def test_a_front_is_the_mean_over_the_seeds_that_all_functions_have_finished() -> None:
    def cell(function: str, seed: int, level: float | None) -> Ran:
        return {"welfare": function, "how": "a", "seed": seed}, level and everyone(level, ann=0.5)

    cells = [
        *(cell("utilitarian", 1, 0.8), cell("utilitarian", 2, 0.6), cell("utilitarian", 3, 0.1)),
        *(cell("rawlsian", 1, 0.5), cell("rawlsian", 2, 0.5), cell("rawlsian", 3, None)),
    ]
    [(words, front)] = welfare_fronts(*swept(*cells)).items()
    assert words == "how = a"
    first, second = front.points
    assert (first.function, second.function) == ("utilitarian", "rawlsian")
    assert first.mean == pytest.approx((0.71 + 1.7 / 3 + 0.01) / 2)
    assert first.measured == "2 runs"
    assert front.price(second) == pytest.approx(1 - 0.51 / (first.mean or 1))
