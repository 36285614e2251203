"""Write the rows as Markdown tables; every interval is of the societies, drawn with replacement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isnan, nan
from statistics import fmean, median

import numpy as np

from benchmarks.documents import line
from benchmarks.regret.judging import Judged, Row
from benchmarks.regret.playing import BASELINE
from benchmarks.regret.societies import CELLS, Cell

_DRAWS = 2000
Number = Callable[[Sequence[tuple[Judged, Row]]], float]


def measured_table(judged: Sequence[Judged], words: Mapping[str, str]) -> Iterator[str]:
    """Yield each row's means of what programs measured in the answers to members; name -> words of a measure."""
    yield from _head("row", *(f"{each} ({name})" for name, each in words.items()))
    for name in _ordered(judged):
        rows = [row for one in judged for row in one.rows if row.name == name and row.measured]
        if rows:
            yield line(name, *(f"{fmean(row.measured.get(one, nan) for row in rows):.2f}" for one in words))


def regret(pairs: Sequence[tuple[Judged, Row]]) -> float:
    """Return the median over the societies of the best nameless welfare of members minus that of the text as pasted."""
    return median(one.best["members"] - row.members for one, row in pairs)


def routed_regret(pairs: Sequence[tuple[Judged, Row]]) -> float:
    """Return `regret` with names: each member gets the clauses for its id. It can be below 0.

    NaN for a text without names.
    """
    return median(one.best["members"] - (nan if row.routed is None else row.routed) for one, row in pairs)


def share(*groups: str) -> Number:
    """Return the gain of groups over no rules, as a share of what the best nameless text for each would give."""

    def value(pairs: Sequence[tuple[Judged, Row]]) -> float:
        gained = sum(getattr(row, group) - one.start[group] for one, row in pairs for group in groups)
        possible = sum(one.best[group] - one.start[group] for one, _ in pairs for group in groups)
        return gained / possible if possible else 0.0

    return value


GAIN = share("newcomers")


