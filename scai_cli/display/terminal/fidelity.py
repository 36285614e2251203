"""`scai show RUN --fidelity`: whether the simulated users stay themselves."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from scai_cli.analysis.fidelity import Fidelity
from scai_cli.display.terminal.escape import number, one_line, styled
from scai_cli.runs.history.history import History
from scai_cli.stats.variance import Variances


def print_fidelity(console: Console, history: History, found: Fidelity) -> None:
    """Print how far ratings differ by rater, and each persona's distance from the controls."""
    console.print(styled(_variances("own ratings, between users over within", found.own)), soft_wrap=True)
    console.print(styled(_variances("ratings of others' answers", found.cross)), soft_wrap=True)
    if not history.controls:
        console.print(
            styled("no controls: set `controls: true` to have the answers rated by nobody and by others"),
            soft_wrap=True,
        )
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("far from", max_width=24, no_wrap=True)
    for title in ("nobody", "another", "itself", "adherence", "judged"):
        table.add_column(title, justify="right")
    table.add_column("", no_wrap=True)
    for persona, row in found.personas.items():
        cells = [
            number(value) for value in (row.from_null, row.from_swapped, row.from_itself, row.adherence, row.judged)
        ]
        flag = "rates as nobody does" if row.as_null else ""
        table.add_row(styled(one_line(history.names.get(persona, persona), 24)), *cells, flag)
    console.print(table)


def _variances(title: str, found: Variances | None) -> str:
    if found is None:
        return f"{title}: too few to tell"
    return (
        f"{title}: {number(found.between)} / {number(found.within)} = {number(found.ratio)}; "
        f"the share that who rates explains (ICC): {number(found.icc)}"
    )
