"""One question with two answers: under the start's version of the constitution and under the product."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scai_cli.analysis.headline import Headline
from scai_cli.analysis.leave_one_out import concerns
from scai_cli.analysis.version_cells import Pair, VersionCells
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.personas import Persona
from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested
from scai_cli.runs.history.event_lines import CompactMessage, read_events
from scai_cli.runs.history.history import History

SELECTION: Final = "Chosen: whose mean rating changed most up and down; the task nearest that mean."
"""How the pairs are chosen, for people to read."""

_NAMED: Final = 0.2
"""The minimal change of an observed trait (0 to 1) that can name a rule."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The final answer of a conversation, with the rating by its own user."""

    version: int
    epoch: int
    conversation: str
    text: str
    rating: float


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """A person's question with the answers under the start's version and under the product.

    `change` is the change of the person's mean own rating over the tasks. `rule` is the product's rule that made the
    difference, None if no single rule can be named.
    """

    person: str
    name: str
    task: str
    question: str
    before: Answer
    after: Answer
    change: float
    rule: Principle | Clause | None

    def as_object(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        rule = None if self.rule is None else {"id": self.rule.id, "text": self.rule.text}
        texts = {"person": self.person, "name": self.name, "task": self.task, "question": self.question}
        return {
            **texts,
            "before": asdict(self.before),
            "after": asdict(self.after),
            "mean_change": self.change,
            "rule": rule,
        }


def before_after(history: History, found: Headline | None) -> list[BeforeAfter]:
    """Return the pairs of the person whose mean rating changed most upward and of the one most downward (or least).

    One pair for a single person. Empty if no revision was adopted, the product was not played, or no task is rated
    under both versions. Raises RunError for a damaged line.
    """
    if history.started is None or found is None or not found.apart or not found.product.epochs:
        return []
    first, last, cells = history.started.constitution, history.product[0], found.cells
    chosen = _chosen(*cells)
    people = {persona.id: persona for persona in history.config.personas.inline}
    texts = _texts(history, {_conversation(side, pair) for side in cells for pair in chosen})
    return [
        BeforeAfter(
            pair[0],
            history.names.get(pair[0], pair[0]),
            pair[1],
            question,
            before,
            after,
            change,
            None
            if before.rating == after.rating
            else difference_maker(first, last, people[pair[0]], before.text, after.text),
        )
        for pair, change in chosen.items()
        for question, before in _answers(cells[0], pair, texts)
        for _, after in _answers(cells[1], pair, texts)
    ]


def difference_maker(
    first: Constitution, last: Constitution, person: Persona, before: str, after: str
) -> Principle | Clause | None:
    """Return the rule that made the difference between two answers, or None if no single rule can be named.

    Of the rules that apply to the person and are not in `first` with this wording, it is the one whose requested traits
    changed most in its direction; of several, the one that the person's preferences want most.
    """
    shown, earlier = observe(after), observe(before)
    known = {rule.text for rule in first.rules if concerns(rule, person)}
    changes = {}
    for rule in last.rules:
        wanted = requested(rule.text) if concerns(rule, person) and rule.text not in known else {}
        if wanted:
            moved = sum(sign * (shown[trait] - earlier[trait]) for trait, sign in wanted.items()) / len(wanted)
            liked = sum(sign * person.preferences.get(trait, 0.0) for trait, sign in wanted.items())
            changes[rule] = (round(moved, 6), liked)
    most = max(changes.values(), default=(0.0, 0.0))
    rules = [rule for rule, change in changes.items() if change == most]
    return rules[0] if most[0] >= _NAMED and len(rules) == 1 else None


def _chosen(before: VersionCells, after: VersionCells) -> dict[Pair, float]:
    """Return the person and the task of each pair, with the change of the person's mean rating."""
    changes: dict[str, dict[str, float]] = {}
    for user, task in before.own.cells:
        if (user, task) in after.own.cells:
            changes.setdefault(user, {})[task] = after.own.cells[user, task] - before.own.cells[user, task]
    means = {user: sum(tasks.values()) / len(tasks) for user, tasks in changes.items()}
    if not means:
        return {}
    most, least = max(means, key=lambda user: means[user]), min(means, key=lambda user: means[user])
    chosen = {}
    for user in dict.fromkeys((most, least)):
        # The screen shows the ratings of the last plays.
        shown = {task: after.last[user, task][1] - before.last[user, task][1] for task in changes[user]}
        apart = {task: abs(change - means[user]) for task, change in shown.items()}
        chosen[user, min(apart, key=apart.__getitem__)] = means[user]
    return chosen


def _conversation(side: VersionCells, pair: Pair) -> str:
    return f"e{side.last[pair][0]}/{pair[0]}/{pair[1]}"


def _texts(history: History, conversations: set[str]) -> dict[str, list[CompactMessage]]:
    """Return the messages of some conversations."""
    texts: dict[str, list[CompactMessage]] = {}
    wanted = {conversation.encode() for conversation in conversations}
    for event in read_events(history.path, lambda name, kind: not kind or name.rpartition(b"/")[0] in wanted):
        if isinstance(event, CompactMessage) and (conversation := event.id.rpartition("/")[0]) in conversations:
            texts.setdefault(conversation, []).append(event)
    return texts


def _answers(
    side: VersionCells, pair: Pair, texts: Mapping[str, Sequence[CompactMessage]]
) -> Iterator[tuple[str, Answer]]:
    """Yield the task's text and the final answer of a pair; nothing if the log has no answer."""
    conversation = _conversation(side, pair)
    messages = texts.get(conversation, ())
    answers = [message for message in messages if message.role == "assistant"]
    if answers:
        epoch, rating = side.last[pair]
        question = messages[0].verbatim or messages[0].content  # the two conversations may open in different words
        yield question, Answer(side.plays.version, epoch, conversation, answers[-1].content, rating)
