"""Make one row: first answers, critiques and revisions, a final answer, and labels that compare them.

The row combines the supervised stage of Constitutional AI (arXiv 2212.08073, section 3) with the answer of an assistant
that has the constitution in its system message. The labels are those of its preference stage and the users' ratings.
Which of these a row has is decided by its plan and the settings.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any, Literal, TypeVar

from msgspec import UNSET

from scai_cli.concurrency import together
from scai_cli.datasets.generate.criterion import Criterion
from scai_cli.datasets.generate.judge import Judge
from scai_cli.datasets.generate.manifest import GenerateManifest
from scai_cli.datasets.generate.row import Answered, GeneratedRow, Judgement, RevisionStep, RowRating
from scai_cli.datasets.generate.row_plan import RowPlan
from scai_cli.errors import CallFailed
from scai_cli.experiment.personas import Persona
from scai_cli.messages import Completion, Message
from scai_cli.runs.events import CALL_FAILED, MessageSaid
from scai_cli.simulation.answer_forms import CrossRating, Feedback
from scai_cli.simulation.comment_marks import comment_marks
from scai_cli.simulation.epoch_context import Agents
from scai_cli.simulation.people import People
from scai_cli.simulation.rating import ask_rating
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.characters import clean

Result = TypeVar("Result")

_LabelRequest = Callable[[int], Coroutine[Any, Any, RowRating | Judgement]]
"""Makes a label, given its number within the row."""


@dataclass(frozen=True, slots=True)
class RowContext:
    """The agents and settings that all rows of a set share."""

    agents: Agents
    generation: GenerateManifest
    judge: Judge | None
    few_shot: Sequence[Message]
    """The dialogues before the task of a first answer, and of critiques and revisions in a chat."""
    people: People
    """All personas, whom a comment may greet."""
    _systems: dict[tuple[str, str], Message] = field(default_factory=dict)

    @classmethod
    def of(cls, agents: Agents, generation: GenerateManifest) -> RowContext:
        """Return the context of a set."""
        orders = generation.orders
        judge = Judge(agents.judge, agents.prompts, orders.votes, orders.clamp) if orders.by_model else None
        few_shot = [Message(line.role, line.content) for line in generation.few_shot]
        return cls(agents, generation, judge, few_shot, People(generation.config.personas.inline))

    def system(self, answer: Literal["initial", "final"], persona: Persona | None) -> Message:
        """Return the system message of an answer: what everyone gets, and the clauses for this user if there is one."""
        key = (answer, persona.id if persona else "")
        if key not in self._systems:
            rules = self.generation.initial if answer == "initial" else self.generation.learned
            user = persona.id if persona else None
            text = self.agents.prompts.system_message(self.generation.in_force(rules, user), user)
            self._systems[key] = Message("system", text)
        return self._systems[key]


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row, and its first call that failed for a reason outside its prompt: then the row should not be kept."""

    row: GeneratedRow
    failure: CallFailed | None


async def make_row(context: RowContext, plan: RowPlan) -> MadeRow:
    """Make one row; a failed call becomes its `problem`; raises errors that stop the set (`STOPS`)."""
    maker = _RowMaker(context, plan)
    row = await maker.row()
    return MadeRow(row, next((error for _, error in maker.failures if not error.is_problem), None))


