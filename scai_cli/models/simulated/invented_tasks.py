"""Invented tasks: what people ask, put together from the lists for the kind and the topic that a prompt asks for."""

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.topics import topics
from scai_cli.prompts.fences import fenced
from scai_cli.text.data_files import read_data_file

_PLACE: Final = re.compile(r"\{(\w+)\}")
_WORD: Final = re.compile(r"[^\W_]+")
_BEGINNING: Final = re.compile(r"(?:^|(?<=[.?!] ))[a-z]")
_YOURS: Final = frozenset(("you", "your", "yours"))


@cache
def _lists() -> dict[str, Any]:
    """Read the lists when the first task is invented: few commands invent tasks."""
    return read_data_file(__file__)


def invented_tasks(request: FormRequest, rng: random.Random) -> dict[str, object]:
    """Fill the form `{"tasks": [...]}` with tasks of the kind and the topic in the prompt."""
    wanted = next((piece.text for piece in fenced(request.prompt, "candidate")), "")
    kind, topic = (_line(wanted, name) for name in ("Kind", "Topic"))
    lists = {**_lists(), **_of_topic(topic, [piece.text for piece in fenced(request.prompt, "task")])}
    forms = lists["forms"].get(kind, lists["forms"]["other"])
    return {"tasks": [_written(rng.choice(forms), lists, rng) for _ in request.form["tasks"]]}


def _line(text: str, name: str) -> str:
    return next((line.partition(": ")[2] for line in text.split("\n") if line.startswith(f"{name}: ")), "")


def _of_topic(topic: str, examples: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the lists of a topic; of an unknown one, those of any, about the things that the examples name."""
    lists = _lists()
    named = [phrase for example in examples for phrase in topics(example) if _YOURS.isdisjoint(phrase.split())]
    name = " ".join(_WORD.findall(topic))
    harm = lists["harm"].get(topic) or [text for texts in lists["harm"].values() for text in texts]
    about = {"topic": named or [name or "this"], "harm": harm}
    return {**lists["topics"]["any"], **about, **lists["topics"].get(topic, {})}


def _written(form: str, lists: Mapping[str, Any], rng: random.Random) -> str:
    """Return a form with a text of a list for each place, and a capital at the start of each sentence."""
    text, places = form, 1
    while places:
        text, places = _PLACE.subn(lambda place: str(rng.choice(lists[place[1]])), text)
    return _BEGINNING.sub(lambda letter: letter[0].upper(), text)
