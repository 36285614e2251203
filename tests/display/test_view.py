"""`scai view`: pages of what is in the folder, and of nothing else, whatever an address asks for."""

from __future__ import annotations

import asyncio
import html.parser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from changed_runs import EVIL, Rows, changed, hostile
from conftest import TINY, calls, scai
from hostile_texts import EVERYTHING, TEXTS, UNSEEN
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from scai_cli.display.report.sections import read_run
from scai_cli.display.web import server
from scai_cli.display.web.calls import MOST
from scai_cli.display.web.frame import View
from scai_cli.display.web.library import Asked, Library, Shelf
from scai_cli.display.web.listing import listing
from scai_cli.display.web.server import PAGES, make_app
from scai_cli.runs.file_names import GENERATION
from scai_cli.runs.history.conversation_search import Search, read_conversations, search
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.history.selection import Selection
from scai_cli.text.characters import visible

GOLDEN = Path(__file__).parents[1] / "golden" / "v0.13"
PLACES = ("", "/details", "/transcripts", "/calls", "/call?id=e1")


@dataclass(frozen=True)
class Got:
    """An answer of the server."""

    status: int
    headers: Mapping[str, str]
    text: str


class Seen(html.parser.HTMLParser):
    """The elements, the links and the texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def links(self) -> list[str]:
        return [value or "" for name, value in self.attributes if name in ("href", "src", "action", "data-part")]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def get(runs: Path, *addresses: str, method: str = "GET", **headers: str) -> list[Got]:
    """Ask the server of a folder for each address, as it is."""

    async def asked() -> list[Got]:
        async with TestClient(TestServer(make_app(runs), host="127.0.0.1")) as client:
            found = []
            for address in addresses:
                url = URL(f"http://127.0.0.1:{client.port}{address}", encoded=True)
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                session: ClientSession = client.session
                async with session.request(method, url, headers=named, allow_redirects=False) as answer:
                    found.append(Got(answer.status, answer.headers, await answer.text()))
            return found

    return asyncio.run(asked())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of this version, a second one, and a generated set, an evaluation and a run of 0.11."""
    folder = tmp_path_factory.mktemp("view") / "runs"
    (folder.parent / "tiny.yaml").write_text(TINY, encoding="utf-8")
    for name, more in (("tiny", ()), ("second", ("--seed", "5"))):
        called = scai("run", folder.parent / "tiny.yaml", "--runs-dir", folder, "--run-id", name, "-q", *more)
        assert called.code == 0, called.err
    for name in ("rows", "verdict", "whole"):
        shutil.copytree(GOLDEN / name, folder / name)
    grid = "experiment: tiny.yaml\neach: {epochs: 1}\ngrid: {seed: [1, 2]}\n"
    (folder.parent / "study.yaml").write_text(grid, encoding="utf-8")
    shutil.copytree(folder / "tiny", folder / "study-seed-1")
    (folder / "study").mkdir()
    config = json.dumps(str(folder.parent / "tiny.yaml"))
    (folder / "study" / "sweep.yaml").write_text(
        f"name: study\ncommand: run\nexperiment: {config}\neach: {{epochs: 1}}\ngrid: {{seed: [1, 2]}}\n"
    )
    cell = {"run_id": "study-seed-1", "values": {"seed": 1}, "status": "finished", "calls": 9}
    (folder / "study" / "sweep.jsonl").write_text(json.dumps(cell) + "\n")
    return folder


@pytest.fixture(scope="module")
def pages(runs: Path) -> dict[str, Got]:
    """A page of each kind, by its address."""
    addresses = [
        "/",
        "/compare?run=tiny&run=second",
        *(f"/runs/{name}" for name in ("tiny", "whole", "rows", "verdict", "study")),
        *(f"/runs/tiny{place}" for place in PLACES[1:]),
        "/runs/rows/calls",
    ]
    return dict(zip(addresses, get(runs, *addresses), strict=True))


