"""Split what a model wrote into its thoughts and its answer, and remove the special tokens of its chat template.

The rules must not take words away from an answer that explains a tag or a token:

1. A start tag counts at the beginning of the text. Its block ends at the first end tag that is not in quotes, or at the
   end of the text: an answer that never comes is empty. Several blocks in a row are all thoughts.
2. An end tag without a start counts, with all the text before it: many templates put the start into the prompt. It does
   not count as a *mention*: in quotes or backticks, inside a fenced code block, within a sentence (`close it with
   </think> at the end`), or after a start tag, to which it belongs.
3. After text, a start tag counts at the start of a line or after the end of a sentence or object, outside fenced code
   blocks, and only if its block ends or if the tag is alone in its line.
4. A token ends the answer unless it is a mention; an unknown one only at the very end of the text.

`thoughts.yaml` has the tags and tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from scai_cli.messages import Completion
from scai_cli.text.data_files import read_data_file

_DATA: Final = read_data_file(__file__)


class Parts(NamedTuple):
    """The parts of a text: the answer begins at offset `start` of the text."""

    answer: str
    thoughts: str
    start: int


def split_thoughts(text: str) -> Parts:
    """Return the answer in a text, which is empty if it is only white space, and its thoughts."""
    if not text or text.isspace():
        return Parts("", "", 0)
    if not ("<" in text or "THINK]" in text or "INST]" in text or "◁" in text or text.startswith(_PHRASES)):
        return Parts(text, "", 0)
    thoughts: list[str] = []
    opened = _after_opening(text, thoughts)
    start = len(text) - len(opened)
    answer = _without_tail(_without_inner(opened, thoughts))
    if thoughts and (wrapped := _WRAPPED.fullmatch(answer)):
        start += wrapped.start(2)
        answer = wrapped[2]
    kept = "\n\n".join(part for thought in thoughts if (part := thought.strip()))
    return Parts("" if answer.isspace() else answer, kept, start)


def answered(completion: Completion) -> Completion:
    """Return the completion with the thoughts in its text moved to `thoughts`."""
    answer, thoughts, _ = split_thoughts(completion.text)
    if answer is completion.text:
        return completion
    return replace(completion, text=answer, thoughts="\n\n".join(filter(None, (completion.thoughts, thoughts))))


def _after_opening(text: str, thoughts: list[str]) -> str:
    """Return a text without the thoughts and tokens at its start."""
    rest = text
    while True:
        begun = rest.lstrip()
        if start := _START.match(begun):
            end = _end_of_block(begun, start.end())
            thoughts.append(begun[start.end() : end.start() if end else len(begun)])
            rest = begun[end.end() :] if end else ""
        elif head := _HEAD.match(begun):
            rest = begun[head.end() :]
        elif end := _second_phrase(begun) or _lone_end(begun):
            thoughts.append(begun[: end.start()])
            rest = begun[end.end() :]
        else:
            return text if rest is text else begun


def _end_of_block(text: str, at: int) -> re.Match[str] | None:
    return next((end for end in _END.finditer(text, at) if not _quoted(text, end)), None)


def _lone_end(text: str) -> re.Match[str] | None:
    """Return the last end tag that follows no start tag."""
    start = next((s for s in _START.finditer(text) if not _quoted(text, s)), None)
    ends = list(_LONE_END.finditer(text, 0, start.start() if start else len(text)))
    return next((end for end in reversed(ends) if not _mentioned(text, end)), None)


def _second_phrase(text: str) -> re.Match[str] | None:
    ends = (re.search(re.escape(end), text) for begin, end in _DATA["phrases"] if text.startswith(begin))
    return next((end for end in ends if end), None)


def _without_inner(text: str, thoughts: list[str]) -> str:
    """Return a text without the blocks of thoughts after its beginning."""
    kept, at, ends = [], 0, True
    for start in _INNER.finditer(text):
        if start.start() < at or _fenced(text, start):
            continue
        end = _end_of_block(text, start.end()) if ends else None
        ends = end is not None  # searched once: a search for each start would take too long
        if end or text[start.end() : start.end() + 1] in ("\n", "\r"):
            kept.append(text[at : start.start()])
            thoughts.append(text[start.end() : end.start() if end else len(text)])
            at = end.end() if end else len(text)
    return "".join((*kept, text[at:])).strip() if kept else text


def _without_tail(text: str) -> str:
    """Return a text up to the first token that ends the turn."""
    tail = next((token for token in _TAIL.finditer(text) if not _mentioned(text, token)), None)
    cut = text[: tail.start()].rstrip() if tail else text
    if cut.endswith((">", "]")) and (last := _LAST.search(cut)) and not (last[0] == "</s>" and "<s>" in cut):
        cut = cut[: last.start()].rstrip()
    return cut


def _mentioned(text: str, tag: re.Match[str]) -> bool:
    """Return whether the text talks about a tag."""
    before, after = _neighbours(text, tag)
    letter = text[tag.end() + 1 : tag.end() + 2]
    continues = after == " " and letter.isalpha() and not letter.isupper()
    sentence = before == " " and (continues or after in _AFTER_A_MENTION)
    return sentence or _quoted(text, tag) or _fenced(text, tag)


def _quoted(text: str, tag: re.Match[str]) -> bool:
    return all(neighbour in _QUOTES for neighbour in _neighbours(text, tag))


def _neighbours(text: str, tag: re.Match[str]) -> tuple[str, str]:
    """Return the characters before and after a tag, empty at the ends of the text."""
    return text[max(0, tag.start() - 1) : tag.start()], text[tag.end() : tag.end() + 1]


def _fenced(text: str, tag: re.Match[str]) -> bool:
    """Return whether a tag is inside a fenced code block that is closed after it."""
    return text.count(_FENCE, 0, tag.start()) % 2 == 1 and text.count(_FENCE, tag.end()) % 2 == 1


def _any(patterns: Iterable[str]) -> str:
    return "|".join(patterns)


_FENCE: Final = "```"
_QUOTES: Final = frozenset("`'\"“”‘’«»„")
_AFTER_A_MENTION: Final = frozenset(".,;:!?)`'\"”’»")
_NAMES: Final = _any(_DATA["names"])
_ALL_NAMES: Final = _any((*_DATA["names"], *_DATA["opening_names"]))
_TAG: Final = r"<(?i:(?:\w+:)?(?:{}))(?:\s[^<>]*)?>".format
_START: Final = re.compile(_any((_TAG(_ALL_NAMES), *_DATA["starts"])))
_INNER: Final = re.compile(rf"(?:^|(?<=[.!?}}\])]))[ \t]*(?:{_any((_TAG(_NAMES), *_DATA['starts']))})", re.MULTILINE)
_LONE_END: Final = re.compile(rf"</(?i:(?:\w+:)?(?:{_ALL_NAMES}))\s*>|{_any(_DATA['ends'])}")
_END: Final = re.compile(rf"{_LONE_END.pattern}|</details>")
_HEAD: Final = re.compile(_any(_DATA["heads"]), re.DOTALL)
_TAIL: Final = re.compile(_any(_DATA["tails"]))
_LAST: Final = re.compile(rf"(?:(?:{_any(_DATA['last'])})\s*)+\Z")
_WRAPPED: Final = re.compile(
    r"\s*<(answer|final_answer|response|solution)>\s*((?:(?!</\1>).)*?)\s*(?:</\1>\s*)?", re.DOTALL
)
_PHRASES: Final = tuple(begin for begin, _ in _DATA["phrases"])
