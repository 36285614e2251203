"""Tables of ratings and chats of any origin: the columns are found by their names."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.scalars import number
from scai_cli.messages import Message
from scai_cli.populations.chat_rows import chat
from scai_cli.populations.clean_text import LONGEST_FACT, BadRow, LeftOut
from scai_cli.populations.drafts import PersonaDraft
from scai_cli.populations.folding import fold_people
from scai_cli.populations.human.gathered import Gathered, rows_form, value_of
from scai_cli.populations.human.record import HumanConversation
from scai_cli.populations.human.scale import Scale, recognised_scale, share, stated_scale
from scai_cli.populations.nested import lower_keys
from scai_cli.populations.profile import PERSON
from scai_cli.populations.record import Record
from scai_cli.populations.tables.row import plain_number

_PROMPTS: Final = ("prompt", "user_prompt", "question", "instruction", "query", "input")
_CHATS: Final = ("messages", "conversation", "conversations", "history", "chat", "dialogue", "dialog", "transcript")
_ANSWERS: Final = ("answer", "response", "model_response", "completion", "reply", "output")
_RATINGS: Final = ("rating", "score", "stars", "likert", "overall_rating")
_SCALES: Final = ("scale", "rating_scale")
_CHAT_IDS: Final = ("conversation_id", "conversation_hash", "chat_id", "dialogue_id", "id")
_OF_ROWS: Final = frozenset((*_PROMPTS, *_CHATS, *_ANSWERS, *_RATINGS, *_SCALES, *_CHAT_IDS))
FACTS: Final = re.compile(
    r"age(?:[ _]?(?:group|band))?|gender|sex|country|nationality|region|state|city|education|religion|ethnicity|race"
    r"|occupation|job|profession|employment|income|language|politics|ideology|party|marital[ _]status|children",
    re.IGNORECASE,
)
"""The names of facts of a person: a table of people has some, and rows of ratings may have them."""


@dataclass(frozen=True, slots=True)
class PlainColumns:
    """The columns that a file has for each part of a rating or a chat."""

    person: str | None
    prompt: str | None
    chat: str | None
    answer: str | None
    rating: str | None
    scale: str | None
    id: str | None

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Find the columns of a table with these names."""
        low = lower_keys(names)

        def first(known: Sequence[str]) -> str | None:
            return next((low[name] for name in known if name in low), None)

        person = next((name for name in names if PERSON.fullmatch(name)), None)
        return cls(person, *map(first, (_PROMPTS, _CHATS, _ANSWERS, _RATINGS, _SCALES, _CHAT_IDS)))

    @property
    def are_ratings(self) -> bool:
        """Whether a table with these columns has ratings."""
        return self.rating is not None and (self.chat is not None or None not in (self.prompt, self.answer))

    @property
    def are_chats(self) -> bool:
        """Whether a table with these columns can have chats."""
        return self.chat is not None and not self.are_ratings


@dataclass(frozen=True, slots=True)
class _Rated:
    person: str
    conversation: tuple[Message, ...]
    answer: str
    value: float
    scale: Scale | None


