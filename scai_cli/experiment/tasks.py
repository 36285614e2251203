"""Tasks: the requests of the users."""

import re
from typing import Annotated, Final

from pydantic import Field

from scai_cli.experiment.item_source import ItemSource, SourceField
from scai_cli.values import SafeId, Split, Text, Value

_CODE: Final = re.compile(r"[`{}<>=]|\w\(\)")
_LONG: Final = 600


def is_document(text: str) -> bool:
    """Return whether users send a task's text as it is, after an introduction: a long one, several lines, or code."""
    return len(text) > _LONG or "\n" in text.strip() or _CODE.search(text) is not None


class Task(Value):
    """One task: what every user asks in a conversation."""

    id: SafeId
    """A short id, valid in file names; part of the ids of the run."""
    prompt: Annotated[Text, Field(min_length=1)]
    """The first message of a conversation, word for word; with `opening: own_words`, what it asks for."""
    kind: str = "question"
    """The kind of request: essay, advice, question, red-team, ..."""
    topic: str = ""
    """The topic; a persona's stance can be on the topic instead of the task."""
    split: Split | None = None
    """The split of the task set: train, dev or test."""
    source: SourceField = ItemSource()
    """The source of the task."""