def test_the_command_on_the_page_of_a_set_works(pages: dict[str, Got], runs: Path) -> None:
    [command] = re.findall(r"<code>scai (export [^<]*)</code>", pages["/runs/rows"].text)
    called = scai(*shlex.split(command), "--runs-dir", runs)
    assert (called.code, Path("rows/README.md").is_file()) == (0, True), called.err


def test_every_kind_of_page_is_shown(pages: dict[str, Got]) -> None:
    for address, got in pages.items():
        assert got.status == 200, f"{address}: {Seen(got.text).text}"
        seen = Seen(got.text)
        assert seen.tags.count("h1") == 1, address
        assert all(link.startswith(("/", "#", "data:,")) and not link.startswith("//") for link in seen.links)
        ids = [value for name, value in seen.attributes if name == "id"]
        assert len(ids) == len(set(ids)), address


def test_every_link_leads_to_a_page(runs: Path, pages: dict[str, Got]) -> None:
    links = dict.fromkeys(link.partition("#")[0] for got in pages.values() for link in Seen(got.text).links)
    links.pop("", None)
    some = [link for n, link in enumerate(links) if link.startswith("/") and n % 7 == 0] + ["/style.css", "/view.js"]
    assert len(some) > 20
    assert {got.status for got in get(runs, *some)} == {200}


def test_every_answer_keeps_the_browser_to_this_server(runs: Path) -> None:
    odd = ["/", "/view.js", "/nothing", "/runs/nothing", "/runs/tiny?x=1", "/runs/tiny/transcripts?epoch=x"]
    for got in [*get(runs, *odd), *get(runs, "/", method="POST"), *get(runs, "/", Host="example.org")]:
        policy = got.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Referrer-Policy"] == "no-referrer"
    assert [got.status for got in get(runs, *odd)] == [200, 200, 404, 404, 200, 422]
    assert [got.status for got in get(runs, "/", "/runs/tiny", method="HEAD")] == [200, 200]
    for method in ("POST", "PUT", "DELETE"):
        assert get(runs, "/runs/tiny", method=method)[0].status == 405


CROSS = {"Sec_Fetch_Site": "cross-site"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.org"},
        {"Host": "x:80"},
        {"Origin": "https://example.org"},
        {**CROSS, "Sec_Fetch_Mode": "no-cors"},
    ],
)
def test_web_pages_of_other_sites_are_refused(runs: Path, headers: dict[str, str]) -> None:
    (got,) = get(runs, "/runs/tiny", **headers)
    assert got.status == 403
    assert "tiny" not in got.text
    assert get(runs, "/", **CROSS, Sec_Fetch_Mode="navigate")[0].status == 200  # a link that a user follows


def test_a_page_that_has_not_changed_is_not_sent_again(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "tiny", tmp_path / "tiny")
    for address in ("/", "/runs/tiny", "/runs/tiny/details", "/runs/tiny/calls"):
        (first,) = get(tmp_path, address)
        again = get(tmp_path, address, If_None_Match=first.headers["ETag"])
        assert [(got.status, got.text) for got in again] == [(304, "")], address
    with (tmp_path / "tiny" / "events.jsonl").open("a") as file:
        file.write("\n")
    (changed_page,) = get(tmp_path, "/runs/tiny", If_None_Match=first.headers["ETag"])
    assert changed_page.status == 200


def test_a_page_is_about_what_its_address_names_and_each_once(runs: Path) -> None:
    many = "&".join(f"run={name}" for name in ("tiny", "second") * 300)
    twice, once, listed, asked = get(runs, f"/compare?{many}", "/compare?run=tiny&run=second", "/", "/?run=nothing")
    assert twice.headers["ETag"] == once.headers["ETag"]
    assert (asked.status, asked.headers["ETag"]) == (200, listed.headers["ETag"])
    too_many = "&".join(f"run={n}" for n in range(14))
    assert get(runs, f"/compare?{too_many}")[0].status == 404


