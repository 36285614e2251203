"""The model calls of a folder: a list, and each with its exact prompt, its answer and its thoughts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, get_args

from scai_cli.display.report.html import Child, Html, cut, note, tag, together
from scai_cli.display.report.tables import table
from scai_cli.display.report.transcripts import choice, field
from scai_cli.display.web.frame import Part, View, form, heading, of, pace, tabs
from scai_cli.display.web.library import Asked, Library
from scai_cli.display.web.runs import PAGES
from scai_cli.messages import AgentRole
from scai_cli.runs.call_index import LoggedCall
from scai_cli.runs.find import is_run
from scai_cli.runs.history.event_lines import list_calls, read_calls
from scai_cli.runs.locks import is_locked
from scai_cli.text.counts import counted

SIZE: Final = 100
"""The calls of a page of the list."""
MOST: Final = 20
"""The maximal number of calls that are shown in full."""
MOST_CHARACTERS: Final = 100_000
"""The maximal characters of a text; longer ones are in calls.jsonl."""
_LONGEST, _LONGEST_FACT = 400, 20_000
"""The maximal characters of an id or a name, and of a fact about a call."""
_NO_CALL: Final = "The log has no call with this id: it is not answered yet, or it is a text that no model wrote."
OTHER_PAGES: Final = (("", "Overview"), ("calls", "Model calls"))
"""The pages of a generated set and of an evaluation."""


def calls_page(library: Library, asked: Asked) -> View:
    """Return the list of calls whose ids begin as the query says; raises RunError for a damaged line."""
    path, part = library.folder(asked.name), Part(asked.number("page") or 1, SIZE, 0)
    found: list[LoggedCall] = []
    total = 0
    for call in list_calls(path, asked.text("id"), asked.text("role")):
        if part.span.start <= total < part.span.stop:
            found.append(call)
        total += 1
    part = Part(part.number, SIZE, total)
    query = {"id": asked.text("id"), "role": asked.text("role")}
    links = part.links(asked.name, "calls", **query)
    heads = ("Call", "role", "model", "tokens in", "tokens out", "seconds", "retries", "end")
    content = together(
        form(
            of(asked.name, "calls"),
            field("id", "Call id begins with", query["id"], "e1/PERSON/TASK"),
            choice("role", "Role", [(role, role) for role in get_args(AgentRole)], query["role"]),
            label="Filter the calls",
        ),
        note(f"{part.words('call')}, in the order of {path.name}/calls.jsonl."),
        links,
        tag("div", table(heads, (_row(asked.name, call) for call in found), words=True), class_="list")
        if total
        else _nothing(asked),
        links if found else None,
    )
    return View("Model calls", _heading(path), content, [(asked.name, of(asked.name))], pace(is_locked(path)))


def call_page(library: Library, asked: Asked) -> View:
    """Return the calls with an id, or below it, in full; raises RunError for a damaged line."""
    path, wanted = library.folder(asked.name), asked.text("id")
    found = list(islice(read_calls(path, wanted or None), MOST + 1))
    below = of(asked.name, "calls", id=wanted)
    content = together(
        (_call(call, alone=len(found) == 1) for call in found[:MOST]),
        note("These are the first ", counted(MOST, "call"), "; ", tag("a", "all", href=below))
        if len(found) > MOST
        else None,
        None if found else tag("p", _NO_CALL),
    )
    trail = [(asked.name, of(asked.name)), ("Model calls", of(asked.name, "calls"))]
    title = cut(_text(found[0].get("id")) if len(found) == 1 else wanted or "Every call", 200)
    return View(title, heading(title), content, trail)


def _heading(path: Path) -> Html:
    pages = PAGES if is_run(path) else OTHER_PAGES
    return together(heading(path.name), tabs(path.name, "calls", pages))


def _row(name: str, call: LoggedCall) -> tuple[Child, Sequence[Child]]:
    usage = call.usage
    tokens = (f"{usage.input_tokens:,}", f"{usage.output_tokens:,}") if usage else ("–", "–")
    seconds = "–" if call.latency_s is None else f"{call.latency_s:.1f}"
    retries = "–" if call.retries is None else str(call.retries)
    end = f"failed: {cut(call.error, 120)}" if call.error else call.finish_reason or "–"
    shown = cut(call.id, _LONGEST)
    link = tag("a", shown, href=of(name, "call", id=call.id)) if shown == call.id else shown
    return link, [
        call.role,
        cut(call.model, _LONGEST),
        *tokens,
        seconds,
        retries,
        end if call.used else f"{end}, not used",
    ]


def _nothing(asked: Asked) -> Html:
    if not asked.text("id") and not asked.text("role"):
        return tag("p", "No call has been logged yet.")
    return tag("p", "No call matches. ", tag("a", "Show all", href=of(asked.name, "calls")))


def _call(call: Mapping[str, Any], *, alone: bool) -> Html:
    """Return one line of the log; its values are of any type, as nobody has checked them."""
    request, head = _object(call.get("request")), "h2" if alone else "h3"
    return tag(
        "section",
        None if alone else tag("h2", cut(_text(call.get("id")), _LONGEST)),
        tag(head, "Sent"),
        (_said(each.get("role"), each.get("content")) for each in map(_object, _list(request.get("messages")))),
        tag(head, "Answered" if call.get("used", True) else "Paid and not used"),
        _answered(call),
        tag(head, "Sampling and cost"),
        tag("dl", (_fact(key, value) for key, value in _facts(call, request)), class_="facts"),
    )


def _answered(call: Mapping[str, Any]) -> Iterator[Html]:
    """Yield the thoughts and the answer of a call, or why there is none."""
    thoughts, answer, problem = (call.get(key) for key in ("thoughts", "response", "error"))
    if thoughts:
        yield tag("details", tag("summary", "Thoughts"), _said("thoughts", thoughts))
    if answer:
        yield _said("assistant", answer)
    if problem := problem or call.get("reason"):
        yield tag("p", f"Failed: {_text(problem)}", class_="caution")
    elif not answer:
        yield tag("p", "The answer is empty.")


def _facts(call: Mapping[str, Any], request: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the facts about a call: the sampling as sent, then the values of its answer."""
    yield from ((key.replace("_", " "), value) for key, value in request.items() if key != "messages")
    for key in ("role", "purpose", "answered_by", "finish_reason", "latency_s", "retries", "source", "adapted"):
        if call.get(key) is not None:
            yield key.replace("_", " ").replace("latency s", "seconds"), call[key]
    for key, value in _object(call.get("usage")).items():
        yield key.replace("_", " "), value
    if tokens := _list(call.get("logprobs")):
        yield "log-probabilities", f"of {counted(len(tokens), 'token')}, in calls.jsonl"


def _fact(key: str, value: object) -> Html:
    return together(tag("dt", cut(key, _LONGEST)), tag("dd", cut(_text(value), _LONGEST_FACT)))


def _said(role: object, content: object) -> Html:
    text = _text(content)
    more = len(text) - MOST_CHARACTERS
    return tag(
        "div",
        tag("p", tag("b", cut(_text(role), _LONGEST)), class_="who"),
        tag("p", text[:MOST_CHARACTERS], class_="text", dir="auto"),
        note(f"… {more:,} more characters in calls.jsonl") if more > 0 else None,
        class_=f"message {'user' if role in ('user', 'system') else 'assistant'}",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