@dataclass(slots=True)
class _RowMaker:
    context: RowContext
    plan: RowPlan
    failures: list[tuple[int, CallFailed]] = field(default_factory=list)
    """Calls that failed permanently, each with its label's number; 0 for answers, so that they sort first."""
    notes: list[str] = field(default_factory=list)
    """Answers that cannot be used."""
    steps: list[RevisionStep] = field(default_factory=list)

    async def row(self) -> GeneratedRow:
        plan, orders = self.plan, self.context.generation.orders
        # The answers rest on the task alone, so no call waits for one whose answer it does not need.
        initial, final, *samples = await together(
            [self._revised(), self._final(), *(self._first(f"i{number}") for number in range(2, plan.samples + 1))]
        )
        steps = self.steps
        if orders.recipe == "sl-cai" and orders.steps_of(plan.task.kind) and not plan.steps:
            self.notes.append(f"{plan.id}: its user has no rule to criticise the answer by")
        revised = steps[-1].revision if steps else None
        further = tuple([sample for sample in samples if sample is not None])
        requests = [
            *self._rating_requests(initial, *further, revised, final),
            *self._judgement_requests(initial, further, revised, final),
        ]
        labels = await together(request(index) for index, request in enumerate(requests, 1))
        return GeneratedRow(
            id=plan.id,
            task=plan.task.id,
            prompt=plan.task.prompt,
            persona=plan.persona.id if plan.persona else None,
            initial=initial,
            steps=tuple(steps),
            final=final,
            ratings=tuple(label for label in labels if isinstance(label, RowRating)),
            judgements=tuple(label for label in labels if isinstance(label, Judgement)),
            licences=plan.licences,
            problem=self._problem(),
            refused=sum(error.is_problem for _, error in self.failures) or UNSET,
            samples=further or UNSET,
        )

    def _problem(self) -> str | None:
        """Return the first failed call, else the first answer that cannot be used."""
        failed = [(index, clean(f"{error.call}: {error}")) for index, error in self.failures]
        return min(failed)[1] if failed else next(iter(self.notes), None)

    async def _attempt(self, index: int, job: Coroutine[Any, Any, Result]) -> Result | None:
        try:
            return await job
        except CallFailed as error:
            self.failures.append((index, error))
            return None

    async def _answer(self, version: Literal["initial", "final"], name: str) -> Answered:
        agents, plan = self.context.agents, self.plan
        few_shot = self.context.few_shot if version == "initial" else ()
        before = [self.context.system(version, plan.persona), *few_shot]
        request = agents.prompts.answer(before, [self._message("user", plan.task.prompt)])
        completion = await agents.assistant.say(f"{plan.id}/{name}", "answer", request)
        return _answered(f"{plan.id}/{name}", completion)

    async def _first(self, name: str) -> Answered | None:
        return await self._attempt(0, self._answer("initial", name))

    async def _final(self) -> Answered | None:
        """Return the final answer; None as well where rows have none."""
        has_final = self.context.generation.orders.final
        return await self._attempt(0, self._answer("final", "final")) if has_final else None

    async def _revised(self) -> Answered | None:
        """Return the first answer, once its critiques and revisions are there."""
        initial = await self._first("initial")
        if initial is not None:
            await self._take_steps(initial)
        return initial

    async def _take_steps(self, answer: Answered) -> None:
        for number, criterion in enumerate(self.plan.steps, 1):
            step = await self._attempt(0, self._step(number, criterion, answer.text))
            if step is None:
                break
            self.steps.append(step)
            answer = step.revision

    async def _step(self, number: int, criterion: Criterion, answer: str) -> RevisionStep | None:
        """Return a step; None if the critique or the revision is not whole, as a later one would build on it."""
        prompts, task, call = self.context.agents.prompts, self.plan.task.prompt, f"{self.plan.id}/s{number}"
        few_shot = self.context.few_shot
        request = criterion.critique_messages(prompts, few_shot, task, answer)
        critique = await self._whole(f"{call}/critique", "critique", request)
        if critique is None:
            return None
        request = criterion.revision_messages(prompts, few_shot, task, answer, critique.text)
        revision = await self._whole(call, "revision", request)
        if revision is None:
            return None
        asked = criterion.requests(prompts)
        return RevisionStep(criterion.id, asked[0], critique.text, asked[1], _answered(call, revision))

    async def _whole(
        self, call: str, purpose: Literal["critique", "revision"], request: list[Message]
    ) -> Completion | None:
        """Return an answer that is whole; for another one, note the problem and return None."""
        completion = await self.context.agents.assistant.say(call, purpose, request)
        if completion.text and completion.ended == "whole":
            return completion
        ended = {"cut": "cut off by the limit of tokens", "withheld": "withheld"}.get(completion.ended, "not whole")
        state = "empty" if not completion.text else ended
        self.notes.append(f"{call}: the {purpose} is {state}, so its step is not used")
        return None

    def _rating_requests(self, *answers: Answered | None) -> Iterator[_LabelRequest]:
        """Yield the requests for ratings of every answer, by the row's user and by other users."""
        if not self.context.generation.orders.by_users:
            return
        for answer in answers:
            if answer is not None:
                if self.plan.persona is not None:
                    yield partial(self._rate, self.plan.persona, "own", answer)
                for rater in self.plan.raters:
                    yield partial(self._rate, rater, "cross", answer)

    async def _rate(self, rater: Persona, kind: Literal["own", "cross"], answer: Answered, index: int) -> RowRating:
        agents, conversation = self.context.agents, self._conversation(rater, answer)
        agent, scale = agents.rater_for(rater), agents.ratings.scale
        if kind == "own":
            prompt = agents.prompts.feedback(conversation)
            reply = await ask_rating(agent, f"{answer.id}/own", "feedback", prompt, Feedback, scale)
        else:
            prompt = agents.prompts.cross_rating(rater, conversation, answer.text)
            reply = await ask_rating(agent, f"{answer.id}/cross/{rater.id}", "cross_rating", prompt, CrossRating, scale)
        if reply.error is not None:
            self.failures.append((index, reply.error))
        marks = *reply.marks, *comment_marks(reply.comment, rater, self.context.people)
        return RowRating(rater.id, kind, answer.id, reply.value, reply.comment, reply.problem, marks or UNSET)

    def _judgement_requests(
        self, initial: Answered | None, further: Sequence[Answered], revised: Answered | None, final: Answered | None
    ) -> Iterator[_LabelRequest]:
        """Yield the requests to compare, each by one criterion.

        The final answer and the last revision are compared with the first answer, all first answers with each other.
        """
        judge = self.context.judge
        if judge is None or initial is None or not self.plan.criteria:
            return
        for better, name in ((final, "final"), (revised, "revised")):
            if better is not None:
                yield partial(self._judged, judge, f"{self.plan.id}/judge/{name}", (better, initial))
        for earlier, later in combinations((initial, *further), 2):
            names = (answer.id.rpartition("/")[2] for answer in (later, earlier))
            yield partial(self._judged, judge, f"{self.plan.id}/judge/{'-'.join(names)}", (later, earlier))

    async def _judged(self, judge: Judge, call: str, pair: tuple[Answered, Answered], index: int) -> Judgement:
        seed = self.context.generation.config.seed
        criterion = random.Random(f"{seed}/{call}").choice(self.plan.criteria)
        job = judge.compare(call, self.plan.task.prompt, criterion, pair)
        failed = Judgement(criterion.id, pair[0].id, pair[1].id, None, None, None, CALL_FAILED)
        return await self._attempt(index, job) or failed

    def _conversation(self, user: Persona, answer: Answered) -> Conversation:
        messages = [self._message("user", self.plan.task.prompt), self._message("assistant", answer.text)]
        return Conversation(answer.id, 0, user, self.plan.task, messages)

    def _message(self, role: Literal["user", "assistant"], text: str) -> MessageSaid:
        plan, user = self.plan, self.plan.persona.id if self.plan.persona else ""
        return MessageSaid(id=plan.id, epoch=0, persona=user, task=plan.task.id, role=role, content=text)


def _answered(answer: str, completion: Completion) -> Answered:
    return Answered(answer, completion.text, completion.finish_reason, completion.marks or UNSET)
