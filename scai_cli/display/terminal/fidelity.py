"""`scai show RUN --fidelity`: whether the simulated users stay themselves."""

from __future__ import annotations

from scai_cli.analysis.fidelity import Fidelity
from scai_cli.display.terminal.consoles import number_table, out
from scai_cli.display.terminal.escape import number, styled
from scai_cli.runs.history.history import History
from scai_cli.stats.variance import Variances
from scai_cli.text.characters import one_line


def print_fidelity(history: History, fidelity: Fidelity) -> None:
    """Print how far ratings differ by rater, and each persona's distance from the controls."""
    console = out()
    console.print(styled(_variances("own ratings, between users over within", fidelity.own)), soft_wrap=True)
    console.print(styled(_variances("ratings of others' answers", fidelity.cross)), soft_wrap=True)
    if not history.controls:
        advice = "no controls: set `controls: true` to have the answers rated by nobody and by others"
        console.print(styled(advice), soft_wrap=True)
    table = number_table("far from", "nobody", "another", "itself", "adherence", "judged", "", max_width=24)
    for persona, row in fidelity.personas.items():
        values = (row.from_null, row.from_swapped, row.from_itself, row.adherence, row.judged)
        flag = "rates as nobody does" if row.as_null else ""
        table.add_row(styled(one_line(history.names.get(persona, persona), 24)), *map(number, values), flag)
    console.print(table)


def _variances(title: str, variances: Variances | None) -> str:
    if variances is None:
        return f"{title}: too few to tell"
    return (
        f"{title}: {number(variances.between)} / {number(variances.within)} = {number(variances.ratio)}; "
        f"the share that who rates explains (ICC): {number(variances.icc)}"
    )
