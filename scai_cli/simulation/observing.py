"""How well a text meets somebody's stated preferences: measured by a program, whoever wrote and rated it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from scai_cli.experiment.personas import Persona
from scai_cli.measures.observed import observe, utility


def observed(persona: Persona, text: str) -> float | None:
    """The persona's utility of a text in [0, 1], to six digits (see `traits.utility`); None without preferences."""
    found = utility(persona.preferences, _shown(text)) if persona.preferences else None
    return None if found is None else round(found, 6)


@lru_cache(maxsize=256)
def _shown(text: str) -> Mapping[str, float]:
    """One answer is rated by many."""
    return observe(text)
