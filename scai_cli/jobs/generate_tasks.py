"""Generate tasks like those of a file, to quotas of their kinds and topics."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scai_cli.errors import ConfigError
from scai_cli.experiment.item_files import item_files, items, without_tasks
from scai_cli.experiment.load import Overrides
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.generate_population import Generated, generate_population, settings_of
from scai_cli.jobs.session import Observer
from scai_cli.populations.new_tasks import TaskWriter
from scai_cli.populations.quota_text import read_quotas
from scai_cli.populations.quotas import Quota
from scai_cli.populations.task_sorts import draw_sorts
from scai_cli.text.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class GenerateTasksOptions:
    """The number of tasks, the file or folder of examples, quotas as typed, and a file of people whom no task names."""

    count: int
    like: Path
    quotas: Sequence[str] = ()
    personas: Path | None = None
    overrides: Overrides = field(default=Overrides())
    """The model, the seed, and settings of `model.` and `limits.`"""


def generate(options: GenerateTasksOptions, out: Path, observer: Observer[object], again: str) -> Generated:
    """Generate tasks with a model and write them to a file, as `generate_population` does.

    Raises ConfigError also for a file among the examples, which the same command must find as they were to continue.
    """
    # Unlike `Path.resolve`, it reports a link to itself where the file is opened.
    like_path, out_path = (Path(os.path.realpath(path)) for path in (options.like, out))
    if like_path == out_path or like_path in out_path.parents:
        raise ConfigError(f"-o {out}: is among the examples of --like; write it to another folder")
    config = settings_of(options.overrides)
    like = _examples(options.like)
    people = tuple(items(options.personas, Persona)) if options.personas else ()
    quotas = read_quotas(options.quotas)
    sorts = draw_sorts(options.count, quotas, like, config.seed)
    for line in _without_examples(quotas, like):
        observer.say(line)
    return generate_population(
        "tasks", config, lambda agent: TaskWriter(agent, sorts, like, people), out, observer, again
    )


def _without_examples(quotas: Sequence[Quota], like: Sequence[Task]) -> Iterator[str]:
    """Yield a warning for each value of a quota that no example has, which may be a slip."""
    for quota in quotas:
        known = {getattr(task, quota.attribute) for task in like} - {""}
        for value in (part.label for part in quota.parts if part.label not in known):
            yield f"warning: no example has the {quota.attribute} {value!r}{did_you_mean(value, known)}"


def _examples(path: Path) -> tuple[Task, ...]:
    """Read the tasks of a file, or of all files of a folder; raises ConfigError if there is none."""
    files = item_files(path) if os.path.isdir(path) else [path]
    tasks = tuple(task for file in files for task in items(file, Task))
    if not tasks:
        raise without_tasks(path)
    return tasks
