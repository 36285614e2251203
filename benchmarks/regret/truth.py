"""Compute the true value of a constitution: the utility of the answers under it, without ratings or noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.regret.societies import JUDGED, Society
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.portrait import draws

Seeds = tuple[int, ...]
SEARCHED: Seeds = tuple(range(6))
"""The answer seeds of the search."""
JUDGING: Seeds = tuple(range(100, 116))
"""The answer seeds of the final measure, unknown to the search and the runs."""

_NAMES = list(TRAITS)
_ATTENTION = SocietyOptions().attention


def utilities(society: Society, constitution: Constitution, seeds: Seeds = JUDGING) -> list[float]:
    """Return the expected utility, in [0, 1], of the first answer to each person, over judged tasks and seeds."""
    return [worth(person, constitution.render(user=person.id), seeds) for person in society.people]


def worth(person: Persona, rules: str, seeds: Seeds) -> float:
    """Return the expected utility of one person under rules as the assistant reads them."""
    shown = np.mean([_shown(tuple(demands(rules, (task.prompt,)).items()), task.prompt, seeds) for task in JUDGED], 0)
    return met(person.preferences, shown.tolist())


def met(preferences: Mapping[str, float], shown: Sequence[float]) -> float:
    """Return `measures.observed.utility` of mean observations; it is linear in them."""
    weights = [preferences.get(name, 0.0) for name in _NAMES]
    total = sum(abs(weight) for weight in weights)
    return sum(w * o if w > 0 else -w * (1 - o) for w, o in zip(weights, shown, strict=True)) / total


@lru_cache(maxsize=200_000)
def _shown(wanted: tuple[tuple[str, float], ...], task: str, seeds: Seeds) -> NDArray[np.float64]:
    """Return the mean traits of answers to these demands; the random numbers are the same for all demands."""
    strengths = shared(dict(wanted), _ATTENTION)
    rows: Sequence[list[float]] = [
        list(observe(compose(strengths, task, draws("truth", seed, task))).values()) for seed in seeds
    ]
    shown: NDArray[np.float64] = np.mean(np.array(rows), 0)
    return shown
