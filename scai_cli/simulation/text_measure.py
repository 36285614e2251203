"""What a measure is: a function of an answer, of the persona that it answers, and of the task.

    @text_measure(languages=("en",))
    def sure(text: str, persona: Persona, task: Task, *, most: int = 3) -> float:
        \"""Few words of doubt.\"""
        return max(0.0, 1 - sum(word in DOUBTS for word in text.lower().split()) / most)

`plugins` finds it by its name, as `module:attribute`, or by an entry point in the group `scai.measure`. Results show
the first line of its docstring. A function without the decorator knows every language.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task

Function = TypeVar("Function", bound=Callable[..., float | None])


class TextMeasure(Protocol):
    """Measures one thing in a text: from 0 (nothing of it) to 1 (all of it), None where it cannot tell."""

    def __call__(self, text: str, persona: Persona, task: Task, /, **options: Any) -> float | None:
        """Return a number in [0, 1], or None; `options` are the keys beside its name in `ratings.measures`.

        It is equal for equal arguments: a resumed run measures again. In an evaluation without people, the id of the
        persona is `anyone`.
        """


def text_measure(*, languages: Iterable[str] = (), of_others: bool = False) -> Callable[[Function], Function]:
    """Declare the languages that a measure knows, and whether it counts in answers to other people.

    `languages` are ISO 639-1 codes; a text that is recognised as another language is not measured. None means all.
    `of_others`: whether people mind it in answers to others, as themes, unlike style.
    """

    def declare(function: Function) -> Function:
        function.languages = frozenset(languages)  # type: ignore[attr-defined]
        function.of_others = of_others  # type: ignore[attr-defined]
        return function

    return declare
