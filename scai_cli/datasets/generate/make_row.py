"""One row: a first answer, critiques and revisions, a final answer, and who finds which of them better.

The supervised stage of Constitutional AI (arXiv 2212.08073, section 3) beside the answer of an assistant that was told
the constitution, with the labels of its preference stage and of the users themselves.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeVar

from scai_cli.concurrency import together
from scai_cli.datasets.generate.judge import Judge
from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.datasets.generate.row import Answered, GeneratedRow, Judgement, RevisionStep, RowRating
from scai_cli.datasets.generate.row_plan import RowPlan
from scai_cli.errors import CallFailed
from scai_cli.experiment.constitution import Principle
from scai_cli.experiment.personas import Persona
from scai_cli.messages import Message
from scai_cli.runs.events import MessageSaid
from scai_cli.simulation.answer_forms import CrossRating, Feedback
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.characters import clean

Result = TypeVar("Result")

_Wanted = Callable[[int], Coroutine[Any, Any, RowRating | Judgement]]
"""A label to be made, given its place among the row's."""

_FAILED: Final = "the call failed"


@dataclass(frozen=True, slots=True)
class RowContext:
    """What all rows of a set are made with."""

    agents: Agents
    generation: GenerateManifest
    judge: Judge | None
    _systems: dict[tuple[str, str], Message] = field(default_factory=dict)

    @classmethod
    def of(cls, agents: Agents, generation: GenerateManifest) -> RowContext:
        """The workshop of a set: the judge is the experiment's, or else whoever plays the assistant."""
        orders = generation.orders
        agent = agents.judge or agents.assistant
        judge = Judge(agent, agents.prompts, orders.votes, orders.clamp) if orders.by_model else None
        return cls(agents, generation, judge)

    def system(self, answer: Literal["initial", "final"], persona: Persona | None) -> Message:
        """The system message of an answer: with the clauses for this user, or the principles alone."""
        key = (answer, persona.id if persona else "")
        if key not in self._systems:
            rules = self.generation.initial if answer == "initial" else self.generation.learned
            rules = rules if persona else rules.model_copy(update={"contract": ()})
            text = self.agents.prompts.system_message(rules, persona.id if persona else None)
            self._systems[key] = Message("system", text)
        return self._systems[key]


async def make_row(context: RowContext, seat: RowPlan) -> GeneratedRow:
    """Make one row; a call that fails for good leaves out what rests on it and stands in the row's `problem`.

    Raises what stops the whole set (`errors.STOPS`).
    """
    return await _Making(context, seat).row()


