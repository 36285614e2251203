"""Start or resume a run: config -> models -> simulation -> run directory and observer."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from scai_cli import __version__
from scai_cli.errors import AnswerLost
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, changed_text, dump_experiment
from scai_cli.jobs import session
from scai_cli.jobs.addresses import with_address
from scai_cli.jobs.interruption import resumable
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.observers import watched
from scai_cli.jobs.saved_experiment import (
    changed_keys,
    digests,
    load_run,
    refuse_changed,
    refuse_foreign_observers,
    refuse_replaced,
    refuse_without_forms,
)
from scai_cli.jobs.session import HealthWatch, Observer
from scai_cli.models.human import ParticipantPrompt
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.events import EpochStarted, Event, Revised, RunFinished, RunStarted, WelfareMeasured
from scai_cli.runs.file_names import CONFIG
from scai_cli.runs.find import RUNS, is_run, resume_command
from scai_cli.runs.history.event_lines import first_event
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.run_directory import RunDirectory
from scai_cli.simulation.engine import simulate
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.observed import Measures
from scai_cli.simulation.stages import expected_calls, stages_of
from scai_cli.text.characters import visible


@dataclass(slots=True)
class RunResult:
    """The number of finished epochs, and the welfare of each and of the product's play at the end.

    Welfare has `epoch`, `version`, `product`, and function -> value, None if no rating could be read.
    """

    epochs: int = 0
    welfare: list[Mapping[str, float | None]] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    """Reasons not to trust these numbers, in sentences."""


RunOutcome = session.Outcome[RunResult]


async def run(
    config: ExperimentConfig,
    runs_dir: Path = RUNS,
    run_id: str | None = None,
    observer: Observer[Event] | None = None,
    prompt: ParticipantPrompt | None = None,
) -> RunOutcome:
    """Run an experiment in a new run directory: `run_id`, or the next of the experiment's name, `name-2`, ...

    Human participants are asked at the prompt. An error that stops the run but allows a resume is in the outcome.
    Raises ConfigError before anything is written, RunError, and OutputError if a file cannot be written.
    """
    if run_id is not None:
        _refuse_taken(runs_dir / run_id, digests(config))
    config = with_address(config)
    Measures.of(config).try_out(config.personas.inline, config.tasks.inline[0])
    seen = watched(config, observer or session.SilentObserver())
    # Connect first: an experiment whose models are not available leaves no folder behind.
    with ModelPool.connect(config.without_judge, prompt) as pool:
        directory = RunDirectory.create(runs_dir, run_id, config.name, dump_experiment(config))
        with closing(directory.folder):
            return await _session(pool, directory, seen)


async def resume(
    path: Path,
    settings: Sequence[str] = (),
    observer: Observer[Event] | None = None,
    *,
    trust: bool = False,
    prompt: ParticipantPrompt | None = None,
) -> RunOutcome:
    """Continue an unfinished run; a finished run stays unchanged.

    `settings` (`limits.calls=500`) may change limits, prices, addresses and observers. Raises RunError if any other
    setting differs from the first session, if the run is in use or damaged, or if it names third-party code and
    `trust` is not given.
    """
    overrides = Overrides(settings)
    config = load_run(path, overrides, trust=trust)
    refuse_foreign_observers(config, overrides, path.name, trust=trust)
    return await continue_run(path, config, observer, prompt)


async def continue_run(
    path: Path,
    config: ExperimentConfig,
    observer: Observer[Event] | None,
    prompt: ParticipantPrompt | None = None,
) -> RunOutcome:
    """Continue the run in a directory with an experiment that is equal except for limits, prices and addresses.

    Raises RunError if it differs, or if the run is in use or damaged.
    """
    config, seen = with_address(config), observer or session.SilentObserver()
    changed, done = changed_text(path / CONFIG, config), session.finished_before(path, RunResult)
    if done is not None and changed is None and (began := first_event(path)):
        refuse_changed("run", began.digests, config, path / CONFIG)
        seen.say(f"run {path.name!r} is finished already: nothing to resume")
        return done
    seen = watched(config, seen)
    while True:
        directory = RunDirectory.reopen(path)
        with closing(directory.folder) as folder:
            if directory.digests:
                if not directory.is_finished:
                    refuse_without_forms("run", config, directory.version, path)
                    refuse_replaced(config, path / CONFIG)
                refuse_changed("run", directory.digests, config, path / CONFIG)
            with ModelPool.connect(config.without_judge, prompt, is_finished=directory.is_finished) as pool:
                if changed is not None:  # an unchanged file keeps its date, which sorts the list of runs
                    folder.write_text(CONFIG, changed, lasting=True)
                try:
                    return await _session(pool, directory, seen)
                except AnswerLost as lost:
                    seen.say(directory.take_back(*lost.args))


async def _session(pool: ModelPool, directory: RunDirectory, observer: Observer[Event]) -> RunOutcome:
    folder = directory.folder
    recorder = _RunRecorder(directory, observer, HealthWatch(pool.config, observer.say))
    if directory.rater_check is not None:  # it is made in the first epoch alone
        recorder.health.counts.add(directory.rater_check)

    async def play(agents: Agents) -> None:
        if directory.is_finished and directory.version != __version__:
            for event in directory.events():  # not replayed: this version may play or measure more
                recorder.see(event)
            return
        # A finished run is not judged again: it may be from a version without this check.
        agents = replace(agents, force="all") if directory.is_finished else agents
        now = directory.digests or digests(pool.config)
        await simulate(pool.config, agents, recorder.note, run_id=folder.run_id, digests=now, revised=directory.revised)

    pool.count.plan(stages_of(pool.config.epochs), partial(expected_calls, pool.config))
    # Reading the index of a long run takes seconds; a signal meanwhile must print the command, too.
    with (
        resumable(resume_command(folder.path)),
        closing(
            CallIndex.read(folder.path / CALLS, directory.problems, settled=directory.settled_by, seen=pool.count.log)
        ) as index,
    ):
        return await session.work(pool, folder, index, recorder.observer, recorder.result, play)


def _refuse_taken(path: Path, now: Mapping[str, str]) -> None:
    """Raise RunError if the run exists already, finished or not."""
    if is_run(path):
        history = read_history(path, messages=False, ratings=False)
        began = history.started.digests if history.started else None
        raise session.taken("run", path, history.status, () if began is None else changed_keys(began, now))


@dataclass(slots=True)
class _RunRecorder:
    """Passes every event to the run directory, the text files, the result and the observer."""

    directory: RunDirectory
    observer: Observer[Event]
    health: HealthWatch
    result: RunResult = field(default_factory=RunResult)
    system_messages: dict[int, str] = field(default_factory=dict)
    """Version of the constitution -> its system message."""
    plays_product: bool = False

    def note(self, event: Event) -> None:
        if isinstance(event, RunFinished):  # before the event: a run that is finished has its product's message
            message = f"{self.system_messages[event.version]}\n"
            self.directory.folder.write_text("system_message.txt", message, lasting=True)
        # Write before showing: an event that an observer has shown survives a crash.
        self.directory.append(event)
        self.see(event)

    def see(self, event: Event) -> None:
        """Pass on an event that is written."""
        if isinstance(event, RunStarted):
            self._publish("e0", event.constitution.version, event.system_message)
        elif isinstance(event, EpochStarted):
            self.plays_product = event.product
        elif isinstance(event, WelfareMeasured):
            where = {"epoch": event.epoch, "version": event.version, "product": self.plays_product}
            self.result.welfare.append({**where, **event.values})
        elif isinstance(event, Revised):
            self.result.epochs = event.epoch
            self.directory.folder.sync()  # before the texts: they are made from the events
            self._publish(f"e{event.epoch}", event.constitution.version, event.system_message)
        self.observer.see(event)
        self.health.counts.add(event)
        if isinstance(event, WelfareMeasured | Revised | RunFinished):
            self.result.health = self.health.warnings(at_end=isinstance(event, RunFinished))

    def _publish(self, name: str, version: int, system_message: str) -> None:
        self.system_messages[version] = system_message = visible(system_message)
        self.directory.folder.write_text(f"constitution/{name}.md", f"{system_message}\n")
        self.directory.folder.write_text("system_message.txt", f"{system_message}\n")
