"""Objections: reasons against a candidate under any acceptance rule: broken, oversized or leaking."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.experiment.personas import Persona
from scai_cli.messages import rough_tokens
from scai_cli.runs.records import Candidate
from scai_cli.simulation.placeholders import is_rule
from scai_cli.simulation.revision_context import RevisionContext
from scai_cli.text.characters import folded, hidden
from scai_cli.text.data_files import read_data_file
from scai_cli.text.names import begins_name
from scai_cli.text.words import UNSPACED, marks, stretches, words


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
    size = rough_tokens(constitution.size)
    if size > limits.max_tokens:
        return f"oversized: {size} tokens, at most {limits.max_tokens} are allowed"
    known = {persona.id for persona in context.config.train_personas}
    for clause in constitution.contract:
        if unknown := [user for user in clause.users if user not in known]:
            return f"broken: {clause.id} is for {unknown[0][:40]!r}, who is not a user"
    in_force = set(_wording(context.constitution))
    # Only new wording is searched: a rule in force was searched before, or is the experiment's own.
    fresh = [rule for rule in constitution.rules if _words_of(rule) not in in_force]
    for rule, text in ((new, text) for new in fresh for text in _texts(new)):
        if codes := hidden(text):
            return f"broken: {rule.id} has hidden characters ({codes})"
        if not is_rule(text):
            return f"broken: {rule.id} is not a rule but a placeholder, or has fewer than four letters"
    # A condition that stays while its rule is reworded is no new text: answers may have quoted it since.
    known = {text for rule in _public(context.constitution.rules) for text in _texts(rule)}
    public = [(rule.id, text) for rule in _public(fresh) for text in _texts(rule) if text not in known]
    return leak(public, _nameable(context.config), _private_texts(context)) if public else None


_KIND: Final = re.compile(r"(?:an?|the) [a-z ]+")
"""A kind of people in place of a name."""


def _nameable(config: ExperimentConfig) -> Iterator[Persona]:
    """Yield the people by their names and ids; with conditions, also under the numbers that the meta model knows.

    It does not know their ids then, so that one of ordinary words (`student`, with the name `a student`) names nobody.
    """
    if config.revision.clauses == "people":
        yield from config.personas.inline
        return
    for persona in config.personas.inline:
        name = "" if _KIND.fullmatch(persona.name) else persona.name
        is_word = persona.name and persona.id.isalpha() and persona.id not in name.lower().split()
        yield persona.model_copy(update={"name": name, "id": "" if is_word else persona.id})
    yield from (Persona(id=f"u{n}") for n in range(1, len(config.train_personas) + 1))


def _public(rules: Iterable[Principle | Clause]) -> Iterator[Principle | Clause]:
    """Yield the rules that anyone's assistant reads."""
    return (rule for rule in rules if isinstance(rule, Principle) or not rule.users)


def _wording(constitution: Constitution) -> list[tuple[object, ...]]:
    """Return the words of every rule, with its users."""
    return [_words_of(rule) for rule in constitution.rules]


def _words_of(rule: Principle | Clause) -> tuple[object, ...]:
    return (rule.text, rule.when, rule.users, rule.kind) if isinstance(rule, Clause) else (rule.text,)


def _texts(rule: Principle | Clause) -> tuple[str, ...]:
    """Return the text of a rule, and its condition if it has one."""
    return (rule.text, rule.when) if isinstance(rule, Clause) and rule.when else (rule.text,)


def _private_texts(context: RevisionContext) -> Iterator[str]:
    """Yield every task and all texts that the meta model may have read."""
    for task in context.config.train_tasks:
        yield task.prompt
    for conversation in (c for episode in (*context.past, context.conversations) for c in episode):
        yield from (message.content for message in conversation.messages)
        yield from (rating.comment for rating in conversation.ratings)


COPIED_WORDS: Final = 5
"""The number of consecutive words that a principle must not share with a task or a transcript (`text.words.length`)."""
_UNSPACED: Final = f"[{UNSPACED}]"

