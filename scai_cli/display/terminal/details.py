"""The views of `scai show`: ratings, constitutions and their differences, the exact prompts."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scai_cli.analysis.revision_reasons import plain_reason
from scai_cli.analysis.rule_origins import RuleOrigin, rule_origins
from scai_cli.display.numbers import number
from scai_cli.display.representation import ballot_words
from scai_cli.display.terminal.consoles import number_table
from scai_cli.display.terminal.constitution import rule_diff, rule_lines, start_lines
from scai_cli.display.terminal.escape import styled
from scai_cli.errors import RunError
from scai_cli.runs.history.history import Epoch, History
from scai_cli.runs.history.selection import Selection
from scai_cli.runs.records import Candidate
from scai_cli.simulation.utilities import mean
from scai_cli.text.characters import one_line

_CRITIQUE = 400
"""The maximal characters of a critique, shown for edits without a reason."""

_EVIDENCE = 3
"""The maximal number of messages shown as an edit's evidence."""

_CONVERSATION, _RATER, _VALUE = 30, 12, 6
"""The maximal columns of the ids of a conversation and of a rater, and the columns of a value."""

_PEOPLE, _ROWS, _ENDS = 20, 1000, 10
"""The maximal numbers of people and of rows with all ratings; of more, the rows shown from each end of the ranking."""

Given = tuple[str, float | None]
"""The kind of a rating, `own` or `cross`, and its value."""


def print_ratings(console: Console, history: History, epoch: Epoch, selection: Selection) -> None:
    """Print the ratings of an epoch's final answers: a row for each conversation, a column for each rater.

    Of a large group, print the conversations with the highest and the lowest own ratings. The history has `finals`.
    """
    pairs = ((user, task) for user in epoch.personas for task in epoch.tasks if selection.has(user, task))
    given: dict[tuple[str, str], dict[str, Given]] = {pair: {} for pair in pairs}
    for kind, rater, conversation, value in history.rating_index.finals_of(epoch.number):
        _, user, task = conversation.split("/")
        if (user, task) in given:
            given[user, task][rater] = kind, value
    values = [value for cells in given.values() for _, value in cells.values()]
    counts = f"{len(values)} final ratings ([own], ? missing: {values.count(None)}, · not asked)"
    where = f"Product, version {epoch.constitution.version}" if epoch.is_product else f"Epoch {epoch.number}"
    console.print(styled(f"{where}: {counts}", "bold"))
    if len(epoch.personas) > _PEOPLE or len(given) > _ROWS:
        console.print(_extremes(given))
        console.print("All ratings: --json")
        return
    for raters in _columns(epoch.personas, console.width - _CONVERSATION):
        table = Table(box=None, padding=(0, 1, 0, 0))
        table.add_column("user / task", no_wrap=True, max_width=_CONVERSATION)
        for rater in raters:
            table.add_column(one_line(rater, _RATER), justify="right", no_wrap=True)
        for pair, cells in given.items():
            table.add_row(one_line("/".join(pair), _CONVERSATION), *(_cell(cells.get(rater)) for rater in raters))
        console.print(table)


def _extremes(given: Mapping[tuple[str, str], Mapping[str, Given]]) -> Table:
    """Return a table of the conversations with the highest and the lowest own ratings."""
    rows = []
    for (user, task), cells in given.items():
        others = sorted((value, who) for who, (kind, value) in cells.items() if kind == "cross" and value is not None)
        average = mean(value for value, _ in others)
        ends = [f"{value:g} {one_line(rater, _RATER)}" for value, rater in (*others[:1], *others[-1:])]
        row = [one_line(f"{user}/{task}", _CONVERSATION), _cell(cells.get(user)), number(average, 1), *ends]
        known = [-inf if value is None else value for value in (cells.get(user, ("own", None))[1], average)]
        rows.append((known, row))
    rows.sort(key=lambda row: row[0], reverse=True)
    shown = rows if len(rows) <= 2 * _ENDS else [*rows[:_ENDS], *rows[-_ENDS:]]
    table = number_table(f"user / task: {len(shown)} of {len(rows)}", "own", "others' mean", "lowest", "highest")
    for _, row in shown:
        table.add_row(*row)
    return table


def _columns(raters: Sequence[str], room: int) -> Iterator[Sequence[str]]:
    """Yield the raters in groups that fit into a table of this width."""
    at, used = 0, 0
    for n, rater in enumerate(raters):
        width = min(len(rater), _RATER) + 1
        if used + max(width, _VALUE) > room and n > at:
            yield raters[at:n]
            at, used = n, 0
        used += max(width, _VALUE)
    if raters:
        yield raters[at:]


