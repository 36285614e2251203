"""Samples out of a run: its answers with what was said before them, pairs of answers to one task, all ratings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scai_cli.datasets.samples.filters import BROKEN, BROKEN_OFF, DropCounts, Kind, SampleFilter, divided
from scai_cli.datasets.samples.licences import together
from scai_cli.datasets.samples.run_pairs import pairs
from scai_cli.datasets.samples.sample import Answer, Origin, RatingSample, RunSample, Sample, Score, Turn
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.load import load_saved
from scai_cli.runs.history.conversations import Graded, Said, Setting, Talk, talks
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.run_directory import CONFIG, EVENTS
from scai_cli.simulation.prompts import Prompts
from scai_cli.values import Split


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What all answers to one persona in one epoch have in common."""

    system: str
    rules: tuple[str, ...]
    models: Mapping[str, str]


@dataclass
class RunSource:
    """A run, finished or not."""

    path: Path
    epochs: set[int] = field(default_factory=set)
    """Those that were met on the way."""
    _seats: dict[tuple[int, str], AnswerContext] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def file(self) -> Path:
        """The file that all samples come from."""
        return self.path / EVENTS

    @cached_property
    def config(self) -> ExperimentConfig:
        """The resolved experiment."""
        return load_saved(self.path / CONFIG)

    @cached_property
    def personas(self) -> Mapping[str, Split | None]:
        """Every persona of the run, and the split it states."""
        return {persona.id: persona.split for persona in self.config.personas.inline}

    def tasks(self) -> Iterator[tuple[str, Split | None]]:
        """Every task of the run, and the split it states."""
        return ((task.id, task.split) for task in self.config.tasks.inline)

    def about(self) -> tuple[Constitution, Mapping[str, str]]:
        """The run's product, or the constitution as it stands; and role -> model."""
        history = read_history(self.path, messages=False)
        return history.product[0], _models(history.started.models if history.started else {}, "")

    def samples(self, kind: Kind, choice: SampleFilter, tally: DropCounts) -> Iterator[Sample]:
        """The samples of that kind that are wanted, in the order of epochs and conversations.

        Raises RunError for a damaged line, ConfigError for traces, which a run has none of.
        """
        if kind == "traces":
            raise ConfigError(
                f"{self.id} is a run and holds no critiques of answers; make them with `scai generate {self.id}`"
            )
        if kind == "pairs":
            return pairs(self, choice, tally)
        if kind == "ratings":
            return self._ratings(choice, tally)
        if kind == "runs":
            return self._run(choice)
        return self._answers(kind, choice, tally)

    def talks(self, choice: SampleFilter) -> Iterator[Talk]:
        """The conversations that the filters let through."""
        persona = None if choice.per_persona else choice.persona
        for talk in talks(self.path, self.config):
            self.epochs.add(talk.setting.epoch)
            if (
                choice.epoch in (None, talk.setting.epoch)
                and persona in (None, talk.persona)
                and choice.task in (None, talk.task)
            ):
                yield talk

    def seat(self, setting: Setting, persona: str) -> AnswerContext:
        """Where a persona sits in an epoch."""
        found = self._seats.get((setting.epoch, persona))
        if found is None:
            rules = setting.constitution
            found = self._seats[setting.epoch, persona] = AnswerContext(
                self._prompts.system_message(rules, persona),
                (*(p.id for p in rules.principles), *(c.id for c in rules.contract if persona in c.users)),
                _models(setting.started.models, persona),
            )
        return found

    def licences(self, persona: str, task: str) -> tuple[str, ...]:
        """The licences of a persona and a task."""
        return together(self._licences[0].get(persona, ""), self._licences[1].get(task, ""))

    def _run(self, choice: SampleFilter) -> Iterator[RunSample]:
        history = read_history(self.path)
        self.epochs.update(epoch.number for epoch in history.epochs)
        yield RunSample(history, choice.epoch, choice.persona, choice.task, choice.min_rating)

    def _answers(self, kind: Kind, choice: SampleFilter, tally: DropCounts) -> Iterator[Answer]:
        for talk in self.talks(choice):
            for answer, _ in self._of(talk, tally):
                if kind == "rated" and answer.utility is None:
                    tally.left_out["unrated"] += 1
                elif tally.lets(answer, choice):
                    yield answer

    def _ratings(self, choice: SampleFilter, tally: DropCounts) -> Iterator[RatingSample]:
        for talk in self.talks(choice):
            for answer, marks in self._of(talk, tally):
                if choice.disagreement is not None and not tally.lets(
                    answer, SampleFilter(disagreement=choice.disagreement)
                ):
                    continue
                for score, mark in zip(answer.scores, marks, strict=True):
                    if choice.min_rating is not None and (score.value is None or score.value < choice.min_rating):
                        tally.left_out["rating"] += 1
                        continue
                    yield RatingSample(talk.messages[0].content, answer.text, score, mark.comment, answer.origin)

    def _of(self, talk: Talk, tally: DropCounts) -> Iterator[tuple[Answer, list[Graded]]]:
        """The answers of a conversation, but none that was broken off, is empty, or follows on an empty message."""
        seat = self.seat(talk.setting, talk.persona)
        own = {graded.message: graded for graded in talk.own}
        final = talk.cross[0].message if talk.cross else ""
        turns: list[Turn] = []
        for number, message in enumerate(talk.messages):
            if not message.content or message.content.isspace():
                tally.left_out[BROKEN] += sum(m.role == "assistant" for m in talk.messages[number:])
                return
            if message.role == "assistant":
                if message.finish_reason in BROKEN_OFF:
                    tally.left_out[BROKEN] += 1
                else:
                    mark = own.get(message.id)
                    marks = [] if mark is None else [mark]
                    if final == message.id:
                        marks += talk.cross
                    yield self._answer(talk, seat, (tuple(turns), message), marks), marks
            turns.append(Turn(message.role, message.content))

    def _answer(
        self, talk: Talk, seat: AnswerContext, said: tuple[tuple[Turn, ...], Said], marks: list[Graded]
    ) -> Answer:
        low, high = self._scale
        values = [mark.value for mark in marks if mark.value is not None]
        origin = Origin(
            self.id,
            talk.id,
            (said[1].id,),
            talk.setting.epoch,
            talk.setting.constitution.version,
            seat.rules,
            seat.models,
            tuple([mark.rater for mark in marks]),
            self.licences(talk.persona, talk.task),
            talk.persona,
            talk.task,
        )
        return Answer(
            seat.system,
            said[0],
            said[1].content,
            tuple([Score(m.rater, m.kind, m.metric, m.value) for m in marks]),  # type: ignore[arg-type] # no anchors
            origin,
            marks[0].value if marks and marks[0].kind == "own" else None,
            (sum(values) / len(values) - low) / (high - low) if values else None,
            divided(values, (low + high) / 2),
        )

    @cached_property
    def _scale(self) -> tuple[float, float]:
        return self.config.ratings.scale

    @cached_property
    def _prompts(self) -> Prompts:
        config = self.config
        return Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)

    @cached_property
    def _licences(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        config = self.config
        return (
            {persona.id: persona.source.licence for persona in config.personas.inline},
            {task.id: task.source.licence for task in config.tasks.inline},
        )


def _models(models: Mapping[str, str], persona: str) -> Mapping[str, str]:
    """Role -> model, with the persona's own model for the user."""
    found = {role: model for role, model in models.items() if "/" not in role}
    own = models.get(f"user/{persona}")
    return found if own is None else {**found, "user": own}
