"""Samples out of a generated set: final answers, rated ones, pairs, traces of critiques, all ratings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, TypeGuard

import msgspec
from msgspec import Struct

from scai_cli.datasets.generate import row as record
from scai_cli.datasets.generate.manifest import GenerateManifest, read_generation
from scai_cli.datasets.generate.row import Answered, GeneratedRow, rows
from scai_cli.datasets.samples import labels
from scai_cli.datasets.samples.filters import BROKEN, BROKEN_OFF, DropCounts, Kind, SampleFilter, divided
from scai_cli.datasets.samples.labels import PairComparison
from scai_cli.datasets.samples.sample import Answer, Origin, Pair, RatingSample, Sample, Score, Step, Trace, Turn
from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.config import ROLES, Ratings
from scai_cli.experiment.constitution import Constitution
from scai_cli.runs.generated_directory import ROWS, TASKS
from scai_cli.runs.jsonl import damaged, lines
from scai_cli.simulation.agent import model_name
from scai_cli.simulation.prompts import Prompts
from scai_cli.values import Split

FAILED: Final = "failed"
"""Why a row that lacks an answer is left out."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A constitution as it holds for one persona, or for nobody in particular."""

    version: int
    system: str
    ids: tuple[str, ...]


class _Task(Struct, gc=False):
    id: str
    split: Split | None = None


