"""Let a model write personas or tasks into a file.

Every call is logged beside the output, limited, and never repeated: the same command continues after an interruption.
"""

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol

from scai_cli.errors import ConfigError, LimitReached, ProviderError, RunError, cannot_write
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, bare_experiment
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.session import Observer, SessionStart, Spending, run_watched, with_remedy
from scai_cli.models.call_count import WHOLE
from scai_cli.populations.population_file import check_name, population_file
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.jsonl import LineLog, mend, remove_halves
from scai_cli.runs.locks import try_lock
from scai_cli.simulation.agent import Agent
from scai_cli.text.counts import counted

_SETTABLE: Final = ("model.", "limits.")


class Writer(Protocol):
    """Asks a model for personas or tasks."""

    thrown_back: Counter[str]
    """Reason -> the number of texts that were rejected for it."""

    @property
    def expected_calls(self) -> int:
        """The calls that it takes if nothing is rejected."""
        ...

    async def write(self, say: Callable[[str], None]) -> Sequence[Persona | Task]:
        """Return what the model wrote, in order; `say` gets the progress."""
        ...


@dataclass(frozen=True, slots=True)
class Generated:
    """The number of personas or tasks written, of texts rejected by reason, and of calls paid for in all sessions."""

    written: int
    thrown_back: Mapping[str, int]
    calls: int

    @property
    def rejected(self) -> str:
        """How many texts were rejected and why, for people."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in Counter(self.thrown_back).most_common())
        return f"{counted(sum(self.thrown_back.values()), 'text')} rejected{reasons and f' ({reasons})'}"


def settings_of(overrides: Overrides) -> ExperimentConfig:
    """Return an experiment with the model and the limits; raises ConfigError for another setting."""
    for setting in overrides.settings:
        if not setting.startswith(_SETTABLE):
            raise ConfigError(f"--set {setting}: cannot be set here; --set takes keys of {' and '.join(_SETTABLE)}")
    return bare_experiment(overrides)


def generate_population(
    kind: Literal["personas", "tasks"],
    config: ExperimentConfig,
    writer_of: Callable[[Agent], Writer],
    out: Path,
    observer: Observer[object],
    again: str,
) -> Generated:
    """Generate personas or tasks with a model and write them to a file in one step; `again` continues the work.

    The observer sees no item, only lines and how far the calls are. Raises the errors that stop a run
    (`errors.STOPS`), ProviderError if nothing can be used, and RunError (file in use).
    """
    check_name(out)
    with (
        ModelPool.connect(config.asked_directly) as pool,
        _call_log(out.with_name(f"{out.stem}.calls.jsonl")) as log,
        closing(CallIndex.read(log.path, seen=pool.count.log)) as index,
    ):
        remove_halves(out.parent, glob.escape(out.name))
        spent = partial(Spending.of, pool, index, pool.count_earlier(index))
        writer = writer_of(pool.agents(log.write, index).user)
        pool.count.expect = lambda: {WHOLE.place: writer.expected_calls}
        try:
            start = SessionStart(out.name, config, pool.meters, pool.count, spent)
            written = run_watched(pool, writer.write(observer.say), again, observer, start)
        except LimitReached as error:
            raise with_remedy(
                error, f"continue with a higher limit: `{_with_higher_limit(again, str(error))}`"
            ) from None
        calls = spent().calls
    generated = Generated(len(written), writer.thrown_back, calls)
    if not written:
        raise ProviderError(f"no {kind}: {generated.rejected}; use a stronger model (--model)")
    with population_file(out, kind) as write:
        for item in written:
            write(item)
    return generated


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