def test_slow_pages_keep_no_other_waiting(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Event()

    def slow(library: Library, asked: Asked) -> View:
        assert read.wait(20)
        return listing(library, asked)

    monkeypatch.setitem(server.PAGES, "/slow", slow)  # type: ignore[arg-type]

    async def asked() -> list[int]:
        async with TestClient(TestServer(make_app(runs), host="127.0.0.1")) as client:
            waiting = [asyncio.create_task(client.get("/slow")) for _ in range(40)]
            await asyncio.sleep(0)
            other = await client.get("/runs/tiny")
            read.set()
            return [other.status, *(answer.status for answer in await asyncio.gather(*waiting))]

    assert asyncio.run(asked()) == [200] * 41


# --- what addresses may name


@given(st.text(min_size=1, max_size=40))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    got = get(Path(GOLDEN), f"/runs/{quote(name, safe='')}")[0]
    assert got.status in (404, 400) or name in ("rows", "verdict", "whole")


ODD = (
    "..",
    "%2e%2e",
    "..%2fgolden",
    "%2fetc%2fpasswd",
    "tiny%00",
    "tiny%2f..%2ftiny",
    "%00",
    "%ff",
    "a" * 5000,
    "*",
    "~",
)


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_not_found(runs: Path, name: str) -> None:
    for place in PLACES:
        assert get(runs, f"/runs/{name}{place}")[0].status in (404, 400)
    assert get(runs, f"/compare?run={name}&run=tiny")[0].status == 404


@pytest.mark.parametrize("file", ["events.jsonl", "config.yaml", "calls.jsonl", "extra/link"])
def test_a_link_that_leads_out_is_refused(runs: Path, tmp_path: Path, file: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET\n")
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(runs / "tiny", run)
    (run / file).unlink(missing_ok=True)
    (run / file).parent.mkdir(exist_ok=True)
    (run / file).symlink_to(secret)
    for got in get(tmp_path / "runs", *(f"/runs/tiny{place}" for place in PLACES)):
        assert (got.status, "SECRET" in got.text) == (404, False)
        assert file in got.text
    (tmp_path / "runs" / "whole").symlink_to(runs / "tiny")
    assert "leads out of" in get(tmp_path / "runs", "/runs/whole")[0].text


def test_a_pipe_is_not_waited_for(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "tiny", tmp_path / "tiny")
    (tmp_path / "tiny" / "calls.jsonl").unlink()
    os.mkfifo(tmp_path / "tiny" / "calls.jsonl")
    for got in get(tmp_path, "/runs/tiny", "/runs/tiny/calls"):
        assert (got.status, "is a pipe or a device" in got.text) == (404, True)
    assert get(tmp_path, "/")[0].status == 200


DAMAGE = {
    "events.jsonl": ("", "/details", "/transcripts"),
    "calls.jsonl": ("/calls",),
    "config.yaml": ("", "/details"),
    "rows.jsonl": ("",),
    "generation.yaml": ("",),
}


@pytest.mark.parametrize(
    "bad", [b"{", b"\xff\xfe\n[]\n", b"null\n" * 3, b'{"seq":1,"time":"x","id":"run","type":"x"}\n']
)
@pytest.mark.parametrize("file", DAMAGE)
def test_a_damaged_folder_is_a_line_and_the_others_stay(runs: Path, tmp_path: Path, file: str, bad: bytes) -> None:
    names = ("whole", "rows")
    for name in names:
        shutil.copytree(runs / name, tmp_path / name)
    name = next(name for name in names if (tmp_path / name / file).exists())
    text = (tmp_path / name / file).read_bytes()
    (tmp_path / name / file).write_bytes(bad + text)
    for got in get(tmp_path, *(f"/runs/{name}{place}" for place in DAMAGE[file])):
        assert got.status == 422, Seen(got.text).text
        assert file in got.text
        assert "Traceback" not in got.text
    other = next(each for each in names if each != name)
    assert [got.status for got in get(tmp_path, "/", f"/runs/{other}")] == [200, 200]


DEEP = "[" * 200_000


def test_no_folder_takes_the_list_from_the_others(runs: Path, tmp_path: Path) -> None:
    damage = {"whole": ("events.jsonl", "calls.jsonl"), "rows": ("rows.jsonl",), "verdict": ("rows.jsonl",)}
    for name, files in damage.items():
        for file in files:
            folder, deep = (tmp_path / f"{kind}-{name}-{file}" for kind in ("folder", "deep"))
            for path in (folder, deep):
                shutil.copytree(runs / name, path)
            (folder / file).unlink()
            (folder / file).mkdir()
            with (deep / file).open("a") as log:
                log.write(f'{{"id":"r9","type":"x","x":{DEEP}}}\n')
    shutil.copytree(runs / "study", tmp_path / "study")
    (tmp_path / "study" / "sweep.jsonl").unlink()
    (tmp_path / "study" / "sweep.jsonl").mkdir()
    shutil.copytree(runs / "rows", tmp_path / "endless")
    manifest = re.sub(
        r"(?m)^orders:\n( .*\n)+", "orders: {rows: [0, .inf]}\n", (tmp_path / "endless" / GENERATION).read_text()
    )
    (tmp_path / "endless" / GENERATION).write_text(manifest)
    (listed,) = get(tmp_path, "/")
    assert listed.status == 200
    for path in tmp_path.iterdir():
        assert f">{path.name}</a>" in listed.text
        for got in get(tmp_path, *(f"/runs/{path.name}{place}" for place in ("", "/calls", "/call?id=e1"))):
            assert got.status in (200, 422), Seen(got.text).text


ODD_EVENTS: list[dict[str, object]] = [
    {"type": "rating", "value": 1e308},
    {"type": "rating", "epoch": 9},
    {"type": "rating", "conversation": ""},
    {"type": "message", "epoch": -1},
    {"type": "epoch_started", "epoch": 10**18},
    {"type": "run_finished", "version": 77},
]


@pytest.mark.parametrize("odd", ODD_EVENTS, ids=str)
def test_events_that_do_not_fit_are_one_line(runs: Path, tmp_path: Path, odd: dict[str, object]) -> None:
    changed(
        runs / "tiny", tmp_path / "odd", lambda rows: [row | odd if row["type"] == odd["type"] else row for row in rows]
    )
    for got in get(tmp_path, "/runs/odd", "/runs/odd/transcripts"):
        assert got.status == 422
        assert "does not fit those before it; restore the file from a copy" in got.text


def test_what_nobody_foresaw_is_a_page_as_the_others(runs: Path, tmp_path: Path) -> None:
    def endless(rows: Rows) -> Rows:
        for row in rows:
            row |= {"scale": [1e308, 1.7e308]} if row["type"] == "run_started" else {}
            row |= {"value": 1.1e308} if row["type"] == "rating" else {}
        return rows

    changed(runs / "tiny", tmp_path / "odd", endless)
    (got,) = get(tmp_path, "/runs/odd")
    assert got.status == 500
    assert "a file of it has values that scai cannot use (" in got.text
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    assert get(tmp_path, "/runs/odd", If_None_Match=got.headers["ETag"])[0].status == 304


def test_code_that_a_config_names_is_not_loaded(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit('loaded')\n")
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(runs / "tiny", run)
    config = (run / "config.yaml").read_text()
    assert "strategy: rewrite" in config
    (run / "config.yaml").write_text(config.replace("strategy: rewrite", "strategy: evil:run"))
    sys.path.insert(0, str(tmp_path))
    try:
        assert [got.status for got in get(tmp_path / "runs", *(f"/runs/tiny{place}" for place in PLACES))] == [200] * 5
        assert "evil" not in sys.modules
    finally:
        sys.path.remove(str(tmp_path))


# --- whatever the texts are


@pytest.mark.slow
def test_hostile_texts_stay_texts(runs: Path, tmp_path: Path) -> None:
    run = changed(runs / "tiny", tmp_path / "hostile", hostile)
    lines = [json.loads(line) for line in (run / "calls.jsonl").read_text(encoding="utf-8").splitlines()]
    for call in lines:
        said = [{"role": EVERYTHING, "content": EVERYTHING}, EVERYTHING, None, {"content": [EVERYTHING]}]
        call |= {"response": EVERYTHING, "thoughts": EVERYTHING, "model": EVERYTHING, "finish_reason": EVERYTHING}
        call["request"] |= {"messages": said, EVERYTHING[:200]: EVERYTHING}
    lines[0] |= {"id": EVERYTHING, "request": EVERYTHING}
    lines[1] |= {"error": EVERYTHING, "used": False}
    (run / "calls.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    shutil.copytree(run, tmp_path / "again")
    rows = (runs / "rows" / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    shutil.copytree(runs / "rows", tmp_path / "rows")
    text = json.dumps(EVERYTHING)
    bad = "".join(f"{json.dumps({**json.loads(line), 'prompt': '?', 'problem': '?'})}\n" for line in rows)
    (tmp_path / "rows" / "rows.jsonl").write_text(bad.replace('"?"', text), encoding="utf-8")
    name = f"tiny {TEXTS['markdown'][:40].replace('/', '|')} <b>&"
    shutil.copytree(runs / "tiny", tmp_path / name)
    filters = (
        f"?text={quote(EVIL[:300])}&persona={quote(EVIL[:99])}&kind={quote(EVIL[:99])}&id={quote(EVERYTHING[:999])}"
    )
    places = [f"/runs/hostile{place}" for place in (*PLACES, f"/transcripts{filters}", f"/calls{filters}")]
    places += [
        "/",
        "/runs/rows",
        f"/runs/rows{filters}",
        "/compare?run=hostile&run=again",
        f"/runs/{quote(name, safe='')}",
    ]
    places += [
        f"/runs/hostile/call?id={quote(EVERYTHING, safe='')}",
        f"/runs/{quote(EVIL[:300], safe='')}",
        f"/{quote(EVIL[:99])}",
    ]
    for address, got in zip(places, get(tmp_path, *places), strict=True):
        assert got.status in (200, 404), f"{address}: {got.text[:300]}"
        seen = Seen(got.text)
        assert not {"img", "iframe", "object", "embed", "a href=javascript:"} & set(seen.tags), address
        assert seen.tags.count("script") == 2, address
        assert not [key for key, _ in seen.attributes if key.startswith("on") or key == "style"], address
        assert all(link.startswith(("/", "#", "data:,")) for link in seen.links), address
        assert not UNSEEN.search(got.text.replace("\r\n", "\n")), address
    shutil.copytree(runs / "rows", tmp_path / "rows;touch x")
    (first,) = get(tmp_path, "/runs/hostile/call")
    assert Seen(first.text).texts.count("Sent") == MOST
    (copied,) = get(tmp_path, f"/runs/{quote('rows;touch x')}")
    assert "scai export 'rows;touch x' " in Seen(copied.text).text
    (shown,) = get(tmp_path, "/runs/hostile/call?id=e1")
    assert visible(EVERYTHING).splitlines()[0][:60] in Seen(shown.text).text


# --- what the pages say


def test_the_page_of_a_run_is_the_reports(runs: Path, pages: dict[str, Got]) -> None:
    run = read_run(runs / "tiny", "")
    assert run.answer.text in pages["/runs/tiny"].text
    for section in run.whole(_Links()):
        if section.anchor not in ("revisions", "again"):
            assert section.content.text in pages["/runs/tiny/details"].text, section.anchor


class _Links:
    prefix = ""

    def link(self, piece: str, words: str) -> object:
        return None


def test_transcripts_are_filtered_by_the_server(runs: Path) -> None:
    history = read_history(runs / "tiny", messages=False, ratings=False, finals=True)
    everything = search(history, Search())
    assert len(everything) == 18
    assert everything[:2] == ["e1/ann/tea", "e1/ann/sleep"]
    assert search(history, Search(Selection(epoch=2, persona="bob"))) == ["e2/bob/tea", "e2/bob/sleep"]
    assert set(search(history, Search(text="POT of TEA"))) == {name for name in everything if name.endswith("/tea")}
    assert search(history, Search(kind="cut")) == []
    assert 0 < len(search(history, Search(kind="lowest rated"))) < 18
    address = "/runs/tiny/transcripts?epoch=2&persona=bob&text=pot"
    found, none = (Seen(got.text) for got in get(runs, address, "/runs/tiny/transcripts?text=nosuchword"))
    assert found.tags.count("summary") == 1
    assert ("value", "pot") in found.attributes
    assert "1 conversation." in found.text
    assert "No conversation matches." in none.text


def test_long_lists_have_pages(runs: Path, tmp_path: Path) -> None:
    log = shutil.copytree(runs / "tiny", tmp_path / "tiny") / "calls.jsonl"
    log.write_bytes(2 * log.read_bytes())
    logged = len(calls(log.parent))
    pages = get(tmp_path, *(f"/runs/tiny/calls?page={n}" for n in (1, 2, 9)))
    first, second, beyond = (Seen(got.text) for got in pages)
    assert f"1 to 100 of {logged} calls" in first.text
    assert f"101 to {logged} of {logged} calls" in second.text
    assert "/runs/tiny/calls?page=2" in first.links
    assert "/runs/tiny/calls?page=1" in second.links
    assert "/runs/tiny/calls?page=2" in beyond.links


def test_a_call_is_shown_exactly_as_it_was_sent(runs: Path) -> None:
    call = next(call for call in calls(runs / "tiny") if call["id"] == "e2/ann/tea/m1/assistant")
    by_message, by_id = (
        Seen(got.text) for got in get(runs, "/runs/tiny/call?id=e2/ann/tea/m1", f"/runs/tiny/call?id={call['id']}")
    )
    for message in call["request"]["messages"]:
        assert visible(message["content"]) in by_id.texts
    assert call["response"] in by_id.texts
    assert call["response"] in by_message.texts
    for value in (call["finish_reason"], str(call["usage"]["input_tokens"]), str(call["retries"]), call["purpose"]):
        assert value in by_id.texts


def test_an_epoch_that_begins_while_a_page_is_drawn_waits_for_the_next(runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "tiny"
    shutil.copytree(runs / "tiny", run)
    log = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    later = next(n for n, line in enumerate(log) if b'"epoch_started"' in line and b'"id":"e2"' in line)
    (run / "events.jsonl").write_bytes(b"".join(log[:later]))
    history = read_history(run, messages=False, ratings=False, finals=True)
    (run / "events.jsonl").write_bytes(b"".join(log))
    talks = read_conversations(history, set(search(history, Search())), 100)
    assert {talk.id.partition("/")[0] for talk in talks} == {"e1"}


def test_an_empty_folder_says_what_to_do_next(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        (got,) = get(folder, "/")
        assert "scai run configs/quickstart.yaml" in got.text


def test_a_thing_is_read_once_and_few_are_kept() -> None:
    shelf, read = Shelf(2), []
    for key in (1, 1, 2, 3, 1):
        assert shelf.get(key, "", lambda key=key: read.append(key) or key) == key
    assert read == [1, 2, 3, 1]
    with pytest.raises(ZeroDivisionError):
        shelf.get(9, "", lambda: 1 // 0)
    assert shelf.get(9, "", lambda: 9) == 9
    assert shelf.get(9, "later", lambda: 10) == 10
    assert shelf.get(1, "", lambda: 0) == 1  # what 9 was before took no place


def test_every_page_is_tried(pages: dict[str, Got]) -> None:
    assert len({address.partition("?")[0].rpartition("/")[2] for address in pages}) >= len(PAGES)


# --- the command


def started(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "scai_cli", "view", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_word(tmp_path: Path, number: int) -> None:
    for process in started(tmp_path, "--port", "0"):
        address = process.stdout.readline()
        assert address.startswith("http://127.0.0.1:")
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (130, "")
        assert len(err.splitlines()) == 1


@pytest.mark.slow
def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = scai("view", "--port", port)
        assert found.code == 2
        assert f"--port {port}: cannot be served at 127.0.0.1 (Address already in use)" in found.lines[0]
    assert scai("view", "--port", "99999").code == 2
