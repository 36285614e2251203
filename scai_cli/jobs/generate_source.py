"""The constitution, personas and tasks of a generated set, from a run or from a constitution file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from scai_cli.datasets.generate.criterion import Criterion, criteria
from scai_cli.datasets.generate.manifest import RowSettings
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig, Holdout, PersonaSource
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.constitution_file import SUFFIXES, read_generate_file
from scai_cli.experiment.constitution_start import initial_constitution
from scai_cli.experiment.generate_settings import GenerateSettings
from scai_cli.experiment.input_files import opened
from scai_cli.experiment.item_files import items
from scai_cli.experiment.load import Overrides, bare_experiment, load_experiment
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.experiment.wordings import ChatLine, Wording
from scai_cli.jobs.saved_experiment import load_source
from scai_cli.jobs.starting_constitution import starting_from
from scai_cli.models.notices import Notices
from scai_cli.runs.find import find_run, is_run
from scai_cli.runs.history.fold import read_history
from scai_cli.simulation.dialogue_lines import require_feedback

NONE: Final = "none"
"""In place of a constitution: no rules, the neutral system message."""
_ROWS: Final = re.compile(r"([0-9]{1,15}):([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """The options of `scai generate`; `n` None is one row per task, `rows` None all of them, else A:B."""

    source: str
    tasks: Path | None = None
    n: int | None = None
    rows: str | None = None
    personas: Path | None = None
    config: Path | None = None
    overrides: Overrides = field(default=Overrides())
    trust: bool = False

    @property
    def part(self) -> tuple[int, int] | None:
        """The rows A to B - 1 of a shard, counted from 0, as (A, B); raises ConfigError for other texts."""
        if self.rows is None:
            return None
        match = _ROWS.fullmatch(self.rows)
        if match is None:
            raise ConfigError(f"--rows {self.rows}: write it as A:B, for example 0:1000 for the first 1,000 rows")
        first, end = int(match[1]), int(match[2])
        if first >= end:
            raise ConfigError(f"--rows {self.rows}: has no row; A:B are the rows from A to before B")
        return first, end


@dataclass(frozen=True, slots=True)
class GenerateSource:
    """A constitution and the experiment that generates rows from it."""

    name: str
    """The run's id, or the file's name."""
    stem: str
    """The start of the generated set's name."""
    config: ExperimentConfig
    initial: Constitution
    learned: Constitution
    criteria: tuple[Criterion, ...] = ()
    few_shot: tuple[ChatLine, ...] = ()
    run: Path | None = None
    """The folder of the run; None for a file and for no rules."""


def read_source(options: GenerateOptions, runs: Path) -> GenerateSource:
    """Read the run or constitution file given in the options; raises RunError or ConfigError.

    Where all principles are pairs without a text, no answer can be given under them, so rows have no final answer.
    """
    if options.source == NONE:
        source = GenerateSource(NONE, NONE, file_experiment(options, runs), Constitution(), Constitution())
        source = _peopled(source, options)
    elif names_file(options.source, runs):
        source = _from_file(options, Path(options.source), runs)
    else:
        source = _from_run(options, find_run(runs, options.source))
    if source.config.generate.initial == "none":
        source = replace(source, initial=Constitution())
    if source.criteria and not source.learned.rules:
        settings = source.config.generate.model_copy(update={"final": False})
        source = replace(source, config=source.config.model_copy(update={"generate": settings}))
    return source


def names_file(source: str, runs: Path) -> bool:
    """Return whether a source is a constitution file and not a run."""
    return Path(source).suffix in SUFFIXES and not is_run(runs / source)


def check_source(source: GenerateSource, options: GenerateOptions) -> None:
    """Raise ConfigError if the options do not fit the constitution, the personas or the tasks."""
    require_feedback(source.config, "the users of a generated set rate its answers")
    if options.n is not None:  # else the tasks must be counted first
        row_settings(source, options, options.n)
    settings, personas = source.config.generate, source.config.train_personas
    if not source.learned.rules and not source.criteria and (settings.k or settings.by_model):
        remedy = f"--set generate.k=0 --set generate.judge={'users' if personas else 'none'}"
        raise ConfigError(
            f"the constitution of {source.name} has no rule to criticise and judge answers by; "
            f"{'' if options.source == NONE else 'add one, or '}use {remedy}"
        )
    is_used = settings.judge != "none" or (not settings.final and (not settings.k or settings.recipe == "sl-cai"))
    if settings.samples > 1 and not is_used:
        raise ConfigError(
            f"generate.samples={settings.samples}: nothing compares or exports the further first answers; "
            "set generate.judge, or leave samples out"
        )
    judge = f"generate.judge={settings.judge}"
    if settings.judge == "model" and settings.samples == 1 and not settings.k and not settings.final:
        raise ConfigError(f"{judge}: rows have one answer, so nothing is compared; set generate.samples=2")
    if settings.by_users and not personas:
        raise ConfigError(
            f"{judge}: there are no personas to rate answers; give some with --personas or --config, "
            "or add --set generate.judge=model"
        )
    human = [persona.id for persona in personas if persona.human]
    if human:
        raise ConfigError(
            f"{judge}: persona {human[0]!r} is a real person, and only runs ask real people; "
            "add --set generate.judge=model, or give other personas with --personas"
        )
    if settings.by_users and not settings.raters and not by_turns(source):
        raise ConfigError(
            "generate.raters=0: nobody would rate, since rows have no user where the contract names no persona; "
            "set generate.raters"
        )
    if options.tasks is None and not source.config.train_tasks:
        raise ConfigError("there is no task; give a task file with --tasks")


