"""Plan the rows: their tasks, users, raters and criteria follow from the seed and the row's number."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scai_cli.datasets.generate.criterion import Criterion
from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.experiment.generate_settings import GenerateSettings
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.runs.jsonl import decoded
from scai_cli.runs.row_directory import TASKS
from scai_cli.simulation.people import People


@dataclass(frozen=True, slots=True)
class RowPlan:
    """The plan of one row, made before its first call."""

    number: int
    task: Task
    persona: Persona | None
    """The user of the row; None in sets without users."""
    raters: Sequence[Persona]
    """Other users, who rate the answers."""
    criteria: Sequence[Criterion]
    """The criteria of its judgements."""
    steps: Sequence[Criterion]
    """One criterion per critique."""
    samples: int
    """The number of first answers."""

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
    """Yield the plans of the rows from number `first` on; tasks are read in order, again and again, as they are needed.

    Raises RunError for a damaged file of tasks.
    """
    people = People(generation.config.train_personas)
    tasks = _repeated_tasks(path, first % generation.tasks.count)
    for number, task in zip(range(first, generation.orders.numbers.stop), tasks, strict=False):
        yield row_plan(generation, people, number, task)


def row_plan(generation: GenerateManifest, people: People, number: int, task: Task) -> RowPlan:
    """Return the plan of a row about a task; `people` are the personas who take part."""
    orders, personas, seed = generation.orders, people.personas, f"{generation.config.seed}/r{number}"
    persona = personas[turn_of(number, generation.tasks.count, len(personas))] if generation.by_turns else None
    raters = people.others(persona, orders.raters, f"{seed}/raters") if orders.by_users else ()
    criteria = generation.criteria_for(persona.id if persona else None)
    steps, samples = sizes(orders, task.kind, has_criteria=bool(criteria))
    return RowPlan(number, task, persona, raters, criteria, _sampled(criteria, steps, f"{seed}/steps"), samples)


def turn_of(number: int, tasks: int, personas: int) -> int:
    """Return the number of the persona whose turn it is in a row: among tasks x personas rows each pair occurs once."""
    return (number % tasks + number // tasks) % personas


def sizes(settings: GenerateSettings, kind: str, *, has_criteria: bool) -> tuple[int, int]:
    """Return the numbers of steps and of first answers of a row about a task of this kind.

    Further first answers are made where they are labelled, or where they are the answers of the row.
    """
    steps = settings.steps_of(kind) if has_criteria else 0
    is_labelled = settings.by_users or (settings.by_model and has_criteria)
    is_last = not steps and not settings.final and settings.judge == "none"
    return steps, settings.samples if is_labelled or is_last else 1


def _sampled(criteria: Sequence[Criterion], size: int, seed: str) -> list[Criterion]:
    """Return criteria in a random order; none repeats before all others have come."""
    rng = random.Random(seed)
    sample: list[Criterion] = []
    while len(sample) < size:
        sample += rng.sample(criteria, len(criteria))
    return sample[:size]


def _repeated_tasks(path: Path, first: int) -> Iterator[Task]:
    yield from decoded(path / TASKS, Task.model_validate_json, first)
    while True:
        yield from decoded(path / TASKS, Task.model_validate_json)
