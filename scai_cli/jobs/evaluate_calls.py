"""Tell how far the calls of an evaluation's session are."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Final

from scai_cli import plugins
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.manifest import EvaluationManifest
from scai_cli.evaluation.row import EvaluationRow
from scai_cli.evaluation.suite import Suite, SuiteSource
from scai_cli.models.call_count import CallCount, Place, Stage

_BLOCKS: Final = 10
"""The parts of a suite whose estimates are replaced, one after the other, by what their items took."""
_PROBES: Final = Stage((0, 0), 0, "checking the judges")


@dataclass(frozen=True, slots=True)
class RowStages:
    """The stages of the rows of an evaluation."""

    by_item: Mapping[tuple[str, str], Stage]
    """Suite and item's id -> its stage."""
    by_call: Mapping[tuple[str, str], Stage]
    """Suite and an item's place in it, e.g. `i3` -> its stage."""

    def of_call(self, call: str) -> Stage:
        """Return the stage of a call, `~rNUMBER/SUITE/PLACE/...`."""
        _, suite, place, *_ = (*call.split("/", 3), "", "")
        return self.by_call.get((suite, place), _PROBES)

    def of_row(self, row: EvaluationRow) -> Stage:
        """Return the stage of a row's calls."""
        return self.by_item.get((row.suite, row.item), _PROBES)


def item_places(items: Sequence[Item]) -> list[str]:
    """Return the place of each item among those of its suite, labelled items (`g1`) apart from others (`i1`)."""
    counts: Counter[tuple[str, str]] = Counter()
    places = []
    for item in items:
        kind = "i" if item.people is None else "g"
        counts[item.suite, kind] += 1
        places.append(f"{kind}{counts[item.suite, kind]}")
    return places


def plan_count(count: CallCount, manifest: EvaluationManifest, items: Sequence[Item]) -> RowStages:
    """Set the places of an evaluation's session, blocks of the items of each suite; return the rows' stages."""
    by_item: dict[tuple[str, str], Stage] = {}
    by_call: dict[tuple[str, str], Stage] = {}
    blocks: defaultdict[Place, list[Item]] = defaultdict(list)
    numbers, sizes = {suite.name: n for n, suite in enumerate(manifest.suites, 1)}, Counter(i.suite for i in items)
    seen: Counter[str] = Counter()
    for item, place in zip(items, item_places(items), strict=True):
        suite, number = item.suite, numbers[item.suite]
        block = seen[suite] // ceil(sizes[suite] / _BLOCKS)
        seen[suite] += 1
        stage = Stage((number * _BLOCKS + block, number), 0, f"suite {suite}")
        by_item[suite, item.id] = by_call[suite, place] = stage
        blocks[stage.place].append(item)
    stages = RowStages(by_item, by_call)
    count.plan(stages.of_call, partial(_expected, manifest, blocks), in_turn=False)
    return stages


def _expected(manifest: EvaluationManifest, blocks: Mapping[Place, Sequence[Item]]) -> Mapping[Place, float]:
    rules = {system.name: system.constitution for system in manifest.systems}
    source = SuiteSource(manifest.config, rules, principle=manifest.principle)
    return {place: _calls(source, items, len(manifest.judges)) for place, items in blocks.items()}


def _calls(source: SuiteSource, items: Sequence[Item], judges: int) -> int:
    try:
        suite: Suite = plugins.resolve("suite", items[0].suite)()
        return sum(suite.calls(source, items, judges).values())
    except Exception:
        if not plugins.is_foreign("suite", items[0].suite):
            raise
        return 0  # without an estimate, which a third party's error must not stop
