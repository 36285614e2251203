"""`scai compare`: runs side by side, each under a letter, compared with the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, product
from string import ascii_uppercase
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from scai_cli.analysis.comparison import Comparison
from scai_cli.analysis.run_measures import SHOWN_WELFARE
from scai_cli.analysis.version_similarity import VersionSimilarity
from scai_cli.display.terminal.config_differences import setting_lines
from scai_cli.display.terminal.consoles import number_table, out, plain_table
from scai_cli.display.terminal.constitution import whom, word_diff
from scai_cli.display.terminal.escape import counted, estimate, number, sparkline, styled
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line
from scai_cli.text.near_duplicates import words

_COLUMNS: Final = 4
"""The maximal number of runs with a column each; more get a line each."""

_MATRIX: Final = (6, 11)
"""The maximal number of runs for a matrix with the similarity of versions, and for a matrix alone."""

_ALIKE: Final = 0.5
"""The minimal share of common words for a changed rule; below it, show a removed and an added rule."""

_ENDS: Final = ("first", "last", "product")


def print_comparison(comparison: Comparison, similarity: VersionSimilarity | None) -> None:
    """Print the settings that differ, welfare with intervals, the constitutions and, if measured, their similarity."""
    console = out()
    letters = dict(zip(comparison.runs, _letters(), strict=False))
    for part in _parts(comparison, letters):
        console.print(part)
    for part in _similarity(comparison, similarity, letters) if similarity is not None else ():
        console.print(part)


def _parts(comparison: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    for run, history in comparison.runs.items():
        yield styled(f"{letters[run]}  {one_line(run)} · {_state(history)}", "bold")
    yield ""
    yield from setting_lines(comparison.differences, letters)
    yield ""
    yield _welfare(comparison, letters)
    yield from _differences(comparison, letters)
    yield from _constitutions(comparison, letters)


def _state(history: History) -> str:
    started = history.started
    if started is None:
        return f"{history.status} · no events yet"
    models = one_line(", ".join(dict.fromkeys(started.models.values())), 40)
    return f"{history.status} · {history.epochs_done} of {started.epochs} epochs · {models}"


def _welfare(comparison: Comparison, letters: Mapping[str, str]) -> Table:
    """Return the welfare of the first, last and product's epoch: a column per run, or a line per run of many."""
    rows = [("satisfaction", "satisfaction"), *((name, f"welfare.{name}") for name in _functions(comparison))]
    metrics = comparison.metrics
    if len(letters) > _COLUMNS:
        table = Table(box=None, padding=(0, 1, 0, 0))
        table.add_column("")
        for title, _ in rows:
            table.add_column("Gini (less)" if title == "gini_coefficient" else one_line(title, 12), no_wrap=True)
        for run in comparison.runs:
            cells = [_way([metrics.get(f"{key}.{end}", {}).get(run) for end in _ENDS[:2]]) for _, key in rows]
            table.add_row(letters[run], *cells)
        return table
    table = plain_table()
    table.add_column("first -> last (product)", min_width=26)
    for run in comparison.runs:
        table.add_column(letters[run])
    for title, key in rows:
        cells = [_way([metrics.get(f"{key}.{end}", {}).get(run) for end in _ENDS]) for run in comparison.runs]
        table.add_row(f"{title} (less is better)" if title == "gini_coefficient" else title, *cells)
    for name in ("rules", "calls", "usd"):
        counts = [metrics[name][run] for run in comparison.runs]
        if any(counts):
            table.add_row(name, *(number(value, 4 if name == "usd" else 0) for value in counts))
    return table


def _functions(comparison: Comparison) -> list[str]:
    """Return the functions declared by some run, and those that are always shown."""
    declared = [m.declared for history in comparison.runs.values() for m in history.measured[-1:]]
    return list(dict.fromkeys((*declared, *SHOWN_WELFARE)))


def _way(ends: Sequence[float | None]) -> str:
    first, last, *made = ends
    return f"{number(first)} -> {number(last)}" + "".join(f" ({number(value)})" for value in made if value is not None)


