"""The suite `calibration`: do simulated people rate and answer as the real ones do whose personas they have?

It measures the users' model and no system. For every answer that a person rated, and every question of a survey, it is
asked three times with the same prompt: with the own persona, without a description, and with another person's persona.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from scai_cli.concurrency import together
from scai_cli.errors import ParameterRefused
from scai_cli.evaluation.calibration_results import calibration_results
from scai_cli.evaluation.fitted_map import fitted_map
from scai_cli.evaluation.human_items import SURVEY, human_items, people_of_items
from scai_cli.evaluation.item import LETTERS, Item, ItemMessage
from scai_cli.evaluation.people import rater_problem
from scai_cli.evaluation.prompts import choice_request
from scai_cli.evaluation.rating_agreement import NOBODY, OWN, SWAPPED, agreement_of
from scai_cli.evaluation.row import SystemAnswer
from scai_cli.evaluation.suite import ResultSource, SuiteContext, SuiteResult, SuiteSource
from scai_cli.evaluation.suites.fidelity import NOBODY as NULL_PERSONA
from scai_cli.evaluation.suites.fidelity import scaled
from scai_cli.evaluation.survey_agreement import score_name
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.rating_map import dump_rating_map
from scai_cli.experiment.tasks import Task
from scai_cli.messages import Completion
from scai_cli.runs.events import MessageSaid
from scai_cli.runs.file_names import CALIBRATION
from scai_cli.simulation.answer_forms import Feedback
from scai_cli.simulation.rating import ask_rating
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.choice import choice

_TOP_LOGPROBS: Final = 10
_UNREAD: Final = "the answer has no letter that can be read"


class Calibration:
    """The ratings and answers of real people, asked again from their personas."""

    judged = False
    wants_human = True

    def __init__(self) -> None:
        self._no_logprobs = False
        """Whether the endpoint refuses log-probabilities."""

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Return an item for every answer that a person rated and every question that one answered."""
        return human_items("calibration", source)

    def people(self, source: SuiteSource, items: Sequence[Item]) -> Sequence[Persona]:
        """Return the people of the items."""
        return [] if source.human is None else people_of_items(source.human, items)

    def parts(self, items: Sequence[Item]) -> Sequence[Sequence[Item]]:  # noqa: ARG002
        """Return no items: no measure has a verdict on a system."""
        return []

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the calls: for a rating, one of the own persona and one of each control; as many for a question."""
        rated = [item for item in items if item.label != SURVEY]
        swapped = sum(item.swapped is not None for item in rated)
        survey = sum(2 + (item.swapped is not None) for item in items if item.label == SURVEY)
        return {"feedback": len(rated), "control": len(rated) + swapped, "survey": survey}

    async def probe(self, context: SuiteContext) -> str | None:
        """Return why the users' models cannot rate."""
        return await rater_problem(context)

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """Ask for the rating or the answer of the person, of nobody and of another person."""
        raters = {OWN: context.people[item.persona or ""], NOBODY: NULL_PERSONA}
        if item.swapped is not None:
            raters[SWAPPED] = context.people[item.swapped]
        ask = self._answer if item.label == SURVEY else _rate
        answers = await together(ask(context, item, name, _unlike_members(who)) for name, who in raters.items())
        scores = {name: value for answer in answers for name, value in answer.scores.items()}
        problem = next((answer.problem for answer in answers if answer.problem), None)
        said = (*((m.role, m.content) for m in item.conversation), *(m for answer in answers for m in answer.messages))
        return {context.systems[0].name: SystemAnswer(scores, said, answers[0].notes, problem)}

    def results(self, source: ResultSource) -> SuiteResult:
        """Return the verdict, the numbers and the tables."""
        return calibration_results(source)

    def files(self, source: ResultSource) -> Mapping[str, str]:
        """Return the mapping of simulated ratings to people's, if one is better than none."""
        people = agreement_of(source).people
        fitted = fitted_map(people)
        item = next(iter(source.items.values()))
        count = sum(len(person.items) for person in people)
        model = source.config.model_for("rater").label
        found = None if fitted is None else fitted.as_map(item.source, model, len(people), count)
        return {} if found is None else {CALIBRATION: dump_rating_map(found)}

    async def _answer(self, context: SuiteContext, item: Item, name: str, rater: Persona) -> SystemAnswer:
        """Return the probability of each option: from log-probabilities, else 1 for the letter of the answer."""
        letters = LETTERS[: len(item.options)]
        completion = await context.attempt(self._letter(context, item, name, rater))
        missing: dict[str, float | None] = {score_name(name, letter): None for letter in letters}
        if completion is None:
            return SystemAnswer(missing, problem="the call failed")
        found = None if completion.ended == "withheld" else choice(completion.text, letters)
        if found is None:
            return SystemAnswer(missing, (("assistant", f"[{name}] {completion.text}"),), problem=_UNREAD)
        shares = _probabilities(completion, letters, found.letter)
        scores: dict[str, float | None] = {score_name(name, at): p for at, p in zip(letters, shares, strict=True)}
        return SystemAnswer(scores, (("assistant", f"[{name}] {item.options[letters.index(found.letter)].text}"),))

    async def _letter(self, context: SuiteContext, item: Item, name: str, rater: Persona) -> Completion:
        agent, call = context.agents.rater or context.agents.user, f"{context.call}/~{name}"
        prompt = choice_request(context.agents.prompts.in_role(rater), item, range(len(item.options)))
        if not self._no_logprobs:
            try:
                return await agent.say(call, "survey", prompt, logprobs=_TOP_LOGPROBS)
            except ParameterRefused:
                self._no_logprobs = True
        return await agent.say(call, "survey", prompt)


async def _rate(context: SuiteContext, item: Item, name: str, rater: Persona) -> SystemAnswer:
    """Ask for a rating with the prompt of a run, after the person's own conversation."""
    # Variants have one seed, so that the personas alone differ.
    agents, call = context.agents, f"{context.call}/~{name}"
    conversation = Conversation(call, 0, rater, Task(id="rated", prompt=item.conversation[0].content))
    for said in (*item.conversation, ItemMessage(role="assistant", content=item.answer or "")):
        place, who = conversation.next_id, rater.id
        message = MessageSaid(id=place, epoch=0, persona=who, task="rated", role=said.role, content=said.content)
        conversation.messages.append(message)
    purpose, scale = "feedback" if name == OWN else "control", agents.ratings.scale
    answer = await ask_rating(
        agents.rater or agents.user, call, purpose, agents.prompts.feedback(conversation), Feedback, scale
    )
    if answer.error is not None:
        context.failures.append(answer.error)
    shown = (("assistant", item.answer or ""),) if name == OWN else ()
    comment = answer.comment if name == OWN else ""
    return SystemAnswer({name: scaled(answer.value, scale)}, shown, comment, answer.problem)


def _unlike_members(person: Persona) -> Persona:
    """Return a persona under an id that no member of the experiment can have: prompts are kept by id."""
    return person.model_copy(update={"id": f"~person/{person.id}", "name": person.called})


def _probabilities(completion: Completion, letters: str, chosen: str) -> list[float]:
    mass = dict.fromkeys(letters, 0.0)
    for token, logarithm in completion.logprobs or ():
        if (name := token.strip(" ()*[].\"'`:")) in mass:
            mass[name] += math.exp(logarithm)
    if not mass[chosen]:
        return [float(letter == chosen) for letter in letters]
    return [mass[letter] / sum(mass.values()) for letter in letters]
