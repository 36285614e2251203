"""`scai chat`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from scai_cli.cli import options
from scai_cli.errors import CallFailed, RunError
from scai_cli.messages import ending
from scai_cli.text.characters import clean, json_line, one_line

if TYPE_CHECKING:
    from scai_cli.jobs.chat import ChatSession
    from scai_cli.runs.events import MessageSaid


def chat(
    run: options.Run,
    persona: Annotated[
        str | None,
        options.one_of("personas", "--persona", "Chat as this persona; rules for this persona alone apply, too."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="Show a second answer, under an earlier version: `start` or its number.",
            metavar="VERSION",
        ),
    ] = None,
    model: options.Model = None,
    settings: options.Set = None,
    max_usd: options.MaxUsd = None,
    trust: options.Trust = False,
    as_json: options.Json = False,
    runs_dir: options.RunsDir = options.RUNS,
) -> None:
    """Chat with the assistant under a run's constitution. Each line is a message; /help lists the commands."""
    from scai_cli.experiment.load import Overrides
    from scai_cli.jobs.chat import open_chat
    from scai_cli.runs.find import find_run

    overrides = Overrides(options.with_limit(settings, max_usd), model)
    seen = _print_line if as_json else lambda _: None
    chat = open_chat(find_run(runs_dir, run), persona, overrides, seen, against=against, trust=trust)
    with chat.naming_transcript():
        try:
            talk(chat, as_json)
        finally:
            chat.close()  # inside, since a second Ctrl-C while it closes leaves the same transcript


def talk(chat: ChatSession, as_json: bool) -> None:
    """Handle each line until the input ends; raise the error that ends the chat, a failed call only from a pipe."""
    from scai_cli.display.terminal.chat import print_head, tell

    typed = sys.stdin.isatty()
    if typed:
        print_head(chat.dialogues, chat.persona.called if chat.persona else None)
    for line in _typed(as_json, len(chat.dialogues)) if typed else _piped():
        try:
            if not _do_line(chat, line, as_json):
                break
        except (CallFailed, RunError) as error:
            if not typed:  # a script stops where it went wrong
                raise
            tell(f"scai: {error}")
            if isinstance(error, CallFailed):
                tell("type /again to retry, or another message to replace this one")
    if typed and chat.directory is not None:
        tell(f"saved in {chat.directory.folder.path}")


def _do_line(chat: ChatSession, line: str, as_json: bool) -> bool:
    """Handle one line; return False for a line that ends the chat."""
    from scai_cli.display.terminal.chat import print_answers, print_help, tell

    word, _, rest = line.partition(" ")
    if not line.startswith("/") or line.startswith("//"):
        if line.strip():
            chat.say(line[1:] if line.startswith("//") else line)
            _answer(chat, as_json)
    elif word == "/quit":
        return False
    elif word == "/again":
        _answer(chat, as_json)
    elif word == "/rate":
        for dialogue, rating in zip(chat.dialogues, chat.rate(rest), strict=True):
            which = f"{dialogue.name}: " if len(chat.dialogues) > 1 else ""
            tell(f"{which}rated {rating.value:g} for {rating.metric}")
    elif word == "/help":
        print_help(len(chat.dialogues))
    elif word == "/system":
        texts = [(dialogue.name, dialogue.started.system_message) for dialogue in chat.dialogues]
        tell("\n\n".join(text for _, text in texts)) if as_json else print_answers(texts, headed=len(texts) > 1)
    else:
        raise RunError(f"{word}: unknown command; /help lists the commands, //{word[1:]} sends it as a message")
    return True


def _answer(chat: ChatSession, as_json: bool) -> None:
    """Ask for the answers, and print those that came, even where another failed."""
    from scai_cli.display.terminal.chat import print_answers, tell, waiting
    from scai_cli.display.terminal.consoles import err

    console, asked = err(), [dialogue for dialogue in chat.dialogues if dialogue.unanswered]
    waiting(console, True)
    try:
        chat.answer()
    finally:
        waiting(console, False)
        if not as_json:
            answered = [dialogue for dialogue in asked if not dialogue.unanswered]
            print_answers([(d.name, d.messages[-1].content) for d in answered], headed=len(chat.dialogues) > 1)
    for message in (dialogue.messages[-1] for dialogue in asked):
        if note := _unusual(message):
            tell(f"warning: {note}")


def _unusual(message: MessageSaid) -> str | None:
    """Return a warning about an answer that is cut off, empty or otherwise unusual, or None."""
    ended = ending(message.finish_reason)
    if ended == "cut":
        return "the answer was cut off (max_tokens): raise model.max_tokens"
    if ended != "whole":
        return f"the answer ended in an unusual way ({one_line(str(message.finish_reason), 60)}) and may be incomplete"
    return None if message.content.strip() else "the answer is empty; its response is in calls.jsonl"


def _typed(as_json: bool, answers: int) -> Iterator[str]:
    """Yield lines typed at a terminal; readline edits them unless stdout is a pipe or carries JSON."""
    from scai_cli.display.terminal.chat import print_commands
    from scai_cli.jobs.interruption import ctrl_c_ends_input

    edited = sys.stdout.isatty() and not as_json
    if edited:
        with suppress(ModuleNotFoundError):  # Windows has none: its console edits lines itself
            import readline

            readline.parse_and_bind("set enable-bracketed-paste on")
    while True:
        print_commands(answers)
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
    """Yield the lines of a file or a pipe."""
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def _print_line(line: bytes) -> None:
    print(json_line(json.loads(line)), flush=True)  # noqa: T201 - data for stdout
