"""Serve a model under a constitution: an OpenAI-compatible endpoint that logs its calls and keeps to the limits.

The calls of a run are in its folder, `serve/1/`, `serve/2/`, ..., those of a constitution file in `runs/NAME-serve/1/`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from scai_cli.analysis.audience import for_audience
from scai_cli.errors import ConfigError, Interrupted, LimitReached, OutputError, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_saved
from scai_cli.jobs.addresses import with_address
from scai_cli.jobs.chat import assistant_only
from scai_cli.jobs.generate_source import GenerateOptions, file_experiment, file_stem, names_file
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.local_server import is_loopback
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.saved_experiment import refuse_foreign_code
from scai_cli.jobs.serve_http import listening
from scai_cli.jobs.serve_protocol import ApiError, ServedAnswer, ServedRequest
from scai_cli.jobs.serve_sampling import CallersSampling, fixed_parameters
from scai_cli.jobs.session import run_on_loop, with_remedy
from scai_cli.jobs.system_file import read_system_file
from scai_cli.messages import ChatRequest, Completion, Sampling
from scai_cli.models.notices import Notices
from scai_cli.models.tally import Meter
from scai_cli.runs.file_names import CONFIG
from scai_cli.runs.find import find_run, is_generated, is_run
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.locked_folder import CALLS, LockedFolder
from scai_cli.simulation.agent import Agent, call_seed
from scai_cli.simulation.prompts import Prompts

PREFIX: Final = "serve"
"""The name of the folder in a run, and the first part of the ids of all calls."""


@dataclass(frozen=True, slots=True)
class ServeSource:
    """A system message with the experiment whose assistant answers under it."""

    name: str
    """The run's id, or the file's stem: callers may give it as the model's name."""
    label: str
    """The source of the system message in words."""
    system: str
    config: ExperimentConfig
    folder: Path
    """The parent of the folders with the logs."""
    left_out: int = 0
    """The number of clauses for single people that are not in the system message."""


def read_serve_source(options: GenerateOptions, runs: Path) -> ServeSource:
    """Read the run, as everyone gets it, or the constitution file in the options; raises RunError or ConfigError."""
    if names_file(options.source, runs):
        return _from_file(options, runs)
    if options.config is not None:
        raise ConfigError("--config: a run has its own experiment; drop --config and change keys with --set")
    path = find_run(runs, options.source)
    config = with_address(assistant_only(load_saved(path / CONFIG, options.overrides)), options.overrides)
    refuse_foreign_code(config, path.name, trust=options.trust)
    history = read_history(path, messages=False, ratings=False)
    constitution, system, left_out = for_audience(history)
    unfinished = "" if history.finished else ", which is not finished"
    label = f"version {constitution.version} of run {path.name}{unfinished}"
    return ServeSource(path.name, label, system, config, path / PREFIX, left_out)


def _from_file(options: GenerateOptions, runs: Path) -> ServeSource:
    file = Path(options.source)
    config = with_address(assistant_only(file_experiment(options, runs).with_every_prompt()), options.overrides)
    read = read_system_file(file, Prompts(config.prompts, config.ratings, config.constitution, ()))
    notice = Notices()
    for line in read.not_read:
        notice(line)
    stem = file_stem(file)
    folder = runs / f"{stem}-{PREFIX}"
    if is_run(folder) or is_generated(folder):
        raise RunError(f"{folder}: is the folder of a run, not of served calls; rename {file.name}")
    return ServeSource(stem, file.name, read.message, config, folder, read.left_out)


@dataclass(frozen=True, slots=True)
class Ready:
    """What users and scripts need when a server is ready."""

    base_url: str
    source: ServeSource
    names: tuple[str, ...]
    log: Path
    is_open: bool
    """Whether other machines reach it."""


@dataclass(frozen=True, slots=True)
class Served:
    """The numbers of requests and of calls to the model, when a server has stopped."""

    requests: int
    meters: tuple[Meter, ...]
    log: Path


