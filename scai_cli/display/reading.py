"""Closer looks at a run: transcripts, ratings, what changed between two constitutions, the exact prompts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scai_cli.constitution import Remove
from scai_cli.display.safe import number, one_line, plain, styled
from scai_cli.display.summary import constitution_lines
from scai_cli.errors import RunError
from scai_cli.events import Candidate, MessageSaid, Rated
from scai_cli.history import Epoch, History
from scai_cli.ledger import Entry, entries


def print_transcripts(
    console: Console, history: History, epochs: list[Epoch], persona: str | None, task: str | None
) -> None:
    """Print the conversations of some epochs as a chat, with their ratings."""
    shown = 0
    for epoch in epochs:
        ratings: dict[str, list[Rated]] = {}
        for rating in epoch.ratings:
            ratings.setdefault(rating.message, []).append(rating)
        for conversation, messages in epoch.conversations.items():
            if persona not in (None, messages[0].persona) or task not in (None, messages[0].task):
                continue
            shown += 1
            console.print(styled(conversation, "bold"))
            for message in messages:
                console.print(_speech(history, message))
                for rating in ratings.get(message.id, []):
                    console.print(Padding(styled(_rated(history, rating), "dim"), (0, 0, 0, 4)))
            console.print()
    if not shown:
        raise RunError(f"run {history.run_id!r} has no such conversation; see `scai show {history.run_id} --json`")


def print_ratings(console: Console, epochs: list[Epoch]) -> None:
    """Print who rated which final answer how: a row a conversation, a column a rater; `–` is missing."""
    for epoch in epochs:
        console.print(styled(f"Epoch {epoch.number}: final answers, own rating in brackets", "bold"))
        raters = list(epoch.personas)
        given = {(r.conversation, r.rater): r for r in epoch.ratings if r.final}
        for at in range(0, len(raters), 8):
            table = Table(box=None, padding=(0, 1, 0, 0))
            table.add_column("user / task", no_wrap=True, max_width=30)
            for rater in raters[at : at + 8]:
                table.add_column(one_line(rater, 8), justify="right")
            for conversation in dict.fromkeys(r.conversation for r in epoch.ratings):
                cells = [_cell(given.get((conversation, rater))) for rater in raters[at : at + 8]]
                table.add_row(one_line(conversation.partition("/")[2], 30), *cells)
            console.print(table)


def print_constitutions(console: Console, history: History) -> None:
    """Print every version of the constitution with the critique that led to it."""
    if history.started is None:
        return
    for line in constitution_lines(history.started.constitution, history):
        console.print(line)
    for epoch in history.epochs:
        revision = epoch.revision
        if revision is None:
            continue
        console.print()
        console.print(styled(f"After epoch {epoch.number}: {one_line(revision.reason)}", "bold"))
        if revision.critique:
            console.print(Padding(styled(one_line(revision.critique), "italic"), (0, 0, 0, 2)))
        for candidate in revision.candidates:
            console.print(Padding(styled(_judged(candidate), "dim"), (0, 0, 0, 2)))
        if revision.accepted:
            for line in constitution_lines(revision.constitution, history):
                console.print(line)


def print_diff(console: Console, history: History, first: int, second: int) -> None:
    """Print what changed between two versions, word by word: [-gone-] {+new+}."""
    versions = history.versions()
    for version in (first, second):
        if version not in versions:
            known = ", ".join(str(v) for v in versions)
            raise RunError(f"run {history.run_id!r} has no constitution version {version}; it has {known}")
    old, new = versions[first][0], versions[second][0]
    made = entries(history, min(first, second), max(first, second))
    for rule_id in dict.fromkeys(rule.id for rule in (*old.rules, *new.rules)):
        before, after = old.rule(rule_id), new.rule(rule_id)
        line = Text(f"{rule_id:<4}", style="bold")
        line.append_text(word_diff(before.text if before else "", after.text if after else ""))
        console.print(line)
        for entry in made.get(rule_id, ()):
            console.print(Padding(styled(_told(entry), "dim"), (0, 0, 0, 4)))
    if not old.rules and not new.rules:
        console.print("(both are empty)")


def _told(entry: Entry) -> str:
    """An edit with its reason and what it rests on."""
    reason = one_line(entry.edit.reason) or "no reason given"
    evidence = () if isinstance(entry.edit, Remove) else entry.edit.evidence
    rests = f"; evidence: {', '.join(evidence)}" if evidence else ""
    return f"epoch {entry.epoch}, {entry.edit.op}: {reason}{rests}"


def _judged(candidate: Candidate) -> str:
    """What was measured of a candidate, or why it could not be adopted."""
    scores = ", ".join(f"{name} {number(value, 3)}" for name, value in candidate.scores.items())
    cut = f"; {candidate.left_out} conversations had no room in the prompt" if candidate.left_out else ""
    unchanged = "no change" if candidate.constitution is None else "not measured"
    return one_line(f"{candidate.id}: {candidate.objection or scores or unchanged}{cut}")


def word_diff(old: str, new: str) -> Text:
    """The words of both texts in order; those only in the old one as [-...-], only in the new one as {+...+}."""
    before, after = re.findall(r"\S+\s*", plain(old)), re.findall(r"\S+\s*", plain(new))
    result = Text()
    for op, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = "".join(before[a:b]).strip(), "".join(after[c:d]).strip()
        if op == "equal":
            result.append("".join(after[c:d]))
            continue
        if gone:
            result.append(f"[-{gone}-] ", style="red strike")
        if come:
            result.append(f"{{+{come}+}} ", style="green")
    return result


def print_prompts(console: Console, calls: Iterator[dict[str, Any]], wanted: str) -> None:
    """Print the exact messages of the calls whose id is `wanted` or lies below it, with what came back."""
    shown = 0
    for call in calls:
        if call["id"] != wanted and not call["id"].startswith(f"{wanted}/"):
            continue
        shown += 1
        console.print(styled(f"{call['id']}  ({call['model']}, {call['purpose']})", "bold"))
        for message in call["request"]["messages"]:
            console.print(styled(f"--- {message['role']}", "dim"))
            console.print(styled(message["content"]))
        console.print(styled("--- answer", "dim"))
        console.print(styled(call.get("response") or f"(failed: {call.get('error')})"))
        console.print()
    if not shown:
        raise RunError(f"no call {wanted!r} was logged; ids look like e1/PERSONA/TASK/m1/assistant")


def _speech(history: History, message: MessageSaid) -> Padding:
    who = "assistant" if message.role == "assistant" else history.names.get(message.persona, message.persona)
    text = Text.assemble(
        (f"{one_line(who)}: ", "bold cyan" if message.role == "assistant" else "bold"), plain(message.content)
    )
    return Padding(text, (0, 0, 0, 2))


def _rated(history: History, rating: Rated) -> str:
    who = history.names.get(rating.rater, rating.rater)
    value = "missing" if rating.value is None else f"{rating.value:g}"
    why = rating.problem if rating.value is None else (rating.comment if rating.kind == "cross" else "")
    return f"{one_line(who)} rates {rating.metric} {value}{f': {one_line(why)}' if why else ''}"


def _cell(rating: Rated | None) -> str:
    if rating is None:
        return ""
    value = "–" if rating.value is None else f"{rating.value:g}"
    return f"[{value}]" if rating.kind == "own" else value
