"""The views of `scai show`: constitutions and their differences, the exact prompts."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scai_cli.analysis.revision_reasons import plain_reason
from scai_cli.analysis.rule_origins import RuleOrigin, rule_origins
from scai_cli.display.numbers import number
from scai_cli.display.representation import ballot_words
from scai_cli.display.terminal.constitution import by_name, rule_diff, rule_lines, start_lines
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING, MUTED
from scai_cli.errors import RunError
from scai_cli.runs.history.history import History
from scai_cli.runs.records import Candidate
from scai_cli.text.characters import one_line

_CRITIQUE = 400
"""The maximal characters of a critique, shown for edits without a reason."""

_EVIDENCE = 3
"""The maximal number of messages shown as an edit's evidence."""


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
        console.print(styled(f"After epoch {epoch.number}: {one_line(plain_reason(revision.reason))}", HEADING))
        if revision.critique:
            console.print(Padding(styled(one_line(by_name(revision.critique, history.names)), "italic"), (0, 0, 0, 2)))
        judged = [
            _judged(candidate) for candidate in revision.candidates if candidate.objection or not revision.ratified
        ]
        for line in (*judged, *map(ballot_words, revision.ratified)):
            console.print(Padding(styled(line, MUTED), (0, 0, 0, 2)))
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
        console.print(Text.assemble((f"{rule_id:<4}", MUTED), rule_diff(before, after, history.names)))
        for origin in origins.get(rule_id, ()):
            console.print(Padding(styled(_reason(origin, history.names), MUTED), (0, 0, 0, 4)))
    if not old.rules and not new.rules:
        console.print("(both are empty)")
    silent = {origin.epoch for edits in origins.values() for origin in edits if not origin.edit.reason}
    for epoch in history.epochs:
        if epoch.number in silent and epoch.revision is not None:
            critique = f"; critique: {epoch.revision.critique}" if epoch.revision.critique else ""
            silence = f"epoch {epoch.number}: the model gave no reason for edits without one{critique}"
            console.print(styled(one_line(by_name(silence, history.names), _CRITIQUE), MUTED))


def _reason(origin: RuleOrigin, names: Mapping[str, str]) -> str:
    """Return an edit with its reason and its evidence."""
    reason = f": {one_line(by_name(origin.edit.reason, names)).rstrip('.')}" if origin.edit.reason else ""
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
        console.print(styled(f"{call['id']}  ({call['model']}, {call['purpose']})", HEADING))
        for message in call["request"]["messages"]:
            console.print(styled(f"--- {message['role']}", MUTED))
            console.print(styled(message["content"]))
        if call.get("thoughts"):
            console.print(styled("--- thoughts", MUTED))
            console.print(styled(call["thoughts"]))
        console.print(styled("--- answer" if call.get("used", True) else "--- paid and not used", MUTED))
        problem = call.get("error") or call.get("reason")
        console.print(styled(call.get("response") or (f"(failed: {problem})" if problem else "(empty)")))
        console.print()
    if not shown:
        raise RunError(f"no call {wanted!r} was logged; ids look like e1/PERSONA/TASK/m1/assistant")
