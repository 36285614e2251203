"""A chat with the assistant under a run's constitution; the transcript is saved in the run's folder."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal

from scai_cli.concurrency import together
from scai_cli.errors import CallFailed, EndpointFailed, Interrupted, LimitReached, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, load_saved
from scai_cli.experiment.measure_check import without_foreign_measures
from scai_cli.experiment.model_settings import Roles
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.revision_settings import Revision
from scai_cli.experiment.tasks import Task
from scai_cli.jobs.addresses import with_address
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.saved_experiment import refuse_foreign_code
from scai_cli.jobs.session import with_remedy
from scai_cli.messages import Message
from scai_cli.runs.chat_directory import ChatDirectory, ChatEvent, ChatStarted
from scai_cli.runs.events import MessageSaid, Problem, Rated
from scai_cli.runs.file_names import CONFIG
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.history import History
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.observed import observed_utility
from scai_cli.simulation.prompts import Prompts
from scai_cli.text.data_files import read_data_file
from scai_cli.text.scale_numbers import read_on_scale
from scai_cli.text.suggestions import did_you_mean

SELF: Final = "you"
"""The id of a user who chats as themselves, without a persona."""
TASK: Final = "chat"
_NO_RATING: Final = read_data_file(__file__)["no_rating"]


@dataclass(slots=True)
class Dialogue:
    """The messages of a chat under one version of the constitution."""

    started: ChatStarted
    name: str
    """The version in words: `version 0 (start)`."""
    messages: list[MessageSaid] = field(default_factory=list)
    rated: Counter[str] = field(default_factory=Counter)
    """Message -> number of ratings."""

    @property
    def unanswered(self) -> bool:
        """Whether the last message has no answer yet."""
        return bool(self.messages) and self.messages[-1].role == "user"

    @property
    def user(self) -> str:
        """Return the persona's id, or `you`."""
        return self.started.persona or SELF

    @property
    def next_id(self) -> str:
        """Return the id of the next message."""
        return f"{self.started.id}/{self.user}/m{len(self.messages)}"

    def message(self, role: Literal["user", "assistant"], text: str, finish_reason: str | None = None) -> MessageSaid:
        """Return the next message."""
        return MessageSaid(
            id=self.next_id, epoch=0, persona=self.user, task=TASK, role=role, content=text, finish_reason=finish_reason
        )

    def rating(self, value: float, comment: str, observe: Callable[[str], float | None]) -> Rated:
        """Return a rating of the last answer, with its measured utility."""
        answer = self.messages[-1]
        self.rated[answer.id] += 1
        again = self.rated[answer.id] if self.rated[answer.id] > 1 else ""
        return Rated(
            id=f"{answer.id}/own{again}",
            epoch=0,
            kind="own",
            metric=self.started.metric,
            rater=self.user,
            conversation=answer.id.rpartition("/")[0],
            message=answer.id,
            final=False,
            value=value,
            observed=observe(answer.content),
            comment=comment,
        )


