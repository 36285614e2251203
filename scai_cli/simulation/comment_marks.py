"""Mark comments that no user would write: those of an assistant, and those to another person of the experiment."""

import re
from typing import Final

from scai_cli.experiment.personas import Persona
from scai_cli.runs.records import Mark
from scai_cli.simulation.people import People, spoken_names
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)
_AS_ASSISTANT: Final = re.compile("|".join(_LISTS["as_assistant"]))
_SPOKEN_TO: Final = re.compile(rf"\b(?:{'|'.join(_LISTS['greetings'])}),? ([^\W\d_][\w'-]*)((?: [^\W\d_][\w'-]*)*)")


def speaks_as_assistant(text: str) -> bool:
    """Return whether a text has a phrase, in English, that only an assistant says."""
    return _AS_ASSISTANT.search(text.lower().replace("’", "'")) is not None


def comment_marks(comment: str, speaker: Persona, people: People) -> tuple[Mark, ...]:
    """Return the marks of a comment; a greeting to the speaker is the assistant's, one to another persona is odd."""
    text = comment.lower().replace("’", "'")
    spoken_to = {name for found in _SPOKEN_TO.findall(text) for name in (found[0], "".join(found))}
    marks: list[Mark] = []
    if speaks_as_assistant(text) or not spoken_to.isdisjoint(spoken_names(speaker)):
        marks.append("speaks_as_assistant")
    if people.has_other(spoken_to, speaker):
        marks.append("addresses_other")
    return tuple(marks)
