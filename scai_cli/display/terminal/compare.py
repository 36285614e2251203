"""`scai compare`: runs side by side, each under a letter, compared with the first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, product
from string import ascii_uppercase
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from scai_cli.analysis.comparison import Comparison
from scai_cli.analysis.health import health_warnings
from scai_cli.analysis.participants import participants
from scai_cli.analysis.run_measures import SHOWN_WELFARE, welfare_words
from scai_cli.analysis.verdicts import change_words
from scai_cli.analysis.version_similarity import VersionSimilarity
from scai_cli.display.numbers import number
from scai_cli.display.terminal.config_differences import setting_lines
from scai_cli.display.terminal.consoles import number_table, out, plain_table
from scai_cli.display.terminal.constitution import scope, word_diff
from scai_cli.display.terminal.escape import sparkline, styled
from scai_cli.display.terminal.styles import DOUBTFUL, HEADING, MUTED, style_of
from scai_cli.experiment.constitution import Constitution, listed
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line
from scai_cli.text.words import words

_COLUMNS: Final = 4
"""The maximal number of runs with a column each; more get a line each."""

_MATRIX: Final = (6, 11)
"""The maximal number of runs for a matrix with the similarity of versions, and for a matrix alone."""

_ALIKE: Final = 0.5
"""The minimal share of common words for a changed rule; below it, show a removed and an added rule."""


def print_comparison(comparison: Comparison, similarity: VersionSimilarity | None) -> None:
    """Print the settings that differ, welfare with intervals, the constitutions and, if measured, their similarity."""
    console = out()
    letters = dict(zip(comparison.runs, _letters(), strict=False))
    for part in _parts(comparison, letters):
        console.print(part)
    for part in _similarity(comparison, similarity, letters) if similarity is not None else ():
        console.print(part)


def _parts(comparison: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    plain, _, measured = one_line(comparison.sentence).partition(". ")
    yield styled(f"{plain}." if measured else plain, HEADING)
    if measured:
        yield styled(measured)
    if care := comparison.care:
        yield styled(one_line(care), DOUBTFUL)
    yield ""
    for run, history in comparison.runs.items():
        status = (history.status, style_of(history.status))
        yield Text.assemble((f"{letters[run]}  {one_line(run)}", HEADING), " · ", status, f" · {_state(history)}")
        if warnings := health_warnings(history.answers, history.config):
            more = f" ({len(warnings) - 1} more: scai show {one_line(run)})" if len(warnings) > 1 else ""
            yield styled(f"Warning: {warnings[0]}{more}", DOUBTFUL)
    yield ""
    names = {user: name for history in comparison.runs.values() for user, name in history.names.items()}
    yield from setting_lines(comparison.differences, letters, names)
    yield ""
    configs = [history.config for history in comparison.runs.values()]
    people = (participants(config, {p.id for p in config.train_personas}, brief=True) for config in configs)
    yield styled(f"Measures of {listed(list(dict.fromkeys(people)))}", HEADING)
    yield _welfare(comparison, letters)
    yield from _differences(comparison, letters)
    yield from _constitutions(comparison, letters)


def _state(history: History) -> str:
    started = history.started
    if started is None:
        return "no events yet"
    models = one_line(", ".join(dict.fromkeys(started.models.values())), 40)
    return f"{history.epochs_done} of {started.epochs} epochs · {models}"


def _welfare(comparison: Comparison, letters: Mapping[str, str]) -> Table:
    """Return satisfaction and welfare at the start -> with the product: a column for each run, or a row of many."""
    declared = [m.declared for history in comparison.runs.values() for m in history.measured[-1:]]
    functions = list(dict.fromkeys((*declared, *SHOWN_WELFARE)))
    values = {run: list(_values(comparison, run, functions)) for run in comparison.runs}
    titles = ["versions", "epochs", "satisfaction", *(welfare_words(name) for name in functions)]
    if len(letters) > _COLUMNS:
        table = Table(box=None, padding=(0, 1, 0, 0))
        for title in ("", *titles):
            if title != "epochs":
                table.add_column(title.partition(" (")[0], max_width=12)
        for run, (versions, _, *numbers) in values.items():
            table.add_row(letters[run], versions, *numbers)
        return table
    table = plain_table()
    table.add_column("start -> product", min_width=26 if len(letters) < 3 else None)
    for run in comparison.runs:
        table.add_column(letters[run])
    for at, title in enumerate(titles):
        table.add_row(title, *(values[run][at] for run in comparison.runs))
    headlines = comparison.headlines.values()
    table.add_row("change of satisfaction", *(found.satisfaction.words if found else "–" for found in headlines))
    table.add_row("change of declared welfare", *(found.welfare.words if found else "–" for found in headlines))
    metrics = comparison.metrics
    for name in ("rules", "calls", "usd"):
        counts = [metrics[name][run] for run in comparison.runs]
        if any(counts):
            table.add_row(name, *(number(value, 4 if name == "usd" else 0) for value in counts))
    return table


def _values(comparison: Comparison, run: str, functions: Sequence[str]) -> Iterator[str]:
    """Yield a run's versions, epochs, mean satisfaction and welfare, at the start -> with the product."""
    found = comparison.headlines[run]
    if found is None:
        yield from ["–"] * (3 + len(functions))
        return
    start, compared, same = found.start, found.compared, not found.apart
    unplayed = "" if found.product.epochs else f" ({found.product.version} is not played)"
    yield _way([start.version, compared.version], same, 0) + unplayed
    yield start.epochs_words if same else f"{start.epochs_words} -> {compared.epochs_words}"
    yield _way([found.satisfaction.before, found.satisfaction.after], same, 1)
    yield from (_way(found.welfare_by(name)[:2], same, 2) for name in functions)


