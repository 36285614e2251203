"""`scai frontier`: a table with the result of each welfare function."""

from scai_cli.analysis.pareto import ParetoFront
from scai_cli.analysis.verdicts import signed
from scai_cli.display.numbers import number
from scai_cli.display.terminal.consoles import out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.text.characters import one_line


def print_front(front: ParetoFront) -> None:
    """Print a row for each welfare function; a star marks the Pareto front."""
    table = plain_table()
    for title in ("", "welfare", "run", "measured on"):
        table.add_column(title, overflow="fold")
    for title in ("mean", "worst-off", "Gini", "price"):
        table.add_column(title, justify="right", no_wrap=True)
    for point in front.points:
        price = front.price(point)
        table.add_row(
            "*" if front.best(point) else "",
            point.function,
            styled(one_line(point.run_id)),
            f"version {point.version}, {point.measured}",
            number(point.mean, 3),
            number(point.worst_off, 3),
            number(point.inequality, 3),
            "–" if price is None else f"{signed(100 * price, 1)}%",
        )
    console = out()
    console.print(styled(f"Utility (0 to 1) of {front.participants}"))
    console.print(table)
    for point in front.points:
        if (same := front.same_as(point)) is not None:
            console.print(styled(f"{point.function}: same constitution as {same}"))
    console.print("* on the Pareto front of mean and worst-off utility (more is better) and Gini (less is better)")
    console.print("price of fairness: 1 - mean / mean under utilitarian")
    console.print("one play of each, no interval: a difference can be chance")
