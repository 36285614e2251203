"""The page about a sweep: comparisons along its axes, the price of fairness, seeds, and all cells."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from scai_cli.analysis.pareto import ParetoFront, ParetoPoint
from scai_cli.analysis.run_measures import welfare_words
from scai_cli.analysis.sweep_axes import (
    AxisDifference,
    Row,
    axis_differences,
    compared_axes,
    functions_of,
    main_differences,
    values_of,
)
from scai_cli.analysis.sweep_runs import SEED, WELFARE, SweepRun, read_runs, setting, value_words
from scai_cli.analysis.sweep_seeds import Repeats, repeats, seed_summaries, setting_curves, welfare_fronts
from scai_cli.analysis.verdicts import between, is_beyond_chance, signed, verdict_of
from scai_cli.display.numbers import listed, number, sentence_case
from scai_cli.display.report.charts import undrawn, undrawn_note
from scai_cli.display.report.frame import badge, header, page
from scai_cli.display.report.html import TEXTS, Child, Html, brief, cut, marked, note, scai_command, tag, together
from scai_cli.display.report.plain import function_words, likely, likely_words, term
from scai_cli.display.report.recovery import recoveries
from scai_cli.display.report.sections import Section, contents
from scai_cli.display.report.tables import table
from scai_cli.display.report.trade_off import drawing
from scai_cli.experiment.sweep_file import read_sweep
from scai_cli.runs.file_names import SWEEP
from scai_cli.runs.sweep_directory import CellRecord, Sweep, read_sweep_directory
from scai_cli.text.counts import counted

_WORDS: Final[Mapping[str, str]] = TEXTS["sweep"]
MOST_CELLS: Final = 1000
"""The maximal number of rows of the table of cells."""
MOST_FRONTS: Final = 12
MOST_SENTENCES: Final = 3
"""The maximal number of values of an axis whose differences are all sentences."""
_MOST_VALUE: Final = 80
_MOST_PROBLEM: Final = 200

Differences = Mapping[str, Sequence[Row]]
"""Axis -> a row for each value but the first one."""


def make_sweep_page(path: Path) -> str:
    """Return the page about a sweep, finished or not; raises RunError for a damaged line."""
    sweep = read_sweep_directory(path)
    heading = header(tag("h1", sweep.name, " ", badge(sweep.status)), sweep_facts(sweep), "top")
    return page(sweep.name, together(heading, sweep_body(sweep)))


def sweep_body(sweep: Sweep) -> Html:
    """Return all of the page below its header; raises RunError for a damaged line in one of its runs."""
    runs = read_runs(sweep)
    found = {axis: list(axis_differences(sweep, runs, axis)) for axis in compared_axes(sweep)}
    return together(
        tag("div", list(_answer(sweep, runs, found)), class_="answer"),
        undrawn_note(),
        contents(list(_sections(sweep, runs, found))),
    )


def sweep_facts(sweep: Sweep) -> str:
    """Return the cells, the axes and the cost in a line."""
    counts = Counter(cell.status for cell in sweep.cells)
    cells = f"{counted(len(sweep.cells), 'cell')}: {', '.join(f'{n:,} {status}' for status, n in counts.items())}"
    axes = listed([f"{cut(axis, _MOST_VALUE)} ({len(values_of(sweep, axis))})" for axis in sweep.axes], 8)
    calls = sum(cell.calls for cell in sweep.cells)
    tokens = sum(cell.input_tokens + cell.output_tokens for cell in sweep.cells)
    usd = sum(cell.usd or 0.0 for cell in sweep.cells)
    is_known = all(cell.usd is not None or not cell.calls for cell in sweep.cells)
    cost = [f"${usd:.4f}"] if usd and is_known else []
    return " · ".join([cells, axes, counted(calls, "call"), counted(tokens, "token"), *cost])


def _answer(sweep: Sweep, runs: Mapping[str, SweepRun], found: Differences) -> Iterator[Html]:
    """Yield which axes make a difference, the results of each in sentences, whose people they are of, and warnings."""
    repeated = repeats(runs)
    yield tag("p", _repeated(repeated) if repeated else _lead(found) or _nothing_compared(sweep), class_="lead")
    axes: list[tuple[str, Child]] = [(cut(axis, _MOST_VALUE), list(_results(rows))) for axis, rows in found.items()]
    axes += _over_seeds(repeated) if repeated else []
    if runs:
        people = listed(list(dict.fromkeys(run.participants for run in runs.values())), 4)
        kinds = {bool(run.cells.held_out) for run in runs.values()}
        places = {True: "the people and tasks that were set aside", False: "the people and tasks of the last epoch"}
        measured = f", measured on {listed([places[kind] for kind in kinds])}."
        axes.append(("Of whom", [f"How well {people} are served, from 0 to 1{measured}\u00a0", term("welfare")]))
        if repeated:  # sweeps ask no real people
            axes.append(("Not known", "How real people would rate these answers."))
    yield brief(axes)
    every = set.intersection(*(set(run.warnings) for run in runs.values())) if runs else set()
    yield from (tag("p", marked(f"{sentence_case(line)}."), class_="caution") for line in sorted(every))


def _repeated(found: Repeats) -> list[Child]:
    """Return the change over runs that differ in the seed alone."""
    interval = found.change
    over = f"{counted(found.runs, 'run')} that differ only in chance (the seed)" if found.runs > 1 else "1 run"
    whose = f"{sentence_case(found.metric)} of {found.participants}, mean over {over}: "
    return [whose, *likely(interval, 1)]


def _over_seeds(found: Repeats) -> Iterator[tuple[str, Child]]:
    """Yield how often the result came again, and the people who gain and lose in most runs."""
    yield "How often", tag("p", found.runs_words)
    for title, counts in (("Who gains", found.gained), ("Who pays", found.lost)):
        words = f"Clearly: {found.people_words(counts)}." if counts else "Nobody clearly, in any run."
        yield title, tag("p", words, "\u00a0", term("clearly"))
    if found.gain is not None:
        yield (
            "Set aside",
            tag("p", f"How well those who had no part in the rules are served: {likely_words(found.gain, 2)}."),
        )


def _lead(found: Differences) -> str:
    """Return the axes that make a difference beyond chance, and those for which none was found; empty without axes."""
    moves = {axis: any(is_beyond_chance(each.estimate) for row in rows for each in row) for axis, rows in found.items()}
    moving, others = (
        listed([cut(axis, _MOST_VALUE) for axis in moves if moves[axis] is kind], 6) for kind in (True, False)
    )
    if not moving:
        return f"No difference beyond chance was found along {others}." if others else ""
    rest = f"; along {others} none was found" if others else ""
    return f"A difference beyond chance was found along {moving}{rest}."


def _results(rows: Sequence[Row]) -> Iterator[Html]:
    firsts = [row[0] for row in rows]
    if len(firsts) <= MOST_SENTENCES:
        yield from (_sentence(each) for row in rows for each in main_differences(row))
        return
    values: dict[str, list[str]] = {}
    for first in firsts:
        verdict = verdict_of(first.estimate).replace("change", "difference")
        values.setdefault(verdict, []).append(cut(first.value, _MOST_VALUE))
    verdicts = "; ".join(f"{verdict} with {listed(names, 8)}" for verdict, names in values.items())
    yield tag("p", f"Against {firsts[0].against}, {function_words(firsts[0].function)}: {verdicts}.")


def _sentence(found: AxisDifference) -> Html:
    """Return a difference in plain words with its sample."""
    words, estimate = found.words, found.estimate
    tap = None
    if estimate is not None and estimate.low is not None and (estimate.low or estimate.high):
        words, tap = likely_words(estimate, 2, "difference"), term("likely")
    over = f", over {found.over}" if estimate is not None else ""
    sides = f"{cut(found.value, _MOST_VALUE)} against {cut(found.against, _MOST_VALUE)}"
    return tag("p", f"{sides}, {function_words(found.function)}: {words}{over}.\u00a0", tap)


def _nothing_compared(sweep: Sweep) -> str:
    if sweep.command != "run":
        return "A sweep of generated sets, which have no welfare to compare."
    return "Only the seed differs, so there are no settings to compare." if SEED in sweep.axes else "One setting alone."


def _sections(sweep: Sweep, runs: Mapping[str, SweepRun], found: Differences) -> Iterator[Section]:
    if curves := setting_curves(sweep, runs):
        named = [(cut(name, _MOST_VALUE), curve) for name, curve in curves]
        yield Section("recovery", TEXTS["recovery"]["title"], recoveries(named))
    for n, (axis, rows) in enumerate(found.items(), 1):
        yield Section(f"axis-{n}", f"Along {cut(axis, _MOST_VALUE)}", together(_axis(sweep, rows)))
    if WELFARE in sweep.axes and runs:
        yield Section("welfare", "Welfare functions and the price of fairness", together(_fronts(sweep, runs)))
    # Without gains, the table of the welfare functions has the same numbers.
    if SEED in sweep.axes and runs and (WELFARE not in sweep.axes or any(cell.gain for cell in sweep.cells)):
        yield Section("seeds", "Over the seeds", together(_seeds(sweep, runs)))
    yield Section("cells", "All cells", together(_cells(sweep, functions_of(runs))))
    text = (sweep.path / SWEEP).read_text(encoding="utf-8")
    if experiment := read_sweep(
        sweep.path / SWEEP
    ).experiment:  # a page is given away: without the folders of its author
        text = text.replace(str(experiment), experiment.name)
    yield Section("file", "The sweep file", tag("pre", text))


def _axis(sweep: Sweep, rows: Sequence[Row]) -> Iterator[Html]:
    seed = [" ", _WORDS["seed"]] if SEED in sweep.axes else []
    yield note(_WORDS["axes"].format(first=cut(rows[0][0].against, _MOST_VALUE)), seed)
    heads = ("Value", *(sentence_case(welfare_words(each.function)) for each in rows[0]), "over")
    cells = ((cut(row[0].value, _MOST_VALUE), [*(each.words for each in row), _pairs(row[0])]) for row in rows)
    yield table(heads, cells, words=True)


def _pairs(found: AxisDifference) -> str:
    left_out = f", {found.left_out} not finished" if found.left_out else ""
    return f"{found.over}{left_out}{f', {found.apart} of other people or tasks' if found.apart else ''}"


def _fronts(sweep: Sweep, runs: Mapping[str, SweepRun]) -> Iterator[Html]:
    fronts = welfare_fronts(sweep, runs)
    if not fronts:
        yield tag("p", "No two functions have finished with the same seed yet.")
        return
    several = any(point.spread for front in fronts.values() for point in front.points)
    yield note(_WORDS["welfare"], " ", _WORDS["mean" if several else "one_play"])
    for words, front in list(fronts.items())[:MOST_FRONTS]:
        yield tag("h3", words) if words else together()
        if not undrawn():
            yield drawing(front, [point.function for point in front.points])
        yield _front_table(front)
        for point in front.points:
            if (same := front.same_as(point)) is not None:
                seeds = f" with {same[1]} of {counted(len(point.rules), 'seed')}" if len(point.rules) > 1 else ""
                yield tag("p", f"{point.function}: the same constitution as {same[0]}{seeds}.")
    if (more := len(fronts) - MOST_FRONTS) > 0:
        yield note(f"and {counted(more, 'setting')} more: ", scai_command("show", sweep.name, "--json"))


def _front_table(front: ParetoFront) -> Html:
    one_play = not any(point.spread for point in front.points)
    heads = (
        "Function",
        "price of fairness",
        "mean of all",
        "worst-off person",
        "inequality (Gini)",
        "measured on" if one_play else "over",
    )
    rows = []
    for point in front.points:
        price = front.price(point)
        cells = ["–" if price is None else f"{signed(100 * price, 1)} %", *_with_spread(point)]
        rows.append((point.function, [*cells, "held out" if point.measured == "holdout" else point.measured]))
    return table(heads, rows)


def _with_spread(point: ParetoPoint) -> Iterator[str]:
    for value, spread in zip((point.mean, point.worst_off, point.inequality), point.spreads, strict=True):
        yield _mean_words(value, spread)


def _mean_words(value: float | None, spread: float | None) -> str:
    return number(value) if spread is None else f"{number(value)} ± {number(spread)}"


def _seeds(sweep: Sweep, runs: Mapping[str, SweepRun]) -> Iterator[Html]:
    functions = functions_of(runs)
    yield note(_WORDS["seeds"])
    others = [axis for axis in sweep.axes if axis != SEED]
    heads = (*(others or ["Seeds"]), "runs", *map(welfare_words, functions), "held-out gain")
    rows = []
    for found in seed_summaries(sweep, runs):
        means = [_mean_words(*found.welfare.get(name, (None, None))) for name in functions]
        first, *more = (cut(value, _MOST_VALUE) for value in found.setting or ("all",))
        rows.append((first, [*more, str(found.runs), *means, found.gain_words]))
    yield table(heads, rows)


def _cells(sweep: Sweep, functions: Sequence[str]) -> Iterator[Html]:
    usd = any(cell.usd for cell in sweep.cells)
    if sweep.command == "run":
        yield note(_WORDS["table"])
    is_run = sweep.command == "run"
    measured = ("measured on", *map(welfare_words, functions), "held-out gain") if is_run else ("made",)
    heads = (*sweep.axes, "status", *measured, "calls", *(["cost"] if usd else []))
    rows = (_row(sweep, cell, functions if is_run else None, usd=usd) for cell in sweep.cells[:MOST_CELLS])
    yield table(heads, rows)
    if (more := len(sweep.cells) - MOST_CELLS) > 0:
        yield note(f"and {more:,} more: ", scai_command("show", sweep.name, "--json"))


def _row(sweep: Sweep, cell: CellRecord, functions: Sequence[str] | None, *, usd: bool) -> tuple[Child, list[Child]]:
    first, *others = (cut(value_words(value), _MOST_VALUE) for value in setting(cell.values, *sweep.axes))
    problem = note(cut(cell.problem, _MOST_PROBLEM)) if cell.problem else None
    cells: list[Child] = [*others, together(cell.status, problem)]
    if functions is not None:
        where = "held out" if cell.measured_on == "holdout" else cell.measured_on or "–"
        cells += [where, *(number(cell.welfare.get(name)) for name in functions), _gain(cell)]
    else:
        cells.append("–" if cell.made is None else f"{cell.made:,}")
    return first, [*cells, f"{cell.calls:,}", *([number(cell.usd, 4)] if usd else [])]


def _gain(cell: CellRecord) -> str:
    if cell.gain is None:
        return "–"
    if cell.gain.low == cell.gain.high == 0:
        return "no change at all"
    ends = f" ({between(cell.gain, 2)})" if cell.gain.low is not None else ""
    return f"{signed(cell.gain.value, 2)}{ends}"
