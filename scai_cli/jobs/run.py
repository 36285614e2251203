"""The composition root: config -> crew -> engine -> run directory -> watcher; starting, resuming, ending a run."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from scai_cli import plugins
from scai_cli.errors import STOPS, Interrupted, RunError, ScaiError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, dump_experiment, load_saved, named_code
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.session import Spending, Status, going_on, loop_factory, status_after
from scai_cli.models.gate import Meter
from scai_cli.models.human import ParticipantPrompt
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.events import Event, Revised, RunFinished, RunStarted, WelfareMeasured
from scai_cli.runs.find import is_run
from scai_cli.runs.history.event_lines import first_event
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.outcome import begin_session, end_session
from scai_cli.runs.run_directory import CONFIG, RunDirectory
from scai_cli.simulation.engine import simulate

FREE: Final = ("limits", "prices", "cache", "max_failures")
"""The keys of an experiment that may change when a run is gone on with: they do not decide about its content."""


class Observer(Protocol):
    """Somebody who looks on while a run goes on."""

    def begin(self, run_id: str, config: ExperimentConfig, meters: Sequence[Meter]) -> None:
        """The run begins or goes on; the meters are those of its endpoints."""
        ...

    def see(self, event: Event) -> None:
        """Something happened, now or (in a resumed run) before."""
        ...

    def say(self, line: str) -> None:
        """Something is to be known that is no event."""
        ...

    def end(self) -> None:
        """Nothing more will happen."""
        ...


@dataclass(slots=True)
class Outcome:
    """How work on a run ended; `error` is what stopped it before its end; the counts include earlier sessions."""

    run_id: str
    path: Path
    status: Status = "finished"
    error: ScaiError | None = None
    epochs: int = 0
    spent: Spending = field(default=Spending())
    welfare: list[Mapping[str, float | None]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """What `scai run --json` prints and `outcome.json` keeps."""
        return {
            "run_id": self.run_id,
            "path": str(self.path),
            "status": self.status,
            "reason": str(self.error) if self.error else None,
            "epochs": self.epochs,
            **self.spent.as_object(),
            "welfare": self.welfare,
            "wall_s": round(self.spent.wall_s, 3),
        }


def start(
    config: ExperimentConfig, runs: Path, run_id: str | None, observer: Observer, desk: ParticipantPrompt | None = None
) -> Outcome:
    """Run an experiment in a new run directory; real people among the personas are asked at the desk.

    What a resume can go on from is told in the outcome. Raises ConfigError before anything is written, RunError, and
    OutputError when the disk refuses.
    """
    if run_id is not None and is_run(runs / run_id):
        raise _taken(config, runs / run_id)
    pool = ModelPool.connect(config, desk)
    try:
        run = RunDirectory.create(runs, run_id, config.name, dump_experiment(config))
    except BaseException:
        pool.close_cache()
        raise
    return _conduct(pool, run, observer)


def resume(
    path: Path,
    settings: Sequence[str],
    observer: Observer,
    *,
    trust: bool = False,
    desk: ParticipantPrompt | None = None,
) -> Outcome:
    """Go on where a run ended; a finished run is left as it is.

    `settings` (`limits.calls=500`) may change what does not decide about the run's content: limits, prices, addresses.
    Raises RunError when anything else differs from what the run began with, when the run is in use or damaged, or when
    it names code of somebody else and that is not trusted.
    """
    config = load_saved(path / CONFIG, Overrides(settings=settings))
    if not trust:
        refuse_foreign(config, path)
    run = RunDirectory.reopen(path)
    try:
        began = first_event(path)
        if began is not None and (changed := differences(began, digests(config))):
            raise RunError(
                f"run {path.name!r} cannot go on: it began with other {', '.join(changed)} than {path / CONFIG} and "
                "the options say now; undo the change, or begin a new run"
            )
        pool = ModelPool.connect(config, desk)
        _rewrite_config(run, config)
    except BaseException:
        run.folder.close()
        raise
    return _conduct(pool, run, observer)


def digests(config: ExperimentConfig) -> dict[str, str]:
    """A digest of every key that decides what happens in a run; bounds, prices, addresses and the cache do not."""
    # Without defaults, so that a new key changes no digest.
    data = config.model_dump(mode="json", exclude=set(FREE), exclude_defaults=True)
    own = (persona.get("model", {}) for persona in data["personas"].get("inline", ()))
    for model in (data.get("model", {}), data.get("judge", {}), *data.get("roles", {}).values(), *own):
        for key in ("base_url", "api_key_env", "timeout_s"):
            model.pop(key, None)
    return {key: _digest(value) for key, value in data.items() if value != {}}


def differences(began: RunStarted, now: Mapping[str, str]) -> list[str]:
    """The keys of the experiment in which it differs from the one that the run began with."""
    return [key for key in {**began.digests, **now} if began.digests.get(key) != now.get(key)]


def _digest(value: object) -> str:
    data = json.dumps(value, sort_keys=True).encode("utf-8", "replace")
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _taken(config: ExperimentConfig, path: Path) -> RunError:
    """The run that was asked for is there already: finished, or one that can go on."""
    history = read_history(path, messages=False, ratings=False)
    if history.status == "finished":
        return RunError(f"run {path.name!r} is there already and finished; take another --run-id")
    if history.status == "running":
        return RunError(f"run {path.name!r} is there already and being worked on; take another --run-id")
    changed = differences(history.started, digests(config)) if history.started else []
    other = f" (the experiment has changed since: {', '.join(changed)})" if changed else ""
    return RunError(f"run {path.name!r} is there already and not finished{other}; go on with `{going_on(path)}`")


def refuse_foreign(config: ExperimentConfig, path: Path) -> None:
    """Raise RunError where a saved run names somebody else's code."""
    for _, kind, name in named_code(config):
        if plugins.is_foreign(kind, name):
            raise RunError(f"run {path.name!r} names code that is not scai's own, {kind} {name!r}; --trust loads it")


