"""Tasks: the requests of the users."""

from typing import Annotated

from pydantic import Field

from scai_cli.experiment.item_source import ItemSource, SourceField
from scai_cli.values import SafeId, Split, Text, Value


class Task(Value):
    """One task: the message with which every user opens a conversation."""

    id: SafeId
    """A short id, valid in file names; part of the ids of the run."""
    prompt: Annotated[Text, Field(min_length=1)]
    """The first message of the conversation, word for word."""
    kind: str = "question"
    """The kind of request: essay, advice, question, red-team, ..."""
    topic: str = ""
    """The topic; a persona's stance can be on the topic instead of the task."""
    split: Split | None = None
    """The split of the task set: train, dev or test."""
    source: SourceField = ItemSource()
    """The source of the task."""
