"""The parts of a constitution written as text: its rules, each below a heading, and the rest."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from scai_cli.experiment.constitution import CONDITIONS, OF_SOME, OF_USER, PRINCIPLES, QUESTIONS
from scai_cli.prompts.templates import TEMPLATES

_ITEM: Final = re.compile(r"\s{0,3}(?:\d{1,4}[.)]|[-*+•])\s+(?P<text>\S.*)")
_WHOLE: Final = re.compile(r"^#|[.!?\u2026\u3002\uff01\uff1f]\W?\s*$")
"""A line that ends a sentence, or a title."""
_TITLE: Final = re.compile(r"# Constitution of run \S+, version \d+")
_FIRST_LINE: Final = TEMPLATES["assistant"].partition("\n")[0]
_HEADINGS: Final = (PRINCIPLES, CONDITIONS, QUESTIONS, OF_USER, OF_SOME)
BY_HAND: Final = ""
"""In place of a heading, for the rules of a text without our headings."""

Part = tuple[int, str | None, str]
"""The line and the heading of a rule, with its text; no heading for a line that is not read."""


def parts(text: str) -> Iterator[Part]:
    """Yield every rule of a text, and every line that is not read."""
    lines = [
        (n, "" if line.strip() == _FIRST_LINE or _TITLE.fullmatch(line.strip()) else line)
        for n, line in enumerate(text.split("\n"), 1)
    ]
    ours = any(line.strip() in _HEADINGS for _, line in lines)
    return _below_headings(lines) if ours else _by_hand(lines)


def _below_headings(lines: Iterable[tuple[int, str]]) -> Iterator[Part]:
    """Yield the items of the list below each heading; an indented line continues its item."""
    seen: set[str] = set()
    heading, rule = "", None
    for number, line in [*lines, (0, "")]:
        item, text = _ITEM.match(line), line.strip()
        if rule and text and not item and line[0].isspace():
            rule = (*rule[:2], f"{rule[2]} {text}")
            continue
        if rule:
            yield rule
        if text in _HEADINGS and text not in seen:
            seen.add(text)
            heading, rule = text, None
        elif item and heading:
            rule = (number, heading, item["text"].strip())
        else:  # the list is over, unless it has not begun; with a heading again, another constitution begins
            seen.update(_HEADINGS if text in seen else ())
            heading, rule = "" if rule or text else heading, None
            if text:
                yield number, None, text


def _by_hand(lines: Sequence[tuple[int, str]]) -> Iterator[Part]:
    """Yield the items of lists; if there is no list, the lines if each is a sentence, else the paragraphs."""
    has_list = any(_ITEM.match(line) for _, line in lines)
    by_line = not has_list and all(_WHOLE.search(line) for _, line in lines if line.strip())
    rule = None
    for number, line in [*lines, (0, "")]:
        item, text = _ITEM.match(line), line.strip()
        if rule and text and not item and not by_line and not line.startswith("#"):
            rule = (*rule[:2], f"{rule[2]}\n{text}")
            continue
        if rule:
            yield rule
            rule = None
        if item or (text and not has_list and not line.startswith("#")):
            rule = (number, BY_HAND, item["text"].strip() if item else text)
        elif text:
            yield number, None, text
