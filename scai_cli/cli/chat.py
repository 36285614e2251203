"""`scai chat`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli.options import (
    RUNS,
    Cached,
    Json,
    MaxCalls,
    MaxTokens,
    MaxUsd,
    Model,
    Run,
    RunsDir,
    Set,
    Trust,
    limits,
)
from scai_cli.errors import CallFailed, Interrupted, RunError
from scai_cli.messages import clean

if TYPE_CHECKING:
    from scai_cli.jobs.chat import ChatSession


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(chat)


def chat(
    run: Run,
    persona: Annotated[
        str | None, typer.Option("--persona", help="Talk as this persona: its clauses apply.", metavar="ID")
    ] = None,
    version: Annotated[
        int | None,
        typer.Option("--version", help="This version of the constitution; the product if left out.", metavar="N"),
    ] = None,
    resume: Annotated[int | None, typer.Option("--resume", help="Go on with this saved chat.", metavar="N")] = None,
    go_on: Annotated[bool, typer.Option("--continue", help="Go on with the chat begun last.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the saved chats.")] = False,
    show: Annotated[int | None, typer.Option("--show", help="Print this saved chat.", metavar="N")] = None,
    model: Model = None,
    settings: Set = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    cache: Cached = None,
    trust: Trust = False,
    as_json: Json = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Talk with the assistant under a run's constitution. A line is a message, /help tells more."""
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.chat import ChatOptions, last_chat, open_chat
    from scai_cli.runs.find import find_run

    path = find_run(runs_dir, run)
    _one_of(resume is not None, go_on, listed, show is not None)
    if listed or show is not None:
        _print_saved(path, show, as_json)
        return
    number = last_chat(path).number if go_on else resume
    if number is not None and (persona is not None or version is not None):
        raise RunError("a chat goes on as it began; leave out --persona and --version")
    bounds = limits(max_calls, max_tokens, max_usd, None, cache)
    overrides = Overrides([*(settings or ()), *bounds], model)
    chat = open_chat(path, ChatOptions(persona, version, number, trust), overrides, _print_line if as_json else _pass)
    try:
        try:
            talk(chat, as_json)
        finally:
            chat.close()  # here, since a second Ctrl-C while it closes has the same remedy
    except Interrupted as error:
        raise chat.told(error) from None


def talk(chat: ChatSession, as_json: bool) -> None:
    """Take line by line until there is no more; raises what ends the talk, and what left the last message alone."""
    from scai_cli.display.terminal.chat import print_answer, print_head, tell
    from scai_cli.simulation.agent import model_name

    typed = sys.stdin is not None and sys.stdin.isatty()
    if typed:
        print_head(chat.started, model_name(chat.config.model))
        if chat.messages:
            tell(f"({len(chat.messages)} messages so far)")
            if not chat.unanswered:
                print_answer(chat.messages[-1].content)
    for line in _typed(as_json) if typed else _piped():
        try:
            if not _do(chat, line, as_json):
                break
        except (CallFailed, RunError) as error:
            if not typed:  # a script stops where it went wrong
                raise
            tell(f"scai: {error}")
            if isinstance(error, CallFailed):
                tell("/again asks once more; another message takes the place of this one")
    if typed and chat.directory is not None:
        tell(f"saved; go on with `{chat.resume_command}`")


def _do(chat: ChatSession, line: str, as_json: bool) -> bool:
    """What one line asks for; False if it is to leave."""
    from scai_cli.display.terminal.chat import HELP, print_answer, tell

    word, _, rest = line.partition(" ")
    if not line.startswith("/") or line.startswith("//"):
        if line.strip():
            _answer(lambda: chat.say(line[1:] if line.startswith("//") else line), as_json)
    elif word == "/quit":
        return False
    elif word == "/again":
        _answer(chat.again, as_json)
    elif word == "/rate":
        rated = chat.rate(rest)
        tell(f"rated {rated.value:g} for {rated.metric}")
    elif word == "/help":
        tell("\n".join(HELP))
    elif word == "/system":
        tell(chat.started.system_message) if as_json else print_answer(chat.started.system_message)
    else:
        raise RunError(f"there is no {word}; /help tells what there is, and //{word[1:]} says it")
    return True


def _answer(ask: Callable[[], object], as_json: bool) -> None:
    from scai_cli.display.terminal.chat import print_answer, waiting
    from scai_cli.display.terminal.consoles import err
    from scai_cli.runs.events import MessageSaid

    console = err()
    waiting(console, True)
    try:
        said = ask()
    finally:
        waiting(console, False)
    if isinstance(said, MessageSaid) and not as_json:
        print_answer(said.content)


def _typed(as_json: bool) -> Iterator[str]:
    """Lines typed at a terminal, edited by readline where the prompt may stand on stdout."""
    from scai_cli.jobs.interruption import ctrl_c_ends_input

    edited = sys.stdout.isatty() and not as_json
    if edited:
        import readline

        readline.parse_and_bind("set enable-bracketed-paste on")
    while True:
        try:
            with ctrl_c_ends_input():
                if edited:
                    line = input("> ")
                else:
                    sys.stderr.write("> ")
                    sys.stderr.flush()
                    line = sys.stdin.readline()
                    if not line:
                        raise EOFError
        except EOFError:
            sys.stderr.write("\n")
            return
        yield clean(line.rstrip("\n"))


def _piped() -> Iterator[str]:
    """Lines of a file or a pipe."""
    if sys.stdin is None:
        return
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def _print_saved(path: Path, show: int | None, as_json: bool) -> None:
    from scai_cli.display.terminal.chat import as_object, print_chat, print_chats
    from scai_cli.runs.chat_directory import all_chats, read_chat
    from scai_cli.text.json_text import json_line

    if show is None:
        records = all_chats(path)
        print(json_line([as_object(record) for record in records])) if as_json else print_chats(records)  # noqa: T201
        return
    record = read_chat(path, show)
    if not as_json:
        print_chat(record)
        return
    for event in (record.started, *record.messages, *record.ratings):
        print(json_line(event.model_dump(mode="json")))  # noqa: T201 - data for stdout


def _print_line(line: bytes) -> None:
    from json import loads

    from scai_cli.text.json_text import json_line

    print(json_line(loads(line)), flush=True)  # noqa: T201 - data for stdout


def _pass(_: bytes) -> None:
    """Nothing to print: answers are printed as they come."""


def _one_of(*chosen: bool) -> None:
    if sum(chosen) > 1:
        raise RunError("--resume, --continue, --list and --show exclude each other; take one")
