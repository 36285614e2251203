"""The window: the part of a long history that fits into the meta-prompt, and what the meta model sees of it."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scai_cli.messages import Message
from scai_cli.simulation.kept_conversations import drawn_evenly
from scai_cli.simulation.prompts import Material, RevisionPrompt, rated_transcript
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.simulation.transcript import Conversation

_ASKED_AGAIN = 600
"""Tokens reserved for an invalid answer and its problem, when the request is repeated."""
_BETWEEN = 2
"""Characters between two conversations."""


@dataclass(frozen=True, slots=True)
class Window:
    """The prompt with the conversations that fit, and the number of others."""

    prompt: list[Message]
    conversations: Sequence[Conversation]
    left_out: int
    shown: Mapping[str, str]
    """Id -> the id that is shown in its place."""

    @property
    def ids(self) -> dict[str, str]:
        """The ids of messages and ratings as they are shown -> as they are."""
        events = (event.id for c in self.conversations for event in (*c.messages, *c.ratings))
        return {self.shown.get(event, event): event for event in events}

    def with_ids(self, text: str) -> str:
        """Return a text of the meta model with the users' own ids."""
        users = {shown: user for user, shown in self.shown.items() if re.fullmatch(r"u\d+", shown)}
        return re.sub(r"\bu\d+\b", lambda match: users.get(match[0], match[0]), text) if users else text

    @property
    def objection(self) -> str | None:
        """The problem if not even one conversation fits."""
        return None if self.conversations else "oversized: max_prompt_tokens leaves no room for any conversation"


def fit_window(
    context: RevisionContext, name: RevisionPrompt, conversations: Sequence[Conversation], dropped: int
) -> Window:
    """Return the prompt with all conversations if it has at most `max_prompt_tokens`, else with as many as fit.

    They are drawn evenly by persona. The wording, the constitution and the reserve for a repeated request count, at
    four characters per token; `dropped` conversations are left out already. For clauses with conditions, numbers stand
    for the users, as the assistant does not know who they are.
    """
    prompts, shown = context.agents.prompts, _shown_ids(context, conversations)
    material = Material(context.constitution, (), context.not_approved, shown)
    bare = sum(len(message.content) for message in prompts.meta(name, material))
    room = 4 * (context.config.revision.max_prompt_tokens - _ASKED_AGAIN) - bare
    transcripts = [rated_transcript(conversation, shown) for conversation in conversations]
    kept: list[int] = []
    # A conversation that is too long is passed over, so that a shorter one may still take the room.
    for n in drawn_evenly([c.persona.id for c in conversations], f"{context.config.seed}/{context.id}/window"):
        if len(transcripts[n]) + _BETWEEN <= room:
            kept.append(n)
            room -= len(transcripts[n]) + _BETWEEN
    fitting = kept if len(kept) < len(conversations) else sorted(kept)
    prompt = prompts.meta(name, replace(material, transcripts=[transcripts[n] for n in fitting]))
    left_out = len(conversations) - len(fitting) + dropped
    return Window(prompt, [conversations[n] for n in fitting], left_out, shown)


def _shown_ids(context: RevisionContext, conversations: Sequence[Conversation]) -> dict[str, str]:
    """Return id -> id with the user's number in place of its id, of users, conversations, messages and ratings."""
    if context.config.revision.clauses == "people":
        return {}
    people = [persona.id for persona in context.config.train_personas]
    random.Random(f"{context.config.seed}/users").shuffle(people)
    users = {person: f"u{number}" for number, person in enumerate(people, 1)}
    shown = dict(users)
    for conversation in conversations:
        place = f"e{conversation.epoch}/{users[conversation.persona.id]}/{conversation.task.id}"
        shown[conversation.id] = place
        for message in conversation.messages:
            shown[message.id] = f"{place}{message.id.removeprefix(conversation.id)}"
        for rating in conversation.ratings:
            end = "own" if rating.kind == "own" else f"cross/{users[rating.rater]}"
            shown[rating.id] = f"{place}/{rating.message.rpartition('/')[2]}/{end}"
    return shown