def serve(
    source: ServeSource, host: str, port: int, ready: Callable[[Ready], None], say: Callable[[str], None]
) -> Served:
    """Serve until a signal comes, and return when the answers under way are sent.

    `ready` is called when requests are answered, `say` with messages for the user. Raises ConfigError for an address
    that cannot be used, OutputError when a call cannot be logged, Interrupted if an answer takes too long at the end.
    """
    with (
        ModelPool.connect(source.config.asked_directly, wrap=CallersSampling) as pool,
        closing(LockedFolder.create_next(source.folder, CALLS)) as folder,
    ):
        pool.notices.listener = say
        agent = pool.agents(folder.log_call, None).assistant
        service = ConstitutionService(source, agent, say)

        def stop(error: Interrupted) -> None:
            pool.stop(error)
            service.stopping.set()

        async def job() -> None:
            with Interruption(stop):
                try:
                    async with listening(service, host, port) as base_url:
                        _refuse_itself(source.config, base_url)
                        ready(Ready(base_url, source, service.names, folder.path, not is_loopback(host)))
                        await service.stopping.wait()
                finally:
                    await pool.aclose()

        try:
            run_on_loop(job())
        except ConfigError:  # nothing was served
            folder.discard()
            raise
        folder.sync()
        if service.unwritten is not None:
            raise service.unwritten
        return Served(service.requests, tuple(pool.meters), folder.path)


def _refuse_itself(config: ExperimentConfig, base_url: str) -> None:
    """Raise ConfigError if the model's address is the server's own, as after `export OPENAI_BASE_URL=...`."""
    own, model = urlsplit(base_url), urlsplit(config.model.base_url or "")
    here, there = own.hostname or "", model.hostname or ""
    reached = there == here or (is_loopback(there) and (is_loopback(here) or here in ("0.0.0.0", "::")))  # noqa: S104
    if model.port == own.port and reached:
        raise ConfigError(f"{base_url}: the model's address is the server's own; unset OPENAI_BASE_URL, or set another")


@dataclass(slots=True)
class ConstitutionService:
    """Answers requests under the system message of a source; the n-th request has the call `serve/n`."""

    source: ServeSource
    agent: Agent
    say: Callable[[str], None]
    requests: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    unwritten: OutputError | None = None
    """The error that a call could not be logged; it ends the server, as later ones could not be, either."""
    _seen: Counter[str] = field(default_factory=Counter)
    _refused: dict[str, str] = field(default_factory=dict)
    """Parameter -> why it cannot be forwarded."""

    def __post_init__(self) -> None:
        self._refused.update(fixed_parameters(self.agent.config))

    @property
    def names(self) -> tuple[str, ...]:
        """The model's name and the source's."""
        return tuple(dict.fromkeys((self.agent.config.label, self.source.name)))

    async def answer(self, request: ServedRequest) -> ServedAnswer:
        """Answer a request; raises ApiError for a parameter that cannot be forwarded, ScaiError for a failed call."""
        self._refuse_parameters(request)
        self.requests += 1
        call = f"{PREFIX}/{self.requests}"
        chat = self._chat_request(call, request)
        try:
            completion = await self.agent.model.complete(chat)
        except LimitReached as error:
            self.say(
                f"scai: {(told := with_remedy(error, 'stop and serve again with a higher limit (--set limits...)'))}"
            )
            raise told from None
        except OutputError as error:
            self.unwritten = error
            self.stopping.set()
            raise
        self._note_adapted(completion)
        self._refuse_parameters(request)
        return ServedAnswer.of(call, int(time.time()), request, completion)

    def _chat_request(self, call: str, request: ServedRequest) -> ChatRequest:
        model, messages = self.agent.config, request.behind(self.source.system)
        sampling = replace(Sampling(model.temperature, model.top_p, model.max_tokens), **request.sampling)
        chat = ChatRequest(call, "assistant", "answer", model.label, messages, sampling)
        if sampling.seed is not None or not model.send_seed:
            return chat
        # By the request and how often it came, not by its place: requests come in another order each time.
        digest = chat.digest()
        self._seen[digest] += 1
        seed = call_seed(self.agent.seed, f"{PREFIX}/{digest}/{self._seen[digest]}")
        return replace(chat, sampling=replace(sampling, seed=seed))

    def _note_adapted(self, completion: Completion) -> None:
        """Note the parameters that the endpoint refused, and that were left out."""
        for line in completion.adapted:
            name, _, how = line.partition(": ")
            if how == "left out":
                self._refused.setdefault(name.replace("completion_", ""), "the endpoint refuses it")

    def _refuse_parameters(self, request: ServedRequest) -> None:
        for name in request.sampling.keys() & self._refused.keys():
            problem = f"{name}: not supported, since {self._refused[name]}; leave it out"
            raise ApiError(400, problem, name, "unsupported_parameter")
