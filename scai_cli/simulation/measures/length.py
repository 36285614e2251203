"""`length`: does the answer have the wanted number of words?"""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.simulation.text_measure import text_measure
from scai_cli.text.words import length as length_of
from scai_cli.text.words import words

_Count = Annotated[int, Field(ge=1)]
_WANTED: Final = (20, 120)


def _rising(target: tuple[int, int]) -> tuple[int, int]:
    if target[0] > target[1]:
        raise ValueError("must be [fewest, most]")
    return target


@text_measure()
def length(
    text: str,
    persona: Persona,  # noqa: ARG001
    task: Task,  # noqa: ARG001
    *,
    target: Annotated[tuple[_Count, _Count], AfterValidator(_rising)] = _WANTED,
) -> float:
    """Answers of the wanted length.

    1 within [fewest, most] words; below it falls linearly to 0 at no words, above it to 0 at twice the most. A
    character of Han or kana counts as half a word, of Thai and its like as a third.
    """
    fewest, most = target
    count = length_of(words(text))
    return min(1.0, count / fewest, max(0.0, 2.0 - count / most))
