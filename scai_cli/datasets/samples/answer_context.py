"""Combine answers and ratings into answer samples, with the facts that many answers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from scai_cli.datasets.generate.row import RowRating
from scai_cli.datasets.samples.filters import disagreement_of
from scai_cli.datasets.samples.sample import Answer, Origin, RoleModelName, Score, Turn
from scai_cli.experiment.constitution import Constitution
from scai_cli.simulation.prompts import Prompts


class AnswerContext(Struct, frozen=True):
    """The facts that all answers to one persona under one constitution share."""

    run: str
    epoch: int | None
    persona: str | None
    version: int
    system: str
    rules: tuple[str, ...]
    models: tuple[RoleModelName, ...]
    own_clauses: bool
    """Whether clauses for this persona alone are in force."""
    weights: Mapping[str, float]
    """Persona -> weight, by which its ratings count."""

    @classmethod
    def of(
        cls,
        scope: tuple[str, int | None, str | None],
        constitution: Constitution,
        prompts: Prompts,
        models: Mapping[str, str],
        weights: Mapping[str, float],
    ) -> AnswerContext:
        """Return the context of a (run, epoch, persona)."""
        persona = scope[2]
        clauses = [clause for clause in constitution.contract if not clause.users or persona in clause.users]
        return cls(
            *scope,
            constitution.version,
            prompts.system_message(constitution, persona or ""),
            (*(principle.id for principle in constitution.principles), *(clause.id for clause in clauses)),
            tuple(RoleModelName(role, model) for role, model in sorted(models.items())),
            any(clause.users for clause in clauses),
            weights,
        )

    def origin(
        self,
        conversation: str,
        messages: tuple[str, ...],
        raters: tuple[str, ...],
        licences: tuple[str, ...],
        task: str,
        others: tuple[str, ...] = (),
    ) -> Origin:
        """Return the origin of a sample."""
        return Origin(
            self.run,
            conversation,
            messages,
            self.epoch,
            self.version,
            self.rules,
            self.models,
            raters,
            licences,
            self.persona,
            others,
            task,
        )

    def answer(
        self,
        prompt: tuple[Turn, ...],
        text: str,
        scores: tuple[Score, ...],
        origin: Origin,
        scale: tuple[float, float],
        verbatim: str | None = None,
        final: bool = True,
    ) -> Answer:
        """Return the sample of an answer and its ratings on the run's scale."""
        low, high = scale
        values = [score.value for score in scores if score.value is not None]
        mean = _mean(scores, self.weights)
        return Answer(
            self.system,
            prompt,
            text,
            scores,
            origin,
            own_rating(self.persona, scores, self.weights),
            None if mean is None else (mean - low) / (high - low),
            disagreement_of(values, (low + high) / 2),
            verbatim,
            self.own_clauses,
            final,
        )


def own_rating(persona: str | None, scores: Iterable[Score | RowRating], weights: Mapping[str, float]) -> float | None:
    """Return the user's own rating, or without a user the mean of all by weight; None without a readable rating."""
    return _mean([score for score in scores if persona is None or score.kind == "own"], weights)


def _mean(scores: Iterable[Score | RowRating], weights: Mapping[str, float]) -> float | None:
    total = size = 0.0
    for score in scores:
        if score.value is not None:
            weight = weights.get(score.rater, 1.0)
            total += weight * score.value
            size += weight
    return total / size if size else None
