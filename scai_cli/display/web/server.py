"""The server of `scai view`: routes, and what keeps the pages to this machine and to their own code."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from traceback import extract_tb
from typing import Final

from aiohttp import web

from scai_cli import __version__
from scai_cli.concurrency import in_thread
from scai_cli.display.report.charts import chart, drawn, undrawn
from scai_cli.display.report.html import tag
from scai_cli.display.web.calls import call_page, calls_page
from scai_cli.display.web.comparison import comparison_page
from scai_cli.display.web.folders import folder_page
from scai_cli.display.web.frame import COMPARISON, IDLE_S, View, heading, page
from scai_cli.display.web.library import MOST_RUNS, Asked, Library
from scai_cli.display.web.listing import listing
from scai_cli.display.web.runs import details_page
from scai_cli.display.web.transcripts import transcripts_page
from scai_cli.errors import ScaiError, from_system
from scai_cli.jobs.interruption import Interruption
from scai_cli.jobs.local_server import Handler, foreign, serving
from scai_cli.jobs.session import run_on_loop
from scai_cli.text.characters import one_line

HOST: Final = "127.0.0.1"
_LAST_WAIT_S: Final = 1.0
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache, private",
}

Draw = Callable[[Library, Asked], View]
PAGES: Final[Mapping[str, Draw]] = {
    "/": listing,
    COMPARISON.text: comparison_page,
    "/runs/{name}": folder_page,
    "/runs/{name}/details": details_page,
    "/runs/{name}/transcripts": transcripts_page,
    "/runs/{name}/calls": calls_page,
    "/runs/{name}/call": call_page,
}
"""Address -> what draws its page."""
_FILES: Final = {
    "style.css": ("scai_cli.display.report", "text/css"),
    "script.js": ("scai_cli.display.report", "text/javascript"),
    "view.css": ("scai_cli.display.web", "text/css"),
    "view.js": ("scai_cli.display.web", "text/javascript"),
}


def view(runs: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the pages about a folder of runs until a signal comes; `ready` gets their address.

    Port 0 takes a free one. Raises ConfigError for a port that cannot be used.
    """

    async def job() -> None:
        ended = asyncio.Event()
        with Interruption(lambda _: ended.set()):
            async with serving(make_app(runs), HOST, port, _LAST_WAIT_S) as origin:
                ready(origin)
                # The first chart takes a second longer than the others; a page that needs it says if it fails.
                await asyncio.gather(in_thread(_draw), return_exceptions=True)
                await ended.wait()

    # Imported now, as altair breaks while another thread is about to import it.
    import numpy  # noqa: F401

    run_on_loop(job())


def make_app(runs: Path) -> web.Application:
    """Return the application, which reads files and writes none."""
    library = Library(runs)
    app = web.Application(middlewares=[_guarded])
    for address, draw in PAGES.items():
        app.router.add_get(address, _shown(library, draw))
    for name in _FILES:
        app.router.add_get(f"/{name}", _file(name))
    return app


def _draw() -> None:
    if not undrawn():
        drawn([chart().mark_point().encode(x="x:Q")], [{"x": 1}], (10, 10), "")


def _shown(library: Library, draw: Draw) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        asked, state = Asked(_names(request), {key: request.query[key] for key in request.query}), ""
        try:
            state = await in_thread(lambda: library.state(asked.names))
            if state and request.headers.get("If-None-Match") == _tag(state):
                return web.Response(status=304, headers={"ETag": _tag(state)})
            view = await in_thread(lambda: draw(library, asked))
        except (ScaiError, OSError) as error:
            view, state = _problem(from_system(error) or error, 422 if state else 404), ""
        except Exception as error:  # noqa: BLE001 - what is in one folder must not harm the other pages
            view, state = _problem(_unforeseen(error), 500), ""
        return _answer(request, view, state or _digest(view.content.text))

    return answer


def _names(request: web.Request) -> list[str]:
    """Return the folders that the page is about: the one in the path, or those to compare, each once."""
    if "name" in request.match_info:
        return [request.match_info["name"]]
    named = request.query.getall("run", []) if request.path == COMPARISON.text else []
    return list(dict.fromkeys(named))[: MOST_RUNS + 1]


def _answer(request: web.Request, view: View, state: str) -> web.Response:
    headers = {"ETag": _tag(state)}
    if request.headers.get("If-None-Match") == _tag(state):
        return web.Response(status=304, headers=headers)
    return web.Response(text=page(view, _tag(state)), status=view.status, headers=headers, content_type="text/html")


def _problem(error: Exception, status: int) -> View:
    return _message("This cannot be shown", str(error), status, every=IDLE_S)


def _unforeseen(error: Exception) -> ScaiError:
    """Return an error of a kind that no reader of files foresees, in one line with its place in the code."""
    place = extract_tb(error.__traceback__)[-1]
    what = one_line(f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}", 400)
    return ScaiError(f"a file of it has values that scai cannot use ({what}); restore it from a copy, or report this")


def _message(title: str, words: str, status: int, every: int = 0) -> View:
    return View(title, heading(title), tag("p", words, class_="caution"), every=every, status=status)


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what comes from pages of other sites, and set the headers of every answer."""
    if problem := foreign(request, HOST):
        response: web.StreamResponse = web.Response(text=f"{problem}\n", status=403)
    else:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            words = {404: "There is no page at this address.", 405: "These pages can only be read."}
            view = _message("No page", words.get(error.status, error.reason), error.status)
            response = _answer(request, view, "")
    response.headers.update(_HEADERS)
    return response


def _file(name: str) -> Handler:
    package, kind = _FILES[name]
    text = resources.files(package).joinpath(name).read_text(encoding="utf-8")
    state = _tag(_digest(text))

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == state:
            return web.Response(status=304)
        return web.Response(text=text, content_type=kind, charset="utf-8", headers={"ETag": state})

    return answer


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _tag(state: str) -> str:
    return f'"{__version__}-{state}"'
