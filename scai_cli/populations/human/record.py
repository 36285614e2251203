"""The data of real people in one form, whatever the file: who they are, what they rated, answered and wrote."""

from collections.abc import Mapping
from dataclasses import dataclass

from scai_cli.experiment.personas import Persona
from scai_cli.messages import Message


@dataclass(frozen=True, slots=True)
class HumanRating:
    """A rating in [0, 1] that a person gave to an answer; `item` is one id for equal conversations and answers.

    A person who rated an item twice has two ratings of it: their distance is what people agree with themselves.
    """

    person: str
    item: str
    conversation: tuple[Message, ...]
    """The messages before the answer; the last one is the user's."""
    answer: str
    value: float


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """A person's answer to a question of a survey: the place of an option; `ordered` if options are a scale."""

    person: str
    question: str
    options: tuple[str, ...]
    answer: int
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class HumanConversation:
    """A conversation of a person with an assistant."""

    person: str
    id: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class HumanData:
    """The people of one or more files by id, and what they did; `Persona.weight` is the survey's weight."""

    people: Mapping[str, Persona]
    ratings: tuple[HumanRating, ...] = ()
    answers: tuple[SurveyAnswer, ...] = ()
    conversations: tuple[HumanConversation, ...] = ()
    source: str = ""
    """The names of the files, and of the data set where it is known."""
    licence: str = "not stated"
    notes: tuple[str, ...] = ()
    """What was left out and why, a sentence each with its count."""
