"""The stages that handle a model's text, and texts that are hard for one of them: their time is to be linear."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from simulated_society import FARMER, answer, comment, conversation, cross_rate, rewrite

from scai_cli.datasets.export import markdown
from scai_cli.datasets.export.row_writers import guarded
from scai_cli.datasets.samples.text_measures import refuses
from scai_cli.display.report.html import tag
from scai_cli.display.terminal.wrap import wrapped
from scai_cli.errors import ConfigError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.personas import Persona
from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested
from scai_cli.messages import ChatRequest, Completion, Message, ending
from scai_cli.models.endpoint import endpoint_of
from scai_cli.models.logprobs import answer_logprobs
from scai_cli.models.refusals import Refusal
from scai_cli.models.thoughts import split_thoughts
from scai_cli.models.wire import read_completion
from scai_cli.prompts.fences import fence, fenced
from scai_cli.simulation.agent import read_answer
from scai_cli.simulation.answer_forms import Ballot, CrossRating, Edits, Feedback, Rewrite
from scai_cli.simulation.comment_marks import comment_marks
from scai_cli.simulation.people import People
from scai_cli.simulation.placeholders import is_placeholder, is_rule, placeholders_in
from scai_cli.text import characters
from scai_cli.text.choice import choice
from scai_cli.text.loose_json import find_objects
from scai_cli.text.names import common_name
from scai_cli.text.near_duplicates import NearDuplicateIndex, nameless
from scai_cli.text.scale_numbers import read_on_scale
from scai_cli.text.sentences import count_sentences, is_ended
from scai_cli.text.word_changes import word_changes
from scai_cli.text.words import comparable, count, length, stretches, words

SHAPES: Final = {  # a piece that is repeated, or a start and the piece
    "one letter": "a",
    "words": "word ",
    "sentences": "I think that the answer A is better than B. Wait, no: 8/10! ",
    "no spaces": "回答更好",
    "capitals": "A",
    "spaces": " ",
    "words far apart": "a" + " " * 50_000,
    "newlines": "\n",
    "digits": "7",
    "ratings": "8/10 ",
    "quotes": '"',
    "apostrophes": "'",
    "backslashes": "\\",
    "braces": "{",
    "brackets": "[",
    "open objects": '{"rating": ',
    "open texts": '{"feedback": "',
    "typographic texts": "{“rating”: “",
    "objects": '{"rating": 7, "reason": "x"} ',
    "nested objects": ('{"a":' * 90 + "1" + "}" * 90),
    "one long object": ('{"feedback": "', "word "),
    "one long bad object": ("{'feedback': 'x', 'rating': ", "7,"),
    "comments": "{ // x\n",
    "open comments": "{/*",
    "hashes": "{ #",
    "lines of hashes": "{\n#",
    "think": "<think>",
    "thoughts": "<think>x</think>",
    "ends of thoughts": "</think>",
    "think in lines": "a.\n<think>\n",
    "tags": "<",
    "prefixed tags": "<a:",
    "tags of ours": "</message ",
    "attributes": "<message a=\"x\" ",
    "ends of the turn": ("x", "<|im_end|>"),
    "last tokens": ("</s>", "</s>"),
    "last tokens, then a word": ("<think></think>", "</s>" * 10_000 + "a"),
    "gpt-oss": "<|channel|>analysis ",
    "gpt-oss without markers": "analysisA",
    "granite": "Here is my thought process: ",
    "open answer": ("<think></think><answer>x", " x" + " " * 50_000),
    "code": "```",
    "code blocks": "```\nx\n```\n<think>",
    "struck": "<s>",
    "details": '<details type="reasoning" ',
    "stars": "*",
    "headings": "# ",
    "bullets": "- \n",
    "numbers of a list": "1. \n",
    "parentheses": "(",
    "verdicts": "the better answer is ",
    "verdict without an end": ("final answer", " "),
    "letters in a row": "A or B, ",
    "greetings": "dear Ann Ann ",
    "names": ("dear Ann", " Ann"),
    "placeholders": "<...>",
    "in angles": "<a",
    "controls": "\x1b[31m",
    "line ends": "\u2028",
    "surrogates": "\ud83d",
    "emoji": "\U0001f600",
    "marks on a letter": ("a", "\u0301"),
    "tabs": "\t",
    "commas": ",",
    "underscores": "_",
    "dots": ".",
    "rating lines": "Rating:\n",
    "no value": ("rating", "*"),
}  # fmt: skip


def text_of(shape: str, size: int) -> str:
    """Return a text of that many characters."""
    made = SHAPES[shape]
    start, piece = made if isinstance(made, tuple) else ("", made)
    return (start + piece * (size // len(piece) + 1))[:size]


REQUEST: Final = ChatRequest("c", "user", "test", "m", (Message("user", "Hello"),))
ANN: Final = Persona(id="ann", name="Ann Smith")
FORMS: Final = ((Feedback, (0, 10)), (CrossRating, (0, 10)), (Ballot, "AB"), (Rewrite, "conditions"), (Edits, "people"))


def _forms(text: str) -> None:
    for whole in ("stop", "length"):
        for form, context in FORMS:
            with suppress(ValueError):
                read_answer(Completion(text, whole), form, context, '{"rating": "<...>"}')


def _refusal(text: str) -> None:
    """As the provider does, which reads 64 kB of an error."""
    where = endpoint_of(ModelSettings(provider="openai", name="m", base_url="http://127.0.0.1/v1"))
    Refusal(400, {"error": {"message": text[:64_000]}}, {}, {"messages": []}).error(where, 400)
    Refusal(200, text).error(where, 200)


def _wire(text: str) -> None:
    choices = [{"message": {"content": text}, "finish_reason": "stop"}]
    with suppress(ValueError):
        read_completion(json.dumps({"choices": choices}).encode(), REQUEST)


def _logprobs(text: str) -> None:
    tokens = [{"token": text[at : at + 4]} for at in range(0, len(text), 4)]
    answer_logprobs({"content": tokens}, text[len(text) // 2 :], 0)


def _near_duplicates(text: str) -> None:
    index = NearDuplicateIndex()
    index.add("a", text)
    index.most_similar(nameless(text, "Ann"))


def _simulated(text: str) -> None:
    text = characters.clean(text)
    answer(text)
    answer(task=text, remarks=[text])
    comment(FARMER, text)
    cross_rate(FARMER, text)


def _simulated_meta(text: str) -> None:
    with suppress(ConfigError):
        rewrite([conversation("farmer", characters.clean(text), 3)])


STAGES: Final[dict[str, Callable[[str], object]]] = {
    "wire": _wire,
    "thoughts": split_thoughts,
    "logprobs": _logprobs,
    "refusals": _refusal,
    "ending": lambda text: ending(text),
    "loose_json": lambda text: list(find_objects(text)),
    "form_reader": _forms,
    "scale_numbers": lambda text: read_on_scale(text, 0, 10),
    "choice": choice,
    "comment_marks": lambda text: comment_marks(text, ANN, People([ANN, FARMER])),
    "placeholders": lambda text: (is_placeholder(text), is_rule(text), placeholders_in(text)),
    "near_duplicates": _near_duplicates,
    "word_changes": lambda text: list(word_changes(text, text[: len(text) // 2] + " x " + text[len(text) // 2 :])),
    "observe": observe,
    "requested": requested,
    "fences": lambda text: (fence("message", text, by=text), list(fenced(text)), list(fenced(fence("task", text)))),
    "clean": characters.clean,
    "visible": characters.visible,
    "one_line": lambda text: characters.one_line(text, 80),
    "json_line": characters.json_line,
    "json_bytes": characters.json_bytes,
    "wrap": lambda text: wrapped(characters.visible(text), 76),
    "narrow wrap": lambda text: wrapped(characters.visible(text), 3),
    "html": lambda text: tag("p", text, title=text),
    "markdown": lambda text: (markdown.escaped(text), markdown.code(text), markdown.fenced(text)),
    "cells": guarded,
    "refuses": refuses,
    "words": lambda text: (
        length(words(text)),
        count(text),
        comparable(text),
        sum(1 for _ in stretches(words(text), 13)),
    ),
    "sentences": lambda text: (is_ended(text), count_sentences(text)),
    "names": lambda text: common_name([text, f"{text}a"]),
    "simulated": _simulated,
    "simulated meta": _simulated_meta,
}
