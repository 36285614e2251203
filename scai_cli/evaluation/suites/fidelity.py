"""The suite `fidelity`: do ratings depend on who rates, and do simulated users stay who they are?

It measures the users and no system: everyone talks with the reference. Every last answer is rated again by its own
user, by a persona without a description, and by another user, each with the prompt of the answer's user; a judge rates
how well the user's words fit the persona. Real people are left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scai_cli.concurrency import together
from scai_cli.evaluation.item import Item
from scai_cli.evaluation.people import (
    members,
    rater_problem,
    setting,
    simulated,
    talk,
    talk_items,
    without_cross_ratings,
)
from scai_cli.evaluation.row import SystemAnswer
from scai_cli.evaluation.suite import (
    Measure,
    MeasureResult,
    ResultSource,
    ResultTable,
    SuiteContext,
    SuiteResult,
    SuiteSource,
)
from scai_cli.experiment.personas import Persona
from scai_cli.measures.requested import requested
from scai_cli.simulation.answer_forms import CrossRating, Feedback
from scai_cli.simulation.dialogue_lines import calls_of, require_feedback
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.rating import RatingAnswer, ask_rating
from scai_cli.simulation.transcript import Conversation
from scai_cli.simulation.utilities import mean
from scai_cli.stats.variance import Variances, one_way
from scai_cli.values import draw

NOBODY: Final = Persona.model_construct(id="~nobody", name="Somebody")
"""The null persona; no persona can have its id, as it is not valid."""
_JUDGE_SCALE: Final = (0.0, 10.0)
"""The judge's scale, for every experiment."""
_OWN, _JUDGED = "own", "judged"
_CONTROLS: Final = ("retest", "null", "swapped")
"""The scores of the controls: the same user again, the null persona, another user."""
_WORDS: Final = {
    "null": "distance of own ratings from those of a persona without a description",
    "swapped": "distance from those of another person",
    "retest": "distance from the same person's, asked again",
    "adherence": "requests in comments that agree with the preferences",
    _JUDGED: "how well the words fit the person, by the judge",
}
"""Name of a measure -> its words."""
_COLUMNS: Final = ("far from", "nobody", "another", "itself", "adherence", "judged", "")
_TITLE: Final = (
    "People: distances of their ratings as shares of the scale, adherence and the judge's opinion from 0 to 1"
)
_FLAG: Final = "rates as nobody does"
_NEAR_NULL: Final = 1.5
"""A persona is flagged if its distance is at most this multiple of the distance from its own second rating."""
_NO_DISTANCE: Final = 0.02
"""The largest distance, as a share of the scale, that counts as zero."""
_ENOUGH: Final = 2
"""The minimal number of ratings of both kinds to flag a persona."""


