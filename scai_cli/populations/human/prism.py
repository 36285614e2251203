"""The ratings and conversations of PRISM (Kirk et al. 2024): `utterances.jsonl`, or `conversations.jsonl`.

A participant rates four answers to the first message, continues with the best, and then rates two answers of that
model in each turn. Both files have the same ratings; a conversation that is in both counts once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scai_cli.experiment.scalars import number
from scai_cli.messages import Message
from scai_cli.populations.clean_text import BadRow
from scai_cli.populations.drafts import PersonaDraft
from scai_cli.populations.human.gathered import Gathered, value_of
from scai_cli.populations.human.record import HumanConversation
from scai_cli.populations.human.scale import Scale, share
from scai_cli.populations.record import Record

DATASET: Final = "PRISM"
LICENCE: Final = "PRISM: CC BY 4.0 for texts of people, CC BY-NC 4.0 for answers of models"
_SLIDER: Final[Scale] = (1, 100)
"""The ends of the slider, "terrible" and "perfect"."""


@dataclass(slots=True)
class _Answer:
    place: int
    text: str | None
    score: float | None
    chosen: bool


@dataclass(slots=True)
class _Turn:
    prompt: str | None
    answers: list[_Answer] = field(default_factory=list)


@dataclass(slots=True)
class PrismReader:
    """Collects the turns of each conversation, in any order of the rows, until `finish`."""

    gathered: Gathered
    _turns: dict[str, dict[int, _Turn]] = field(default_factory=dict)
    """Conversation -> turn -> its messages and scores."""
    _people: dict[str, str] = field(default_factory=dict)
    """Conversation -> id of its person."""
    _whole: set[str] = field(default_factory=set)
    """The conversations that a row of `conversations.jsonl` had."""

    def conversation(self, row: Record) -> Iterator[PersonaDraft]:
        """Take a row of `conversations.jsonl`."""
        name = self._conversation(row)
        history = value_of(row, "conversation_history")
        if not isinstance(history, list | tuple):
            raise BadRow("has no list of messages in conversation_history")
        self._whole.add(name)
        turns: dict[int, _Turn] = {}
        for entry in history:
            if not isinstance(entry, Mapping):
                raise BadRow("has a message in conversation_history that is not an object")
            turn = turns.setdefault(_whole_number(entry.get("turn"), "turn"), _Turn(None))
            if entry.get("role") == "user":
                turn.prompt = self.gathered.text(entry.get("content"), "messages")
            else:
                turn.answers.append(self._answer(entry, entry.get("content")))
        self._turns[name] = turns
        yield from ()

    def utterance(self, row: Record) -> Iterator[PersonaDraft]:
        """Take a row of `utterances.jsonl`: an answer with its score."""
        name = self._conversation(row)
        if name not in self._whole:
            turns, turn = self._turns.setdefault(name, {}), _whole_number(row.values.get("turn"), "turn")
            if turn not in turns:
                turns[turn] = _Turn(self.gathered.text(row.values.get("user_prompt"), "messages"))
            turns[turn].answers.append(self._answer(row.values, row.values.get("model_response")))
        yield from ()

    def finish(self) -> None:
        """Add the ratings of every turn, each after the answers that were chosen before it, and the conversations."""
        for name, turns in self._turns.items():
            self._finish(name, [turns[number] for number in sorted(turns)])

    def _finish(self, name: str, turns: list[_Turn]) -> None:
        person, said = self._people[name], list[Message]()
        for n, turn in enumerate(turns):
            if turn.prompt is None:
                self._cut(turns[n:])
                break
            said.append(Message("user", turn.prompt))
            before = tuple(said)
            for answer in sorted(turn.answers, key=lambda answer: answer.place):
                if answer.score is None:
                    self.gathered.left_out["answers without a score"] += 1
                elif answer.text is not None:
                    self.gathered.rate(person, before, answer.text, share(answer.score, _SLIDER))
            chosen = next((answer.text for answer in turn.answers if answer.chosen and answer.text), None)
            if chosen is None:
                self._cut(turns[n + 1 :])
                break
            said.append(Message("assistant", chosen))
        if said:
            self.gathered.conversations.append(HumanConversation(person, name, tuple(said)))

    def _cut(self, turns: list[_Turn]) -> None:
        if lost := sum(len(turn.answers) for turn in turns):
            self.gathered.left_out["answers after a turn without a message or without a chosen answer"] += lost

    def _conversation(self, row: Record) -> str:
        """Return the id of a row's conversation, and note whose it is."""
        person, name = row.line("user_id", "id"), row.line("conversation_id", "id")
        if not person or not name:
            raise BadRow(f"has no {'conversation_id' if person else 'user_id'}")
        if self._people.setdefault(name, found := self.gathered.person(person)) != found:
            raise BadRow(f"the conversation {name[:60]!r} is of another user_id in an earlier row")
        return name

    def _answer(self, entry: Mapping[str, Any], text: object) -> _Answer:
        given = entry.get("score")
        score = number(given)
        if score is None and given not in (None, ""):
            raise BadRow("has a score that is not a number")
        if score is not None and not _SLIDER[0] <= score <= _SLIDER[1]:
            raise BadRow(f"has the score {score:g}, not a number from {_SLIDER[0]} to {_SLIDER[1]}")
        place = _whole_number(entry.get("within_turn_id", 0), "within_turn_id")
        return _Answer(
            place, self.gathered.text(text, "answers"), score, entry.get("if_chosen") in (True, "true", "True")
        )


def _whole_number(value: object, name: str) -> int:
    found = number(value)
    if found is None or not found.is_integer():
        raise BadRow(f"has no whole number in {name}")
    return int(found)
