"""Objections: reasons against a candidate under any acceptance rule: broken, oversized or leaking."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.personas import Persona
from scai_cli.messages import rough_tokens
from scai_cli.runs.events import Candidate
from scai_cli.simulation.placeholders import is_rule
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.text.characters import folded, hidden
from scai_cli.text.data_files import read_data_file


def checked(context: RevisionContext, candidate: Candidate) -> Candidate:
    """Return the candidate with its constitution (None if no text and no users change) and the objection, if any."""
    if candidate.objection is not None or not candidate.edits:
        # Only edits are carried out: a whole constitution could leave locked principles out, or move them.
        return candidate.model_copy(update={"constitution": None})
    try:
        constitution = context.constitution.apply(candidate.edits, epoch=context.epoch_context.epoch)
    except ValueError as error:
        return candidate.model_copy(update={"objection": f"broken: {error}"})
    if _wording(constitution) == _wording(context.constitution):
        return candidate.model_copy(update={"constitution": None})
    return candidate.model_copy(update={"constitution": constitution, "objection": objection(context, constitution)})


def objection(context: RevisionContext, constitution: Constitution) -> str | None:
    """Return the objection to a constitution as a reason for the log, or None."""
    limits = context.config.constitution
    if len(constitution.principles) > limits.max_principles:
        return f"oversized: {len(constitution.principles)} principles, at most {limits.max_principles} are allowed"
    size = rough_tokens(len(constitution.render()))
    if size > limits.max_tokens:
        return f"oversized: {size} tokens, at most {limits.max_tokens} are allowed"
    known = {persona.id for persona in context.config.train_personas}
    for clause in constitution.contract:
        if unknown := [user for user in clause.users if user not in known]:
            return f"broken: {clause.id} is for {unknown[0][:40]!r}, who is not a user"
    in_force = {rule.text for rule in context.constitution.rules}
    for rule in (rule for rule in constitution.rules if rule.text not in in_force):
        if codes := hidden(rule.text):
            return f"broken: {rule.id} has hidden characters ({codes})"
        if not is_rule(rule.text):
            return f"broken: {rule.id} is not a rule but a placeholder, or has fewer than four letters"
    before = {rule.text for rule in context.constitution.principles}
    # Only new wording is searched: a principle in force was searched before, or is the experiment's own.
    fresh = [rule for rule in constitution.principles if rule.text not in before]
    return leak(fresh, context.config.personas.inline, _private_texts(context)) if fresh else None


def _wording(constitution: Constitution) -> list[tuple[str, tuple[str, ...]]]:
    """Return the text of every rule with its users."""
    return [(rule.text, rule.users if isinstance(rule, Clause) else ()) for rule in constitution.rules]


def _private_texts(context: RevisionContext) -> Iterator[str]:
    """Yield every task and all texts that the meta model may have read."""
    for task in context.config.train_tasks:
        yield task.prompt
    for conversation in (c for episode in (*context.past, context.conversations) for c in episode):
        yield from (message.content for message in conversation.messages)
        yield from (rating.comment for rating in conversation.ratings)


COPIED_WORDS: Final = 5
"""The number of consecutive words that a principle must not share with a task or a transcript."""

_LISTS = read_data_file(__file__)
_TITLES, _ALSO_WORDS = (frozenset(_LISTS[name].split()) for name in ("titles", "also_words"))
_APOSTROPHES: Final = str.maketrans("’ʼ‐", "''-")
_SENTENCE_ENDS: Final = frozenset('.!?:…\n•*-–("“')


def leak(fresh: Iterable[Principle], personas: Iterable[Persona], private: Iterable[str]) -> str | None:
    """Return the first leak in principles as a reason for the log; `private` are tasks, messages and comments."""
    names = _Names(personas)
    haystack = f" {' | '.join(_words(text) for text in private)} "
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
    """Finds names: full names and ids in any case, parts of names only if capitalised."""

    def __init__(self, personas: Iterable[Persona]) -> None:
        personas = list(personas)
        whole = {_normal(name).strip() for persona in personas for name in (persona.id, persona.name)} - {""}
        parts = {part for persona in personas for part in re.findall(r"[\w'-]+", _normal(persona.name))}
        parts = {part for part in parts if len(part) > 1 and part[0].isupper() and part.lower() not in _TITLES}
        spelled = parts | {part.upper() for part in parts if len(part) > 2}
        self._whole = re.compile("|".join(map(_bounded, sorted(whole, key=len, reverse=True))) or r"(?!)", re.I)
        self._parts = re.compile("|".join(map(_bounded, sorted(spelled, key=len, reverse=True))) or r"(?!)")

    def first(self, text: str) -> str | None:
        """Return the first name in a text, or None."""
        text = _normal(text)
        if match := self._whole.search(text):
            return match[0]
        for match in self._parts.finditer(text):
            before = text[: match.start()].rstrip(" ")
            begins_sentence = not before or before[-1] in _SENTENCE_ENDS
            if not (begins_sentence and match[0].lower() in _ALSO_WORDS):
                return match[0]
        return None


def _bounded(name: str) -> str:
    """Return a pattern for a name as a whole word, or anywhere in a script without capitals and spaces."""
    without_case = name[0].isalpha() and name[0].lower() == name[0].upper()
    pattern = r"\s+".join(map(re.escape, name.split()))
    return pattern if without_case and len(name) > 1 else rf"(?<!\w){pattern}(?!\w)"


def _normal(text: str) -> str:
    return folded(text).translate(_APOSTROPHES)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", _normal(text).lower()))