def _rewrite_config(run: RunDirectory, config: ExperimentConfig) -> None:
    """Keep what the options have changed; an untouched file keeps its date, by which runs are listed."""
    text = dump_experiment(config)
    if (run.folder.path / CONFIG).read_bytes() != text.encode():
        run.folder.write_text(CONFIG, text)


def _conduct(pool: ModelPool, run: RunDirectory, observer: Observer) -> Outcome:
    index = None
    try:
        index = CallIndex.read(run.folder.path / CALLS, run.problems)
        with asyncio.Runner(loop_factory=loop_factory(pool.config)) as runner:
            return runner.run(_session(pool, run, index, observer))
    except Interrupted as error:  # while nothing was in flight
        raise Interrupted(f"{error}; go on with `{going_on(run.folder.path)}`") from None
    finally:
        if index is not None:
            index.close()
        pool.close_cache()
        run.folder.close()


async def _session(pool: ModelPool, run: RunDirectory, index: CallIndex, observer: Observer) -> Outcome:
    outcome = Outcome(run.folder.run_id, run.folder.path)
    cost = pool.charge(index, begin_session(run.folder.path, CALLS))
    agents = pool.agents(run.folder.log_call, index if run.resumed else None)
    scribe = _Scribe(run, outcome, observer)
    observer.begin(run.folder.run_id, pool.config, [gate.meter for gate in pool.gates.values()])
    for name, cut in run.folder.mended.items():
        observer.say(f"{name}: its last line was torn ({cut} bytes) and is cut off; what it told is done again")
    try:
        with Interruption(pool.stop, going_on(run.folder.path)) as interruption:
            try:
                await _played(
                    pool,
                    simulate(pool.config, agents, scribe.note, run_id=outcome.run_id, digests=digests(pool.config)),
                )
            except asyncio.CancelledError:
                if interruption.error is None:
                    raise
                raise interruption.error from None
    except STOPS as stop:
        if isinstance(stop, Interrupted) and interruption.error is None:  # by the end of the input, not by a signal
            stop = Interrupted(f"{stop}; go on with `{going_on(run.folder.path)}`")
        outcome.status, outcome.error = status_after(stop), stop
    finally:
        if pool.cache is not None and pool.cache.problem:
            observer.say(pool.cache.problem)
        observer.end()
    outcome.spent = Spending.of(pool, index, cost)
    end_session(run.folder.path, outcome.summary())
    return outcome


async def _played(pool: ModelPool, simulation: Coroutine[Any, Any, None]) -> None:
    try:
        await simulation
    finally:
        await pool.aclose()


@dataclass(slots=True)
class _Scribe:
    """Takes every event to the run directory, to the files for people and to whoever looks on."""

    run: RunDirectory
    outcome: Outcome
    observer: Observer
    system_messages: dict[int, str] = field(default_factory=dict)
    """Version of the constitution -> how it is rendered."""

    def note(self, event: Event) -> None:
        self.run.append(event)
        if isinstance(event, RunStarted):
            self.system_messages[event.constitution.version] = event.system_message
            self._publish("e0", event.system_message)
        elif isinstance(event, WelfareMeasured):
            self.outcome.welfare.append({"epoch": event.epoch, **event.values})
        elif isinstance(event, Revised):
            self.outcome.epochs = event.epoch
            self.system_messages[event.constitution.version] = event.system_message
            self._publish(f"e{event.epoch}", event.system_message)
            self.run.folder.sync()
        elif isinstance(event, RunFinished):
            self.run.folder.write_text("system_message.txt", f"{self.system_messages[event.version]}\n")
        self.observer.see(event)

    def _publish(self, name: str, system_message: str) -> None:
        self.run.folder.write_text(f"constitution/{name}.md", f"{system_message}\n")
        self.run.folder.write_text("system_message.txt", f"{system_message}\n")