def main_table(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield all rows, by the gain of newcomers."""
    yield from _head(
        "row", "regret of members, as pasted", "with names, by id", "newcomers' gain, share of the possible",
        "strangers'", "members and newcomers", "below the baseline", "worst-off member lower",
        "worst-off newcomer lower", "newcomers who lose", "recognised", "by mistake", "calls",
        "tokens an epoch", "epochs", "adopted",
    )  # fmt: skip
    baseline = [row.newcomers for _, row in _mean_runs(judged, BASELINE)]
    for name in _ordered(judged):
        pairs = _mean_runs(judged, name)
        rows = [row for one in judged for row in one.rows if row.name == name] or [row for _, row in pairs]
        recognition = [row.recognition for row in rows if row.recognition is not None]
        yield line(
            f"**{name}**" if name == BASELINE else name,
            interval(pairs, regret),
            interval(pairs, routed_regret) if rows[0].routed is not None else "–",
            interval(pairs, GAIN),
            f"{share('strangers')(pairs):.2f}",
            f"{share('members', 'newcomers')(pairs):.2f}",
            f"{100 * fmean(row.newcomers < before for (_, row), before in zip(pairs, baseline, strict=True)):.0f} %",
            f"{100 * fmean(row.worst_lower for row in rows):.0f} %",
            f"{100 * fmean(row.worst_newcomer_lower for row in rows):.0f} %",
            f"{100 * fmean(row.losing for row in rows):.1f} %",
            *(
                f"{100 * fmean(getattr(one, key) for one in recognition):.0f} %" if recognition else "–"
                for key in ("found", "mistaken")
            ),
            f"{fmean(row.calls for row in rows):,.0f}" if rows[0].calls else "–",
            f"{fmean(row.tokens / max(1, row.epochs) for row in rows):,.0f}" if rows[0].calls else "–",
            *(
                f"{fmean(getattr(row, key) for row in rows):.1f}" if rows[0].calls else "–"
                for key in ("epochs", "adopted")
            ),
        )


def grid_table(judged: Sequence[Judged], number: Number, names: Iterable[str]) -> Iterator[str]:
    """Yield a number of every row in every cell."""
    cells = [cell for cell in CELLS if any(one.society.cell == cell for one in judged)]
    yield from _head("row", *map(str, cells))
    for name in names:
        values = (number(_mean_runs(_in(judged, cell), name)) for cell in cells)
        yield line(name, *("–" if isnan(value) else f"{value:.2f}" for value in values))


def winners_table(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield the best combination of every cell on both axes."""
    names = [
        name for name in _ordered(judged) if any(row.calls for one in judged for row in one.rows if row.name == name)
    ]
    yield from _head(
        "cell: common / shows / misleads",
        "least regret, as pasted",
        "least regret, with names",
        "most gain of newcomers",
    )
    for cell in CELLS:
        some = _in(judged, cell)
        if some:
            pairs = {name: _mean_runs(some, name) for name in names}
            yield line(
                str(cell),
                *(min(names, key=lambda name: number(pairs[name])) for number in (regret, routed_regret)),
                max(names, key=lambda name: GAIN(pairs[name])),
            )


def sizes_table(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield regret and newcomers' gain by the number of members."""
    counts = Counter(len(one.society.members) for one in judged)
    sizes = sorted(counts)
    yield f"Societies: {', '.join(f'{counts[size]} of {size} members' for size in sizes)}."
    yield ""
    yield from _head("row", *(f"{size} members: regret" for size in sizes), *(f"{size}: newcomers" for size in sizes))
    for name in _ordered(judged):
        groups = [_mean_runs([one for one in judged if len(one.society.members) == size], name) for size in sizes]
        yield line(name, *(f"{regret(pairs):.3f}" for pairs in groups), *(f"{GAIN(pairs):.2f}" for pairs in groups))


def minorities_table(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield how often a minority got its rule: for others, too, if it demands; for itself if it wishes."""
    yield from _head("row", "coalition ruled others", "honest wish granted", "worst-off lower under a coalition")
    for name in dict.fromkeys(row.name for one in judged for row in one.rows):
        sides = [
            [row for one in judged if one.society.demands == demands for row in one.rows if row.name == name]
            for demands in (True, False)
        ]
        yield line(
            name,
            *(f"{sum(bool(row.ruled) for row in rows)} of {len(rows)}" for rows in sides),
            f"{100 * fmean(row.worst_lower for row in sides[0]):.0f} %",
        )


def interval(pairs: Sequence[tuple[Judged, Row]], number: Number) -> str:
    """Return a number with its 95 % interval."""
    rng = np.random.default_rng(0)
    drawn = [number([pairs[n] for n in rng.integers(len(pairs), size=len(pairs))]) for _ in range(_DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{number(pairs):.3f} [{low:.3f}, {high:.3f}]"


def _mean_runs(judged: Sequence[Judged], name: str) -> list[tuple[Judged, Row]]:
    """Return a row per society: the mean over its runs of what is measured for groups."""
    pairs = []
    for one in judged:
        rows = [row for row in (*one.rows, one.best_row) if row.name == name]
        routed = None if rows[0].routed is None else fmean(row.routed or 0.0 for row in rows)
        mean = replace(
            rows[0],
            members=fmean(row.members for row in rows),
            newcomers=fmean(row.newcomers for row in rows),
            strangers=fmean(row.strangers for row in rows),
            routed=routed,
        )
        pairs.append((one, mean))
    return pairs


def _ordered(judged: Sequence[Judged]) -> list[str]:
    names = dict.fromkeys(row.name for one in judged for row in (*one.rows, one.best_row))
    return sorted(names, key=lambda name: -GAIN(_mean_runs(judged, name)))


def _in(judged: Sequence[Judged], cell: Cell) -> list[Judged]:
    return [one for one in judged if one.society.cell == cell]


def _head(*titles: str) -> Iterator[str]:
    yield line(*titles)
    yield line("---", *("---:" for _ in titles[1:]))
