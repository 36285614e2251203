"""One question with the answers under two versions of the constitution, shortened to fit."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from scai_cli.analysis.before_after import SELECTION, BeforeAfter
from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.next_steps import command
from scai_cli.display.terminal.styles import HEADING, MUTED
from scai_cli.display.terminal.wrap import wrapped
from scai_cli.text.characters import one_line, visible


def before_after_lines(run: Path, pairs: Sequence[BeforeAfter], lines: int, width: int) -> Iterator[RenderableType]:
    """Yield each question with its answers, of at most `lines` lines each, and the command that prints them whole."""
    for pair in pairs:
        question = f"{one_line(pair.name)}: “{one_line(pair.question)}”"
        yield styled(_cut(question, (lines + 1) // 2, width), HEADING)
        for answer in (pair.before, pair.after):
            text = f"version {answer.version} (rated {answer.rating:g}): {one_line(answer.text)}"
            yield Padding(styled(_cut(text, lines, width - 2)), (0, 0, 0, 2))
        rule = Text("No single rule explains the difference.", MUTED)
        if pair.rule is not None:
            made = ("The rule that made the difference, by the words of both answers: ", MUTED)
            rule = Text.assemble(made, visible(f"{pair.rule.id} {one_line(pair.rule.text)}"))
        yield Padding(rule, (0, 0, 0, 2))
    if pairs:
        one = pairs[0]
        yield styled(SELECTION, MUTED)
        whole = command("show", run.name, "--persona", one.person, "--task", one.task, runs=run.parent)
        yield styled(f"Whole answers: {whole}", MUTED)


def _cut(text: str, most: int, width: int) -> str:
    """Return the text in at most `most` lines; a longer one ends with `…`."""
    lines = wrapped(text, width)
    if len(lines) <= most:
        return "\n".join(lines)
    last = lines[most - 1]
    words = last if len(last) <= width - 2 else last[: width - 2].rpartition(" ")[0]
    return "\n".join([*lines[: most - 1], f"{words} …"])
