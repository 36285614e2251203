"""Build HTML elements: everything that does not come from `tag` is text, and text is escaped.

There is no template, and only `inline`, which takes files of this package, puts a string into the page unescaped. A
string leads only to places on the page, an `Address` to other pages of the same server.
"""

import html
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

from scai_cli.text.characters import visible
from scai_cli.text.data_files import read_data_file

TEXTS: Final[Mapping[str, Any]] = read_data_file(__file__)
"""The prose of the page."""
_VOID: Final = frozenset({"br", "hr", "input", "link", "meta"})
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")


@dataclass(frozen=True, slots=True)
class Html:
    """Markup that is safe in a page as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Address:
    """A page of the server that the page itself comes from; ValueError for one that could lead to another host."""

    text: str

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.text):
            raise ValueError(f"{self.text!r} is not an address of this server")

    @classmethod
    def of(cls, *steps: str, anchor: str = "", **query: str | int | None) -> Self:
        """Return the address `/STEP/STEP?KEY=VALUE#ANCHOR`, with every character encoded that has a meaning there.

        Empty values and None are left out of the query.
        """
        path = "".join(f"/{_encoded(step)}" for step in steps) or "/"
        wanted = {key: value for key, value in query.items() if value not in ("", None)}
        asked = f"?{urlencode(wanted, errors='surrogatepass')}" if wanted else ""
        return cls(path + asked + (f"#{_encoded(anchor)}" if anchor else ""))


_ADDRESS: Final = re.compile(r"/(?!/)[A-Za-z0-9._~%/-]*(?:\?[A-Za-z0-9._~%=&+-]*)?(?:#[A-Za-z0-9._~%-]*)?")


def _encoded(name: str) -> str:
    return quote(name, safe="", errors="surrogatepass")


Child = Html | str | int | None | Iterable["Child"]
Attribute = str | int | bool | Address | None


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """Return an element. Strings among the children are escaped, None is left out, iterables are flattened.

    `class_` becomes `class`, `data_epoch` becomes `data-epoch`; True is an attribute without a value, None and False
    are left out. ValueError for an address that leads away from the page, and for an event handler.
    """
    text = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{text}>")
    return Html(f"<{name}{text}>{together(*children).text}</{name}>")


def note(*children: Child) -> Html:
    """Return a paragraph in small print."""
    return tag("p", *children, class_="note")


def brief(facts: Iterable[tuple[str, Child]]) -> Html:
    """Return a list of (what a reader asks, the answer)."""
    return tag("dl", (tag("div", tag("dt", title), tag("dd", answer)) for title, answer in facts), class_="brief")


def scai_command(*words: str) -> Html:
    """Return a `scai` command to copy, quoted for a shell: names of folders and people can be any text."""
    return tag("code", shlex.join(("scai", *words)))


def together(*children: Child) -> Html:
    """Join several pieces."""
    return Html("".join(_pieces(children)))


def inline(name: str, code: str) -> Html:
    """Return a `style` or `script` element with code of this package; ValueError if it would end its element."""
    if "</" in code:
        raise ValueError(f"the {name} must not contain '</'")
    return Html(f"<{name}>{code}</{name}>")


def marked(text: str) -> list[Child]:
    """Return a text with the parts between backticks as code; unchanged if one has no partner."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [text]
    return [tag("code", part) if n % 2 else part for n, part in enumerate(parts)]


def cut(text: str, most: int) -> str:
    """Return at most `most` characters of a text, ending in `…` if some are cut."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _pieces(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Html):
            yield child.text
        elif isinstance(child, str | int):
            yield html.escape(visible(str(child)), quote=False)
        elif child is not None:
            yield from _pieces(child)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.fullmatch(name) or name.startswith("on") or name == "style":
        raise ValueError(f"{name!r} is not an attribute for this page")
    if isinstance(value, Address):
        value = value.text
    elif name in ("href", "src", "action", "formaction") and not str(value).startswith(("#", "data:,")):
        raise ValueError(f"{value!r} leads away from the page")
    return f" {name}" if value is True else f' {name}="{html.escape(visible(str(value)))}"'