@dataclass(slots=True)
class PlainReader:
    """Reads a table of ratings, or of chats; ratings wait until the end, as their scale can be that of all values."""

    gathered: Gathered
    file: Path
    columns: PlainColumns
    _rated: list[_Rated] = field(default_factory=list)
    _rows: Counter[str] = field(default_factory=Counter)
    """Key of a person -> rows."""

    def read(self) -> None:
        """Read the file; raises ConfigError for a bad row, and for ratings on an unknown scale."""
        take = self._take_rating if self.columns.are_ratings else self._take_chat
        if self.columns.are_ratings and self.columns.person is None:
            raise ConfigError(f"{self.file}: has ratings, but no column that says whose; name it `person`")
        form = rows_form(take, is_open=True, fold=fold_people)
        self.gathered.read(self.file, form, self._with_own_facts)
        self._add_ratings()
        if self.columns.person is None:
            self.gathered.note(f"{self.file.name}: no column says whose a chat is; each counts as one of a new person")

    def _take_rating(self, row: Record) -> Iterator[PersonaDraft]:
        key = row.line(self.columns.person, "id")
        if not row.reading.looking:
            if not key:
                raise BadRow(f"has nothing in the column {self.columns.person!r}, which says whose the rating is")
            self._rows[key] += 1
            value, scale = self._value(row), self._scale(row)
            if value is not None and scale is not None and not scale[0] <= value <= scale[1]:
                raise BadRow(f"has the rating {value:g}, not a number from {scale[0]:g} to {scale[1]:g}")
            before, answer = self._rated_answer(row)
            if value is not None and before and answer:
                self._rated.append(_Rated(self.gathered.person(key), before, answer, value, scale))
        yield self._draft(row, key)

    def _take_chat(self, row: Record) -> Iterator[PersonaDraft]:
        key, named = row.line(self.columns.person, "id"), row.line(self.columns.id, "id")
        if not row.reading.looking:
            name = f"chat-{len(self.gathered.conversations) + 1}"
            said = self._chat(row)
            if not any(message.role == "user" for message in said):
                raise LeftOut("no message of a user")
            key = key or name
            self._rows[key] += 1
            chat = HumanConversation(self.gathered.person(key), named or name, tuple(said))
            self.gathered.conversations.append(chat)
        yield self._draft(row, key)

    def _add_ratings(self) -> None:
        unstated = [rated.value for rated in self._rated if rated.scale is None]
        usual = recognised_scale(unstated) if unstated else None
        if usual is not None:
            ends = f"{usual[0]:g} to {usual[1]:g}"
            self.gathered.note(f"{self.file.name}: its ratings are read as {ends}; a column `scale` states another")
        elif unstated:
            low, high = min(unstated), max(unstated)
            found = f"ratings from {low:g} to {high:g}" if low < high else f"no rating but {low:g}"
            raise ConfigError(f"{self.file}: has {found}; state their scale in a column `scale`, such as 1-5")
        for rated in self._rated:
            if scale := rated.scale or usual:
                self.gathered.rate(rated.person, rated.conversation, rated.answer, share(rated.value, scale))

    def _draft(self, row: Record, key: str) -> PersonaDraft:
        """Return the person, with the columns that have no other use; folding drops those that differ in its rows."""
        for column, value in row.values.items():
            if column.lower() in _OF_ROWS or (isinstance(value, str) and len(value) > LONGEST_FACT):
                row.leave_out(column, "of the row")
            elif isinstance(value, Mapping | list | tuple):
                row.leave_out(column, "not one value")
        return PersonaDraft(key, attributes=row.rest())

    def _with_own_facts(self, persona: Persona) -> Persona:
        """Return a persona without what may be a fact of its row: if nobody has two rows, all but the usual facts."""
        if any(rows > 1 for rows in self._rows.values()):
            return persona
        facts = {name: value for name, value in persona.attributes.items() if FACTS.fullmatch(name)}
        return persona.model_copy(update={"attributes": facts})

    def _value(self, row: Record) -> float | None:
        text = row.line(self.columns.rating, "rating")
        found = number(plain_number(text, row.values))
        if text and found is None:
            raise BadRow(f"the column {self.columns.rating!r} has no number")
        if not text:
            self.gathered.left_out["answers without a rating"] += 1
        return found

    def _scale(self, row: Record) -> Scale | None:
        text = row.line(self.columns.scale, "scale")
        scale = stated_scale(text)
        if text and scale is None:
            raise BadRow(f"the column {self.columns.scale!r} has no scale; write its ends, such as 1-5")
        return scale

    def _rated_answer(self, row: Record) -> tuple[tuple[Message, ...], str | None]:
        """Return the messages before the answer, and the answer: the last message of the chat if it has no column."""
        said = self._chat(row)
        if self.columns.prompt and (prompt := self.gathered.text(value_of(row, self.columns.prompt), "prompts")):
            said.append(Message("user", prompt))
        if self.columns.answer:
            answer = self.gathered.text(value_of(row, self.columns.answer), "answers")
        else:
            answer = said.pop().content if said and said[-1].role == "assistant" else None
        if not said or said[-1].role != "user":
            self.gathered.left_out["ratings of an answer that follows no message of a user"] += 1
            return (), None
        return tuple(said), answer

    def _chat(self, row: Record) -> list[Message]:
        value = value_of(row, self.columns.chat)
        if value is None or value == "":
            return []
        said = chat(value)
        if said is None:
            raise BadRow(
                f"the column {self.columns.chat!r} has no messages with roles, nor a Human: and Assistant: text"
            )
        texts = ((message.role, self.gathered.text(message.content, "messages")) for message in said)
        return [Message(role, text) for role, text in texts if text]