def _differences(comparison: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    for run, by_name in comparison.paired.items():
        pair = f"{letters[run]} - {letters[comparison.first]}"
        yield ""
        if not by_name:
            yield styled(f"{pair}: they share no user and task that were rated in the last epoch (or held out) of both")
            continue
        some = next(iter(by_name.values()))
        level = f"{some.interval.level:.0%} interval, " if some.interval.low is not None else ""
        users, tasks = counted(some.users, "user"), counted(some.tasks, "task")
        extent = f"{users} held out, means over {tasks}" if some.where == "holdout" else f"{users} x {tasks} of both"
        last = "" if some.where == "holdout" else ", last epochs"
        yield styled(f"{pair} ({level}{extent}{last})", "bold")
        for name, difference in by_name.items():
            yield styled(f"{name} {estimate(difference.interval)}")


def _constitutions(comparison: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    """Yield the first run's rules, and the differences of the other runs."""
    base = _final(comparison.runs[comparison.first])
    for run, history in comparison.runs.items():
        constitution = _final(history)
        against = "" if run == comparison.first else f", against {letters[comparison.first]}"
        yield ""
        yield styled(f"{letters[run]}: constitution, version {constitution.version}{against}", "bold")
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for rule_id, text in (
            _plain_rules(constitution, history) if run == comparison.first else _changed(base, constitution, history)
        ):
            table.add_row(Text(rule_id, style="bold"), text)
        yield table if table.rows else styled("(empty)")


def _final(history: History) -> Constitution:
    return history.product[0] if history.started else Constitution()


def _plain_rules(constitution: Constitution, history: History) -> Iterator[tuple[str, Text]]:
    for rule in constitution.rules:
        yield rule.id, Text.assemble(_whom(rule, history), one_line(rule.text))


def _whom(rule: Principle | Clause, history: History) -> tuple[str, str]:
    return (f"for {whom(rule, history.names, whole=False)}: " if isinstance(rule, Clause) else "", "italic")


def _changed(base: Constitution, other: Constitution, history: History) -> Iterator[tuple[str, Text]]:
    """Yield each rule against the most similar one of the first run, as ids of different runs are unrelated."""
    partners = _partners([rule.text for rule in base.rules], [rule.text for rule in other.rules])
    for at, rule in enumerate(other.rules):
        partner = partners.get(at)
        words = word_diff(base.rules[partner].text if partner is not None else "", rule.text)
        yield rule.id, Text.assemble(_whom(rule, history), words)
    for at, rule in enumerate(base.rules):
        if at not in partners.values():
            yield "", word_diff(rule.text, "")


def _partners(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Return pairs of the other rules and the base's rules, the most similar first, each rule in one pair."""
    base_words, other_words = ([Counter(words(text)) for text in texts] for texts in (base, other))
    shared = {(n, m): _shared(b, o) for (n, b), (m, o) in product(enumerate(other_words), enumerate(base_words))}
    partners: dict[int, int] = {}
    for n, m in sorted(shared, key=lambda pair: -shared[pair]):
        if shared[n, m] >= _ALIKE and n not in partners and m not in partners.values():
            partners[n] = m
    return partners


def _shared(one: Counter[str], other: Counter[str]) -> float:
    """Return the share of both texts' words that are also in the other (the Dice coefficient)."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def _similarity(
    comparison: Comparison, similarity: VersionSimilarity, letters: Mapping[str, str]
) -> Iterator[RenderableType]:
    runs = [run for run, history in comparison.runs.items() if history.started]
    yield ""
    yield styled(f"Similarity of constitutions (0 to 1, by {one_line(similarity.method, 60)})", "bold")
    beside, most = _MATRIX
    if len(runs) > most:
        yield styled(f"(the matrix of {len(runs)} runs is too wide for a screen; see --json)", "dim")
        return
    table = number_table("", *(letters[run] for run in runs))
    if len(runs) <= beside:
        table.add_column("each version to the one before")
    for run in runs:
        row = [similarity.values[similarity.last(run)][similarity.last(other)] for other in runs]
        paths = [_path(similarity.path(run))] if len(runs) <= beside else []
        table.add_row(letters[run], *map(number, row), *paths)
    yield table


def _path(alike: Sequence[float]) -> str:
    """Draw the similarity of a run's versions to the ones before, the last ones also in numbers."""
    return f"{sparkline(alike[-20:], 0, 1)} {' '.join(number(value) for value in alike[-4:])}".strip()


def _letters() -> Iterator[str]:
    """Yield A, B, ... Z, A2, B2, ..."""
    for turn in count(1):
        yield from (letter if turn == 1 else f"{letter}{turn}" for letter in ascii_uppercase)
