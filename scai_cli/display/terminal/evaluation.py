"""`scai evaluate` and `scai show` of an evaluation: verdicts, numbers by system, tables and notes."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table

from scai_cli.display.numbers import number
from scai_cli.display.terminal.consoles import number_table, out, plain_table
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.plan import cost_line
from scai_cli.display.terminal.styles import DOUBTFUL, HEADING, MUTED, style_of
from scai_cli.evaluation.results import Evaluation
from scai_cli.evaluation.suite import ResultTable, SuiteResult
from scai_cli.evaluation.verdict import NOT_COMPARED, difference_words
from scai_cli.jobs.evaluate_plan import EvaluatePlan
from scai_cli.text.characters import one_line

_MOST_ROWS = 24
_SIDE_BY_SIDE = 2
_NARROW = 72
"""The columns below which each system has a row of its own."""


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the verdicts, then every suite."""
    console = out()
    manifest = evaluation.manifest
    console.print(styled(f"{one_line(manifest.run_id)} · {evaluation.status}", HEADING))
    for n, system in enumerate(manifest.systems):
        what = "no system message" if system.message is None else one_line(system.source)
        role = " · the reference" if n == 0 else ""
        console.print(styled(f"  {system.name}: {what} · answered by {one_line(system.model.label)}{role}"))
    print_findings(evaluation, console)
    for result in evaluation.results:
        for part in _suite(evaluation, result):
            console.print(part)


def print_findings(evaluation: Evaluation, console: Console) -> None:
    """Print the warnings and the verdict of every declared measure."""
    for warning in evaluation.warnings:
        console.print(styled(one_line(f"warning: {warning}"), DOUBTFUL))
    for result in evaluation.results:
        if result.problem is not None:
            console.print(styled(one_line(f"{result.suite}: cannot judge: {result.problem}"), DOUBTFUL))
        elif result.verdict:
            console.print(styled(one_line(f"{result.suite}: {result.verdict}"), HEADING))
    reference = evaluation.systems[0]
    for other in evaluation.systems[1:]:
        console.print(styled(f"{one_line(other)} against {one_line(reference)}", HEADING))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column()
        table.add_column(overflow="fold")
        found = [finding for finding in evaluation.findings if finding.system == other]
        if not found:
            table.add_row(NOT_COMPARED)
        for finding in found:
            table.add_row(styled(finding.title), styled(one_line(finding.words), style_of(finding.verdict)))
        console.print(Padding(table, (0, 0, 0, 2)))


def print_plan(plan: EvaluatePlan) -> None:
    """Print the calls of each suite, the cost, and the smallest difference that can be found."""
    console = out()
    table = number_table("suite", "items", "clusters", "calls", "finds", min_width=10)
    for suite in plan.suites:
        calls = sum(suite.calls.values())
        counts = (
            f"{suite.items:,}",
            f"{suite.clusters:,}",
            f"{calls:,}",
            "> 1" if (suite.detectable or 0.0) > 1 else number(suite.detectable),
        )
        table.add_row(suite.name, *counts)
    console.print(table)
    for suite in plan.suites:
        console.print(styled(f"{suite.name}: {_calls(suite.calls)}"))
    console.print(f"{plan.total:,} calls, without retries; the judges' and raters' probes are not counted")
    console.print(f"about {plan.input_tokens:,} input and {plan.output_tokens:,} output tokens")
    console.print(cost_line(plan.usd), soft_wrap=True)
    if all(suite.detectable is None for suite in plan.suites):
        return
    console.print(
        "finds: the smallest difference, on the scale from 0 to 1, that the measure with the fewest items finds in "
        "80 % of evaluations, if the paired differences of items spread by 0.5; similar systems spread less"
    )
    if any((suite.detectable or 0.0) > 1 for suite in plan.suites):
        console.print("> 1: no difference is sure to be found with these few; take more people or items")


def _calls(calls: object) -> str:
    parts = calls.items() if isinstance(calls, dict) else ()
    return ", ".join(f"{count:,} {purpose}" for purpose, count in parts if count)


def _suite(evaluation: Evaluation, result: SuiteResult) -> Iterator[RenderableType]:
    settings = next(suite for suite in evaluation.manifest.suites if suite.name == result.suite)
    yield ""
    yield styled(
        f"{one_line(result.suite)} · {evaluation.asked(result.suite)} from {one_line(settings.source, 60)} "
        f"(licence: {one_line(', '.join(settings.licences), 60)})",
        HEADING,
    )
    if result.problem is not None:
        yield styled(f"cannot judge: {one_line(result.problem)}", DOUBTFUL)
    if result.measures:
        yield _measures(evaluation, result)
    for note in result.notes:
        yield styled(one_line(note))
    for table in result.tables:
        yield ""
        yield from _table(table)


def _measures(evaluation: Evaluation, result: SuiteResult) -> Table:
    """Return a row per measure: every system's value, and the differences to the reference."""
    systems, others = evaluation.systems, evaluation.systems[1:]
    table = plain_table()
    if len(systems) > _SIDE_BY_SIDE or out().width < _NARROW:
        return _stacked(table, evaluation, result)
    table.add_column("", overflow="fold", min_width=18)
    for system in systems:
        table.add_column(one_line(system, 24), justify="right")
    for other in others:
        table.add_column("difference" if len(others) == 1 else f"{one_line(other, 16)} - ref.", min_width=8)
    for measured in result.measures:
        values = [number(measured.values.get(system), 2) for system in systems]
        table.add_row(
            measured.measure.described, *values, *(difference_words(measured.differences.get(o)) for o in others)
        )
    return table


def _stacked(table: Table, evaluation: Evaluation, result: SuiteResult) -> Table:
    """Return a row per measure and system."""
    reference = evaluation.systems[0]
    table.add_column("", overflow="fold", min_width=18)
    table.add_column("", overflow="fold", max_width=24)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column(f"minus {one_line(reference, 16)}" if len(evaluation.systems) > 1 else "")
    for measured in result.measures:
        for n, system in enumerate(evaluation.systems):
            name = measured.measure.described if n == 0 else ""
            difference = difference_words(measured.differences.get(system)) if n else ""
            table.add_row(styled(name), styled(system), number(measured.values.get(system), 2), difference)
    return table


def _table(table: ResultTable) -> Iterator[RenderableType]:
    yield styled(one_line(table.title), HEADING)
    shown = plain_table()
    for n, column in enumerate(table.columns):
        shown.add_column(column, overflow="fold", justify="left" if n == 0 or n > 1 else "right")
    for row in table.rows[:_MOST_ROWS]:
        shown.add_row(*(styled(one_line(cell, 200)) for cell in row))
    yield shown
    if (more := len(table.rows) - _MOST_ROWS) > 0:
        yield styled(f"and {more:,} more: --json", MUTED)
