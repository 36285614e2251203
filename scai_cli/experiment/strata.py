"""Stratified draws of people and tasks."""

import random
from collections.abc import Sequence
from typing import Final, TypeVar

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task

Item = TypeVar("Item", Persona, Task)

_ATTRIBUTES: Final = ("situation", "politics", "religion", "country", "income")


def stratified(group: Sequence[Item], count: int, seed: str) -> tuple[Item, ...]:
    """Draw `count` by systematic sampling with the seed, in their order in the group.

    The group is sorted by attributes (or by topic and kind), so that neighbours are similar, and every k-th is taken:
    an implicit stratification.
    """
    rng = random.Random(seed)
    order = sorted(range(len(group)), key=lambda n: (_stratum(group[n]), rng.random()))
    start = rng.random()
    chosen = {order[int((n + start) * len(group) / count)] for n in range(count)}
    return tuple(item for n, item in enumerate(group) if n in chosen)


def _stratum(item: Persona | Task) -> tuple[str, ...]:
    if isinstance(item, Task):
        return (item.topic, item.kind)
    return tuple(str(item.attributes.get(key, "")) for key in _ATTRIBUTES)