_LISTS = read_data_file(__file__)
_TITLES, _ALSO_WORDS = (frozenset(_LISTS[name].split()) for name in ("titles", "also_words"))
_PLAIN: Final = str.maketrans(dict(pair.split("=") for pair in _LISTS["plain"].split()))
_LATIN: Final = str.maketrans(*_LISTS["look_alikes"].split())
_LIKE_LATIN: Final = re.compile(f"[^{''.join(chr(code) for code in range(0x370, 0x530) if code not in _LATIN)}]+")
"""A stretch without the letters of Greek and Cyrillic that look like none of Latin."""
_SENTENCE_ENDS: Final = frozenset('.!?:…\n•*-–("“')


def leak(texts: Iterable[tuple[str, str]], personas: Iterable[Persona], private: Iterable[str]) -> str | None:
    """Return the first leak as a reason for the log.

    `texts` are rule ids with texts and conditions of these rules, `private` the tasks, messages and comments.
    """
    names = Names(personas)
    haystack = _searched(tuple(private))
    for rule_id, text in texts:
        if (name := names.first(text)) is not None:
            return f"leaking: {rule_id} names {name!r}; a rule without users is for anyone"
        for stretch in stretches(words(_normal(text)), COPIED_WORDS):
            copied = " ".join(stretch)
            if f" {copied} " in haystack:
                copied = re.sub(f"(?<=[{UNSPACED}{marks()}]) (?={_UNSPACED})", "", copied)
                return f"leaking: {rule_id} copies {copied!r} from a task or a conversation"
    return None


@lru_cache(maxsize=1)
def _searched(private: tuple[str, ...]) -> str:
    """Return the words of all private texts; kept, as every edit of an epoch is searched in the same ones."""
    return f" {' | '.join(' '.join(words(_normal(text))) for text in private)} "


class Names:
    """Finds names: full names and ids in any case, parts of names only if capitalised (some scripts never are)."""

    def __init__(self, personas: Iterable[Persona]) -> None:
        """Prepare the search for the names and ids of these personas."""
        personas = list(personas)
        whole = {form.strip() for persona in personas for name in (persona.id, persona.name) for form in _forms(name)}
        found = (re.findall(rf"[\w{marks()}'-]+", form) for persona in personas for form in _forms(persona.name))
        parts = {part for parts in found for part in parts if len(part) > 1 and begins_name(part)}
        parts = {part for part in parts if part.lower() not in _TITLES}
        self._whole = _any_of(whole - {""}, re.I)
        self._parts = _any_of(parts | {part.upper() for part in parts if len(part) > 2})

    def first(self, text: str) -> str | None:
        """Return the first name in a text, or None."""
        return next((name for form in _forms(text) if (name := self._first(form)) is not None), None)

    def _first(self, text: str) -> str | None:
        if match := self._whole.search(text):
            return match[0]
        for match in self._parts.finditer(text):
            before = text[: match.start()].rstrip(" ")
            begins_sentence = not before or before[-1] in _SENTENCE_ENDS
            if not (begins_sentence and match[0].lower() in _ALSO_WORDS):
                return match[0]
        return None


def _any_of(names: Iterable[str], flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Return a pattern for names as whole words; Hangul takes endings, and scripts without spaces have no words."""
    spelled = (
        r"\s+".join(map(re.escape, name.split())) if len(name) > 1 else rf"(?<!\w){re.escape(name)}(?!\w)"
        for name in sorted(names, key=len, reverse=True)
    )
    begin = rf"(?<![\w{marks()}])|(?={_UNSPACED})"
    end = rf"(?![\w{marks()}])|(?<={_UNSPACED})|(?<=[\uac00-\ud7a3])"
    return re.compile(f"(?:{begin})(?:{'|'.join(spelled) or '(?!)'})(?:{end})", flags)


def _normal(text: str) -> str:
    return folded(text).translate(_PLAIN)


def _forms(text: str) -> tuple[str, str]:
    """Return the text in plain letters, and undisguised: Latin for look-alikes near Latin, no `s p a c e d` letters."""
    plain = _normal(text)
    latin = _LIKE_LATIN.sub(lambda m: m[0].translate(_LATIN) if re.search("[A-Za-z]", m[0]) else m[0], plain)
    return plain, re.sub(r"\b[A-Za-z](?: [A-Za-z]\b){2,}", lambda m: m[0].replace(" ", ""), latin)
