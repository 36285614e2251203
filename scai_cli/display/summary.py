"""A run on one screen: who is satisfied before and after, welfare, the constitution, problems."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scai_cli.constitution import Clause, Constitution
from scai_cli.display.proving import proof_lines
from scai_cli.display.safe import number, one_line, sparkline, styled
from scai_cli.history import History
from scai_cli.honesty import honesty

SHOWN_REVISIONS = 8
SHOWN_WELFARE = ("utilitarian", "rawlsian", "nash", "gini_coefficient")


def print_summary(console: Console, history: History) -> None:
    """Print what a run came to, as far as it went."""
    for part in _parts(history):
        console.print(part)


def _parts(history: History) -> Iterator[RenderableType]:
    yield styled(_headline(history), "bold")
    if history.started is None:
        yield styled("It holds no events yet.")
        return
    if history.measured:
        yield _satisfaction(history)
        yield _welfare(history)
        yield from proof_lines(history)
        yield from _revisions(history)
    else:
        yield styled("No epoch has ended yet.")
    constitution, _ = history.product
    yield ""
    yield from constitution_lines(constitution, history)
    yield from _troubles(history)


def _headline(history: History) -> str:
    parts = [history.run_id, history.status]
    if history.started:
        parts.append(f"{len(history.measured)} of {history.started.epochs} epochs")
        parts.append(", ".join(dict.fromkeys(history.started.models.values())))
    usage = history.outcome.get("usage", {})
    if history.outcome:
        parts.append(f"{history.outcome['calls']:,} calls")
        parts.append(f"{usage['input_tokens'] + usage['output_tokens']:,} tokens")
    if usage.get("usd"):
        parts.append(f"${usage['usd']:.4f}")
    return " · ".join(parts)


def _satisfaction(history: History) -> Table:
    assert history.started is not None
    low, high = history.started.scale
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left", title_style="")
    metric = history.started.metrics["own"].capitalize()
    table.add_column(one_line(f"{metric} ({low:g} to {high:g})", 30), max_width=30, no_wrap=True)
    table.add_column("first", justify="right")
    table.add_column("")
    table.add_column("last", justify="right")
    table.add_column("change", justify="right")
    drifted, honest = any(m.drift for m in history.measured), honesty(history)
    extra = [title for title, wanted in (("less drift", drifted), ("honesty", honest)) if wanted]
    for title in extra:
        table.add_column(title, justify="right")
    seen = dict.fromkeys(user for m in history.measured for user in m.satisfaction)
    users = [user for user in history.names if user in seen]
    rows = {user: [m.satisfaction.get(user) for m in history.measured] for user in users}
    means = [_mean([value for value in m.satisfaction.values() if value is not None]) for m in history.measured]
    for user, values in (*rows.items(), ("", means)):
        known = [value for value in values if value is not None]
        change = known[-1] - known[0] if known else None
        corrected = [m.corrected.get(user) for m in history.measured] if user else _corrected(history)
        last = [value for value in corrected if value is not None]
        cells = {
            "less drift": number(last[-1] if last else None, 1),
            "honesty": number(honest[user].overall if user in honest else None),
        }
        table.add_row(
            styled(one_line(history.names[user], 30)) if user else styled("everybody", "bold"),
            number(known[0] if known else None, 1),
            sparkline(values[-20:], low, high),
            number(known[-1] if known else None, 1),
            "–" if change is None else f"{change:+.1f}",
            *(cells[title] for title in extra),
        )
    return table


def _corrected(history: History) -> list[float | None]:
    return [_mean([value for value in m.corrected.values() if value is not None]) for m in history.measured]


def _revisions(history: History) -> Iterator[RenderableType]:
    """Why each revision was adopted or not; of a long run the last ones."""
    revisions = [epoch.revision for epoch in history.epochs if epoch.revision is not None]
    yield ""
    yield styled("Revisions", "bold")
    if len(revisions) > SHOWN_REVISIONS:
        yield styled(f"({len(revisions) - SHOWN_REVISIONS} earlier ones: --constitution)", "dim")
    for revision in revisions[-SHOWN_REVISIONS:]:
        became = f"version {revision.constitution.version}" if revision.accepted else "kept"
        yield styled(one_line(f"epoch {revision.epoch}: {became}: {revision.reason}", 200))


def _welfare(history: History) -> Padding:
    first, last = history.measured[0], history.measured[-1]
    names = dict.fromkeys((last.declared, *SHOWN_WELFARE))
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Welfare (0 to 1)", min_width=30)
    table.add_column("first", justify="right")
    table.add_column("")
    table.add_column("last", justify="right")
    for name in names:
        mark = (
            " (declared)" if name == last.declared else " (lower is more equal)" if name == "gini_coefficient" else ""
        )
        values = [measured.values.get(name) for measured in history.measured]
        table.add_row(
            f"{name}{mark}",
            number(first.values.get(name)),
            sparkline(values[-20:], 0, 1),
            number(last.values.get(name)),
        )
    return Padding(table, (1, 0, 0, 0))


def constitution_lines(constitution: Constitution, history: History) -> Iterator[RenderableType]:
    """A constitution with its ids, for people."""
    yield styled(f"Constitution, version {constitution.version}", "bold")
    if not constitution.rules:
        yield styled("(empty)")
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    for rule in constitution.rules:
        text = Text(one_line(rule.text))
        if isinstance(rule, Clause):
            whom = one_line(", ".join(history.names.get(user, user) for user in rule.users))
            text = Text.assemble((f"for {whom}: ", "italic"), text)
        table.add_row(Text(rule.id, style="bold"), text)
    yield table


def _troubles(history: History) -> Iterator[RenderableType]:
    problems = [problem for epoch in history.epochs for problem in epoch.problems]
    missing = sum(measured.missing for measured in history.measured)
    if problems or missing:
        yield ""
        yield styled(f"Problems: {len(problems)} calls failed, {missing} ratings are missing", "bold")
    for problem in problems[:5]:
        yield styled(one_line(f"{problem.id}: {problem.problem}", 200))
    reason = history.outcome.get("reason")
    if reason and history.status != "finished":
        yield ""
        yield styled(one_line(str(reason)))


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
