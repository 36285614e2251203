"""Ask human participants on stderr, as stdout carries data."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule

from scai_cli.display.terminal.escape import styled
from scai_cli.display.terminal.styles import HEADING
from scai_cli.models.human import Question
from scai_cli.text.characters import one_line


@dataclass(slots=True)
class ConsolePrompt:
    """The prompt at the terminal: shows the texts of others, and asks the question below."""

    console: Callable[[], Console]
    line: Callable[..., Coroutine[Any, Any, str]]
    """Reads a line, with `pasted` all lines pasted together; raises EOFError when the input ends."""

    def show(self, question: Question) -> None:
        """Print the texts of the question."""
        console = self.console()
        waiting = f" · {question.waiting} more waiting" if question.waiting else ""
        title = f"{one_line(question.participant, 30)} · {one_line(question.call)}{waiting}"
        console.print()
        console.print(Rule(styled(title), align="left"))
        for heading, text in question.sections:
            console.print(styled(one_line(heading), HEADING))
            console.print(Padding(styled(text.strip() or "(says nothing)"), (0, 0, 0, 2), expand=False))
            console.print()

    def tell(self, line: str) -> None:
        """Print the reason why an answer is not valid."""
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
