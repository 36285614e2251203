"""Talking with the assistant under a run's constitution: messages, answers, ratings, all saved in the run's folder."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from scai_cli.errors import CallFailed, EndpointFailed, Interrupted, LimitReached, RunError
from scai_cli.experiment.config import ExperimentConfig, Revision
from scai_cli.experiment.load import Overrides, load_saved
from scai_cli.experiment.model_settings import Roles
from scai_cli.experiment.personas import Persona
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.run import refuse_foreign
from scai_cli.jobs.session import loop_factory
from scai_cli.messages import Message
from scai_cli.models.human import read_rating
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.chat_directory import ChatDirectory, ChatEvent, ChatRecord, ChatStarted, all_chats, read_chat
from scai_cli.runs.events import MessageSaid, Problem, Rated
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.run_directory import CONFIG
from scai_cli.simulation.agent import model_name
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.prompts import Prompts
from scai_cli.simulation.utilities import observed_utility
from scai_cli.values import did_you_mean

YOU: Final = "you"
"""Who talks as nobody of the group."""
TASK: Final = "chat"


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What is wanted of a chat: whose clauses, which version of the constitution, or which chat to go on with."""

    persona: str | None = None
    version: int | None = None
    resume: int | None = None
    trust: bool = False


@dataclass(slots=True)
class ChatSession:
    """One talk; opened by `open_chat`, closed by `close`. Nothing is written before the first message."""

    run: Path
    config: ExperimentConfig
    started: ChatStarted
    pool: ModelPool
    runner: asyncio.Runner
    seen: Callable[[bytes], None]
    """Sees every line that is written."""
    messages: list[MessageSaid] = field(default_factory=list)
    ratings: list[Rated] = field(default_factory=list)
    directory: ChatDirectory | None = None
    _company: Agents | None = None
    _index: CallIndex | None = None

    @property
    def resume_command(self) -> str:
        """What goes on with this chat."""
        run = self.run.name if self.run.parent == Path("runs") else str(self.run)
        return f"scai chat {shlex.quote(run)} --resume {self._opened().number}"

    @property
    def unanswered(self) -> bool:
        """Whether the last message has no answer yet."""
        return bool(self.messages) and self.messages[-1].role == "user"

    def say(self, text: str) -> MessageSaid:
        """Say something and get the answer; in the place of a message that got none.

        Raises CallFailed when there is no answer (`again` asks once more), and what ends the talk: LimitReached,
        EndpointFailed, Interrupted.
        """
        self._opened()
        if self.unanswered:
            self.messages.pop()
        self._write(self._message("user", text))
        return self.again()

    def again(self) -> MessageSaid:
        """Ask for the answer to the last message; raises RunError where it has one, and as `say`."""
        if not self.unanswered:
            raise RunError("there is no message that waits for an answer")
        self._opened()
        try:
            return self.runner.run(self._answered())
        except CallFailed as error:
            where = self.messages[-1].id
            self._write(Problem(id=error.call, epoch=0, where=where, problem=str(error)))
            raise
        except LimitReached as reached:
            what = str(reached).partition(";")[0]  # its remedy is a run's
            raise LimitReached(f"{what}; raise it and go on with `{self.resume_command}`") from None
        except EndpointFailed as failed:
            raise EndpointFailed(f"{failed}; what was said is kept: `{self.resume_command}` goes on") from None

    def rate(self, said: str) -> Rated:
        """Rate the last answer: a number on the scale, then words if one likes; raises RunError in words of advice."""
        answer = next((message for message in reversed(self.messages) if message.role == "assistant"), None)
        low, high = self.started.scale
        if answer is None:
            raise RunError("there is no answer to rate yet")
        number, _, comment = said.strip().partition(" ")
        value = read_rating(number, low, high)
        if value is None:
            raise RunError(f"a rating is a number from {low:g} to {high:g}, as in `/rate {high:g} just right`")
        before = sum(rating.message == answer.id for rating in self.ratings)
        rated = Rated(
            id=f"{answer.id}/own{before + 1 if before else ''}",
            epoch=0,
            kind="own",
            metric=self.started.metric,
            rater=self._who,
            conversation=self._conversation,
            message=answer.id,
            final=False,
            value=value,
            observed=None if self._persona is None else observed_utility(self._persona, answer.content),
            comment=comment.strip(),
        )
        self._write(rated)
        return rated

    def told(self, error: Interrupted) -> Interrupted:
        """An interruption with its remedy, also where it came while no model was asked."""
        if self.directory is None or self.resume_command in str(error):
            return error
        return Interrupted(f"{error}; go on with `{self.resume_command}`")

    def close(self) -> None:
        """Give back connections, files and the lock."""
        try:
            self.runner.run(self.pool.aclose())
        finally:
            self.runner.close()
            self.pool.close_cache()
            if self._index is not None:
                self._index.close()
            if self.directory is not None:
                self.directory.folder.close()

    async def _answered(self) -> MessageSaid:
        assert self._company is not None
        system = Message("system", self.started.system_message)
        asked = self._company.prompts.answer(system, self.messages)
        with Interruption(self.pool.stop, self.resume_command) as interruption:
            try:
                said = await self._company.assistant.say(self._next_id, "answer", asked)
            except asyncio.CancelledError:
                if interruption.error is None:
                    raise
                raise interruption.error from None
        answer = self._message("assistant", said.text, said.finish_reason)
        self._write(answer)
        return answer

    def _opened(self) -> ChatDirectory:
        """The chat's folder, made when there is something to write."""
        if self.directory is None:
            self.directory = ChatDirectory.create(self.run)
            self.started = self.started.model_copy(update={"id": f"chat{self.directory.number}"})
            self._write(self.started)
        if self._company is None:
            folder = self.directory.folder
            self._index = CallIndex.read(folder.path / CALLS)
            self.pool.charge(self._index, 0.0)
            self._company = self.pool.agents(folder.log_call, self._index)
        return self.directory

    def _write(self, event: ChatEvent) -> None:
        assert self.directory is not None
        line = self.directory.append(event)
        if isinstance(event, MessageSaid):
            self.messages.append(event)
        elif isinstance(event, Rated):
            self.ratings.append(event)
        self.seen(line)

    def _message(self, role: Literal["user", "assistant"], text: str, finish_reason: str | None = None) -> MessageSaid:
        return MessageSaid(
            id=self._next_id,
            epoch=0,
            persona=self._who,
            task=TASK,
            role=role,
            content=text,
            finish_reason=finish_reason,
        )

    @property
    def _who(self) -> str:
        return self.started.persona or YOU

    @property
    def _persona(self) -> Persona | None:
        return next((p for p in self.config.personas.inline if p.id == self.started.persona), None)

    @property
    def _conversation(self) -> str:
        return f"{self.started.id}/{self._who}"

    @property
    def _next_id(self) -> str:
        return f"{self._conversation}/m{len(self.messages)}"


