"""Compare the shards among the sources of an export, which together should be one whole set."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise

from scai_cli.datasets.generate.manifest import GenerateManifest


def shard_notes(sets: Sequence[GenerateManifest]) -> Iterator[str]:
    """Yield sentences about shards of different sets, or rows that several shards have, or none of them.

    One shard alone is exported for its own sake, so nothing is said of it.
    """
    shards = [each for each in sets if each.orders.rows is not None]
    if len(shards) < 2:
        return
    first, *others = shards
    for other in others:
        if different := [trait for trait, value in _traits(first).items() if _traits(other)[trait] != value]:
            yield (
                f"{first.run_id!r} and {other.run_id!r} are not shards of one set: "
                f"they differ in their {' and '.join(different)}"
            )
            return
    if [each.orders.rows for each in shards] != sorted(each.orders.rows or () for each in shards):
        yield "the shards are not in the order of their rows, and neither are the rows written"
    yield from _gaps([each.orders.numbers for each in shards], first.orders.n)


def _traits(shard: GenerateManifest) -> Mapping[str, object]:
    """Return what all shards of a set share, by its name in a sentence."""
    return {
        "constitution": (shard.initial, shard.learned, shard.criteria),
        "tasks": shard.tasks.sha256,
        "number of rows (--n)": shard.orders.n,
        "experiment": shard.digests,
    }


def _gaps(shards: Sequence[range], total: int) -> Iterator[str]:
    """Yield a sentence for each stretch of rows that several shards have, or none."""
    borders = sorted({0, total, *(border for rows in shards for border in (rows.start, rows.stop))})
    found = groupby(pairwise(borders), lambda part: min(2, sum(part[0] in rows for rows in shards)))
    for shards_with_it, parts in found:
        if shards_with_it != 1:
            (first, end), *more = parts
            where = "more than one shard" if shards_with_it else "none of the shards"
            yield f"{_rows(first, more[-1][1] if more else end, total)} in {where}"


def _rows(first: int, end: int, total: int) -> str:
    if end - first == 1:
        return f"row r{first} of {total:,} is"
    return f"rows r{first} to r{end - 1} of {total:,} are"