def by_turns(source: GenerateSource) -> bool:
    """Return whether personas take turns as the users of rows, that is, if a clause is for one of them."""
    personas = {persona.id for persona in source.config.train_personas}
    clauses = (*source.learned.contract, *source.initial.contract)
    return any(personas.intersection(clause.users) for clause in clauses)


def doubts(settings: GenerateSettings, learned: Constitution, *, has_turns: bool, has_red_team: bool) -> Iterator[str]:
    """Yield warnings of rows that lack what the contract or the recipe is for."""
    if any(clause.users for clause in learned.contract) and not has_turns:
        yield "warning: no persona is named in the contract: rows have no user, and clauses for people are not used"
    if settings.recipe == "sl-cai" and settings.k and not has_red_team:
        yield "warning: sl-cai: no task is of kind red-team, so no answer is criticised and revised"


def wanted_tasks(options: GenerateOptions, source: GenerateSource) -> Iterator[Task]:
    """Yield the tasks of a set, at most one per row; read a JSONL file one task at a time."""
    return islice(iter(source.config.train_tasks if options.tasks is None else items(options.tasks, Task)), options.n)


def row_settings(source: GenerateSource, options: GenerateOptions, tasks: int) -> RowSettings:
    """Return the settings of the rows of a set about this number of tasks; raises ConfigError for rows beyond it."""
    n, rows = options.n or tasks, options.part
    if rows is not None and rows[1] > n:
        why = "--n" if options.n else "one for each task, without --n"
        raise ConfigError(f"--rows {options.rows}: the whole set has {n:,} rows ({why})")
    return RowSettings(n=n, rows=None if rows == (0, n) else rows, **source.config.generate.model_dump())


def _from_run(options: GenerateOptions, path: Path) -> GenerateSource:
    if options.config is not None:
        raise ConfigError(
            f"--config: run {path.name!r} has its own experiment; drop --config and change keys with --set"
        )
    history = read_history(path, messages=False)
    config = load_source(path, options.overrides, trust=options.trust)
    learned, _ = history.product
    assert history.started is not None
    source = GenerateSource(path.name, path.name, config, history.started.constitution, learned, run=path)
    return _peopled(_with_criteria(source), options)


def file_experiment(options: GenerateOptions, runs: Path) -> ExperimentConfig:
    """Return the experiment for a constitution file; raises ConfigError without `--model` and `--config`."""
    if options.config is not None:
        return load_experiment(options.config, options.overrides, starting_from(runs))
    if options.overrides.model is not None:
        return bare_experiment(options.overrides)
    if options.source != NONE:
        with opened(Path(options.source)):  # a file that is not there needs no model
            pass
    what = "a constitution file" if options.source != NONE else "an empty constitution"
    raise ConfigError(f"{options.source}: {what} needs a model; add --model or --config EXPERIMENT")


def file_stem(file: Path) -> str:
    """Return the start of the name of the folder or set made from a file."""
    stem = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in file.stem)
    return stem.strip("-_")[:50] or "constitution"


def _from_file(options: GenerateOptions, file: Path, runs: Path) -> GenerateSource:
    config = file_experiment(options, runs)
    start = initial_constitution(config.constitution)
    source = _peopled(GenerateSource(file.name, file_stem(file), config, start, start), options)
    found = read_generate_file(file, source.config.train_personas)
    notice = Notices()
    for line in found.not_read:
        notice(line)
    source = replace(source, learned=found.constitution, few_shot=found.few_shot)
    return _with_criteria(source, found.wordings)


def _with_criteria(source: GenerateSource, wordings: Mapping[str, Wording] = {}) -> GenerateSource:
    try:
        return replace(source, criteria=criteria(source.learned, wordings))
    except ValueError as error:
        raise ConfigError(f"{source.name}: {error}") from None


def _peopled(source: GenerateSource, options: GenerateOptions) -> GenerateSource:
    """Return the source with the personas of the options, if any, and with all prompts."""
    config = source.config.with_every_prompt()
    if options.personas is not None:
        people = tuple(items(options.personas, Persona))
        others = {
            "personas": PersonaSource(inline=people),
            "holdout": Holdout(tasks=config.holdout.tasks),
            "constitution": config.constitution.model_copy(update={"contract": ()}),
        }
        config = config.model_copy(update=others)
    if not config.generate.by_users:  # no user is asked then, so a real person among them is no obstacle
        config = config.without_real_people
    return replace(source, config=config)
