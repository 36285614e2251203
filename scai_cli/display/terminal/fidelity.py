"""`scai show RUN --fidelity`: whether the simulated users stay in character."""

from scai_cli.analysis.fidelity import Fidelity
from scai_cli.display.numbers import number
from scai_cli.display.terminal.consoles import number_table, out
from scai_cli.display.terminal.escape import styled
from scai_cli.runs.history.history import History
from scai_cli.stats.variance import Variances
from scai_cli.text.characters import one_line


def print_fidelity(history: History, fidelity: Fidelity) -> None:
    """Print the variance of ratings by rater, and each persona's distance from the controls."""
    console = out()
    console.print(styled(_variances("own ratings, between users over within", fidelity.own)), soft_wrap=True)
    console.print(styled(_variances("ratings of others' answers", fidelity.cross)), soft_wrap=True)
    if not history.controls:
        advice = "no control ratings; set `controls: true` in the experiment to collect them"
        console.print(styled(advice), soft_wrap=True)
    table = number_table("far from", "nobody", "another", "itself", "adherence", "judged", "", max_width=24)
    for persona, row in fidelity.personas.items():
        values = (row.from_null, row.from_swapped, row.from_itself, row.adherence, row.judged)
        flag = "rates as nobody does" if row.as_null else ""
        table.add_row(styled(one_line(history.names.get(persona, persona), 24)), *map(number, values), flag)
    console.print(table)


def _variances(title: str, variances: Variances | None) -> str:
    if variances is None:
        return f"{title}: too few ratings"
    return (
        f"{title}: {number(variances.between)} / {number(variances.within)} = {number(variances.ratio)}; "
        f"share of the variance explained by the rater (ICC): {number(variances.icc)}"
    )
