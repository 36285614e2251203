"""The verdict in words, for each case, with Holm's correction over all declared measures."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.evaluation.paired_scores import difference_of
from scai_cli.evaluation.suite import Difference, Measure, MeasureResult, SuiteResult
from scai_cli.evaluation.verdict import Finding, difference_words, findings
from scai_cli.stats.clustered import clustered_mean
from scai_cli.stats.judge_error import Calibration, corrected_difference

HIGHER, LOWER = Measure("m", "the measure"), Measure("m", "the measure", better="lower")


def difference(estimate: float, half: float | None, p: float | None = None, n: int = 40) -> Difference:
    low, high = (None, None) if half is None else (estimate - half, estimate + half)
    error = None if half is None else half / 2
    return Difference(estimate, low, high, p, "new items like these 40", n, error=error, freedom=39.0)


def found(*differences: Difference | None, measure: Measure = HIGHER) -> list[Finding]:
    results = [
        SuiteResult(f"s{n}", [MeasureResult(measure, {"a": 0.5, "b": 0.5}, {"b": each})])
        for n, each in enumerate(differences)
    ]
    return findings(results, ["a", "b"])


def one(found_: Difference | None, measure: Measure = HIGHER) -> Finding:
    [finding] = found(found_, measure=measure)
    return finding


@pytest.mark.parametrize(
    ("measure", "estimate", "verdict"),
    [(HIGHER, 0.2, "better"), (HIGHER, -0.2, "worse"), (LOWER, 0.2, "worse"), (LOWER, -0.2, "better")],
)
def test_a_clear_difference_is_better_or_worse_by_its_direction(
    measure: Measure, estimate: float, verdict: str
) -> None:
    finding = one(difference(estimate, 0.1, p=0.0005), measure)
    assert finding.verdict == verdict
    assert finding.words == (
        f"{verdict}: {estimate:+.2f} (95 % interval {estimate - 0.1:+.2f} to {estimate + 0.1:+.2f}, "
        "new items like these 40)"
    )


def test_an_interval_within_the_relevant_difference_is_no_difference_beyond_its_end() -> None:
    finding = one(difference(0.02, 0.061, p=0.5))
    assert finding.verdict == "no difference"
    assert finding.words == "no difference beyond 0.09 (95 % interval -0.04 to +0.08, new items like these 40)"


def test_a_small_but_clear_difference_is_better_and_not_nothing() -> None:
    assert one(difference(0.05, 0.02, p=0.0001)).verdict == "better"


def test_a_wide_interval_cannot_tell_and_names_the_number_of_items() -> None:
    finding = one(difference(0.1, 0.2, p=0.3))
    assert finding.verdict == "cannot tell"
    assert finding.needed is not None
    assert re.match(rf"cannot tell; about {finding.needed:,} items would: \+0.10 \(95 %", finding.words)
    # standard error 0.1 at 40 items; 2.8 errors detect 0.1 at about (2.8 * 0.1 / 0.1)^2 = 8 times as many
    assert finding.needed == pytest.approx(8 * 40, rel=0.1)
    assert finding.detectable == pytest.approx(0.29, abs=0.01)


def test_there_is_no_verdict_before_the_end() -> None:
    measured = MeasureResult(Measure("m", "m"), {"a": 0.1, "b": 0.9}, {"b": difference(0.8, 0.1, p=0.0001)})
    results = [SuiteResult("s", [measured]), SuiteResult("t", problem="the judge is unreadable")]
    told = [finding.words for finding in findings(results, ["a", "b"], finished=False)]
    assert told == ["cannot tell: the evaluation is not finished", "cannot judge: the judge is unreadable"]


def test_few_items_cannot_tell() -> None:
    assert one(difference(0.4, None)).words == "cannot tell: too few items for an interval (+0.40)"
    assert one(None).words == "cannot tell: too few items for an interval"


def test_an_interval_that_the_judges_errors_leave_open_says_so() -> None:
    """0.93 of the items differ, more than a judge with these errors can see: no number of items helps."""
    judged = difference_of([1.0] * 186 + [0.0] * 14, range(200))
    assert judged is not None
    corrected = corrected_difference(judged, Calibration(tp=85, fn=15, fp=15, tn=85))
    assert one(Difference.of(corrected, "new items")).words == (
        "cannot tell: the judge errs otherwise here than on the labelled answers; "
        "label more of them with --gold (+1.00)"
    )


def test_a_measure_says_nothing_of_a_system_that_it_leaves_out() -> None:
    measured = MeasureResult(HIGHER, {}, {"b": difference(0.2, 0.1, p=0.001)})
    assert [finding.system for finding in findings([SuiteResult("s", [measured])], ["a", "b", "c"])] == ["b"]


def test_tables_show_a_difference_with_what_is_known_of_it() -> None:
    shown = [difference_words(each) for each in (None, difference(0.1, None), difference(-0.001, 0.2))]
    assert shown == ["–", "+0.10", "+0.00 (-0.20 to +0.20)"]


def test_a_suite_that_cannot_judge_has_no_verdict_but_its_reason() -> None:
    results = [SuiteResult("pairs", problem="the judge always says A")]
    assert [(f.verdict, f.words, f.title) for f in findings(results, ["a", "b", "c"])] == [
        ("cannot judge", "cannot judge: the judge always says A", "pairs")
    ] * 2


def test_measures_that_are_not_declared_or_have_no_better_side_get_no_verdict() -> None:
    for measure in (Measure("m", "m", declared=False), Measure("m", "m", better=None)):
        assert found(difference(0.2, 0.1, p=0.0001), measure=measure) == []


def test_p_values_are_adjusted_over_all_declared_measures_of_all_suites() -> None:
    """Holm: 0.01 * 3, then 0.02 * 2, then 0.03, in order never less than the one before."""
    several = found(*(difference(0.2, 0.15, p=p) for p in (0.02, 0.01, 0.03)))
    assert [finding.p for finding in several] == pytest.approx([0.04, 0.03, 0.04])
    assert {finding.verdict for finding in several} == {"better"}
    assert [f.verdict for f in found(*(difference(0.2, 0.15, p=p) for p in (0.02, 0.04, 0.03)))] == ["cannot tell"] * 3


def test_one_measure_without_a_p_value_does_not_count() -> None:
    adjusted = found(difference(0.2, 0.15, p=0.04), None, difference(0.2, None))
    assert adjusted[0].p == pytest.approx(0.04)
    assert [finding.verdict for finding in adjusted] == ["better", "cannot tell", "cannot tell"]


def test_every_system_is_compared_with_the_reference_alone() -> None:
    measured = MeasureResult(HIGHER, {}, {"b": difference(0.2, 0.1, p=0.001), "c": difference(-0.2, 0.1, p=0.001)})
    assert [(f.system, f.reference, f.verdict) for f in findings([SuiteResult("s", [measured])], ["a", "b", "c"])] == [
        ("b", "a", "better"),
        ("c", "a", "worse"),
    ]
    assert findings([SuiteResult("s", [measured])], ["a"]) == []


def test_copies_differ_by_nothing() -> None:
    same = Difference.of(clustered_mean([0.0] * 40, range(40)), "new items like these 40")
    finding = one(same)
    assert finding.verdict == "no difference"
    assert finding.p == 1


@pytest.mark.parametrize(
    ("change", "n", "verdict"), [(1.0, 5, "cannot tell"), (1.0, 6, "better"), (0.5, 40, "better"), (-1.0, 40, "worse")]
)
def test_a_difference_of_every_item_by_the_same_is_judged_as_by_a_sign_test(
    change: float, n: int, verdict: str
) -> None:
    mean = difference_of([change] * n, range(n))
    assert mean is not None
    assert mean.p is not None
    if abs(change) == 1:
        assert mean.p == pytest.approx(2 * 0.5**n)
    assert one(Difference.of(mean, "new items")).verdict == verdict


@pytest.mark.parametrize("size", [1, 4])
def test_items_without_a_difference_are_too_few_by_their_clusters(size: int) -> None:
    """35 clusters show that at most 0.1 may differ, however many items each has."""
    few = Difference.of(difference_of([0.0] * 20 * size, [n // size for n in range(20 * size)]), "new items")
    assert one(few).words.startswith(f"cannot tell; about {35 * size - (size > 1) * 1:,} items would: +0.00")


def test_pairs_that_all_differ_count_once_each() -> None:
    alone, pairs = difference_of([1.0] * 20, range(20)), difference_of([1.0] * 40, [n // 2 for n in range(40)])
    assert alone is not None
    assert pairs is not None
    assert (pairs.low, pairs.p) == pytest.approx((alone.low, alone.p))


@given(
    st.floats(-1, 1), st.floats(0, 1) | st.none(), st.floats(0, 1) | st.none(), st.sampled_from([HIGHER, LOWER]),
    st.integers(1, 500),
)  # fmt: skip
def test_the_words_never_claim_more_than_the_interval(
    estimate: float, half: float | None, p: float | None, measure: Measure, n: int
) -> None:
    finding = one(difference(estimate, half, p, n), measure)
    assert finding.words.startswith(finding.verdict)
    assert "\n" not in finding.words
    if finding.verdict == "no difference":
        assert half is not None
        beyond = float(finding.words.removeprefix("no difference beyond ").partition(" ")[0])
        assert beyond >= max(abs(estimate - half), abs(estimate + half)) - 1e-9
    if finding.verdict in ("better", "worse"):
        assert finding.p is not None
        assert finding.p < 0.05
    assert set(finding.as_object()) >= {"suite", "measure", "system", "verdict", "words", "p"}