class Fidelity:
    """Conversations of every simulated person about every task with the reference, and the ratings of controls."""

    judged = True

    def items(self, source: SuiteSource) -> Sequence[Item]:
        """Return an item for each simulated person and task; raises ConfigError for a dialogue without feedback."""
        require_feedback(source.config, "--suite fidelity compares ratings with others of the same answers")
        return talk_items("fidelity", source, simulated(members(source.config)[0]))

    def parts(self, items: Sequence[Item]) -> Sequence[Sequence[Item]]:  # noqa: ARG002
        """Return no items: no measure has a verdict."""
        return []

    def calls(self, source: SuiteSource, items: Sequence[Item], judges: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the calls of the conversations, of the controls, and of the judge, the first one of a panel."""
        config, is_alone = source.config, len(simulated(members(source.config)[0])) < 2
        per_item = {**calls_of(config), "control": 2 if is_alone else 3, "judge": 1}
        return {purpose: count * len(items) for purpose, count in per_item.items()}

    async def probe(self, context: SuiteContext) -> str | None:
        """Return why the users' models cannot rate."""
        return await rater_problem(context)

    async def play(self, context: SuiteContext, item: Item) -> Mapping[str, SystemAnswer]:
        """Play the conversation with the reference, then ask the controls and the judge."""
        place = without_cross_ratings(setting(context, context.systems[0]))
        conversation = await talk(place, item)
        context.failures.extend(conversation.errors)
        own, scale = conversation.ratings[-1], place.agents.ratings.scale
        answers = {} if conversation.errors else await _asked(context, place, item, conversation)
        context.failures.extend(answer.error for answer in answers.values() if answer.error is not None)
        scores = {_OWN: scaled(own.value, scale), "adherence": _adherence(conversation)}
        for name, answer in answers.items():
            scores[name] = scaled(answer.value, _JUDGE_SCALE if name == _JUDGED else scale)
        problems = [own.problem, *(answer.problem for answer in answers.values())]
        said = tuple((message.role, message.content) for message in conversation.messages)
        reason = answers[_JUDGED].comment if answers else ""
        first = next((problem for problem in problems if problem), None)
        return {context.systems[0].name: SystemAnswer(scores, said, reason, first)}

    def results(self, source: ResultSource) -> SuiteResult:
        """Return how far ratings are from those of the controls, over all and by person, and who rates as nobody."""
        known = _by_person(source)
        variances = one_way([scores.known(_OWN) for scores in known.values()])
        values = {name: mean(v for s in known.values() for v in s.values(name)) for name in _WORDS}
        values["icc"] = variances.icc if variances else None
        measures = [
            MeasureResult(Measure(name, words, None, declared=False), {source.reference: values[name]}, {})
            for name, words in {"icc": "variance of own ratings that the rater explains (ICC)", **_WORDS}.items()
        ]
        names = {person.id: person.called for person in source.config.personas.inline}
        notes = list(_notes([names.get(person, person) for person, s in known.items() if s.as_null], variances))
        rows = [(names.get(person, person), *scores.shown()) for person, scores in known.items()]
        return SuiteResult("fidelity", measures, [ResultTable(_TITLE, _COLUMNS, rows)], notes)


@dataclass(frozen=True, slots=True)
class PersonScores:
    """The scores of a person, one mapping for each item."""

    scores: Sequence[Mapping[str, float | None]]

    def known(self, name: str) -> list[float]:
        """Return the scores of a name that are not missing."""
        return [value for scores in self.scores if (value := scores.get(name)) is not None]

    def values(self, name: str) -> list[float]:
        """Return the values of a measure: distances of the own ratings from those of a control, or scores."""
        if name not in _CONTROLS:
            return self.known(name)
        pairs = [(scores.get(_OWN), scores.get(name)) for scores in self.scores]
        return [abs(own - other) for own, other in pairs if own is not None and other is not None]

    @property
    def as_null(self) -> bool | None:
        """Whether the person is hardly farther from the null persona than from itself; None with too few ratings."""
        null, itself = self.values("null"), mean(self.values("retest"))
        if itself is None or len(null) < _ENOUGH:
            return None
        return sum(null) / len(null) <= max(_NO_DISTANCE, _NEAR_NULL * itself) + 1e-9  # of shares that were rounded

    def shown(self) -> list[str]:
        """Return the cells of the person's row."""
        means = [mean(self.values(name)) for name in _WORDS]
        return [*("–" if value is None else f"{value:.2f}" for value in means), _FLAG if self.as_null else ""]


def adherence(preferences: Mapping[str, float], comments: Iterable[str]) -> float | None:
    """Return the share of requests in comments that agree with the preferences, or None without requests."""
    requests = [request for comment in comments for request in requested(comment).items()]
    kept = sum(preferences.get(trait, 0.0) * sign > 0 for trait, sign in requests)
    return kept / len(requests) if requests and preferences else None


def _adherence(conversation: Conversation) -> float | None:
    comments = [message.content for message in conversation.messages[1:] if message.role == "user"]
    return adherence(conversation.persona.preferences, comments)


async def _asked(
    context: SuiteContext, place: EpochContext, item: Item, conversation: Conversation
) -> dict[str, RatingAnswer]:
    """Return the ratings of the controls and the judge by the names of their scores."""
    raters = {"retest": conversation.persona, "null": NOBODY}
    if others := [p for p in simulated(place.personas) if p.id != conversation.persona.id]:
        raters["swapped"] = draw(others, 1, f"{place.agents.seed}/{item.id}/swapped")[0]
    controls = [_control(place, conversation, name, rater) for name, rater in raters.items()]
    answers = await together([*controls, _judge(context, conversation)])
    return dict(zip((*raters, _JUDGED), answers, strict=True))


async def _control(place: EpochContext, conversation: Conversation, name: str, rater: Persona) -> RatingAnswer:
    """Request a rating in the user's place, from the model that rates for the user, after the same transcript."""
    agents, call = place.agents, f"{conversation.id}/control/{name}"
    # Without the user's last comment, which would tell the rater what the user thought of the answer.
    seen = Conversation(call, 0, rater, conversation.task, conversation.messages[:-1])
    agent, prompt = agents.rater_for(conversation.persona), agents.prompts.feedback(seen)
    return await ask_rating(agent, call, "control", prompt, Feedback, agents.ratings.scale)


async def _judge(context: SuiteContext, conversation: Conversation) -> RatingAnswer:
    prompt = context.agents.prompts.judge(conversation.persona, [conversation])
    return await ask_rating(context.judges[0], f"{conversation.id}/judge", "judge", prompt, CrossRating, _JUDGE_SCALE)


def scaled(value: float | None, scale: tuple[float, float]) -> float | None:
    """Return where a rating is between the ends of its scale, from 0 to 1; None without a rating."""
    low, high = scale
    return None if value is None else (value - low) / (high - low)


def _by_person(source: ResultSource) -> dict[str, PersonScores]:
    found: dict[str, list[Mapping[str, float | None]]] = defaultdict(list)
    for row in source.rows:
        if (answer := row.answers.get(source.reference)) is not None:
            found[source.items[row.item].cluster].append(answer.scores)
    return {person: PersonScores(scores) for person, scores in found.items()}


def _notes(flagged: Sequence[str], variances: Variances | None) -> Iterator[str]:
    if variances is not None and variances.ratio is not None:
        yield f"Own ratings vary {variances.ratio:.1f} times as much between people as within one (F)."
    if flagged:
        yield f"Hardly farther from a persona without a description than from themselves: {', '.join(flagged)}."
    else:
        yield "No person with two or more tasks rates as a persona without a description does."
