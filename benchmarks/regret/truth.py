"""What a constitution is really worth: the utility of the answers it leads to, measured without ratings or noise."""

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
"""Answer seeds that the search looks at."""
JUDGING: Seeds = tuple(range(100, 116))
"""Answer seeds that everything is judged by; neither the search nor a run has seen them."""

_NAMES = list(TRAITS)
_ATTENTION = SocietyOptions().attention


def utilities(society: Society, constitution: Constitution, seeds: Seeds = JUDGING) -> list[float]:
    """The expected utility, in [0, 1], of the first answer to every person, over the judged tasks and the seeds."""
    return [worth(person, constitution.render(user=person.id), seeds) for person in society.people]


def worth(person: Persona, rules: str, seeds: Seeds) -> float:
    """The expected utility of one person under rules as the assistant reads them."""
    shown = np.mean([_shown(tuple(demands(rules, (task.prompt,)).items()), task.prompt, seeds) for task in JUDGED], 0)
    return met(person.preferences, shown.tolist())


def met(preferences: Mapping[str, float], shown: Sequence[float]) -> float:
    """`measures.observed.utility` of mean observations; it is linear in them."""
    weights = [preferences.get(name, 0.0) for name in _NAMES]
    total = sum(abs(weight) for weight in weights)
    return sum(w * o if w > 0 else -w * (1 - o) for w, o in zip(weights, shown, strict=True)) / total


@lru_cache(maxsize=200_000)
def _shown(wanted: tuple[tuple[str, float], ...], task: str, seeds: Seeds) -> NDArray[np.float64]:
    """The mean of what answers to such demands show, trait by trait; the same luck whatever is demanded."""
    strengths = shared(dict(wanted), _ATTENTION)
    rows: Sequence[list[float]] = [
        list(observe(compose(strengths, task, draws("truth", seed, task))).values()) for seed in seeds
    ]
    shown: NDArray[np.float64] = np.mean(np.array(rows), 0)
    return shown