def open_chat(
    path: Path, wish: ChatOptions, overrides: Overrides, seen: Callable[[bytes], None] = lambda _: None
) -> ChatSession:
    """Begin a chat under a run's constitution, or go on with a saved one.

    Raises RunError for a persona, version or chat that is not there and for foreign code that is not trusted,
    ConfigError for a model that cannot be asked.
    """
    config = assistant_only(load_saved(path / CONFIG, overrides))
    if not wish.trust:
        refuse_foreign(config, path)
    directory, record = None, None
    if wish.resume is None:
        started = _started(read_history(path, messages=False), config, wish)
    else:
        started = read_chat(path, wish.resume).started
    pool = ModelPool.connect(config)
    try:
        if wish.resume is not None:
            directory, record = ChatDirectory.reopen(path, wish.resume)
    except BaseException:
        pool.close_cache()
        raise
    runner = asyncio.Runner(loop_factory=loop_factory(config))
    chat = ChatSession(path, config, started, pool, runner, seen, directory=directory)
    if record is not None:
        chat.messages, chat.ratings = record.messages, record.ratings
    return chat


def assistant_only(config: ExperimentConfig) -> ExperimentConfig:
    """The experiment as a chat needs it: the assistant's model alone, nobody played, no clock running."""
    people = tuple(p.model_copy(update={"model": None, "human": False}) for p in config.personas.inline)
    return config.model_copy(
        update={
            "model": config.model_for("assistant"),
            "roles": Roles(),
            "judge": None,
            "revision": Revision(),
            "personas": config.personas.model_copy(update={"inline": people}),
            "limits": config.limits.model_copy(update={"seconds": None}),
        }
    )


def last_chat(path: Path) -> ChatRecord:
    """The chat that was begun last; raises RunError if there is none."""
    chats = all_chats(path)
    if not chats:
        raise RunError(f"run {path.name!r} has no chat to go on with; `scai chat {path.name}` begins one")
    return chats[-1]


def _started(history: History, config: ExperimentConfig, wish: ChatOptions) -> ChatStarted:
    known = [persona.id for persona in config.personas.inline]
    if wish.persona is not None and wish.persona not in known:
        raise RunError(
            f"--persona: there is no {wish.persona!r} in run {history.run_id!r}{did_you_mean(wish.persona, known)}"
        )
    product, versions = history.product, history.versions()
    if wish.version is not None and wish.version not in versions:
        has = ", ".join(map(str, sorted(versions)))
        raise RunError(f"--version: run {history.run_id!r} has no constitution version {wish.version}; it has {has}")
    constitution, whole = product if wish.version is None else versions[wish.version]
    prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
    system = whole if wish.persona is None else prompts.system_message(constitution, wish.persona)
    return ChatStarted(
        id="",
        run_id=history.run_id,
        version=constitution.version,
        persona=wish.persona,
        model=model_name(config.model),
        metric=config.ratings.own,
        scale=config.ratings.scale,
        system_message=system,
    )
