"""Fences around data in prompts: tags that a text from a person or a model cannot open or close."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TAGS = (
    "persona", "task", "conversation", "message", "answer", "constitution", "rating", "candidate", "principle",
    "critique",
)  # fmt: skip

_TAG = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(TAGS)})\b)", re.IGNORECASE)
_OPEN = re.compile(rf"<({'|'.join(TAGS)})((?: [a-z_]+=\"[^\"]*\")*)>\n")
_ATTRIBUTE = re.compile(r" ([a-z_]+)=\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class Fenced:
    """A fenced text read back from a prompt, with its tag and attributes."""

    tag: str
    attributes: dict[str, str]
    text: str


def fence(tag: str, data: str, **attributes: str) -> str:
    """Put untrusted `data` between `<tag ...>` and `</tag>`; `<` becomes `‹` in tags of ours inside it."""
    return enclose(tag, _TAG.sub("‹", data), **attributes)


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
    return re.sub(r"[\"<>\s]+", " ", value).strip()
