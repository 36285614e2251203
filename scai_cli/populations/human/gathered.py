"""What the files of `--human` have given so far: people by the key that a file has for them, and what they did."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scai_cli.experiment.item_source import ItemSource
from scai_cli.experiment.personas import Persona
from scai_cli.messages import Message
from scai_cli.populations.clean_text import LONGEST_TEXT, Ids, tidy
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import Fold, PersonaDraft, PopulationFormat
from scai_cli.populations.human.record import HumanConversation, HumanData, HumanRating, SurveyAnswer
from scai_cli.populations.importer import read_people
from scai_cli.populations.record import Record
from scai_cli.text.characters import one_line
from scai_cli.text.counts import counted

Take = Callable[[Record], Iterator[PersonaDraft]]
"""Takes what a row has, and yields its people."""


@dataclass(slots=True)
class Gathered:
    """The data so far; a person who is in several files has one id, by the same key in all of them."""

    ratings: list[HumanRating] = field(default_factory=list)
    answers: list[SurveyAnswer] = field(default_factory=list)
    conversations: list[HumanConversation] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """What was left out, in words -> how many."""
    notes: dict[str, None] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)
    """Data set, or "" for a file of the user's own -> names of files."""
    licences: dict[str, None] = field(default_factory=dict)
    _people: dict[str, Persona] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)
    """Key -> id."""
    _taken: Ids = field(default_factory=Ids)

    def read(self, file: Path, form: PopulationFormat, change: Callable[[Persona], Persona] | None = None) -> None:
        """Read the rows of a file, and describe the people that they have; raises ConfigError at a bad row."""
        people, left_out = read_people(str(file), form, self.note)
        for key, persona in people:
            self.describe(key, change(persona) if change else persona)
        self.left_out.update({f"rows of {file.name} ({reason})": count for reason, count in left_out.items()})

    def note(self, line: str) -> None:
        """Add a sentence to the notes, once."""
        self.notes[one_line(line)] = None

    def cite(self, file: Path, dataset: str = "", licence: str = "") -> None:
        """Name a file among the sources, with the data set that it is of."""
        self.sources.setdefault(dataset, []).append(one_line(file.name))
        if licence:
            self.licences[licence] = None

    def person(self, key: str) -> str:
        """Return the id of the person with this key."""
        if key not in self._ids:
            self._ids[key] = self._taken.take(key, len(self._ids) + 1)
        return self._ids[key]

    def describe(self, key: str, persona: Persona) -> None:
        """Add a description of a person, if there is one; what an earlier one says counts more."""
        person = self.person(key)
        if persona.model_copy(update={"source": ItemSource()}) == Persona(id=persona.id):
            return
        if (known := self._people.get(person)) is not None:
            defaults = {name: field.default for name, field in Persona.model_fields.items()}
            said = {name: value for name, value in dict(known).items() if value != defaults[name]}
            persona = persona.model_copy(update={**said, "attributes": {**persona.attributes, **known.attributes}})
        self._people[person] = persona.model_copy(update={"id": person})

    def rate(self, person: str, conversation: Sequence[Message], answer: str, value: float) -> None:
        """Add a rating in [0, 1]."""
        self.ratings.append(HumanRating(person, _item(conversation, answer), tuple(conversation), answer, value))

    def text(self, value: object, what: str) -> str | None:
        """Return a text without control characters; None for none and for one that is too long, which is counted."""
        if isinstance(value, str) and len(value.strip()) > LONGEST_TEXT:
            self.left_out[f"{what} with a text of more than {LONGEST_TEXT:,} characters"] += 1
            return None
        if found := tidy(value, f"one of its {what}"):
            return found
        self.left_out[f"{what} without a text"] += 1
        return None

    def data(self) -> HumanData:
        """Return all of it; people without a description have a persona with an id alone."""
        bare = [one for one in self._ids.values() if one not in self._people]
        people = {**self._people, **{one: Persona(id=one) for one in bare}}
        notes = [*self.notes, *(f"left out, {what}: {count:,}" for what, count in self.left_out.items() if count)]
        if bare:
            notes.append(f"no description of {counted(len(bare), 'person', 'people')}: they have an id alone")
        named = (
            f"{dataset} ({', '.join(files)})" if dataset else ", ".join(files)
            for dataset, files in self.sources.items()
        )
        return HumanData(
            people,
            tuple(self.ratings),
            tuple(self.answers),
            tuple(self.conversations),
            "; ".join(named),
            "; ".join(self.licences) or "not stated",
            tuple(notes),
        )


def rows_form(
    take: Take, source: str = "", licence: str = "", *, is_open: bool = False, fold: Fold | None = None
) -> PopulationFormat:
    """Return the format of a file whose rows `take` reads; `is_open` looks it over first, for identifiers."""

    def drafts(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
        return take(row)

    return PopulationFormat(drafts, source, licence, open=is_open, fold=fold)


def value_of(row: Record, column: str | None) -> object:
    """Return the value of a column as it is, None if there is none."""
    found = None if column is None else row.find(column)
    return None if found is None else found[1]


def _item(conversation: Sequence[Message], answer: str) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for role, text in (*((message.role, message.content) for message in conversation), ("answer", answer)):
        digest.update(f"{role} {len(text)} {text}".encode())
    return digest.hexdigest()
