"""A constitution for people: its rules with their ids, and what changed between two texts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from scai_cli.display.terminal.escape import one_line, plain, styled
from scai_cli.experiment.constitution import Clause, Constitution, Principle

_NAMES: Final = 30
"""So many characters of a clause's users are shown where it is cut to a line."""


def rule_lines(
    constitution: Constitution, names: Mapping[str, str], most: int | None = None, *, whole: bool = True
) -> Iterator[RenderableType]:
    """A heading and a line or more for each rule; at most so many rules, each in one line unless `whole`."""
    yield styled(f"Constitution, version {constitution.version}", "bold")
    if not constitution.rules:
        yield styled("(empty)")
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    width = max(len(rule.id) for rule in constitution.rules)
    for rule in constitution.rules[:most]:
        text = Text(one_line(rule.text))
        if isinstance(rule, Clause):
            text = Text.assemble((f"for {whom(rule, names, whole=whole)}: ", "italic"), text)
        if whole:
            table.add_row(Text(rule.id, style="bold"), text)
        else:
            yield Text.assemble((f"{rule.id:<{width}}", "bold"), " ", text, no_wrap=True, overflow="ellipsis")
    if whole:
        yield table
    if most is not None and len(constitution.rules) > most:
        yield styled(f"({len(constitution.rules) - most} more: --constitution)", "dim")


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


def whom(clause: Clause, names: Mapping[str, str], *, whole: bool) -> str:
    """The users of a clause by name; where there are many and not all are wanted, the first and how many more."""
    called = [names.get(user, user) for user in clause.users]
    everybody = one_line(", ".join(called))
    if whole or len(everybody) <= _NAMES or len(called) == 1:
        return everybody
    return f"{one_line(called[0], _NAMES)} and {len(called) - 1} more"


def rule_diff(before: Principle | Clause | None, after: Principle | Clause | None, names: Mapping[str, str]) -> Text:
    """A rule's words and, of a clause, whom it is for, as `word_diff` shows them; None where there is no such rule."""
    now = whom(after, names, whole=True) if isinstance(after, Clause) else ""
    then = whom(before, names, whole=True) if isinstance(before, Clause) and after is not None else now
    called = word_diff(f"for {then}:", f"for {now}:") if now else Text()
    words = word_diff(before.text if before else "", after.text if after else "")
    return Text.assemble(called, " " if now and not called.plain.endswith(" ") else "", words)
