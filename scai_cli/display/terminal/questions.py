"""Asks real people among the simulated: on stderr, since stdout carries data."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule

from scai_cli.display.terminal.escape import styled
from scai_cli.models.human import Question
from scai_cli.text.characters import one_line


class ReadLine(Protocol):
    """Reads a line, or several that were pasted together; raises EOFError at the end of the input."""

    def __call__(self, *, pasted: bool) -> Coroutine[Any, Any, str]:
        """Read a line; with `pasted`, all lines that were pasted together."""


@dataclass(slots=True)
class ConsolePrompt:
    """The prompt at the terminal: shows what others wrote as plain text, and asks below it."""

    console: Callable[[], Console]
    line: ReadLine

    def show(self, question: Question) -> None:
        """Print the texts that the question is about."""
        console = self.console()
        waiting = f" · {question.waiting} more waiting" if question.waiting else ""
        title = f"{one_line(question.participant, 30)} · {one_line(question.call)}{waiting}"
        console.print()
        console.print(Rule(styled(title), align="left"))
        for heading, text in question.sections:
            console.print(styled(one_line(heading), "bold"))
            console.print(Padding(styled(text.strip() or "(says nothing)"), (0, 0, 0, 2), expand=False))
            console.print()

    def tell(self, line: str) -> None:
        """Print why an answer could not be read."""
        self.console().print(styled(one_line(line)))

    async def read(self, prompt: str, *, multiline: bool) -> str:
        """Print the prompt and read the answer."""
        console = self.console()
        console.print(styled(one_line(prompt)), end=": ", soft_wrap=True)
        try:
            return await self.line(pasted=multiline)
        except EOFError:
            console.print()
            raise
