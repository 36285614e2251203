"""Generate a population to quotas: draw attributes first, then let a model write biographies and stances.

Every call is logged beside the output, limited, and never repeated: the same command continues after an interruption.
"""

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scai_cli.errors import ConfigError, LimitReached, ProviderError, RunError, cannot_write
from scai_cli.experiment.config import ExperimentConfig, TaskSource
from scai_cli.experiment.load import Overrides, bare_experiment
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.session import run_on_loop, stoppable, with_remedy
from scai_cli.populations.biographies import BiographyWriter, draw_facts
from scai_cli.populations.population_file import check_name, population_file
from scai_cli.populations.quotas import Quota
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.jsonl import LineLog, mend, remove_halves
from scai_cli.runs.locks import try_lock

_SETTABLE: Final = ("model.", "limits.")


@dataclass(frozen=True, slots=True)
class GeneratePersonasOptions:
    """The number of personas, the quotas of their attributes, the tasks for their stances, the model and the limits."""

    count: int
    quotas: Sequence[Quota] = ()
    tasks: Sequence[Task] = ()
    overrides: Overrides = field(default=Overrides())
    """The model, the seed, and settings of `model.` and `limits.`"""

    def experiment(self) -> ExperimentConfig:
        """Return an experiment with the model and the limits; raises ConfigError for another setting."""
        for setting in self.overrides.settings:
            if not setting.startswith(_SETTABLE):
                raise ConfigError(f"--set {setting}: cannot be set here; --set takes keys of {' and '.join(_SETTABLE)}")
        return bare_experiment(self.overrides).model_copy(update={"tasks": TaskSource(inline=tuple(self.tasks))})


@dataclass(frozen=True, slots=True)
class GeneratedPersonas:
    """The numbers of personas written, of texts rejected, and of calls paid for in all sessions."""

    people: int
    thrown_back: int
    calls: int


def generate(options: GeneratePersonasOptions, out: Path, say: Callable[[str], None], again: str) -> GeneratedPersonas:
    """Generate personas with a model and write them to a file in one step; `again` is the command that continues.

    Raises the errors that stop a run (`errors.STOPS`), ProviderError without any persona, and RunError (file in use).
    """
    check_name(out)
    config = options.experiment()
    with (
        ModelPool.connect(config.asked_directly) as pool,
        _call_log(out.with_name(f"{out.stem}.calls.jsonl")) as log,
        closing(CallIndex.read(log.path)) as index,
    ):
        remove_halves(out.parent, glob.escape(out.name))
        pool.count_earlier(index)
        facts = draw_facts(options.count, options.quotas, config.seed)
        writer = BiographyWriter(pool.agents(log.write, index).user, facts, options.tasks)
        try:
            people = run_on_loop(config.models(), stoppable(pool, writer.write(say), again))
        except LimitReached as error:
            raise with_remedy(
                error, f"continue with a higher limit: `{_with_higher_limit(again, str(error))}`"
            ) from None
        calls = index.paid_calls + sum(meter.calls for meter in pool.meters)
    if not people:
        raise ProviderError(f"none of {writer.thrown_back:,} answers is a persona; use a stronger model (--model)")
    with population_file(out, "personas") as write:
        for person in people:
            write(person)
    return GeneratedPersonas(len(people), writer.thrown_back, calls)


def _with_higher_limit(command: str, error: str) -> str:
    """Return the command with a placeholder for the limit that the error names."""
    limit = error.partition(":")[0]
    options = rf" --set[ =]{limit}=\S+" + (r"| --max-usd[ =]\S+" if limit == "limits.usd" else "")
    return f"{re.sub(options, '', command)} --set {limit}=MORE"


@contextmanager
def _call_log(path: Path) -> Iterator[LineLog]:
    """Open, repair and lock the call log."""
    try:
        mend(path)
        log = LineLog.open(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    try:
        if not try_lock(log.file):
            raise RunError(f"{path}: in use by another process; wait until it ends, or give another output file")
        yield log
    finally:
        log.close()
