"""The simulated user's openings: the task in other words, and often a sentence that shows the user's condition."""

import random
import re
from typing import Final

from scai_cli.experiment.tasks import is_document
from scai_cli.measures.conditions import CONDITIONS
from scai_cli.measures.phrases import patterns
from scai_cli.messages import ChatRequest
from scai_cli.models.simulated.attention import task_requests
from scai_cli.models.simulated.topics import SENTENCE, topics
from scai_cli.models.simulated.wordings import INTRODUCTIONS, LEADS, QUESTIONS
from scai_cli.prompts.fences import fenced
from scai_cli.text.data_files import read_data_file

_LISTS = read_data_file(__file__)
_REWORDINGS: Final = tuple((re.compile(pattern), words) for pattern, words in _LISTS["rewordings"])
_REFERS, _MOVED = (frozenset(patterns(_LISTS[name])) for name in ("refers", "moved"))
_LEAD, _QUESTION, _FIRST, _REWORDED = 0.6, 0.25, 0.5, 0.7


def opening_task(request: ChatRequest) -> str | None:
    """Return the task in a request for an opening, which has a task and nothing else between tags; None otherwise."""
    pieces = [piece for message in request.messages[1:2] for piece in fenced(message.content)]
    return pieces[0].text if [piece.tag for piece in pieces] == ["task"] else None


def intended_task(request: ChatRequest) -> str | None:
    """Return the task in the system message of a user that only talks, `dialogue: talk`; None otherwise."""
    pieces = [piece for message in request.messages[:1] for piece in fenced(message.content)]
    is_intent = [piece.tag for piece in pieces] == ["task", "persona"] and request.messages[0].role == "system"
    return pieces[0].text if is_intent else None


def opening(task: str, conditions: frozenset[str], shows: float, rng: random.Random) -> str:
    """Write an opening that asks for a task, and for no trait besides its own; for a document write its introduction.

    With the chance `shows`, it has a sentence that shows one of the conditions.
    """
    is_shown = rng.random() < shows and bool(conditions)
    condition = rng.choice(CONDITIONS[rng.choice(sorted(conditions))].openings) if is_shown else ""
    if is_document(task):
        return _joined(rng.choice(INTRODUCTIONS), condition)
    sentences = own = SENTENCE.split(" ".join(task.split()))
    for change in (_reword, _move_question, _introduce_question):
        changed = change(list(sentences), rng)
        if _says_the_same(" ".join(changed), task):
            sentences = changed
    lead = rng.choice(LEADS) if rng.random() < _LEAD or sentences == own else ""
    first, last = (condition, "") if rng.random() < _FIRST else ("", condition)
    return _joined(lead, first, *sentences, last)


def _reword(sentences: list[str], rng: random.Random) -> list[str]:
    """Say some sentences in slightly other words, none with a quotation."""
    for n, sentence in enumerate(sentences):
        for pattern, words in _REWORDINGS:
            if '"' not in sentence and pattern.search(sentence) and rng.random() < _REWORDED:
                changed = pattern.sub(words, sentence, count=1)
                sentences[n] = changed[0].upper() + changed[1:]
                break
    return sentences


def _move_question(sentences: list[str], rng: random.Random) -> list[str]:
    """Put the last sentence first if it is a question that can be understood by itself."""
    words = re.findall(r"[\w'’]+", sentences[-1].lower())
    is_alone = sentences[-1].endswith("?") and words[:1] and words[0] in _MOVED and _REFERS.isdisjoint(words)
    return [sentences[-1], *sentences[:-1]] if is_alone and rng.random() < _FIRST else sentences


def _introduce_question(sentences: list[str], rng: random.Random) -> list[str]:
    """Put words before the last sentence if it is a question."""
    last = sentences[-1]
    if last.endswith("?") and ":" not in last and "you think" not in last and rng.random() < _QUESTION:
        is_name = re.match(r"(?:I\b|\w*[A-Z]{2}|[^A-Za-z])", last)
        sentences[-1] = f"{rng.choice(QUESTIONS)} {last if is_name else last[0].lower() + last[1:]}"
    return sentences


def _says_the_same(changed: str, task: str) -> bool:
    return task_requests(changed) == task_requests(task) and set(topics(changed)) == set(topics(task))


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
