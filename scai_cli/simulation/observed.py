"""The utility of an answer as a program computes it from the text, beside the one that its user states."""

from functools import lru_cache
from typing import Final

from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe, utility


def observed_utility(persona: Persona, text: str, *, of_others: bool = False) -> float | None:
    """Return the persona's utility of a text in [0, 1], rounded to six digits; None without preferences.

    Of an answer to another user only the themes count, as in cross ratings: its style does nobody else harm.
    """
    wanted = persona.preferences
    if of_others:
        wanted = {trait: weight for trait, weight in wanted.items() if TRAITS[trait].kind == "substance"}
    value = utility(wanted, _observe(text)) if wanted else None
    return None if value is None else round(value, 6)


_observe: Final = lru_cache(maxsize=256)(observe)  # one answer is rated by many users
