"""Count the calls of the rows of a generated set, and tell how far the calls of its session are."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import ceil
from pathlib import Path
from typing import Final

import msgspec

from scai_cli.datasets.generate.criterion import Criterion
from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.datasets.generate.row_plan import sizes, turn_of
from scai_cli.experiment.generate_settings import RED_TEAM, GenerateSettings
from scai_cli.models.call_count import CallCount, Place, Stage
from scai_cli.runs.jsonl import decoded
from scai_cli.runs.row_directory import TASKS, row_number

_BLOCKS: Final = 20
"""The parts of a set whose estimates are replaced, one after the other, by what their rows took."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """What the calls of a row follow from besides its task."""

    settings: GenerateSettings
    people: Sequence[str]
    """The ids of the personas who may take part."""
    by_turns: bool
    criteria_for: Callable[[str | None], Sequence[Criterion]]


def row_calls(shape: RowShape, kinds: bytes, rows: range) -> dict[str, int]:
    """Return the calls of rows by purpose, without retries; `kinds` has 1 for each red-team task."""
    settings, personas, by_turns = shape.settings, len(shape.people), shape.by_turns
    answers = steps = rated = pairs = 0
    for (is_red_team, persona), count in _shapes(shape.people if by_turns else [None], kinds, rows).items():
        has_criteria = bool(shape.criteria_for(persona))
        step, first = sizes(settings, RED_TEAM if is_red_team else "", has_criteria=has_criteria)
        answers += count * (first + settings.final)
        steps += count * step
        rated += count * (first + bool(step) + settings.final)
        pairs += count * has_criteria * (bool(step) + settings.final + first * (first - 1) // 2)
    rated, pairs = rated * settings.by_users, pairs * settings.by_model
    return {
        "answer": answers,
        "critique": steps,
        "revision": steps,
        "feedback": rated if by_turns else 0,
        "cross_rating": rated * min(settings.raters, personas - by_turns if personas else 0),
        # The one call tries whether the endpoint gives log-probabilities.
        "comparison": 2 * pairs + (1 if pairs else 0),
    }


def _shapes(people: Sequence[str | None], kinds: bytes, rows: range) -> Counter[tuple[int, str | None]]:
    """Count the rows by whether their task is of kind `red-team` (1 in `kinds`), and by their user."""
    tasks = len(kinds)
    # Among tasks x people rows in a row each pair occurs once.
    rounds, rest = divmod(len(rows), tasks * len(people))
    shapes = Counter((kinds[row % tasks], people[turn_of(row, tasks, len(people))]) for row in rows[:rest])
    for kind, person in product(set(kinds), people):
        shapes[kind, person] += rounds * kinds.count(kind)
    return shapes


def plan_count(count: CallCount, manifest: GenerateManifest, folder: Path) -> None:
    """Set the places of a set's session: blocks of rows."""
    count.plan(
        lambda call: Stage(_block_of(manifest, row_number(call) or 0)),
        partial(_expected, manifest, folder),
        in_turn=False,
    )


def _block_of(manifest: GenerateManifest, row: int) -> Place:
    """Return the place of a row's calls."""
    rows = manifest.orders.numbers
    return (max(0, row - rows.start) // ceil(len(rows) / _BLOCKS), 0)


class _Task(msgspec.Struct):
    kind: str = ""


def _expected(manifest: GenerateManifest, folder: Path) -> Mapping[Place, float]:
    tasks, rows = manifest.tasks, manifest.orders.numbers
    if tasks.red_team in (0, tasks.count):
        kinds = bytes([bool(tasks.red_team)]) * tasks.count
    else:
        decode = msgspec.json.Decoder(_Task).decode
        kinds = bytes(task.kind == RED_TEAM for task in decoded(folder / TASKS, decode))
    people = [persona.id for persona in manifest.config.train_personas]
    shape = RowShape(manifest.orders, people, manifest.by_turns, manifest.criteria_for)
    size, found = ceil(len(rows) / _BLOCKS), dict[Place, float]()
    for at in range(0, len(rows), size):
        block = rows[at : at + size]
        calls = row_calls(shape, kinds, block)
        calls["comparison"] -= bool(calls["comparison"] and at)  # the one call that tries the endpoint
        found[_block_of(manifest, block.start)] = sum(calls.values())
    return found
