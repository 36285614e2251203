"""Write the page of the commands, with their arguments and options, from the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer.main

from _generator.tables import cell, code, table
from scai_cli.cli import app

INTRO = """\
# Commands

stdout carries data, stderr carries progress and messages. `NO_COLOR`, pipes and `--quiet` are respected. `RUN` is a
run's id, a unique prefix of one, a path, or `latest`. `scai COMMAND --help` prints the same text.
"""
OF_TYPER = {"install_completion", "show_completion", "help"}


def page() -> str:
    """Return the whole page."""
    root: Any = typer.main.get_command(app)
    commands = list(_walk("scai", root))
    overview = table(
        ["command", ""], ([f"[`{name}`](#{anchor(name)})", cell(command.help or "")] for name, command in commands)
    )
    own = [parameter for parameter in root.params if parameter.name not in OF_TYPER]
    general = f"`scai` alone takes {', '.join(f'{code(p.opts[0])} ({_lower(p.help)})' for p in own)}.\n"
    return "\n".join([INTRO, overview, general, *(_section(name, command) for name, command in commands)])


def anchor(name: str) -> str:
    """Return the anchor of a command's heading."""
    return name.replace(" ", "-")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _walk(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(f"{path} {name}", command)
        elif not command.hidden:
            yield f"{path} {name}", command


def _section(name: str, command: Any) -> str:
    parameters = [p for p in command.params if p.name not in OF_TYPER and not getattr(p, "hidden", False)]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option"]
    usage = " ".join([name, *(_usage(argument) for argument in arguments), *(["[OPTIONS]"] if options else [])])
    parts = [f"## `{name}`\n", f"{cell(command.help or '')}\n", f"```text\n{usage}\n```\n"]
    if parameters:
        rows = [[_named(p), _said(p.help), _default(p)] for p in (*arguments, *options)]
        parts.append(table(["option", "", "default"], rows))
    return "\n".join(parts)


def _said(text: str | None) -> str:
    """Return a help text, with options marked as code."""
    return cell(re.sub(r"(?<![`\w])(--[a-z][\w-]*(?: [\w.]+=[\w.,]+)?)", r"`\1`", text or ""))


def _usage(argument: Any) -> str:
    many = "" if argument.nargs == 1 or argument.metavar.endswith("...") else "..."
    name = f"{argument.metavar}{many}"
    return name if argument.required else f"[{name}]"


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return code(parameter.metavar)
    names = [*sorted(parameter.opts, key=len), *parameter.secondary_opts]
    if parameter.is_flag:
        return ", ".join(map(code, names))
    choices = parameter.metavar or _choices(parameter)
    return ", ".join(map(code, names[:-1])) + (", " if names[1:] else "") + code(f"{names[-1]} {choices}".rstrip())


def _choices(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    values = getattr(annotation, "__args__", ())
    return "|".join(map(str, values)) if values and all(isinstance(v, str) for v in values) else "N"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    shown = []
    if not getattr(parameter, "is_flag", False) and parameter.show_default and parameter.default not in (None, (), ""):
        default = parameter.default
        shown.append(code(", ".join(map(str, default)) if isinstance(default, (list, tuple)) else str(default)))
    if parameter.envvar:
        shown.append(code(f"${parameter.envvar}"))
    return ", ".join(reversed(shown))
