"""Write the page of the Python API, from the docstrings of `scai_cli.api`."""

from __future__ import annotations

import inspect
import re
from typing import Final

from _generator.tables import cell, table
from scai_cli import api
from scai_cli.runs.events import Event

INTRO: Final = """\
# From Python

`import scai_cli as scai`; the names below are the public API, and everything else may change without notice. `run`
and `resume` are coroutines (`await scai.run(...)` in a notebook, `asyncio.run(scai.run(...))` in a script); the
others are plain functions.
"""


def page() -> str:
    """Return the page: the example, the functions with their signatures, the classes."""
    members = {name: getattr(api, name) for name in api.__all__}
    functions = {name: member for name, member in members.items() if inspect.isfunction(member)}
    parts = [INTRO, _example(), "## Functions\n"]
    for name, function in functions.items():
        parts.append(f"### `{name}`\n\n```text\n{name}{_signature(function)}\n```\n\n{inspect.getdoc(function)}\n")
    rows = [[f"`{name}`", _summary(member)] for name, member in members.items() if name not in functions]
    return "\n".join([*parts, "## Classes\n", table(["class", ""], rows)])


def _example() -> str:
    _, _, rest = (api.__doc__ or "").partition("\n\n")
    lines = [line.removeprefix("    ") for line in rest.splitlines() if line.startswith("    ")]
    return "\n".join(["<!-- not checked: it is awaited in a notebook -->", "```text", *lines, "```", ""])


def _signature(function: object) -> str:
    lines = []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and "    *," not in lines:
            lines.append("    *,")
        text = re.sub(r"PosixPath\((.*?)\)", r"Path(\1)", str(parameter))
        text = _short(text).replace(_short(str(Event)), "Event")
        text = re.sub(r"Optional\[(.*)\](?= =)", r"\1 | None", text)
        lines.append(f"    {text},")
    return "(\n" + "\n".join(lines) + "\n)"


def _short(annotation: str) -> str:
    """Return an annotation without the modules of its types."""
    return re.sub(r"(?:[a-z_]+\.)+(?=[A-Z])", "", annotation)


def _summary(member: object) -> str:
    return cell((inspect.getdoc(member) or "").partition("\n\n")[0])
