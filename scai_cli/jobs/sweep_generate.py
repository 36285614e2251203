"""The cells of a sweep that are generated sets, or shards of one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from scai_cli.analysis.cell_numbers import CellNumbers
from scai_cli.datasets.generate.manifest import GenerateManifest, read_generation
from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.item_files import items
from scai_cli.experiment.load import GivenValues, Overrides
from scai_cli.experiment.model_settings import parse_model
from scai_cli.experiment.sweep_file import SweepCell, SweepFile
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.generate import GenerateOutcome, continue_set, start
from scai_cli.jobs.generate_plan import plan_generate
from scai_cli.jobs.generate_source import (
    GenerateOptions,
    GenerateSource,
    check_source,
    names_file,
    read_source,
    row_settings,
)
from scai_cli.jobs.saved_experiment import changed_keys, digests
from scai_cli.jobs.session import Observer
from scai_cli.jobs.sweep_budget import with_limits
from scai_cli.jobs.sweep_cell import ExpectedUse, State, state_of
from scai_cli.messages import Usage
from scai_cli.runs.find import is_evaluation, is_generated, is_run
from scai_cli.runs.history.status import outcome_of
from scai_cli.runs.outcome import is_finished
from scai_cli.text.characters import escape_line_ends

_FILES = ("tasks", "personas", "config")


@dataclass(frozen=True, slots=True)
class GenerateJob:
    """A cell that is a generated set."""

    source: GenerateSource
    options: GenerateOptions
    tasks_sha256: str | None = None
    """The SHA-256 that the task file has in a set, if there is a set already and tasks of a file."""

    @property
    def config(self) -> ExperimentConfig:
        """The experiment."""
        return self.source.config

    @property
    def connected(self) -> ExperimentConfig:
        """The experiment with the models that are called, the judge among them."""
        return self.source.config

    def limited(self, limits: Mapping[str, Any]) -> GenerateJob:
        """Return the job with other limits."""
        return replace(self, source=replace(self.source, config=with_limits(self.config, limits)))

    def state(self, path: Path) -> State:
        """Return how far the set is; raises RunError if it has other rows, and for other work in the folder."""
        if not is_generated(path):
            if is_run(path) or is_evaluation(path):
                raise RunError(f"{path}: exists already and is not a generated set")
            return "new"
        saved, done = read_generation(path), is_finished(path)
        changed = self._changed(saved, with_remedies=done)
        return state_of("generated set", path, saved.config, changed, is_done=done)

    async def play(self, path: Path, observer: Observer[Any]) -> GenerateOutcome:
        """Start or continue the set; an error that allows to continue is in the outcome."""
        if is_generated(path):
            return await continue_set(path, self.config, observer)
        return await start(self.source, self.options, path.parent, path.name, observer)

    def numbers(self, path: Path) -> CellNumbers:
        """Return the number of rows."""
        return CellNumbers({}, None, None, made=outcome_of(path).get("rows"))

    def expected_calls(self) -> None:
        """Return None: all tasks would have to be read."""

    def plan(self) -> ExpectedUse:
        """Return what the whole set is expected to use."""
        plan = plan_generate(self.source, self.options)
        return ExpectedUse(plan.total, sum(plan.estimate.usage.values(), Usage()), plan.estimate.usd)

    def plan_key(self) -> str:
        """Return a key that only jobs with the same plan share."""
        return f"{self.config.model_dump_json(exclude={'seed'})} {replace(self.options, overrides=Overrides())}"

    def _changed(self, saved: GenerateManifest, *, with_remedies: bool) -> list[str]:
        """Return the keys of a saved set that differ."""
        own = self.source
        before, now = (digests(each, of_rows=True, with_remedies=with_remedies) for each in (saved.config, own.config))
        orders = row_settings(own, self.options, saved.tasks.count)
        traits = {
            "source": (saved.initial, saved.learned, saved.criteria, saved.few_shot)
            != (own.initial, own.learned, own.criteria, own.few_shot),
            "tasks": self.tasks_sha256 not in (None, saved.tasks.sha256),
            "n": orders.n != saved.orders.n,
            "rows": orders.rows != saved.orders.rows,
        }
        return [*changed_keys(before, now), *(key for key, differs in traits.items() if differs)]


@dataclass(frozen=True, slots=True)
class GenerateJobs:
    """Makes the jobs of a sweep; cells with the same constitution and experiment share them."""

    file: SweepFile
    runs: Path
    _sources: dict[str, GenerateSource] = field(default_factory=dict)
    _digests: dict[tuple[Path, int | None], str] = field(default_factory=dict)

    def job(self, cell: SweepCell) -> GenerateJob:
        """Return the job of a cell; raises ConfigError or RunError for keys that are wrong, missing or do not fit."""
        place = self.file.where(cell)
        try:
            options = self._options(cell)
            key = str(replace(options, tasks=None, n=None, rows=None))
            if key not in self._sources:
                self._sources[key] = read_source(options, self.runs)
            check_source(self._sources[key], options)
            digest = self._tasks_sha256(options) if is_generated(self.runs / cell.run_id) else None
        except (ConfigError, RunError) as error:
            raise type(error)(str(error) if str(error).startswith(place) else f"{place}: {error}") from None
        return GenerateJob(self._sources[key], options, digest)

    def _tasks_sha256(self, options: GenerateOptions) -> str | None:
        if options.tasks is None:
            return None
        key = options.tasks, options.n
        if key not in self._digests:
            found = hashlib.sha256()
            for task in islice(items(options.tasks, Task), options.n):
                found.update(escape_line_ends(task.model_dump_json(exclude_defaults=True).encode()) + b"\n")
            self._digests[key] = found.hexdigest()
        return self._digests[key]

    def _options(self, cell: SweepCell) -> GenerateOptions:
        given, folder = {**cell.settings}, self.file.path.parent

        def text(key: str) -> str | None:
            return given.pop(key) if isinstance(given.get(key), str) else None

        source, n, rows = text("source"), given.pop("n", None), given.pop("rows", None)
        if source is None:
            raise ConfigError("source: is missing; name a run, a constitution file or none")
        if n is not None and (type(n) is not int or n < 1):
            raise ConfigError(f"n: {json.dumps(n)} is not a number of rows; write at least 1")
        if rows is not None and not isinstance(rows, str):
            raise ConfigError(f"rows: {json.dumps(rows)} is not a text; write 'A:B' in quotes")
        if "/" in source or names_file(source, self.runs):
            source = str(folder / source)
        tasks, personas, config = (None if (name := text(key)) is None else folder / name for key in _FILES)
        if (model := text("model")) is not None:
            parse_model(model, "model")
        overrides = Overrides(model=model, judge=text("judge"), given=GivenValues(self.file.where(cell), given))
        return GenerateOptions(source, tasks, n, rows, personas, config or self.file.experiment, overrides)