def print_constitutions(console: Console, history: History) -> None:
    """Print every version of the constitution with its critique."""
    if history.started is None:
        return
    for text in start_lines(history.config.constitution):
        console.print(styled(one_line(text)))
    for line in rule_lines(history.started.constitution, history.names):
        console.print(line)
    for epoch in history.epochs:
        revision = epoch.revision
        if revision is None:
            continue
        console.print()
        console.print(styled(f"After epoch {epoch.number}: {one_line(plain_reason(revision.reason))}", "bold"))
        if revision.critique:
            console.print(Padding(styled(one_line(revision.critique), "italic"), (0, 0, 0, 2)))
        judged = [
            _judged(candidate) for candidate in revision.candidates if candidate.objection or not revision.ratified
        ]
        for line in (*judged, *map(ballot_words, revision.ratified)):
            console.print(Padding(styled(line, "dim"), (0, 0, 0, 2)))
        if revision.accepted:
            for row in rule_lines(revision.constitution, history.names, before=epoch.constitution):
                console.print(row)


def print_diff(console: Console, history: History, first: int, second: int) -> None:
    """Print the changes between two versions, word by word: [-gone-] {+new+}."""
    versions = history.versions()
    for version in (first, second):
        if version not in versions:
            known = ", ".join(str(v) for v in versions) or "none yet"
            raise RunError(f"run {history.run_id!r} has no constitution version {version}; it has {known}")
    old, new = versions[first][0], versions[second][0]
    origins = rule_origins(history, min(first, second), max(first, second))
    for rule_id in dict.fromkeys(rule.id for rule in (*old.rules, *new.rules)):
        before, after = old.rule(rule_id), new.rule(rule_id)
        console.print(Text.assemble((f"{rule_id:<4}", "bold"), rule_diff(before, after, history.names)))
        for origin in origins.get(rule_id, ()):
            console.print(Padding(styled(_reason(origin), "dim"), (0, 0, 0, 4)))
    if not old.rules and not new.rules:
        console.print("(both are empty)")
    silent = {origin.epoch for edits in origins.values() for origin in edits if not origin.edit.reason}
    for epoch in history.epochs:
        if epoch.number in silent and epoch.revision is not None:
            critique = f"; critique: {epoch.revision.critique}" if epoch.revision.critique else ""
            silence = f"epoch {epoch.number}: the model gave no reason for edits without one{critique}"
            console.print(styled(one_line(silence, _CRITIQUE), "dim"))


def _reason(origin: RuleOrigin) -> str:
    """Return an edit with its reason and its evidence."""
    reason = f": {one_line(origin.edit.reason).rstrip('.')}" if origin.edit.reason else ""
    evidence = origin.edit.evidence
    more = f" and {len(evidence) - _EVIDENCE} more" if len(evidence) > _EVIDENCE else ""
    rests = f"; evidence: {', '.join(evidence[:_EVIDENCE])}{more}" if evidence else ""
    return f"epoch {origin.epoch}, {origin.edit.op}{reason}{rests}"


def _judged(candidate: Candidate) -> str:
    """Return the scores of a candidate, or the reason why it could not be adopted."""
    scores = ", ".join(f"{_word(name)} {number(value, 3)}" for name, value in candidate.scores.items())
    cut = f"; {candidate.left_out} conversations had no room in the prompt" if candidate.left_out else ""
    unchanged = "no change" if candidate.constitution is None else "not measured"
    return one_line(f"{candidate.id}: {candidate.objection or scores or unchanged}{cut}")


def _word(score: str) -> str:
    """Return the name of a score in words: what `improves` records as a gain is a difference on trial."""
    return score.replace("gain", "difference").replace("_", " ")


def print_prompts(console: Console, calls: Iterator[dict[str, Any]], wanted: str) -> None:
    """Print the exact messages and answers of calls; raises RunError, naming the `wanted` id, if there are none."""
    shown = 0
    for call in calls:
        shown += 1
        console.print(styled(f"{call['id']}  ({call['model']}, {call['purpose']})", "bold"))
        for message in call["request"]["messages"]:
            console.print(styled(f"--- {message['role']}", "dim"))
            console.print(styled(message["content"]))
        if call.get("thoughts"):
            console.print(styled("--- thoughts", "dim"))
            console.print(styled(call["thoughts"]))
        console.print(styled("--- answer" if call.get("used", True) else "--- paid and not used", "dim"))
        problem = call.get("error") or call.get("reason")
        console.print(styled(call.get("response") or (f"(failed: {problem})" if problem else "(empty)")))
        console.print()
    if not shown:
        raise RunError(f"no call {wanted!r} was logged; ids look like e1/PERSONA/TASK/m1/assistant")


def _cell(given: Given | None) -> str:
    if given is None:
        return "·"
    kind, value = given
    shown = "?" if value is None else f"{value:g}"
    return f"[{shown}]" if kind == "own" else shown