def _way(ends: Sequence[float | None], same: bool, digits: int) -> str:
    """Return `0.59 -> 0.81`, or one number where one version alone was played."""
    first, last = (number(end, digits) for end in ends)
    return first if same else f"{first} -> {last}"


def _differences(comparison: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    for run, by_name in comparison.paired.items():
        pair = f"{letters[run]} - {letters[comparison.first]}"
        yield ""
        if not by_name:
            yield styled(f"{pair}: they share no user and task that were rated (or held out) in both")
            continue
        some = next(iter(by_name.values()))
        users = participants(comparison.runs[run].config, some.people, brief=True)
        yield styled(f"{pair} ({users}; {letters[run]}: {some.where})", HEADING)
        for name, difference in by_name.items():
            yield styled(f"{welfare_words(name)}: {change_words(difference.interval, 3, 'difference')}")


def _constitutions(comparison: Comparison, letters: Mapping[str, str]) -> Iterator[RenderableType]:
    """Yield the first run's rules, and the differences of the other runs."""
    base = _final(comparison.runs[comparison.first])
    for run, history in comparison.runs.items():
        constitution = _final(history)
        against = "" if run == comparison.first else f", against {letters[comparison.first]}"
        yield ""
        yield styled(f"{letters[run]}: constitution, version {constitution.version}{against}", HEADING)
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for rule_id, text in (
            _plain_rules(constitution, history) if run == comparison.first else _changed(base, constitution, history)
        ):
            table.add_row(Text(rule_id, style=MUTED), text)
        yield table if table.rows else styled("(empty)")


def _final(history: History) -> Constitution:
    return history.product[0] if history.started else Constitution()


def _plain_rules(constitution: Constitution, history: History) -> Iterator[tuple[str, Text]]:
    for rule in constitution.rules:
        yield rule.id, Text.assemble((scope(rule, history.names, whole=False), "italic"), one_line(rule.text))


def _changed(base: Constitution, other: Constitution, history: History) -> Iterator[tuple[str, Text]]:
    """Yield each rule against the most similar one of the first run, as ids of different runs are unrelated."""
    partners = _partners([rule.text for rule in base.rules], [rule.text for rule in other.rules])
    for at, rule in enumerate(other.rules):
        partner = partners.get(at)
        words = word_diff(base.rules[partner].text if partner is not None else "", rule.text)
        yield rule.id, Text.assemble((scope(rule, history.names, whole=False), "italic"), words)
    for at, rule in enumerate(base.rules):
        if at not in partners.values():
            yield "", word_diff(rule.text, "")


def _partners(base: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Return pairs of the other rules and the base's rules, the most similar first, each rule in one pair."""
    base_words, other_words = ([Counter(words(text)) for text in texts] for texts in (base, other))
    pairs = product(enumerate(other_words), enumerate(base_words))
    # The share of both texts' words that are also in the other (the Dice coefficient).
    shared = {(n, m): 2 * (b & o).total() / max(1, b.total() + o.total()) for (n, b), (m, o) in pairs}
    partners: dict[int, int] = {}
    for n, m in sorted(shared, key=lambda pair: -shared[pair]):
        if shared[n, m] >= _ALIKE and n not in partners and m not in partners.values():
            partners[n] = m
    return partners


def _similarity(
    comparison: Comparison, similarity: VersionSimilarity, letters: Mapping[str, str]
) -> Iterator[RenderableType]:
    runs = [run for run, history in comparison.runs.items() if history.started]
    yield ""
    yield styled(f"Similarity of constitutions (0 to 1, by {one_line(similarity.method, 60)})", HEADING)
    beside, most = _MATRIX
    if len(runs) > most:
        yield styled(f"(the matrix of {len(runs)} runs is too wide for a screen; see --json)", MUTED)
        return
    table = number_table("", *(letters[run] for run in runs))
    if len(runs) <= beside:
        table.add_column("each version to the one before")
    for run in runs:
        row = [similarity.values[similarity.last(run)][similarity.last(other)] for other in runs]
        alike = similarity.path(run)
        path = f"{sparkline(alike[-20:], 0, 1)} {' '.join(number(value) for value in alike[-4:])}".strip()
        table.add_row(letters[run], *map(number, row), *[path] * (len(runs) <= beside))
    yield table


def _letters() -> Iterator[str]:
    """Yield A, B, ... Z, A2, B2, ..."""
    for turn in count(1):
        yield from (letter if turn == 1 else f"{letter}{turn}" for letter in ascii_uppercase)