@dataclass(slots=True)
class ChatSession:
    """One chat, from `open_chat` to `close`. Nothing is written before the first message."""

    run: Path
    config: ExperimentConfig
    dialogues: tuple[Dialogue, ...]
    """One dialogue; with `--against` two with the same messages: the version to compare with, then the product."""
    pool: ModelPool
    runner: asyncio.Runner
    seen: Callable[[bytes], None]
    """Called with every line of the transcript."""
    directory: ChatDirectory | None = None
    _agents: Agents | None = None

    def say(self, text: str) -> None:
        """Write a message, for `answer` to answer; it replaces a message without an answer."""
        self._open()
        for dialogue in self.dialogues:
            if dialogue.unanswered:
                dialogue.messages.pop()
            self._write(dialogue, dialogue.message("user", text))

    @property
    def persona(self) -> Persona | None:
        """The persona that the user chats as, if any."""
        return next((p for p in self.config.personas.inline if p.id == self.dialogues[0].started.persona), None)

    def answer(self) -> None:
        """Write an answer to each dialogue's last message; raises RunError if all have one.

        Raises CallFailed if a call fails (another may succeed), and LimitReached, EndpointFailed or Interrupted, which
        end the chat. The answer of the other dialogue is written in any case.
        """
        waiting = [dialogue for dialogue in self.dialogues if dialogue.unanswered]
        if not waiting:
            raise RunError("there is no message to answer; type one")
        try:
            failed = [error for error in self.runner.run(self._ask_all(waiting)) if error is not None]
        except LimitReached as reached:
            raise with_remedy(reached, f"start another chat with --set limits...; {self._kept}") from None
        except EndpointFailed as error:
            raise EndpointFailed(f"{error}; {self._kept}") from None
        if failed:
            raise failed[0]

    def rate(self, text: str) -> list[Rated]:
        """Rate the last answers: a number on the scale for each, then an optional comment; raises RunError."""
        if not all(dialogue.messages and not dialogue.unanswered for dialogue in self.dialogues):
            raise RunError("there is no answer to rate yet; type a message first")
        count, (low, high) = len(self.dialogues), self.dialogues[0].started.scale
        *words, comment = [*text.split(maxsplit=count), "", ""][: count + 1]
        values = [read.number for word in words if (read := read_on_scale(word, low, high)) is not None]
        if len(values) < count:
            raise RunError(_NO_RATING[count].format(low=low, high=high))
        ratings = []
        for dialogue, value in zip(self.dialogues, values, strict=True):
            ratings.append(dialogue.rating(value, comment.strip(), partial(self._observed, dialogue)))
            self._write(dialogue, ratings[-1])
        return ratings

    @contextmanager
    def naming_transcript(self) -> Iterator[None]:
        """Inside the block, an interruption prints the path of the transcript."""
        try:
            yield
        except Interrupted as error:
            raise error if self.directory is None else Interrupted(f"{error}; {self._kept}") from None

    def close(self) -> None:
        """Close the connections, the cache, the files and the lock."""
        with self.pool, self.runner:
            try:
                self.runner.run(self.pool.aclose())
            finally:
                if self.directory is not None:
                    self.directory.folder.close()

    async def _ask_all(self, dialogues: Sequence[Dialogue]) -> list[CallFailed | None]:
        """Write the answers of the dialogues; return the failure of each call, or None."""
        with Interruption(self.pool.stop):
            return await together(map(self._ask, dialogues))

    async def _ask(self, dialogue: Dialogue) -> CallFailed | None:
        assert self._agents is not None
        system = Message("system", dialogue.started.system_message)
        prompt = self._agents.prompts.answer([system], dialogue.messages)
        try:
            completion = await self._agents.assistant.say(dialogue.next_id, "answer", prompt)
        except CallFailed as error:  # returned, since a raised one would cancel the other dialogue's call
            where = dialogue.messages[-1].id
            self._write(dialogue, Problem(id=error.call, epoch=0, where=where, problem=str(error)))
            return error
        self._write(dialogue, dialogue.message("assistant", completion.text, completion.finish_reason))
        return None

    def _observed(self, dialogue: Dialogue, text: str) -> float | None:
        """Return the utility of an answer for the chat's persona, None without one."""
        if self.persona is None:
            return None
        assert self._agents is not None
        task = Task(id=TASK, prompt=dialogue.messages[0].content)
        return observed_utility(self._agents.measures, self.persona, task, text)

    def _open(self) -> None:
        """Create the chat's folder before the first line is written."""
        if self.directory is not None:
            return
        self.directory = ChatDirectory.create(self.run)
        self._agents = self.pool.agents(self.directory.folder.log_call, None)
        product = self.dialogues[-1]
        for dialogue in self.dialogues:
            at = "" if dialogue is product else f"@v{dialogue.started.version}"
            started = dialogue.started.model_copy(update={"id": f"chat{self.directory.number}{at}"})
            dialogue.started = started
            self._write(dialogue, started)

    def _write(self, dialogue: Dialogue, event: ChatEvent) -> None:
        assert self.directory is not None
        line = self.directory.append(event)
        if isinstance(event, MessageSaid):
            dialogue.messages.append(event)
        self.seen(line)

    @property
    def _kept(self) -> str:
        assert self.directory is not None
        return f"the transcript is in {self.directory.folder.path}"


