"""`readability`: how easy is the answer to read, by the length of its sentences and words?"""

from itertools import pairwise
from typing import Annotated, Final

from pydantic import AfterValidator

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.measures.phrases import SENTENCE_ENDS, tokens
from scai_cli.simulation.text_measure import text_measure
from scai_cli.text.words import has_unspaced

_LONG: Final = 7
"""The letters of a long word."""
_WANTED: Final = (25.0, 60.0)


def _rising(lix: tuple[float, float]) -> tuple[float, float]:
    if lix[0] >= lix[1]:
        raise ValueError("must be [easy, hard], the first one lower")
    return lix


@text_measure()
def readability(
    text: str,
    persona: Persona,  # noqa: ARG001
    task: Task,  # noqa: ARG001
    *,
    lix: Annotated[tuple[float, float], AfterValidator(_rising)] = _WANTED,
) -> float | None:
    """Answers that are easy to read.

    LIX = words per sentence + percentage of words with more than six letters (C. H. Björnsson, Läsbarhet, 1968; for
    English J. Anderson, Journal of Reading 26(6), 1983), which needs no list of words or syllables: children's books
    have about 25, scientific texts 60. 1 at the easy value and below, 0 at the hard one and above, linear between;
    None for a text without words, and in scripts without spaces.
    """
    parts = tokens(text)
    words = [part for part in parts if part[0].isalpha()]
    if not words or has_unspaced(text):
        return None
    ends = [part in SENTENCE_ENDS for part in parts]
    # A line end after a full stop ends no second sentence.
    sentences = sum(end and not before for before, end in pairwise((True, *ends, True)))
    value = len(words) / sentences + 100 * sum(len(word) >= _LONG for word in words) / len(words)
    easy, hard = lix
    return min(1.0, max(0.0, (hard - value) / (hard - easy)))
