"""Draw some of the items with a seed, without tearing contrast pairs apart."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from scai_cli.evaluation.item import Item

Key = TypeVar("Key")
Member = TypeVar("Member")

_WHOLE: Final = 4
"""Clusters of at most this size are drawn whole: pairs, triples, and BBQ's two contexts of two questions."""


def drawn(items: Sequence[Item], n: int | None, seed: str | int) -> tuple[Item, ...]:
    """Return at most n items in their order, all if n is None: clusters at random, in equal shares of each kind.

    The kind of a cluster is the set of its labels. Of a cluster of more than 4 items, such as a template, only a part
    is drawn if there are many clusters, so that a few large ones do not fill the draw.
    """
    if n is None or n >= len(items):
        return tuple(items)
    clusters: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        clusters[item.cluster].append(item)
    chance = random.Random(f"{seed}/items")
    most = max(_WHOLE, -(-n // len(clusters)))
    kinds: dict[tuple[str, ...], list[list[Item]]] = defaultdict(list)
    for members in clusters.values():
        part = members if len(members) <= most else _spread(_by_label(members), chance)[:most]
        kinds[tuple(sorted({item.label or "" for item in members}))].append(part)
    chosen: set[str] = set()
    for members in _spread(kinds, chance):
        if len(chosen) + len(members) <= n:
            chosen |= {item.id for item in members}
    return tuple(item for item in items if item.id in chosen)


def _by_label(members: Sequence[Item]) -> Mapping[str, list[Item]]:
    labels: dict[str, list[Item]] = defaultdict(list)
    for item in members:
        labels[item.label or ""].append(item)
    return labels


def _spread(groups: Mapping[Key, Sequence[Member]], chance: random.Random) -> list[Member]:
    """Return the members of all groups at random, mixed so that each beginning has about the share of each group."""
    placed = [
        ((place + 0.5) / len(members), chance.random(), member)
        for members in groups.values()
        for place, member in enumerate(chance.sample(members, len(members)))
    ]
    return [member for _, _, member in sorted(placed, key=lambda entry: entry[:2])]