@dataclass
class GeneratedSource:
    """A generated set, whole or not."""

    path: Path
    epochs: frozenset[int] = frozenset()
    """There are none in a generated set."""
    _known: dict[tuple[str, str | None], Rules] = field(default_factory=dict)
    _roles: dict[str | None, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The set's id."""
        return self.path.name

    @property
    def file(self) -> Path:
        """The file that all samples come from."""
        return self.path / ROWS

    @cached_property
    def header(self) -> GenerateManifest:
        """What the set was made from."""
        return read_generation(self.path)

    @cached_property
    def personas(self) -> Mapping[str, Split | None]:
        """Every persona that may take part, and the split it states."""
        return {persona.id: persona.split for persona in self.header.config.personas.inline}

    def tasks(self) -> Iterator[tuple[str, Split | None]]:
        """Every task of the set, and the split it states; a million of them are never held."""
        decode = msgspec.json.Decoder(_Task).decode
        for number, line in lines(self.path / TASKS):
            try:
                task = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise RunError(damaged(self.path / TASKS, number)) from None
            yield task.id, task.split

    def about(self) -> tuple[Constitution, Mapping[str, str]]:
        """The learned constitution, and role -> model."""
        return self.header.learned, self._models(None)

    def samples(self, kind: Kind, choice: SampleFilter, tally: DropCounts) -> Iterator[Sample]:
        """The samples of that kind that are wanted, row by row; raises RunError for a damaged line."""
        if kind == "runs":
            raise ConfigError(f"{self.id} is a generated set, and this format is made of runs")
        if choice.epoch is not None:
            raise ConfigError(f"{self.id} is a generated set: it has no epochs, so leave out --epoch")
        makers: dict[Kind, Callable[[GeneratedRow, SampleFilter, DropCounts], Iterable[Sample]]] = {
            "answers": self._final,
            "rated": self._rated,
            "pairs": self._pairs,
            "traces": self._traces,
            "ratings": self._ratings,
        }
        make = makers[kind]
        persona = None if choice.per_persona else choice.persona
        for row in rows(self.path):
            if choice.task in (None, row.task) and persona in (None, row.persona):
                yield from make(row, choice, tally)

    def _final(self, row: GeneratedRow, choice: SampleFilter, tally: DropCounts) -> Sequence[Answer]:
        if not _is_whole(row.final, tally):
            return ()
        answer = self._answer(row, row.final, self._learned(row.persona))
        return (answer,) if tally.lets(answer, choice) else ()

    def _rated(self, row: GeneratedRow, choice: SampleFilter, tally: DropCounts) -> Iterator[Answer]:
        for answered, rules in self._answers(row):
            if _is_whole(answered, tally):
                answer = self._answer(row, answered, rules)
                if answer.utility is None:
                    tally.left_out["unrated"] += 1
                elif tally.lets(answer, choice):
                    yield answer

    def _pairs(self, row: GeneratedRow, choice: SampleFilter, tally: DropCounts) -> Sequence[Pair]:
        duels = labels.decide(row, choice, self._scale.cross_weight)
        if not duels:
            tally.left_out["no preference"] += 1
        found = [self._pair(row, duel, choice, tally) for duel in duels]
        return [pair for pair in found if pair is not None]

    def _pair(self, row: GeneratedRow, duel: PairComparison, choice: SampleFilter, tally: DropCounts) -> Pair | None:
        chosen, rejected = duel.chosen, duel.rejected
        if not (_is_whole(chosen, tally) and _is_whole(rejected, tally)):
            return None
        if chosen.text == rejected.text:
            tally.left_out["same text"] += 1
            return None
        if choice.per_persona and choice.persona not in (None, duel.rater):
            return None
        rules = self._learned(row.persona) if chosen is row.final else self._initial(row.persona)
        pair = Pair(
            rules.system,
            (Turn("user", row.prompt),),
            chosen.text,
            rejected.text,
            duel.p,
            duel.margin,
            duel.disagreement,
            duel.by,
            duel.rater,
            self._origin(row, rules.version, duel.principles or rules.ids, (chosen.id, rejected.id), duel.raters),
            _rating(row, chosen.id),
        )
        return pair if tally.lets(pair, choice) else None

    def _traces(self, row: GeneratedRow, choice: SampleFilter, tally: DropCounts) -> Iterator[Trace]:
        if row.initial is None or not row.steps:
            tally.left_out[FAILED if row.problem else "no critique"] += 1
            return
        if choice.labels is None:
            duel = labels.revised(row)
            duels = [] if duel is None else [duel]
        else:
            duels = labels.decide(row, choice, self._scale.cross_weight)
        if not duels:
            tally.left_out["no preference"] += 1
        for duel in duels:
            pair = self._pair(row, duel, choice, tally)
            if pair is not None:
                yield Trace(pair, tuple(_step(step) for step in row.steps), row.initial.text)

    def _ratings(self, row: GeneratedRow, choice: SampleFilter, tally: DropCounts) -> Iterator[RatingSample]:
        for answered, rules in self._answers(row):
            if not _is_whole(answered, tally):
                continue
            answer = self._answer(row, answered, rules)
            if choice.disagreement is not None and not tally.lets(
                answer, SampleFilter(disagreement=choice.disagreement)
            ):
                continue
            comments = [rating.comment for rating in row.ratings if rating.answer == answered.id]
            for score, comment in zip(answer.scores, comments, strict=True):
                if choice.min_rating is not None and (score.value is None or score.value < choice.min_rating):
                    tally.left_out["rating"] += 1
                else:
                    yield RatingSample(row.prompt, answer.text, score, comment, answer.origin)

    def _answers(self, row: GeneratedRow) -> Iterator[tuple[Answered | None, Rules]]:
        """The answers that may be compared: the first one, the last revision, the final one."""
        yield row.initial, self._initial(row.persona)
        if row.steps:
            yield row.steps[-1].revision, self._initial(row.persona)
        yield row.final, self._learned(row.persona)

    def _answer(self, row: GeneratedRow, answered: Answered, rules: Rules) -> Answer:
        ratings, given = self._scale, [rating for rating in row.ratings if rating.answer == answered.id]
        low, high = ratings.scale
        values = [rating.value for rating in given if rating.value is not None]
        return Answer(
            rules.system,
            (Turn("user", row.prompt),),
            answered.text,
            tuple([Score(r.rater, r.kind, ratings.own if r.kind == "own" else ratings.cross, r.value) for r in given]),
            self._origin(row, rules.version, rules.ids, (answered.id,), tuple([r.rater for r in given])),
            _rating(row, answered.id),
            (sum(values) / len(values) - low) / (high - low) if values else None,
            divided(values, (low + high) / 2),
        )

    def _origin(
        self,
        row: GeneratedRow,
        version: int,
        rules: tuple[str, ...],
        messages: tuple[str, ...],
        raters: tuple[str, ...],
    ) -> Origin:
        return Origin(
            self.id,
            row.id,
            messages,
            None,
            version,
            rules,
            self._models(row.persona),
            raters,
            row.licences,
            row.persona,
            row.task,
        )

    def _learned(self, persona: str | None) -> Rules:
        return self._rules("learned", self.header.learned, persona)

    def _initial(self, persona: str | None) -> Rules:
        return self._rules("initial", self.header.initial, persona)

    def _rules(self, name: str, constitution: Constitution, persona: str | None) -> Rules:
        found = self._known.get((name, persona))
        if found is None:
            clauses = (clause.id for clause in constitution.contract if persona in clause.users)
            found = self._known[name, persona] = Rules(
                constitution.version,
                self._prompts.system_message(constitution, persona or ""),
                (*(principle.id for principle in constitution.principles), *clauses),
            )
        return found

    def _models(self, persona: str | None) -> Mapping[str, str]:
        """Role -> model, with the persona's own model for the user."""
        found = self._roles.get(persona)
        if found is None:
            config = self.header.config
            played = next((p for p in config.personas.inline if p.id == persona), None)
            found = {role: model_name(config.model_for(role)) for role in ROLES}
            if played is not None:
                found["user"] = model_name(config.model_of(played))
            if config.judge is not None:
                found["judge"] = model_name(config.judge)
            self._roles[persona] = found
        return found

    @cached_property
    def _scale(self) -> Ratings:
        return self.header.config.ratings

    @cached_property
    def _prompts(self) -> Prompts:
        config = self.header.config
        return Prompts(config.prompts, config.ratings, config.constitution, config.personas.inline)


def _is_whole(answered: Answered | None, tally: DropCounts) -> TypeGuard[Answered]:
    """Whether there is such an answer, and all of it; what is not is counted."""
    if answered is None:
        tally.left_out[FAILED] += 1
        return False
    if answered.finish_reason in BROKEN_OFF or not answered.text or answered.text.isspace():
        tally.left_out[BROKEN] += 1
        return False
    return True


def _rating(row: GeneratedRow, answer: str) -> float | None:
    """The own rating of an answer, or where nobody is its user the mean of all; None where none is readable."""
    total, count = 0.0, 0
    for rating in row.ratings:
        if rating.answer == answer and rating.value is not None and (rating.kind == "own" or row.persona is None):
            total += rating.value
            count += 1
    return total / count if count else None


def _step(step: record.RevisionStep) -> Step:
    return Step(step.principle, step.critique_request, step.critique, step.revision_request, step.revision.text)