@dataclass(slots=True)
class _Making:
    context: RowContext
    seat: RowPlan
    failures: list[tuple[int, str]] = field(default_factory=list)
    """Calls that failed for good, with the place of what they were for: answers before labels."""

    async def row(self) -> GeneratedRow:
        seat = self.seat
        initial = await self._attempt(0, self._answer("initial"))
        steps = await self._steps(initial) if initial else []
        final = await self._attempt(0, self._answer("final"))
        answers = initial, steps[-1].revision if steps else None, final
        wanted = [*self._wanted_ratings(*answers), *self._wanted_judgements(*answers)]
        labels = await together(label(place) for place, label in enumerate(wanted, 1))
        return GeneratedRow(
            id=seat.id,
            task=seat.task.id,
            prompt=seat.task.prompt,
            persona=seat.persona.id if seat.persona else None,
            initial=initial,
            steps=tuple(steps),
            final=final,
            ratings=tuple(label for label in labels if isinstance(label, RowRating)),
            judgements=tuple(label for label in labels if isinstance(label, Judgement)),
            licences=seat.licences,
            problem=min(self.failures)[1] if self.failures else None,
        )

    async def _attempt(self, place: int, job: Coroutine[Any, Any, Result]) -> Result | None:
        try:
            return await job
        except CallFailed as error:
            self.failures.append((place, clean(f"{error.call}: {error}")))
            return None

    async def _answer(self, name: Literal["initial", "final"]) -> Answered:
        agents, seat = self.context.agents, self.seat
        asked = agents.prompts.answer(self.context.system(name, seat.persona), [self._said("user", seat.task.prompt)])
        found = await agents.assistant.say(f"{seat.id}/{name}", "answer", asked)
        return Answered(f"{seat.id}/{name}", found.text, found.finish_reason)

    async def _steps(self, initial: Answered) -> list[RevisionStep]:
        steps: list[RevisionStep] = []
        answer = initial
        for number, principle in enumerate(self.seat.principles, 1):
            step = await self._attempt(0, self._step(number, principle, answer.text))
            if step is None:
                break
            steps.append(step)
            answer = step.revision
        return steps

    async def _step(self, number: int, principle: Principle, answer: str) -> RevisionStep:
        agents, task, place = self.context.agents, self.seat.task.prompt, f"{self.seat.id}/s{number}"
        prompts, assistant = agents.prompts, agents.assistant
        critique = await assistant.say(f"{place}/critique", "critique", prompts.critique(task, answer, principle.text))
        asked = prompts.revision(task, answer, critique.text, principle.text)
        revision = await assistant.say(place, "revision", asked)
        return RevisionStep(
            principle=principle.id,
            critique_request=prompts.critique_request(principle.text),
            critique=critique.text,
            revision_request=prompts.revision_request(principle.text),
            revision=Answered(place, revision.text, revision.finish_reason),
        )

    def _wanted_ratings(self, *answers: Answered | None) -> Iterator[_Wanted]:
        """Every answer, rated by the row's user and by others."""
        if not self.context.generation.orders.by_users:
            return
        for answer in answers:
            if answer is not None:
                if self.seat.persona is not None:
                    yield partial(self._own, self.seat.persona, answer)
                for rater in self.seat.raters:
                    yield partial(self._cross, rater, answer)

    async def _own(self, rater: Persona, answer: Answered, place: int) -> RowRating:
        agents, scale = self.context.agents, self.context.agents.ratings.scale
        asked = agents.prompts.feedback(self._conversation(rater, answer))
        job = agents.agent_for(rater).ask_structured(f"{answer.id}/own", "feedback", asked, Feedback, scale)
        if (filled := await self._attempt(place, job)) is None:
            return RowRating(rater.id, "own", answer.id, None, problem=_FAILED)
        value, comment = (filled.form.rating, filled.form.feedback) if filled.form else (None, filled.last.text)
        return RowRating(rater.id, "own", answer.id, value, comment, filled.problem)

    async def _cross(self, rater: Persona, answer: Answered, place: int) -> RowRating:
        agents, scale = self.context.agents, self.context.agents.ratings.scale
        asked = agents.prompts.cross_rating(rater, self._conversation(rater, answer), answer.text)
        call = f"{answer.id}/cross/{rater.id}"
        job = agents.agent_for(rater).ask_structured(call, "cross_rating", asked, CrossRating, scale)
        if (filled := await self._attempt(place, job)) is None:
            return RowRating(rater.id, "cross", answer.id, None, problem=_FAILED)
        value, comment = (filled.form.rating, filled.form.reason) if filled.form else (None, "")
        return RowRating(rater.id, "cross", answer.id, value, comment, filled.problem)

    def _wanted_judgements(
        self, initial: Answered | None, revised: Answered | None, final: Answered | None
    ) -> Iterator[_Wanted]:
        """The final answer against the first one, and the last revision against it, each by one random principle."""
        judge = self.context.judge
        for better, name in ((final, "final"), (revised, "revised")):
            if judge is not None and initial is not None and better is not None:
                yield partial(self._judged, judge, f"{self.seat.id}/judge/{name}", (better, initial))

    async def _judged(self, judge: Judge, call: str, pair: tuple[Answered, Answered], place: int) -> Judgement:
        generation = self.context.generation
        principle = random.Random(f"{generation.config.seed}/{call}").choice(generation.learned.principles)
        job = judge.compare(call, self.seat.task.prompt, principle, pair)
        failed = Judgement(principle.id, pair[0].id, pair[1].id, None, None, None, _FAILED)
        return await self._attempt(place, job) or failed

    def _conversation(self, user: Persona, answer: Answered) -> Conversation:
        said = [self._said("user", self.seat.task.prompt), self._said("assistant", answer.text)]
        return Conversation(answer.id, 0, user, self.seat.task, said)

    def _said(self, role: Literal["user", "assistant"], text: str) -> MessageSaid:
        seat, user = self.seat, self.seat.persona.id if self.seat.persona else ""
        return MessageSaid(id=seat.id, epoch=0, persona=user, task=seat.task.id, role=role, content=text)
