"""Find conversations by person, task, kind of answer and text in one pass over the events; read some in another."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Final

from scai_cli.messages import ending
from scai_cli.runs.history.event_lines import CompactMessage, CompactRating, read_events, selects
from scai_cli.runs.history.excerpts import KINDS, ConversationExcerpt, by_place, conversation_of, notable
from scai_cli.runs.history.fold import EVERYTHING
from scai_cli.runs.history.history import History
from scai_cli.runs.history.selection import Selection

ANSWERS: Final[Mapping[str, Callable[[CompactMessage], bool]]] = {
    "cut": lambda message: ending(message.finish_reason) == "cut",
    "withheld": lambda message: ending(message.finish_reason) == "withheld",
    "empty": lambda message: not message.content.strip(),
    "thoughts": lambda message: "thoughts" in message.marks,
}
"""Kind of answer, by its name in the counts of a history -> a test."""


@dataclass(frozen=True, slots=True)
class Search:
    """The conversations that are wanted; without any value all. `kind` is one of `KINDS` or of `ANSWERS`."""

    selection: Selection = EVERYTHING
    kind: str = ""
    text: str = ""
    """Words in a message or a comment, in small or capital letters."""


def search(history: History, wanted: Search) -> list[str]:
    """Return the ids of the wanted conversations, by epoch, person and task; `history` must have `finals`.

    Raises RunError for a damaged line that is read.
    """
    selected, says = selects(wanted.selection), _test(wanted)
    notables = notable(history) if wanted.kind in KINDS else {}
    found: dict[str, None] = {}

    def is_wanted(name: bytes, kind: bytes) -> bool:
        if kind not in (b"message", b"rating") or not selected(name):
            return False
        if says is None and name.endswith(b"/m0"):
            found[conversation_of(name.decode())] = None
        return says is not None

    for event in read_events(history.path, is_wanted):
        if says is not None and isinstance(event, CompactMessage | CompactRating) and says(event):
            found[conversation_of(event.id)] = None
    kept = [name for name in found if wanted.kind not in KINDS or wanted.kind in notables.get(name, ())]
    return sorted(kept, key=by_place(history))


def read_conversations(history: History, names: Container[str], most_characters: int) -> list[ConversationExcerpt]:
    """Return the conversations with these ids, by epoch, person and task; `history` must have `finals`.

    Those of epochs that began after the history was read are left out.
    """
    kinds, epochs = notable(history), {epoch.number for epoch in history.epochs}
    talks: dict[str, ConversationExcerpt] = {}

    def is_wanted(name: bytes, kind: bytes) -> bool:
        return kind in (b"message", b"rating") and conversation_of(name.decode()) in names

    for event in read_events(history.path, is_wanted):
        if isinstance(event, CompactMessage | CompactRating) and event.epoch in epochs:
            name = conversation_of(event.id)
            if name not in talks:
                talks[name] = ConversationExcerpt(name, kinds.get(name, ()), most_characters=most_characters)
            talks[name].add(event)
    return [talks[name] for name in sorted(talks, key=by_place(history)) if talks[name].messages]


def _test(wanted: Search) -> Callable[[CompactMessage | CompactRating], bool] | None:
    """Return the test of a message or a rating, None if ids suffice."""
    text, answer = wanted.text.strip().lower(), ANSWERS.get(wanted.kind)
    if not text and answer is None:
        return None

    def test(event: CompactMessage | CompactRating) -> bool:
        if answer is not None:
            return isinstance(event, CompactMessage) and event.role == "assistant" and answer(event) and has_text(event)
        return has_text(event)

    def has_text(event: CompactMessage | CompactRating) -> bool:
        return text in (event.content if isinstance(event, CompactMessage) else event.comment).lower()

    return test
