"""Read samples from a run: answers with their conversations, pairs of answers to one task, ratings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from scai_cli.datasets.samples.filters import BROKEN, Kind, SampleSelector
from scai_cli.datasets.samples.run_context import RunContext, role_models
from scai_cli.datasets.samples.run_pairs import pairs
from scai_cli.datasets.samples.sample import Answer, RunSample, Sample, Score, Turn
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.messages import ending
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.runs.history.conversations import RunConversation, read_conversations
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating
from scai_cli.runs.history.fold import read_history
from scai_cli.values import Split


@dataclass
class RunSource:
    """A run, finished or not."""

    path: Path
    epochs: set[int] = field(default_factory=set)
    """The epochs that were read so far."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self._context.id

    @cached_property
    def personas(self) -> Mapping[str, Split | None]:
        """All personas of the run, with the split that each states."""
        return {persona.id: persona.split for persona in self._context.config.personas.inline}

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """The weight of each persona of the run."""
        return self._context.weights

    @property
    def ratings(self) -> Ratings:
        """The settings of its ratings: their scale, and what utilities consist of."""
        return self._context.config.ratings

    def tasks(self) -> Iterator[tuple[str, Split | None]]:
        """Yield all tasks of the run, with the split that each states."""
        return ((task.id, task.split) for task in self._context.config.tasks.inline)

    def about(self) -> tuple[Constitution, Mapping[str, str], ExperimentConfig, AnswerCounts]:
        """Return the final (or current) constitution, role -> model, the experiment, and the counts of all answers."""
        history = read_history(self.path, messages=False, ratings=False)
        models = role_models(history.started.models if history.started else {}, "")
        return history.product[0], models, self._context.config, history.answers

    def samples(self, kind: Kind, selector: SampleSelector) -> Iterator[Sample]:
        """Yield the accepted samples of a kind in order; raises RunError for a damaged line, ConfigError for traces."""
        if kind == "traces":
            raise ConfigError(
                f"{self.id} is a run, and only generated sets have critiques; make one with `scai generate {self.id}`"
            )
        if kind == "runs":
            return self._run(selector)
        if kind == "pairs":
            return pairs(self._context, self._conversations(selector), selector)
        if kind == "ratings":
            return (
                rating
                for answer, ratings in self._answers(selector)
                for rating in selector.ratings(answer, (given.comment for given in ratings))
            )
        keeps = selector.keeps_rated if kind == "rated" else selector.keeps
        return (answer for answer, _ in self._answers(selector) if keeps(answer))

    @cached_property
    def _context(self) -> RunContext:
        return RunContext(self.path)

    def _run(self, selector: SampleSelector) -> Iterator[RunSample]:
        history, filters = read_history(self.path), selector.filter
        self.epochs.update(epoch.number for epoch in history.epochs)
        yield RunSample(history, filters.epoch, filters.persona, filters.task, filters.min_rating)

    def _conversations(self, selector: SampleSelector) -> Iterator[RunConversation]:
        config = self._context.config
        for conversation in read_conversations(self.path, config.turns, config.ratings.cross_raters):
            epoch = conversation.setting.epoch
            self.epochs.add(epoch)
            if selector.filter.epoch in (None, epoch) and selector.has(conversation.persona, conversation.task):
                yield conversation

    def _answers(self, selector: SampleSelector) -> Iterator[tuple[Answer, list[CompactRating]]]:
        """Yield every complete answer with its ratings, unless an earlier message of its conversation is empty."""
        for conversation in self._conversations(selector):
            own = {rating.message: rating for rating in conversation.own}
            final = conversation.cross[0].message if conversation.cross else ""
            turns: list[Turn] = []
            for number, message in enumerate(conversation.messages):
                if not message.content or message.content.isspace():
                    selector.drop(BROKEN, sum(m.role == "assistant" for m in conversation.messages[number:]))
                    break
                if message.role == "assistant":
                    if ending(message.finish_reason) != "whole":
                        selector.drop(BROKEN)
                    else:
                        ratings = [own[message.id]] if message.id in own else []
                        if final == message.id:
                            ratings += conversation.cross
                        yield self._answer(conversation, tuple(turns), message, ratings), ratings
                turns.append(Turn(message.role, message.content))

    def _answer(
        self,
        conversation: RunConversation,
        prompt: tuple[Turn, ...],
        message: CompactMessage,
        ratings: list[CompactRating],
    ) -> Answer:
        context = self._context.answers(conversation.setting, conversation.persona)
        raters = tuple([rating.rater for rating in ratings])
        licences = self._context.licences(conversation.task, conversation.persona)
        origin = context.origin(conversation.id, (message.id,), raters, licences, conversation.task)
        scores = tuple([Score(r.rater, r.kind, r.metric, r.value) for r in ratings])
        scale, verbatim = self._context.config.ratings.scale, conversation.messages[0].verbatim
        is_final = len(prompt) == conversation.final_place(self._context.config.turns)
        return context.answer(prompt, message.content, scores, origin, scale, verbatim, is_final)
