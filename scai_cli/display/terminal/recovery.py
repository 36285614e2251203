"""The recovery of a hidden norm in a terminal: of a run in lines, of the settings of a sweep as a table."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from scai_cli.analysis.recovery_curves import RecoveryCurve, run_curves
from scai_cli.display.recovery import PLUMBING, ends_words, found_words, recovery_words, unseen_words
from scai_cli.display.terminal.consoles import number_table, out
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING, MUTED
from scai_cli.runs.history.history import History
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted


def recovery_lines(history: History, gap: Sequence[str], *, full: bool) -> Iterator[RenderableType]:
    """Yield the recovery of a run; nothing without a game. `full`: also what the simulated society does not show."""
    curve = next(run_curves(history), None)
    if curve is None:
        return
    yield from gap
    head, *rest = map(one_line, recovery_words(curve, history.product[0].version))
    yield styled(head, HEADING)
    yield styled(" ".join(rest))
    if full and curve.is_plumbing:
        yield styled(PLUMBING, MUTED)


def print_recovery(curves: Sequence[tuple[str, RecoveryCurve]]) -> None:
    """Print a row for each setting of a sweep of games; nothing without any."""
    if not curves:
        return
    table = number_table(
        "Hidden norm", "seeds", "recovery", "not played before", "found in", min_width=16, max_width=26
    )
    for name, curve in curves:
        cells = ends_words(curve.product), unseen_words(curve.unseen), found_words(curve)
        table.add_row(styled(one_line(name, 60)), str(curve.runs), *cells)
    out().print(table)
    over = counted(max(curve.runs for _, curve in curves), "seed")
    out().print(
        styled(
            f"Shares of the proposals that meet the user's hidden policy, mean over {over}, with 95 % intervals", MUTED
        )
    )
    if any(curve.is_plumbing for _, curve in curves):
        out().print(styled(PLUMBING, MUTED))
