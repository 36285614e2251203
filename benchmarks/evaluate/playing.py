"""Learn rules with `scai run` and evaluate them with `scai evaluate`, in process, in a temporary folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.regret.societies import Society
from scai_cli import api
from scai_cli.analysis.audience import for_everyone
from scai_cli.evaluation.results import Evaluation, read_results
from scai_cli.evaluation.suite import MeasureResult
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.load import dump_experiment
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.jobs import run as runs
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.simulation.prompts import Prompts

EPOCHS = 6
CROSS_RATERS = 2
LIBRARY = Path(__file__).parents[2] / "configs" / "tasks" / "library"
LEARNED = "learned"


@dataclass(slots=True)
class Place:
    """A folder with a run and its evaluations."""

    runs: Path
    evaluations: int = 0

    def learn(self, config: ExperimentConfig) -> None:
        """Run an experiment as `learned`."""
        outcome = asyncio.run(runs.run(config, self.runs, LEARNED))
        assert outcome.status == "finished", outcome

    def product(self) -> Constitution:
        """Return the learned rules as everyone gets them."""
        return for_everyone(self._history().product[0])

    def message(self) -> str:
        """Return the system message with the learned rules."""
        config = self._history().config
        return Prompts(config.prompts, config.ratings, config.constitution, ()).system_message(self.product())

    def _history(self) -> History:
        return read_history(self.runs / LEARNED, messages=False, ratings=False)

    def write(self, name: str, text: str) -> str:
        """Write a text file, or an experiment as `NAME.yaml`; return its path."""
        path = self.runs / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def evaluate(
        self, systems: Sequence[str], suite: str, config: ExperimentConfig | None, **options: Any
    ) -> Evaluation:
        """Evaluate systems with the people, tasks and models of an experiment; return what `scai show` reads."""
        self.evaluations += 1
        name = f"evaluation-{self.evaluations}"
        file = None if config is None else Path(self.write(f"{name}.yaml", dump_experiment(config)))
        job = api.evaluate(systems, (suite,), config=file, runs_dir=self.runs, run_id=name, **options)
        outcome = asyncio.run(job)
        assert outcome.status == "finished", outcome
        return read_results(outcome.path, trust=True)


@contextmanager
def place() -> Iterator[Place]:
    """Make a folder and remove it at the end."""
    with TemporaryDirectory(prefix="evaluate-") as folder:
        yield Place(Path(folder))


def experiment(
    society: Society, people: Sequence[Persona], tasks: Sequence[Task], seed: int, **more: Any
) -> ExperimentConfig:
    """Return the experiment of these people and tasks; `more` are other keys of the file."""
    return ExperimentConfig.model_validate(
        {
            "name": "society",
            "seed": seed,
            "epochs": EPOCHS,
            "turns": 1,
            "personas": {"inline": tuple(people)},
            "tasks": {"inline": tuple(tasks)},
            "model": {"options": {"shows": society.cell.shows}},
            "ratings": {"cross_raters": CROSS_RATERS},
            **more,
        }
    )


def library() -> list[Task]:
    """Return the tasks of the library, without those that ask for harm."""
    files = sorted(file for file in LIBRARY.glob("*.yaml") if file.stem != "red-team")
    return [Task.model_validate(row) for file in files for row in yaml.safe_load(file.read_text("utf-8"))["tasks"]]


def measured(evaluation: Evaluation) -> MeasureResult:
    """Return the first declared measure of the only suite."""
    (result,) = evaluation.results
    assert result.problem is None, result.problem
    return next(each for each in result.measures if each.measure.declared)
