"""Plan the rows: their tasks, users, raters and principles follow from the seed and the row's number."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.experiment.constitution import Principle
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.jsonl import decoded
from scai_cli.runs.row_directory import TASKS
from scai_cli.values import draw


@dataclass(frozen=True, slots=True)
class RowPlan:
    """The plan of one row, made before its first call."""

    number: int
    task: Task
    persona: Persona | None
    """The user of the row; None in sets without users."""
    raters: Sequence[Persona]
    """Other users, who rate the answers."""
    principles: Sequence[Principle]
    """One principle per critique."""

    @property
    def id(self) -> str:
        """The row's id, the start of the ids of its answers and calls."""
        return f"r{self.number}"

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences that the persona and the task state."""
        sources = [self.task.source, *([self.persona.source] if self.persona else [])]
        return tuple(sorted({source.licence for source in sources if source.licence}))


def row_plans(generation: GenerateManifest, path: Path, first: int) -> Iterator[RowPlan]:
    """Yield the plans of the rows from number `first` on; tasks are read as they are needed.

    The tasks are used in order, again and again. The personas take turns so that among tasks x personas rows each pair
    occurs once. Raises RunError for a damaged file of tasks.
    """
    tasks = islice(_repeated_tasks(path), first % generation.tasks.count, None)
    for number, task in islice(zip(count(first), tasks, strict=False), max(0, generation.orders.n - first)):
        yield row_plan(generation, number, task)


def row_plan(generation: GenerateManifest, number: int, task: Task) -> RowPlan:
    """Return the plan of a row about a task."""
    config, orders = generation.config, generation.orders
    personas, seed = config.train_personas, f"{config.seed}/r{number}"
    turn = number % generation.tasks.count + number // generation.tasks.count
    persona = personas[turn % len(personas)] if generation.by_turns else None
    others = [other for other in personas if other is not persona]
    raters = draw(others, orders.raters, f"{seed}/raters") if orders.by_users else ()
    return RowPlan(number, task, persona, raters, _sampled(generation.learned.principles, orders.k, f"{seed}/steps"))


def _sampled(principles: Sequence[Principle], size: int, seed: str) -> list[Principle]:
    """Return principles in a random order; none repeats before all others have come."""
    rng = random.Random(seed)
    sample: list[Principle] = []
    while len(sample) < size:
        sample += rng.sample(principles, len(principles))
    return sample[:size]


def _repeated_tasks(path: Path) -> Iterator[Task]:
    while True:
        yield from decoded(path / TASKS, Task.model_validate_json)
