"""Fences around data in prompts: tags that a text from a person or a model cannot open or close."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Final

from scai_cli.text.characters import folded

TAGS = (
    "persona", "task", "conversation", "message", "answer", "constitution", "rating", "candidate", "principle",
    "critique", "rejected",
)  # fmt: skip

_ALIKE: Final = {"a": "4@", "e": "3", "i": "1lL|", "l": "1iI|", "o": "0", "s": "5$"}
"""ASCII characters that look like a letter."""
_OTHERS: Final = {c: {*map(chr, range(128))} - {c, c.upper(), *_ALIKE.get(c, "")} for c in ascii_lowercase}
"""ASCII characters that do not; any character beyond ASCII may."""
_NAMES: Final = "|".join("".join(f"[^{re.escape(''.join(_OTHERS[c]))}]" for c in tag) for tag in TAGS)
_TAG: Final = re.compile(rf"<(?=[^\w<>‹!-.:-\[\]-~]*(?:{_NAMES})(?!\w))")
"""The `<` of what a model may take for a tag of ours."""
_OPENING: Final = re.compile(
    r"[<\uff1c\ufe64\u02c2\u1438\u16b2\u227a\u22d6\u276c\u276e\u2770\u27e8\u3008]|\\u003c|\\x3c|%3c", re.IGNORECASE
)
"""A `<`, what looks like it, and its escapes; entities are read before."""
_DISGUISE: Final = re.compile(rf"[&\uff06\ufe60]|{_OPENING.pattern}", re.IGNORECASE)
_AMPERSAND: Final = re.compile(r"&(?:amp;|#0*38;|#x0*26;)+|&#x?[0-9a-f]{99,}", re.IGNORECASE)
"""An `&` that is an entity itself, or a number too long to be read."""
_BREAKS: Final = re.compile(r"[\"<>\s]+")
_OPEN = re.compile(rf"<({'|'.join(TAGS)})((?: [a-z_]+=\"[^\"]*\")*)>\n")
_ATTRIBUTE = re.compile(r" ([a-z_]+)=\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class Fenced:
    """A fenced text read back from a prompt, with its tag and attributes."""

    tag: str
    attributes: dict[str, str]
    text: str


def fence(tag: str, data: str, **attributes: str) -> str:
    """Put untrusted `data` between `<tag ...>` and `</tag>`; `<` becomes `‹` in what may look like a tag of ours.

    Data with a tag in disguise become `_bare`, with `‹` for each `<`.
    """
    text = _TAG.sub("‹", data)
    if _DISGUISE.search(text) and _TAG.search(bare := _bare(text)):
        text = bare.replace("<", "‹")
    return enclose(tag, text, **attributes)


def enclose(tag: str, body: str, **attributes: str) -> str:
    """Put a trusted body, of fences and our own words, between tags."""
    head = "".join(f' {key}="{_attribute(value)}"' for key, value in attributes.items())
    return f"<{tag}{head}>\n{body}\n</{tag}>"


def fenced(text: str, tag: str | None = None) -> Iterator[Fenced]:
    """Yield the outermost fences of a prompt in order, only those of `tag` if it is given."""
    at = 0
    while opening := _OPEN.search(text, at):
        name = opening[1]
        end = text.find(f"\n</{name}>", opening.end() - 1)
        if end < 0:
            return
        if tag is None or name == tag:
            yield Fenced(name, dict(_ATTRIBUTE.findall(opening[2])), text[opening.end() : max(end, opening.end())])
            at = end
        else:
            at = opening.end()


def _attribute(value: str) -> str:
    bare = _bare(value)
    return _BREAKS.sub(" ", bare if _BREAKS.search(bare) else value).strip()


def _bare(text: str) -> str:
    """Return a text as a reader may see it: without entities, hidden characters, accents, and forms of one letter."""
    for _ in range(2):  # an entity may stand for a part of another one
        text = folded(text)
        text = html.unescape(_AMPERSAND.sub("&", text)) if "&" in text else text
    return _OPENING.sub("<", text)
