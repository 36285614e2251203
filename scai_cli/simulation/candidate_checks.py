"""Why a candidate can never be adopted, whatever the acceptance rule says: broken, oversized or leaking."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.personas import Persona
from scai_cli.runs.events import Candidate
from scai_cli.simulation.revision import RevisionContext


def tokens(text: str) -> int:
    """An estimate of a text's tokens: characters / 4, rounded up."""
    return math.ceil(len(text) / 4)


def checked(context: RevisionContext, candidate: Candidate) -> Candidate:
    """The candidate with the constitution that it leads to, and the objection to it if there is one.

    Edits that leave every rule's words and users as they are lead nowhere: that is no change.
    """
    if candidate.objection is not None or not candidate.edits:
        return candidate
    try:
        constitution = context.constitution.apply(candidate.edits, epoch=context.epoch_context.epoch)
    except ValueError as error:
        return candidate.model_copy(update={"objection": f"broken: {error}"})
    if _worded(constitution) == _worded(context.constitution):
        return candidate
    return candidate.model_copy(update={"constitution": constitution, "objection": objection(context, constitution)})


def objection(context: RevisionContext, constitution: Constitution) -> str | None:
    """What speaks against adopting a constitution at all, in words for the record; None if nothing does."""
    limits = context.config.constitution
    if len(constitution.principles) > limits.max_principles:
        return f"oversized: {len(constitution.principles)} principles, at most {limits.max_principles} are allowed"
    size = tokens(constitution.render())
    if size > limits.max_tokens:
        return f"oversized: {size} tokens, at most {limits.max_tokens} are allowed"
    known = {persona.id for persona in context.config.train_personas}
    for clause in constitution.contract:
        if unknown := [user for user in clause.users if user not in known]:
            return f"broken: {clause.id} is for {unknown[0][:40]!r}, who is no user"
    before = {rule.text for rule in context.constitution.principles}
    fresh = [rule for rule in constitution.principles if rule.text not in before]
    return leak(fresh, context.config.personas.inline, _said(context)) if fresh else None


def _worded(constitution: Constitution) -> list[tuple[str, tuple[str, ...]]]:
    """What the assistant is told, and for whom."""
    return [(rule.text, rule.users if isinstance(rule, Clause) else ()) for rule in constitution.rules]


def _said(context: RevisionContext) -> Iterator[str]:
    """Everything that the meta model may have read, and every task."""
    for task in context.config.train_tasks:
        yield task.prompt
    for conversation in (c for episode in (*context.past, context.conversations) for c in episode):
        yield from (message.content for message in conversation.messages)
        yield from (rating.comment for rating in conversation.ratings)


COPIED_WORDS: Final = 5
"""A principle may not share so many words in a row with a task or a transcript."""

_TITLES: Final = frozenset((
    "brother", "dr", "father", "madam", "miss", "mother", "mr", "mrs", "ms", "prof", "professor", "sir", "sister",
))  # fmt: skip
_ALSO_WORDS: Final = frozenset((
    "an", "art", "baker", "banks", "be", "bell", "best", "bill", "black", "brown", "case", "chance", "chase",
    "close", "cook", "cross", "dawn", "day", "dean", "do", "drew", "faith", "farmer", "field", "fisher", "fox",
    "frank", "gardener", "go", "good", "grace", "grant", "gray", "green", "grey", "guy", "hill", "hope", "hunt",
    "hunter", "is", "joy", "king", "lane", "long", "love", "mark", "mason", "may", "mercy", "miller", "no", "noble",
    "page", "park", "pat", "pearl", "power", "price", "rich", "rose", "say", "sharp", "short", "so", "star",
    "stone", "sue", "summer", "teacher", "walker", "ward", "white", "will", "wise", "wood", "woods", "young",
))  # fmt: skip
"""Names that are words, too: at the beginning of a sentence they are taken for the word."""
_SENTENCE_ENDS: Final = frozenset('.!?:…\n•*-–("“')


def leak(fresh: Iterable[Principle], personas: Iterable[Persona], said: Iterable[str]) -> str | None:
    """The first leak among some principles, in words for the record; `said` are all tasks, messages and remarks."""
    names = _Names(personas)
    haystack = f" {' | '.join(_words(text) for text in said)} "
    for rule in fresh:
        if (name := names.first(rule.text)) is not None:
            return f"leaking: {rule.id} names {name!r}; a principle is for everyone"
        words = _words(rule.text).split()
        for at in range(len(words) - COPIED_WORDS + 1):
            copied = " ".join(words[at : at + COPIED_WORDS])
            if f" {copied} " in haystack:
                return f"leaking: {rule.id} copies {copied!r} from a task or a conversation"
    return None


class _Names:
    """Full names and ids in any case, wherever they stand; parts of names only as they are capitalised."""

    def __init__(self, personas: Iterable[Persona]) -> None:
        personas = list(personas)
        whole = {_normal(name) for persona in personas for name in (persona.id, persona.name.strip()) if name}
        parts = {part for persona in personas for part in re.findall(r"[\w'-]+", _normal(persona.name))}
        parts = {part for part in parts if len(part) > 1 and part[0].isupper() and part.lower() not in _TITLES}
        spelled = parts | {part.upper() for part in parts if len(part) > 2}
        self._whole = re.compile("|".join(map(_bounded, sorted(whole, key=len, reverse=True))) or r"(?!)", re.I)
        self._parts = re.compile("|".join(map(_bounded, sorted(spelled, key=len, reverse=True))) or r"(?!)")

    def first(self, text: str) -> str | None:
        """The first name in a text."""
        text = _normal(text)
        if found := self._whole.search(text):
            return found[0]
        for found in self._parts.finditer(text):
            before = text[: found.start()].rstrip(" ")
            opens = not before or before[-1] in _SENTENCE_ENDS
            if not (opens and found[0].lower() in _ALSO_WORDS):
                return found[0]
        return None


def _bounded(name: str) -> str:
    """A name as a whole word; one in a script without capitals and spaces wherever it stands."""
    free = name[0].isalpha() and name[0].lower() == name[0].upper()
    return re.escape(name) if free and len(name) > 1 else rf"(?<!\w){re.escape(name)}(?!\w)"


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'")


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", _normal(text).lower()))
