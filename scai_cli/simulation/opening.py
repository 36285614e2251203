"""The opening of a conversation: the task in its user's own words, checked to keep the meaning."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from scai_cli.experiment.tasks import is_document
from scai_cli.messages import Completion
from scai_cli.prompts.fences import TAGS
from scai_cli.runs.events import MessageSaid
from scai_cli.simulation.comment_marks import comment_marks
from scai_cli.simulation.epoch_context import EpochContext
from scai_cli.simulation.people import People
from scai_cli.simulation.transcript import Conversation
from scai_cli.text.data_files import read_data_file
from scai_cli.text.number_words import numbers
from scai_cli.text.words import has_unspaced, length, usual, words

_LISTS = read_data_file(__file__)
_FUNCTION: Final = frozenset(_LISTS["function"].split(", "))
_ASKS, _ANSWERS = (re.compile("|".join(_LISTS[name])) for name in ("asks", "answers"))
_MARKUP: Final = re.compile(rf"</?(?:{'|'.join(TAGS)})\b|```|[{{\[]\s*\"", re.IGNORECASE)
_QUOTED: Final = re.compile(r"[\"“”„«]([^\"“”„«»\n]{0,200})[\"“”»]")
_NAME: Final = re.compile(r"(?<=[\w,;'’\")] )(?!I\b)[^\W\d_][\w-]+")
_CAPITALISED: Final = frozenset(_LISTS["capitalised"].split(", "))
_QUESTION: Final = re.compile(r"[?？؟]|[か吗嗎呢](?=[。\s]|$)")
# The letters of Latin, Greek and Cyrillic; other scripts have no spaces, or many forms of a word.
_STEM: Final = re.compile(r"[^\W\d_\u0530-\u1dff\u2e80-\U0010ffff]{4,}")
_PAIR: Final = re.compile(r"(?=((?:(?=[\u0530-\u1dff\u2e80-\U0010ffff])[^\W\d_]){2}))")
_HIRAGANA: Final = re.compile(r"[\u3040-\u309f]{2}")
_FEW_NAMES: Final = 3
"""At most 3 words with a capital are names, even if they are most words of a short task."""
_LONGER, _FREE = 2, 40
"""An opening has at most twice the words of its task, and 40 more."""
_INTRODUCTION: Final = 60
_SHARED: Final = 5


Reworded = tuple[str | None, Completion]
"""A task in its user's words, None if there are no fit ones, and the last answer."""


async def opening(
    context: EpochContext,
    conversation: Conversation,
    reword: Callable[[EpochContext, Conversation], Awaitable[Reworded]] | None = None,
) -> MessageSaid:
    """Return the first message: the task in its user's words, or its text if they do not keep its meaning.

    `reword` requests these words in another way. The text of a document follows its introduction word for word. A
    conversation that is compared with an earlier one has the opening of that one. Raises CallFailed.
    """
    agents, persona, task = context.agents, conversation.persona, conversation.task
    message = MessageSaid(
        id=conversation.next_id,
        epoch=conversation.epoch,
        persona=persona.id,
        task=task.id,
        role="user",
        content=task.prompt,
    )
    if (earlier := context.openings.get((persona.id, task.id))) is not None:
        return earlier.model_copy(update={"id": message.id})
    if agents.opening == "task" or persona.human:
        return message

    text, answer = await (reword or _reword)(context, conversation)
    if text is None:
        return message.model_copy(update={"marks": (*answer.marks, "not_reworded")})
    content = f"{text}\n\n{task.prompt}" if is_document(task.prompt) else text
    return message.model_copy(update={"content": content, "verbatim": task.prompt, "marks": answer.marks})


async def _reword(context: EpochContext, conversation: Conversation) -> Reworded:
    """Request the task in its user's words, or the introduction of its text, until it keeps the meaning."""
    agents, persona, task = context.agents, conversation.persona, conversation.task

    def check(completion: Completion) -> str:
        text = checked(completion, task.prompt)
        if "speaks_as_assistant" in comment_marks(text, persona, People(())):
            raise ValueError("it speaks as the assistant")
        return text

    prompt = agents.prompts.opening(persona, task)
    return await agents.agent_for(persona).say_checked(conversation.next_id, "opening", prompt, check)


def checked(completion: Completion, task: str) -> str:
    """Return the text of an opening, or of an introduction, that keeps the task's meaning; raise ValueError otherwise.

    It ended by itself and does not look like an answer, and it has no tag, fence or JSON. An introduction has at most
    60 words. An opening has at most twice as many words as the task and 40 more, and asks if the task does. It keeps
    each number (in digits or English words), quotation and name (a capital within a sentence, if only names have one)
    of the task, and a fifth of its words of content, compared by their first four letters. In scripts other than Latin,
    Greek and Cyrillic it keeps a pair of letters.
    """
    text = completion.text.strip()
    if re.fullmatch('["“][^"“”]*["”]', text):
        text = text[1:-1].strip()
    if completion.ended != "whole" or not text:
        raise ValueError("it is not a whole message")
    _check_length(text, task)  # before the patterns, whose time grows with it
    if _MARKUP.search(text) and not _MARKUP.search(task):
        raise ValueError("it has a tag, a fence or JSON")
    if _ANSWERS.search(text.casefold()) and not _ANSWERS.search(task.casefold()):
        raise ValueError("it answers instead of asking")
    if not is_document(task):
        _check_content(usual(text), usual(task))
    return text


def _check_length(text: str, task: str) -> None:
    most = _INTRODUCTION if is_document(task) else _LONGER * _words(task) + _FREE
    if (many := _words(text)) > most:
        raise ValueError(f"it has {many} words, and {most} are enough")


def _words(text: str) -> int:
    """Return the number of words, at least one for 20 characters."""
    spaced = len(text.split())
    return max(round(length(words(text))) if has_unspaced(text) else spaced, len(text) // 20)


def _check_content(text: str, task: str) -> None:
    lower = text.casefold()
    if _QUESTION.search(task) and not _QUESTION.search(text) and not _ASKS.search(lower):
        raise ValueError("it does not ask anything")
    for number in sorted(numbers(task) - numbers(text)):
        raise ValueError(f"it does not keep the number {number}")
    for name in [*_QUOTED.findall(task), *_names(task)]:
        if re.sub("['’]?s$", "", name.casefold()) not in lower:
            raise ValueError(f"it does not keep {name!r}")
    stems, pairs, kept = _stems(task), _pairs(task), _stems(text) | _pairs(text)
    if len(stems & kept) < len(stems) // _SHARED or (len(stems | pairs) > 2 and not (stems | pairs) & kept):
        raise ValueError("it is about something else")


def _names(task: str) -> list[str]:
    """Return the words with a capital within a sentence; none in title case or a language that has them for nouns."""
    found = _NAME.findall(task)
    names = [word for word in found if word[0].isupper()]
    other = sum(word.casefold() in _CAPITALISED for word in found)
    is_style = len(names) > _FEW_NAMES and len(names) >= len(found) / 3
    return [] if is_style or other >= len(found) / 8 or task.isupper() else names


def _stems(text: str) -> set[str]:
    return {word[:4] for word in _STEM.findall(text.casefold()) if word not in _FUNCTION}


def _pairs(text: str) -> set[str]:
    """Return the pairs of neighbouring letters of other scripts, without those of Japanese endings."""
    return {pair for pair in _PAIR.findall(text) if not _HIRAGANA.fullmatch(pair)}
