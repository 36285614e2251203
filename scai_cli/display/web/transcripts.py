"""The transcripts of a run: all its conversations, filtered and searched by the server, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scai_cli.display.report.figures import Figures
from scai_cli.display.report.html import Html, note, tag, together
from scai_cli.display.report.sections import Run
from scai_cli.display.report.transcripts import choice, conversation, field
from scai_cli.display.web.frame import Part, View, form, of, pace
from scai_cli.display.web.library import Asked, Library
from scai_cli.display.web.runs import is_running, run_heading
from scai_cli.runs.history.conversation_search import ANSWERS, Search, read_conversations, search
from scai_cli.runs.history.excerpts import KINDS
from scai_cli.runs.history.selection import Selection

SIZE: Final = 50
"""The conversations of a page."""
MOST_CHARACTERS: Final = 20_000
"""The maximal characters of a message; the page of its call has the rest."""
_KEYS: Final = ("epoch", "persona", "task", "kind", "text")
_ANSWERS: Final = {"cut": "cut off", "withheld": "withheld", "empty": "empty", "thoughts": "thoughts removed"}


def transcripts_page(library: Library, asked: Asked) -> View:
    """Return the conversations that the query selects; raises RunError for a number that is none."""
    run = library.run(asked.name)
    found, part = _found(library, run, asked)
    talks = read_conversations(run.figures.history, set(found[part.span]), MOST_CHARACTERS)

    def call(message: str) -> Html:
        return tag("a", "exact prompt", href=of(asked.name, "call", id=message), class_="call")

    links = part.links(asked.name, "transcripts", **{key: asked.text(key) for key in _KEYS})
    content = together(
        _form(run.figures, asked),
        note(f"{part.words('conversation')}."),
        links,
        tag("div", (conversation(run.figures, talk, "", call) for talk in talks), class_="talks") if talks else None,
        None if found else _nothing(asked),
        links if talks else None,
    )
    head = run_heading(run, "transcripts")
    return View("Transcripts", head, content, [(asked.name, of(asked.name))], pace(is_running(run)))


def _found(library: Library, run: Run, asked: Asked) -> tuple[list[str], Part]:
    """Return the ids of all conversations that the query selects, and the page of them."""
    selection = Selection(asked.number("epoch"), asked.text("persona") or None, asked.text("task") or None)
    wanted, history = Search(selection, asked.text("kind"), asked.text("text")), run.figures.history
    found = library.drawn(f"transcripts {wanted}", asked.name, lambda: search(history, wanted))
    return found, Part(asked.number("page") or 1, SIZE, len(found))


def _form(run: Figures, asked: Asked) -> Html:
    history = run.history
    people = history.started.personas if history.started else {}
    tasks = history.started.tasks if history.started else ()
    said: Mapping[str, int] = history.answers.roles.get("assistant", {})
    kinds = [*((kind, kind) for kind in KINDS), *((name, _ANSWERS[name]) for name in ANSWERS if said.get(name))]
    return form(
        of(asked.name, "transcripts"),
        choice("epoch", "Epoch", [(str(e.number), run.play(e.number)) for e in history.epochs], asked.text("epoch")),
        choice("persona", "Person", [(person, run.name(person)) for person in people], asked.text("persona")),
        choice("task", "Task", [(task, task) for task in tasks], asked.text("task")),
        choice("kind", "Answers", kinds, asked.text("kind")),
        field("text", "Text", asked.text("text"), "words in it"),
        label="Filter the transcripts",
    )


def _nothing(asked: Asked) -> Html:
    if not any(asked.text(key) for key in _KEYS):
        return tag("p", "Nothing has been said yet.")
    return tag("p", "No conversation matches. ", tag("a", "Show all", href=of(asked.name, "transcripts")))
