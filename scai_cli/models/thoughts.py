"""Split what a model wrote into its thoughts and its answer, and remove the special tokens of its chat template.

An answer may talk about a tag: a tag or token in quotes, within a sentence (`close it with </think> at the end`) or in
a closed code block is a *mention* and never counts. The rules for all others:

1. A start tag counts at the beginning. Its thoughts end at the first end tag, or with the text: the answer is empty.
2. An end tag without a start counts, with all text before it, as many templates put the start into the prompt.
3. After text, a start tag counts at the start of a line or after the end of a sentence or an object, if an end tag
   follows or if the tag is alone in its line.
4. A token that ends the turn ends the answer; an unknown token counts only at the very end.

`thoughts.yaml` has the tags and tokens.
"""

import re
from dataclasses import replace
from string import whitespace
from typing import Final, NamedTuple

from scai_cli.messages import Completion
from scai_cli.text.data_files import read_data_file


class Parts(NamedTuple):
    """The parts of a text: the answer begins at offset `start` of the text."""

    answer: str
    thoughts: str
    start: int


def split_thoughts(text: str) -> Parts:
    """Return the answer in a text, which is empty if nothing in it is visible, and its thoughts."""
    if _is_plain(text):
        return Parts(text, "", 0)
    # Closed code blocks are hidden, at the same length, so that nothing in them is found.
    seen = text if text.count("```") % 2 else _CODE.sub(lambda code: "\0" * len(code[0]), text)
    thoughts: list[tuple[int, int]] = []
    begin = start = _after_opening(seen, thoughts)
    end = _end_of_turn(seen, start)
    answer = ""
    for tag in _INNER.finditer(seen, start, end):
        if tag.start() < begin:
            continue
        stop = _END.search(seen, tag.end(), end)
        if stop is None and seen[tag.end() : tag.end() + 1] not in ("\r", "\n"):
            break
        answer += text[begin : tag.start()]
        thoughts.append((tag.end(), stop.start() if stop else end))
        begin = stop.end() if stop else end
    answer += text[begin:end]
    if len(answer) == len(text) and text.strip(_BLANK):
        return Parts(text, "", 0)
    answer = answer.strip() if answer.strip(_BLANK) else ""
    if thoughts and (wrapped := _WRAPPED.fullmatch(answer)):
        answer = wrapped[2].strip()
    separate = "\n\n".join(filter(None, (text[a:b].strip() for a, b in thoughts)))
    return Parts(answer, separate, max(start, text.find(answer, start)))


def answered(completion: Completion) -> Completion:
    """Return the completion with the thoughts in its text moved to `thoughts`."""
    if _is_plain(completion.text):
        return completion
    answer, thoughts, _ = split_thoughts(completion.text)
    return replace(completion, text=answer, thoughts="\n\n".join(filter(None, (completion.thoughts, thoughts))))


def _is_plain(text: str) -> bool:
    """Return whether a text contains no piece of any tag or token; on the path of each call."""
    tag = "<" in text or "◁" in text or ("[" in text and any(map(text.__contains__, _BRACKETS)))
    return not (
        tag or text.startswith(("analysis", "Here is my thought", "Here's my thought")) or not text.strip(_BLANK)
    )


def _after_opening(seen: str, thoughts: list[tuple[int, int]]) -> int:
    """Return the end of the thoughts and tokens at the beginning of a text."""
    at = 0
    for _ in range(_OPENINGS):  # the search for an end may go through the whole text
        if opening := _OPENING.match(seen, at):
            at = opening.end()
            if opening["head"] is None:
                stop = _END.search(seen, at)
                thoughts.append((at, stop.start() if stop else len(seen)))
                at = stop.end() if stop else len(seen)
            continue
        start = _START.search(seen, at)
        *_, last = (None, *_LONE_END.finditer(seen, at, start.start() if start else len(seen)))
        if last is None:
            return at
        thoughts.append((at, last.start()))
        at = last.end()
    return at


def _end_of_turn(seen: str, at: int) -> int:
    tail = _TAIL.search(seen, at)
    end = tail.start() if tail else len(seen)
    if seen.find("<s>", at) >= 0:  # "</s>" may end struck text
        return end
    first = behind = at  # the bounds of a row of tokens
    for token in _LAST.finditer(seen, at, end):
        first, behind = first if token.start() == behind > at else token.start(), token.end()
    return first if behind == end > at else end


def _any(*patterns: str) -> str:
    return f"(?:{'|'.join(patterns)})"


def _unless_quoted(tag: str) -> str:
    return f"(?:(?<![{_QUOTES}]){tag}|(?<=[{_QUOTES}]){tag}(?![{_QUOTES}]))"


def _unless_mentioned(tag: str) -> str:
    return f"(?:(?<! ){_unless_quoted(tag)}|(?<= ){tag}(?![.,;:!?){_QUOTES}]| [^\\W\\d_A-Z]))"


_DATA: Final = read_data_file(__file__)
_BRACKETS: Final = ("THINK]", "INST]", "[|", "[EOS]", "[e~[")
_BLANK: Final = whitespace + "\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u3000\ufeff"
_OPENINGS: Final = 30
"""The thoughts and tokens that are looked for at the beginning of a text."""
_QUOTES: Final = "`'\"“”‘’«»„"
_CODE: Final = re.compile("```.*?```", re.DOTALL)
_ALL_NAMES: Final = _any(*_DATA["names"], *_DATA["opening_names"])
_TAG: Final = r"< ?(?i:(?:\w+:)?{})(?:\s[^<>]*)?>".format
_LONE: Final = _any(rf"< ?/ ?(?i:(?:\w+:)?{_ALL_NAMES})\s*>", *_DATA["ends"])
_START: Final = re.compile(_unless_quoted(_any(_TAG(_ALL_NAMES), *_DATA["starts"])))
_WORDS: Final = _any(*_DATA["opening_starts"])
_OPENING: Final = re.compile(rf"\s*(?:(?P<head>{_any(*_DATA['heads'])})|{_START.pattern}|{_WORDS})")
_INNER: Final = re.compile(
    rf"(?:^|(?<=[.!?}}\])]))[ \t]*{_any(_TAG(_any(*_DATA['names'])), *_DATA['starts'])}", re.MULTILINE
)
_END: Final = re.compile(_unless_quoted(_any(_LONE, *_DATA["closing"])))
_LONE_END: Final = re.compile(_unless_mentioned(_LONE))
_TAIL: Final = re.compile(_unless_mentioned(_any(*_DATA["tails"])))
_LAST: Final = re.compile(rf"{_any(*_DATA['last'])}\s*")
_WRAPPED: Final = re.compile(
    r"<(answer|final_answer|response|solution|output)>((?:(?!</\1>).)*+)(?:</\1>)?", re.DOTALL | re.IGNORECASE
)
