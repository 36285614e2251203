"""The traits as measures: fifteen of style and sixteen of substance, each under its name in the catalogue."""

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Final

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.measures.catalogue import TRAITS, Trait
from scai_cli.measures.observed import observe
from scai_cli.simulation.text_measure import text_measure

_ANY_LANGUAGE: Final = frozenset(("bullet_list",))
"""Traits that are seen in the layout; the others are word lists or lengths made for English."""

_observe: Final = lru_cache(maxsize=256)(observe)  # one answer is rated by many users


def _measure(trait: Trait) -> Callable[..., float | None]:
    @text_measure(languages=() if trait.name in _ANY_LANGUAGE else ("en",), of_others=trait.kind == "substance")
    def measure(text: str, persona: Persona, task: Task) -> float:  # noqa: ARG001 - a trait is in the text alone
        return _observe(text)[trait.name]

    measure.__name__, measure.__doc__ = trait.name, trait.label
    return measure


traits: Final = SimpleNamespace(**{name: _measure(trait) for name, trait in TRAITS.items()})
