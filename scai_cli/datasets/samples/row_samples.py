"""Read samples from a generated set: final answers, rated answers, pairs, traces of critiques, ratings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, TypeGuard

import msgspec
from msgspec import Struct

from scai_cli.datasets.generate.criterion import Criterion
from scai_cli.datasets.generate.manifest import GenerateManifest, read_generation
from scai_cli.datasets.generate.row import Answered, GeneratedRow, RevisionStep, count_answers, rows
from scai_cli.datasets.samples.answer_context import AnswerContext, own_rating
from scai_cli.datasets.samples.filters import BROKEN, Kind, Pairs, SampleFilter, SampleSelector
from scai_cli.datasets.samples.labels import PairComparison, decide, revised
from scai_cli.datasets.samples.preferred import VoteCount
from scai_cli.datasets.samples.sample import Answer, CritiqueStep, Pair, Sample, Score, Trace, Turn
from scai_cli.errors import ConfigError
from scai_cli.experiment.config import ROLES, ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.rating_settings import Ratings
from scai_cli.messages import ending
from scai_cli.runs.history.answers import AnswerCounts
from scai_cli.runs.jsonl import decoded
from scai_cli.runs.row_directory import TASKS
from scai_cli.simulation.prompts import Prompts
from scai_cli.values import Split

FAILED: Final = "failed"
"""The reason to leave out a row without an answer."""

Version = Literal["initial", "learned"]
"""The version of the constitution."""


class _TaskLine(Struct, gc=False):
    id: str
    split: Split | None = None


@dataclass
class GeneratedSource:
    """A generated set, complete or not."""

    path: Path
    epochs: frozenset[int] = frozenset()
    """Always empty: a generated set has no epochs."""
    written: int = 0
    """The number of rows read by the last pass."""
    _answers: AnswerCounts = field(default_factory=AnswerCounts)
    _contexts: dict[tuple[Version, str | None, tuple[str, ...]], AnswerContext] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The set's id."""
        return self.path.name

    @cached_property
    def manifest(self) -> GenerateManifest:
        """The sources of its rows, and their settings."""
        return read_generation(self.path)

    @cached_property
    def personas(self) -> Mapping[str, Split | None]:
        """All personas that may take part, with the split that each states."""
        return {persona.id: persona.split for persona in self.manifest.config.personas.inline}

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """The weight of each persona that may take part."""
        return self.manifest.config.personas.weights

    @property
    def ratings(self) -> Ratings:
        """The settings of its ratings: their scale, and what utilities consist of."""
        return self.manifest.config.ratings

    @property
    def worded(self) -> tuple[Criterion, ...]:
        """The criteria with wordings of their own."""
        return tuple(rule for rule in self.manifest.criteria or () if rule.critique or rule.comparison)

    def tasks(self) -> Iterator[tuple[str, Split | None]]:
        """Yield all tasks of the set, possibly a million, with the split that each states."""
        tasks = decoded(self.path / TASKS, msgspec.json.Decoder(_TaskLine).decode)
        return ((task.id, task.split) for task in tasks)

    def about(self) -> tuple[Constitution, Mapping[str, str], ExperimentConfig, AnswerCounts]:
        """Return the final constitution, role -> model asked, the experiment, and the counts of the rows so far."""
        orders, config = self.manifest.orders, self.manifest.config
        models = {"assistant": config.model_for("assistant").label}
        if orders.by_users:
            models["user"] = config.model_for("rater").label
        if orders.by_model:
            models["judge"] = config.model_for("judge").label
        return self.manifest.learned, models, config, self._answers

    def samples(self, kind: Kind, selector: SampleSelector) -> Iterator[Sample]:
        """Yield the samples of a kind that the filters accept, row by row; raises RunError for a damaged line."""
        if kind == "runs":
            raise ConfigError(f"{self.id} is a generated set, but this format needs a run; name a run")
        if selector.filter.epoch is not None:
            raise ConfigError(f"{self.id} is a generated set: it has no epochs, so leave out --epoch")
        self._check(kind, selector.filter)
        self._answers, self.written = AnswerCounts(), 0
        for row in rows(self.path):
            self.written += 1
            count_answers(self._answers, row)
            if selector.has(row.persona, row.task):
                yield from self._samples(row, kind, selector)

    def _check(self, kind: Kind, filters: SampleFilter) -> None:
        """Raise ConfigError for answers or pairs that no row of the set has."""
        orders = self.manifest.orders
        has_firsts_alone = not orders.final and not orders.k
        if filters.answers == "final" and not orders.final:
            raise ConfigError(f"--answers final: rows of {self.id} have no final answer (generate.final); leave it out")
        if filters.answers == "revisions" and not orders.k:
            raise ConfigError(f"--answers revisions: rows of {self.id} have no revision (generate.k); leave it out")
        if kind == "answers" and has_firsts_alone and orders.samples > 1 and orders.judge != "none":
            raise ConfigError(
                f"rows of {self.id} have only first answers that are compared with each other: they are for formats of "
                "pairs, such as dpo"
            )
        if filters.pairs == "ends" and has_firsts_alone:
            raise ConfigError(f"--pairs ends: rows of {self.id} have first answers alone; leave it out")

    def _samples(self, row: GeneratedRow, kind: Kind, selector: SampleSelector) -> Iterable[Sample]:
        if kind == "answers":
            imitated = self._whole_answers(self._imitated(row, selector), row, selector)
            return (answer for answer, _ in imitated if selector.keeps(answer))
        if kind == "pairs":
            orders = self.manifest.orders
            pairs = selector.filter.pairs or ("all" if orders.samples > 1 and orders.judge != "none" else "ends")
            return self._pairs(row, self._decide(row, selector, pairs), selector)
        if kind == "traces":
            return self._traces(row, selector)
        answers = self._whole_answers(_rated(row, has_final=self.manifest.orders.final), row, selector)
        if kind == "rated":
            return (answer for answer, _ in answers if selector.keeps_rated(answer))
        return (rating for answer, comments in answers for rating in selector.ratings(answer, comments))

    def _imitated(self, row: GeneratedRow, selector: SampleSelector) -> Sequence[Answered | None]:
        """Return the answers to imitate; None for one whose call failed."""
        orders = self.manifest.orders
        if orders.final and selector.filter.answers != "revisions":
            return [row.final]
        if row.steps or (row.problem and orders.k):
            return row.revisions or [None]
        if selector.filter.answers == "revisions":
            selector.drop("no critique")
            return []
        return row.firsts or [None]

    def _decide(self, row: GeneratedRow, selector: SampleSelector, pairs: Pairs = "ends") -> list[PairComparison]:
        return decide(row, selector.filter, pairs, self._count)

    @cached_property
    def _count(self) -> VoteCount:
        return VoteCount(self.manifest.config.ratings.cross_weight, self.weights)

    def _pairs(self, row: GeneratedRow, comparisons: list[PairComparison], selector: SampleSelector) -> Iterator[Pair]:
        if not comparisons:
            selector.drop(_why_no_pair(row))
        filters = selector.filter
        for comparison in comparisons:
            chosen, rejected = comparison.chosen, comparison.rejected
            if not (_is_whole(chosen, selector) and _is_whole(rejected, selector)):
                continue
            if chosen.text == rejected.text:
                selector.drop("same text")
            elif not filters.per_persona or filters.persona in (None, comparison.rater):
                pair = self._pair(row, comparison)
                if selector.keeps(pair):
                    yield pair

    def _pair(self, row: GeneratedRow, comparison: PairComparison) -> Pair:
        chosen, rejected = comparison.chosen, comparison.rejected
        context = self._context_of(row, chosen)
        origin = context.origin(row.id, (chosen.id, rejected.id), comparison.raters, row.licences, row.task)
        if comparison.principles:
            origin = msgspec.structs.replace(origin, rules=comparison.principles)
        return Pair(
            context.system,
            (Turn("user", row.prompt),),
            chosen.text,
            rejected.text,
            comparison.p,
            comparison.margin,
            comparison.disagreement,
            comparison.by,
            comparison.rater,
            origin,
            own_rating(row.persona, [rating for rating in row.ratings if rating.answer == chosen.id], self.weights),
            own_clauses=bool(self._own_clauses) and self._rests_on_own_clauses(row, comparison),
        )

    def _rests_on_own_clauses(self, row: GeneratedRow, comparison: PairComparison) -> bool:
        """Return whether an answer was made, or the comparison, by clauses for one user."""
        contexts = (self._context_of(row, answered) for answered in (comparison.chosen, comparison.rejected))
        return not self._own_clauses.isdisjoint(comparison.principles) or any(c.own_clauses for c in contexts)

    def _traces(self, row: GeneratedRow, selector: SampleSelector) -> Iterator[Trace]:
        if row.initial is None or not row.steps:
            selector.drop(FAILED if row.problem else "no critique")
            return
        revision = revised(row) if selector.filter.labels is None else None
        comparisons = [revision] if revision is not None else self._decide(row, selector)
        for pair in self._pairs(row, comparisons, selector):
            yield Trace(pair, tuple(_step(step) for step in row.steps), row.initial.text)

    def _whole_answers(
        self, answers: Iterable[Answered | None], row: GeneratedRow, selector: SampleSelector
    ) -> Iterator[tuple[Answer, list[str]]]:
        """Yield the samples of complete answers, with the comments of their ratings."""
        for answered in answers:
            if _is_whole(answered, selector):
                context, scores = self._context_of(row, answered), self._scores(row, answered)
                raters = tuple([score.rater for score in scores])
                origin = context.origin(row.id, (answered.id,), raters, row.licences, row.task)
                prompt, scale = (Turn("user", row.prompt),), self.manifest.config.ratings.scale
                comments = [rating.comment for rating in row.ratings if rating.answer == answered.id]
                yield context.answer(prompt, answered.text, scores, origin, scale), comments

    def _scores(self, row: GeneratedRow, answered: Answered) -> tuple[Score, ...]:
        metrics = self.manifest.config.ratings
        return tuple(
            [
                Score(rating.rater, rating.kind, metrics.own if rating.kind == "own" else metrics.cross, rating.value)
                for rating in row.ratings
                if rating.answer == answered.id
            ]
        )

    def _context_of(self, row: GeneratedRow, answered: Answered) -> AnswerContext:
        """Return the context of an answer; a revision has that of the first answer, and its user's clauses."""
        if answered is row.final:
            return self._context("learned", row.persona)
        added: tuple[str, ...] = ()
        if self._own_clauses and answered in row.revisions:
            last = row.revisions.index(answered)
            added = tuple(s.principle for s in row.steps[: last + 1] if s.principle in self._own_clauses)
        return self._context("initial", row.persona, added)

    def _context(self, version: Version, persona: str | None, added: tuple[str, ...] = ()) -> AnswerContext:
        """Return the context of a version's answers; `added` are the clauses of critiques, for this persona."""
        context = self._contexts.get((version, persona, added))
        if context is None:
            learned = self.manifest.learned
            constitution = learned if version == "learned" else self.manifest.initial
            further = {clause for clause in learned.contract if clause.id in added} - set(constitution.contract)
            contract = (*constitution.contract, *sorted(further, key=learned.contract.index))
            constitution = constitution.model_copy(update={"contract": contract})
            constitution = self.manifest.in_force(constitution, persona)
            context = AnswerContext.of(
                (self.id, None, persona), constitution, self._prompts, self._models(persona), self.weights
            )
            self._contexts[version, persona, added] = context
        return context

    @cached_property
    def _own_clauses(self) -> frozenset[str]:
        """The clauses for single users, whether they are in a system message or the rule of a critique."""
        contracts = (*self.manifest.initial.contract, *self.manifest.learned.contract)
        return frozenset(clause.id for clause in contracts if clause.users)

    def _models(self, persona: str | None) -> Mapping[str, str]:
        """Return role -> model; for the user the persona's own model, if it has one."""
        config = self.manifest.config
        models: dict[str, str] = {role: config.model_for(role).label for role in ROLES}
        user = next((user for user in config.personas.inline if user.id == persona), None)
        if user is not None:
            models["user"] = config.rater_of(user).label
        if config.has_judge:
            models["judge"] = config.model_for("judge").label
        return models

    @cached_property
    def _prompts(self) -> Prompts:
        config = self.manifest.config
        return Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)


def _why_no_pair(row: GeneratedRow) -> str:
    """Return the reason why nothing decides between the answers of a row."""
    if not row.problem and not row.steps and row.final is None and len(row.firsts) == 1:
        return "without a second answer"
    return "no preference" if row.problem or row.ratings or row.judgements else "without a label"


def _rated(row: GeneratedRow, *, has_final: bool) -> Iterator[Answered | None]:
    """Yield the answers that users rate, None for one whose call failed: first ones, last revision, final one."""
    yield row.initial
    yield from row.samples or ()
    yield from row.revisions[-1:]
    if has_final:
        yield row.final


def _is_whole(answered: Answered | None, selector: SampleSelector) -> TypeGuard[Answered]:
    """Return whether an answer exists and is complete; count it if not."""
    if answered is None:
        selector.drop(FAILED)
        return False
    if ending(answered.finish_reason) != "whole" or not answered.text or answered.text.isspace():
        selector.drop(BROKEN)
        return False
    return True


def _step(step: RevisionStep) -> CritiqueStep:
    return CritiqueStep(step.principle, step.critique_request, step.critique, step.revision_request, step.revision.text)
