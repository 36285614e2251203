"""Write the rows as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean, median

from benchmarks.regret.judging import BASELINE, RATES, Judged, Row
from benchmarks.regret.societies import KINDS
from scai_cli.stats.intervals import bootstrap

Numbers = Sequence[float | None]


def main_table(rows: Sequence[Row]) -> Iterator[str]:
    """Return the combinations, the lowest median regret first."""
    yield from _head(
        "combination", "median regret", "of the baseline's", "mean", "worst-off below start", "manipulator ruled",
        "calls of budget", "epochs", "adopted",
    )  # fmt: skip
    baseline = regrets(rows, BASELINE)
    for name in ordered(rows):
        of = [row for row in rows if row.name == name]
        values, ruled = regrets(rows, name), [row.ruled for row in of if row.ruled is not None]
        yield _line(
            f"**{name}**" if name == BASELINE else name,
            _interval(values, _median),
            "1" if name == BASELINE else _interval_of_ratio(values, baseline),
            f"{fmean(values):.3f}",
            f"{100 * fmean(row.below for row in of):.0f} %",
            f"{sum(ruled)} of {len(ruled)}",
            f"{100 * fmean(row.calls / row.budget for row in of):.0f} %",
            f"{fmean(row.epochs for row in of):.1f}",
            f"{fmean(row.adopted for row in of):.1f}",
        )


def kinds_table(rows: Sequence[Row]) -> Iterator[str]:
    """Return the median regret by kind of society."""
    yield from _head("combination", *KINDS)
    for name in ordered(rows):
        yield _line(name, *(f"{median(regrets([r for r in rows if r.society.kind == k], name)):.3f}" for k in KINDS))


def rates_table(rows: Sequence[Row]) -> Iterator[str]:
    """Return the median regret, and its rank, at several multiples of the flaw rates."""
    yield from _head("combination", *(f"flaws x {rate:g}" for rate in RATES))
    by_rate = {rate: [row for row in rows if row.rate == rate] for rate in RATES}
    ranks = {rate: ordered(some) for rate, some in by_rate.items()}
    for name in ranks[1.0]:
        cells = (f"{median(regrets(by_rate[r], name)):.3f} (no. {ranks[r].index(name) + 1})" for r in RATES)
        yield _line(name, *cells)


def manipulators_table(rows: Sequence[Row]) -> Iterator[str]:
    """Return how often the manipulator got the rule."""
    yield from _head("combination", "manipulator ruled", "worst-off below start")
    for name in dict.fromkeys(row.name for row in rows):
        of = [row for row in rows if row.name == name]
        below = 100 * fmean(row.below for row in of)
        yield _line(name, f"{sum(bool(row.ruled) for row in of)} of {len(of)}", f"{below:.0f} %")


def search_quality(judged: Sequence[Judged]) -> str:
    """Return the quality of the search in a sentence or two."""
    known = [(one, one.best, one.bound) for one in judged if one.best is not None and one.bound is not None]
    gaps = [most - found for _, found, most in known]
    beaten = [row for one, _, _ in known for row in one.rows if row.regret is not None and row.regret < 0]
    runs = sum(len(one.rows) for one, _, _ in known)
    welfare = [fmean(one.start for one, _, _ in known), fmean(found for _, found, _ in known)]
    deepest = f", by {max(-(row.regret or 0.0) for row in beaten):.3f} at most" if beaten else ""
    return (
        f"Mean true welfare: {welfare[0]:.3f} under the empty constitution at the start, {welfare[1]:.3f} under the "
        f"best constitution found. How good the search is: it ends {fmean(gaps):.3f} on average (median "
        f"{median(gaps):.3f}, at most {max(gaps):.3f}) below what the same people would have if all had the rules "
        f"found to suit them best, without any limit of length. {len(beaten)} of {runs} runs came out above the best "
        f"that the search found{deepest}: their regret is negative, and counted so."
    )


def ordered(rows: Iterable[Row]) -> list[str]:
    """Return the combinations by median regret."""
    rows = list(rows)
    return sorted(dict.fromkeys(row.name for row in rows), key=lambda name: median(regrets(rows, name)))


def regrets(rows: Iterable[Row], name: str) -> list[float]:
    """Return the regrets of one combination, society by society."""
    return [row.regret for row in rows if row.name == name and row.regret is not None]


def _median(values: Numbers, _: Sequence[float]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _interval(values: Sequence[float], statistic: Callable[[Numbers, Sequence[float]], float | None]) -> str:
    found = bootstrap([[value] for value in values], statistic, seed=0)
    assert found is not None
    if found.low is None or found.high is None:
        return f"{found.estimate:.3f}"
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _interval_of_ratio(values: Sequence[float], baseline: Sequence[float]) -> str:
    """Return the ratio of the medians; each draw of societies gives both medians."""

    def ratio(drawn: Numbers, _: Sequence[float]) -> float | None:
        places = [int(place) for place in drawn if place is not None]
        return median(values[n] for n in places) / median(baseline[n] for n in places)

    return _interval([float(n) for n in range(len(values))], ratio)


def _head(*titles: str) -> Iterator[str]:
    yield _line(*titles)
    yield _line("---", *("---:" for _ in titles[1:]))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
