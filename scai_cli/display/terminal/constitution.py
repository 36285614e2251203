"""The rules of a constitution with their ids, and the changes between two versions of a rule."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import BAD, GOOD, HEADING, MUTED
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.constitution_start import ConstitutionStart
from scai_cli.text.characters import one_line, visible
from scai_cli.text.word_changes import word_changes

_NAMES: Final = 30
"""The most characters for a clause's users where it is cut to a line."""


def rule_lines(
    constitution: Constitution,
    names: Mapping[str, str],
    most: int | None = None,
    *,
    note: str = "",
    before: Constitution | None = None,
    start: Constitution | None = None,
) -> Iterator[RenderableType]:
    """Yield a heading, which ends with the note, and at most `most` rules, with the words changed since `before`.

    Of more rules, the locked ones and those that `start` lacks are shown before the others.
    """
    yield styled(f"Constitution, version {constitution.version}{note}", HEADING)
    if not constitution.rules:
        yield styled("(empty)")
        return
    old = {rule.text for rule in start.rules if rule not in start.locked} if start else set()
    chosen = sorted(constitution.rules, key=lambda rule: rule.text in old)[:most]
    table = Table.grid(padding=(0, 1, 0, 0))
    for rule in (rule for rule in constitution.rules if rule in chosen):
        earlier = before.rule(rule.id) if before else None
        words = word_diff(one_line(earlier.text), one_line(rule.text)) if earlier else Text(one_line(rule.text))
        text = Text.assemble((scope(rule, names), "italic"), words)
        table.add_row(Text(rule.id, style=MUTED), text)
    yield table
    if hidden := [rule for rule in constitution.rules if rule not in chosen]:
        whence = ", as at the start" if all(rule.text in old for rule in hidden) else ""
        yield styled(f"({len(hidden)} more{whence}: --constitution)", MUTED)


def start_lines(start: ConstitutionStart) -> Iterator[str]:
    """Yield the source of a starting constitution, and the dropped rules."""
    if start.source is not None:
        yield f"starts from {start.label}"
    yield from (f"dropped at the start: {rule.id} {rule.text}" for rule in start.dropped)


def scope(rule: Principle | Clause, names: Mapping[str, str], *, whole: bool = True) -> str:
    """Return the condition or the users of a clause, or `locked` for a locked principle."""
    if isinstance(rule, Clause):
        return f"{whom(rule, names, whole=whole)}: "
    return "locked: " if rule.locked else ""


def word_diff(old: str, new: str) -> Text:
    """Return the words of both texts in order, removed ones as [-...-], added ones as {+...+}."""
    text = Text()
    for same, removed, added in word_changes(visible(old), visible(new)):
        text.append(same)
        if removed:
            text.append(f"[-{removed}-] ", style=f"{BAD} strike")
        if added:
            text.append(f"{{+{added}+}} ", style=GOOD)
    return text


def whom(clause: Clause, names: Mapping[str, str], *, whole: bool) -> str:
    """Return the condition of a clause, or its users by name; of many, unless `whole`, the first and the number."""
    if not clause.users:
        return one_line(clause.bound)
    users = [names.get(user, user) for user in clause.users]
    text = one_line(", ".join(users))
    if whole or len(text) <= _NAMES or len(users) == 1:
        return f"for {text}"
    return f"for {one_line(users[0], _NAMES)} and {len(users) - 1} more"


def by_name(text: str, names: Mapping[str, str]) -> str:
    """Return a text of a model with names for ids, but not for an id that may be a plain word."""
    ids = [re.escape(each) for each in sorted(names, key=len, reverse=True) if not each.isalpha()]
    return re.sub(rf"\b({'|'.join(ids)})\b", lambda match: names[match[0]], text) if ids else text


def rule_diff(before: Principle | Clause | None, after: Principle | Clause | None, names: Mapping[str, str]) -> Text:
    """Return the changed words of a rule and of its condition or users; None is a rule that one version lacks."""
    now = whom(after, names, whole=True) if isinstance(after, Clause) else ""
    then = whom(before, names, whole=True) if isinstance(before, Clause) and after is not None else now
    users = word_diff(f"{then}:", f"{now}:") if now else Text()
    words = word_diff(before.text if before else "", after.text if after else "")
    if isinstance(after, Principle) and after.locked:
        return Text.assemble(("locked: ", "italic"), words)
    return Text.assemble(users, " " if now and not users.plain.endswith(" ") else "", words)
