"""Tasks: what the users ask the assistant."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scai_cli.experiment.item_source import ItemSource, SourceField
from scai_cli.values import SafeId, Split, Text, Value


class Task(Value):
    """One task: the words with which every user opens a conversation."""

    id: SafeId
    """A short id, safe as a part of a path; it stands in every id of the run."""
    prompt: Annotated[Text, Field(min_length=1)]
    """The first message of the conversation, word for word."""
    kind: str = "question"
    """essay, advice, question, red-team, ..."""
    topic: str = ""
    """What it is about; personas may hold a stance on the topic instead of the task."""
    split: Split | None = None
    """Which part of the task set it belongs to: train, dev or test."""
    source: SourceField = ItemSource()
    """Where the task came from."""
