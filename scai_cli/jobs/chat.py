"""A talk with the assistant under a run's constitution; its transcript is kept in the run's folder."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from scai_cli.errors import CallFailed, EndpointFailed, Interrupted, LimitReached, RunError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import Overrides, load_saved, named_code
from scai_cli.experiment.model_settings import Roles
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.revision_settings import Revision
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.saved_experiment import refuse_foreign_code
from scai_cli.jobs.session import loop_factory, with_remedy
from scai_cli.messages import Message
from scai_cli.models.human import read_rating
from scai_cli.runs.chat_directory import ChatDirectory, ChatEvent, ChatStarted
from scai_cli.runs.events import MessageSaid, Problem, Rated
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.run_directory import CONFIG
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.prompts import Prompts
from scai_cli.simulation.utilities import observed_utility
from scai_cli.text.suggestions import did_you_mean

SELF: Final = "you"
"""The id of a user who talks as no persona of the run."""
TASK: Final = "chat"


@dataclass(slots=True)
class ChatSession:
    """One talk; opened by `open_chat`, closed by `close`. Nothing is written before the first message."""

    run: Path
    config: ExperimentConfig
    started: ChatStarted
    pool: ModelPool
    runner: asyncio.Runner
    seen: Callable[[bytes], None]
    """Called with every line that is written."""
    messages: list[MessageSaid] = field(default_factory=list)
    rated: Counter[str] = field(default_factory=Counter)
    """Message -> how often it was rated."""
    directory: ChatDirectory | None = None
    _agents: Agents | None = None

    @property
    def unanswered(self) -> bool:
        """Whether the last message has no answer yet."""
        return bool(self.messages) and self.messages[-1].role == "user"

    def say(self, text: str) -> None:
        """Write a message, for `answer` to answer; it replaces a message that got no answer."""
        self._open()
        if self.unanswered:
            self.messages.pop()
        self._write(self._message("user", text))

    def answer(self) -> MessageSaid:
        """Return the answer to the last message; raises RunError where it has one.

        Raises CallFailed when there is no answer (another call may have one), and what ends the talk: LimitReached,
        EndpointFailed, Interrupted.
        """
        if not self.unanswered:
            raise RunError("there is no message that waits for an answer")
        try:
            return self.runner.run(self._ask())
        except CallFailed as error:
            where = self.messages[-1].id
            self._write(Problem(id=error.call, epoch=0, where=where, problem=str(error)))
            raise
        except LimitReached as reached:
            raise with_remedy(reached, f"begin another talk with --set limits...; {self._kept}") from None
        except EndpointFailed as failed:
            raise EndpointFailed(f"{failed}; {self._kept}") from None

    def rate(self, text: str) -> Rated:
        """Rate the last answer: a number on the scale, then an optional comment; raises RunError."""
        answer = next((message for message in reversed(self.messages) if message.role == "assistant"), None)
        low, high = self.started.scale
        if answer is None:
            raise RunError("there is no answer to rate yet")
        number, _, comment = text.strip().partition(" ")
        value = read_rating(number, low, high)
        if value is None:
            raise RunError(f"a rating is a number from {low:g} to {high:g}, as in `/rate {high:g} just right`")
        self.rated[answer.id] += 1
        again = self.rated[answer.id] if self.rated[answer.id] > 1 else ""
        rating = Rated(
            id=f"{answer.id}/own{again}",
            epoch=0,
            kind="own",
            metric=self.started.metric,
            rater=self._user,
            conversation=self._conversation,
            message=answer.id,
            final=False,
            value=value,
            observed=None if self._persona is None else observed_utility(self._persona, answer.content),
            comment=comment.strip(),
        )
        self._write(rating)
        return rating

    @contextmanager
    def naming_transcript(self) -> Iterator[None]:
        """While entered, an interruption says where the transcript is."""
        try:
            yield
        except Interrupted as error:
            raise error if self.directory is None else Interrupted(f"{error}; {self._kept}") from None

    def close(self) -> None:
        """Close connections, cache, files and lock."""
        with self.pool, self.runner:
            try:
                self.runner.run(self.pool.aclose())
            finally:
                if self.directory is not None:
                    self.directory.folder.close()

    async def _ask(self) -> MessageSaid:
        assert self._agents is not None
        system = Message("system", self.started.system_message)
        prompt = self._agents.prompts.answer(system, self.messages)
        with Interruption(self.pool.stop):
            completion = await self._agents.assistant.say(self._next_id, "answer", prompt)
        answer = self._message("assistant", completion.text, completion.finish_reason)
        self._write(answer)
        return answer

    def _open(self) -> None:
        """Make the chat's folder when there is something to write."""
        if self.directory is not None:
            return
        self.directory = ChatDirectory.create(self.run)
        self.started = self.started.model_copy(update={"id": f"chat{self.directory.number}"})
        self._agents = self.pool.agents(self.directory.folder.log_call, None)
        self._write(self.started)

    def _write(self, event: ChatEvent) -> None:
        assert self.directory is not None
        line = self.directory.append(event)
        if isinstance(event, MessageSaid):
            self.messages.append(event)
        self.seen(line)

    def _message(self, role: Literal["user", "assistant"], text: str, finish_reason: str | None = None) -> MessageSaid:
        return MessageSaid(
            id=self._next_id,
            epoch=0,
            persona=self._user,
            task=TASK,
            role=role,
            content=text,
            finish_reason=finish_reason,
        )

    @property
    def _kept(self) -> str:
        assert self.directory is not None
        return f"what was said is kept in {self.directory.folder.path}"

    @property
    def _user(self) -> str:
        return self.started.persona or SELF

    @property
    def _persona(self) -> Persona | None:
        return next((p for p in self.config.personas.inline if p.id == self.started.persona), None)

    @property
    def _conversation(self) -> str:
        return f"{self.started.id}/{self._user}"

    @property
    def _next_id(self) -> str:
        return f"{self._conversation}/m{len(self.messages)}"


def open_chat(
    path: Path,
    persona: str | None,
    overrides: Overrides,
    seen: Callable[[bytes], None] = lambda _: None,
    *,
    trust: bool = False,
) -> ChatSession:
    """Begin a talk under the constitution that a run hands out, with the clauses of a persona if one is given.

    Raises RunError for an unknown persona and for foreign code that is not trusted, ConfigError for a model that
    cannot be asked.
    """
    config = assistant_only(load_saved(path / CONFIG, overrides))
    if not trust:
        refuse_foreign_code(named_code(config), path.name)
    history = read_history(path, messages=False)
    constitution, system_message = history.product
    if persona is not None:
        known = [person.id for person in config.personas.inline]
        if persona not in known:
            raise RunError(
                f"--persona: there is no {persona!r} in run {history.run_id!r}{did_you_mean(persona, known)}"
            )
        prompts = Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)
        system_message = prompts.system_message(constitution, persona)
    started = ChatStarted(
        id="",
        run_id=history.run_id,
        version=constitution.version,
        persona=persona,
        model=config.model.label,
        metric=config.ratings.own,
        scale=config.ratings.scale,
        system_message=system_message,
    )
    runner = asyncio.Runner(loop_factory=loop_factory(config.models()))
    return ChatSession(path, config, started, ModelPool.connect(config), runner, seen)


def assistant_only(config: ExperimentConfig) -> ExperimentConfig:
    """Return the experiment that a talk needs: the assistant's model alone, no played users, no time limit."""
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
