"""Why a candidate can never be adopted, whatever the acceptance rule says: broken, oversized or leaking."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from scai_cli.constitution import Constitution, Principle
from scai_cli.events import Candidate
from scai_cli.personas import Persona
from scai_cli.simulation.occasion import Occasion
from scai_cli.simulation.transcript import Conversation

COPIED_WORDS = 5
"""A principle may not share so many words in a row with a task or a transcript."""


def tokens(text: str) -> int:
    """An estimate of a text's tokens: characters / 4, rounded up."""
    return math.ceil(len(text) / 4)


def examined(occasion: Occasion, candidate: Candidate) -> Candidate:
    """The candidate with the constitution that it leads to, and the objection to it if there is one."""
    if candidate.objection is not None or not candidate.edits:
        return candidate
    try:
        constitution = occasion.constitution.apply(candidate.edits, epoch=occasion.stage.epoch)
    except ValueError as error:
        return candidate.model_copy(update={"objection": f"broken: {error}"})
    return candidate.model_copy(update={"constitution": constitution, "objection": objection(occasion, constitution)})


def objection(occasion: Occasion, constitution: Constitution) -> str | None:
    """What speaks against adopting a constitution at all, in words for the record; None if nothing does."""
    limits = occasion.config.constitution
    personas = occasion.config.personas.inline
    if len(constitution.principles) > limits.max_principles:
        return f"oversized: {len(constitution.principles)} principles, at most {limits.max_principles} are allowed"
    size = tokens(constitution.render())
    if size > limits.max_tokens:
        return f"oversized: {size} tokens, at most {limits.max_tokens} are allowed"
    known = {persona.id for persona in occasion.config.cast}
    for clause in constitution.contract:
        if unknown := [user for user in clause.users if user not in known]:
            return f"broken: {clause.id} is for {unknown[0][:40]!r}, who is no user"
    before = {rule.text for rule in occasion.constitution.principles}
    fresh = [rule for rule in constitution.principles if rule.text not in before]
    return _leak(fresh, personas, occasion.conversations) if fresh else None


def _leak(fresh: Iterable[Principle], personas: Iterable[Persona], conversations: Iterable[Conversation]) -> str | None:
    said = " | ".join(
        _plain(text) for c in conversations for text in (c.task.prompt, *(message.content for message in c.messages))
    )
    said = f" {said} "
    names = _names(personas)
    for rule in fresh:
        if (name := names.search(rule.text)) is not None:
            return f"leaking: {rule.id} names {name[0]!r}; a principle is for everyone"
        words = _plain(rule.text).split()
        for at in range(len(words) - COPIED_WORDS + 1):
            copied = " ".join(words[at : at + COPIED_WORDS])
            if f" {copied} " in said:
                return f"leaking: {rule.id} copies {copied!r} from a task or a conversation"
    return None


def _names(personas: Iterable[Persona]) -> re.Pattern[str]:
    """Full names and ids in any case; a part of a name only capitalised and inside a sentence: many are words too."""
    whole = {name for persona in personas for name in (persona.id, persona.name) if name}
    parts = {part for persona in personas for part in persona.name.split() if len(part) > 2 and part[0].isupper()}
    patterns = [rf"(?i:\b(?:{_any(whole)})\b)"]
    if parts:
        patterns.append(rf"(?<=[\w,;:] )(?:{_any(parts)})\b")
    return re.compile("|".join(patterns))


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