def open_chat(
    path: Path,
    persona: str | None,
    overrides: Overrides,
    seen: Callable[[bytes], None] = lambda _: None,
    *,
    against: str | None = None,
    trust: bool = False,
) -> ChatSession:
    """Start a chat under the constitution that a run produced, with the clauses of a persona if one is given.

    `against` (`start`, or a version's number) adds a second dialogue, under that version.

    Raises RunError for an unknown persona or version, for versions with one system message, and for foreign code
    that is not trusted; ConfigError for a model that cannot be called.
    """
    config = with_address(assistant_only(load_saved(path / CONFIG, overrides), persona), overrides)
    refuse_foreign_code(config, path.name, trust=trust)
    history = read_history(path, messages=False)
    known = [person.id for person in config.personas.inline]
    if persona is not None and persona not in known:
        raise RunError(f"--persona: there is no {persona!r} in run {history.run_id!r}{did_you_mean(persona, known)}")
    product = _dialogue(history, config, history.product[0].version, persona)
    dialogues: tuple[Dialogue, ...] = (product,)
    if against is not None:
        other = _dialogue(history, config, _version(history, against), persona)
        if other.started.system_message == product.started.system_message:
            whose = f" for {persona}" if persona else ""
            raise RunError(f"--against {against}: its system message{whose} is that of {product.name}; leave it out")
        dialogues = (other, product)
    # Python's own loop: one or two calls at a time need no faster one, and a Ctrl-C while uvloop starts breaks it.
    return ChatSession(path, config, dialogues, ModelPool.connect(config.asked_directly), asyncio.Runner(), seen)


def _dialogue(history: History, config: ExperimentConfig, version: int, persona: str | None) -> Dialogue:
    """Return the dialogue under a version of the run's constitution."""
    constitution, system_message = history.versions()[version]
    if persona is not None:
        prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
        system_message = prompts.system_message(constitution, persona)
    started = ChatStarted(
        id="",
        run_id=history.run_id,
        version=version,
        persona=persona,
        model=config.model.label,
        metric=config.ratings.own,
        scale=config.ratings.scale,
        system_message=system_message,
    )
    last = "final" if history.finished else "newest"
    role = last if version == history.product[0].version else "start" if version == min(history.versions()) else ""
    return Dialogue(started, f"version {version}{role and f' ({role})'}")


def _version(history: History, against: str) -> int:
    """Return the version's number for `--against`; raises RunError."""
    versions = sorted(history.versions())
    if against == "start":
        return versions[0]
    version = int(against) if against.isascii() and against.isdigit() else None
    if version not in versions:
        known = ", ".join(map(str, versions))
        raise RunError(f"--against {against}: write `start` or a version of run {history.run_id!r}: {known}")
    return version


def assistant_only(config: ExperimentConfig, persona: str | None = None) -> ExperimentConfig:
    """Return the experiment for a chat: only the assistant's model, no simulated users, no time limit.

    Without a persona whose ratings have a measured utility, no measure of a third party either.
    """
    config = config if persona else without_foreign_measures(config)
    people = tuple(p.model_copy(update={"model": None, "human": False}) for p in config.personas.inline)
    return config.model_copy(
        update={
            "model": config.model_for("assistant"),
            "roles": Roles(),
            "revision": Revision(),
            "personas": config.personas.model_copy(update={"inline": people}),
            "limits": config.limits.model_copy(update={"seconds": None}),
        }
    )
