"""The response cache: what is kept, what is not, and that a run which uses it is the run without it."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from conftest import calls, scai
from crash import EXPERIMENT, comparable, society
from filelock import FileLock
from loopback import Loopback
from virtual_time import run as run_async

from scai_cli.errors import CacheError, CallFailed
from scai_cli.messages import ChatRequest, Completion, Message, Sampling, Usage
from scai_cli.models.cache import Cache, CachedModel, cache_path

SHORT = EXPERIMENT.replace("epochs: 4", "epochs: 2")


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("SCAI_CACHE", str(tmp_path / "kept" / "answers.sqlite3"))
    return tmp_path / "kept" / "answers.sqlite3"


def request(text="hello", seed=1, schema=None, **sampling):
    return ChatRequest("c", "user", "p", "m", (Message("user", text),), Sampling(seed=seed, **sampling), schema)


class Counting:
    """A model that says how often it was asked."""

    def __init__(self, finish="stop", text=None):
        self.asked, self.finish, self.text = 0, finish, text

    async def complete(self, request):
        self.asked += 1
        text = f"answer {self.asked}" if self.text is None else self.text
        return Completion(text, self.finish, Usage(10, 3), "m-1", latency_s=1.0, retries=2)

    async def aclose(self):
        return


def ask(cache, model, *requests, place=None):
    async def main():
        cached = CachedModel(model, cache, place or {"address": "here"})
        return [await cached.complete(request) for request in requests]

    return run_async(main())


@pytest.fixture
def cache(path):
    cache = Cache.open(path)
    yield cache
    cache.close()


def kept(path):
    """How many answers the file holds."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT count(*) FROM answers").fetchone()[0]


def test_an_answer_is_asked_for_once(cache):
    model = Counting()
    first, second = ask(cache, model, request(), request())
    assert model.asked == 1
    assert first.source == "model"
    assert second == Completion("answer 1", "stop", Usage(10, 3), "m-1", 0.0, 0, "cache")


def test_it_outlives_its_process_and_holds_any_text(cache, path):
    model = Counting(text="\0 \u2028 \U0001f600 {} \\ \" '; DROP TABLE answers")
    ask(cache, model, request())
    cache.close()
    again = Cache.open(path)
    (found,) = ask(again, model, request())
    again.close()
    assert (found.text, model.asked) == (model.text, 1)


@pytest.mark.parametrize(
    "other",
    [
        request("hello "),
        request(seed=2),
        request(seed=None),
        request(temperature=0.0),
        request(max_tokens=9),
        request(schema={"name": "form"}),
        ChatRequest("c", "user", "p", "other", (Message("user", "hello"),), Sampling(seed=1)),
        ChatRequest("c", "user", "p", "m", (Message("system", "hello"),), Sampling(seed=1)),
        ChatRequest("c", "user", "p", "m", (Message("user", "hel"), Message("user", "lo")), Sampling(seed=1)),
    ],
)
def test_another_request_is_another_answer(cache, other):
    model = Counting()
    ask(cache, model, request(), other)
    assert model.asked == 2


def test_the_place_of_a_call_does_not_matter_but_that_of_the_model_does(cache):
    model = Counting()
    moved = ChatRequest("e9/other", "assistant", "q", "m", (Message("user", "hello"),), Sampling(seed=1))
    ask(cache, model, request(), moved)
    assert model.asked == 1
    ask(cache, model, request(), place={"address": "there"})
    assert model.asked == 2


@pytest.mark.parametrize("finish", ["length", "content_filter", "refusal", "error"])
def test_what_may_come_out_better_is_asked_for_again(cache, path, finish):
    model = Counting(finish)
    ask(cache, model, request(), request())
    assert model.asked == 2
    assert kept(path) == 0


def test_an_empty_answer_and_a_failure_are_not_kept(cache):
    empty = Counting(text="")
    ask(cache, empty, request(), request())
    assert empty.asked == 2

    class Failing(Counting):
        async def complete(self, request):
            self.asked += 1
            raise CallFailed("no")

    failing = Failing()
    for _ in range(2):
        with pytest.raises(CallFailed):
            ask(cache, failing, request())
    assert failing.asked == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no database at all, but long enough to be read as one" * 30, "the cache cannot be used"),
        (None, "not a cache of scai; set SCAI_CACHE to another file"),
        ("folder", "the cache cannot be used: unable to open database file"),
    ],
)
def test_a_foreign_or_broken_file_is_one_line_and_stays_as_it_is(path, tiny, content, said):
    path.parent.mkdir(exist_ok=True)
    if content == "folder":
        path.mkdir()
    elif content is None:
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE bookmarks (url TEXT)")
        database.close()
    else:
        path.write_bytes(content)
    before = None if path.is_dir() else path.read_bytes()
    called = scai("run", tiny, "-q", "--set", "cache=true")
    assert called.code == 2
    assert len(called.lines) == 1
    assert str(path) in called.err
    assert said in called.err
    assert before is None or path.read_bytes() == before
    assert not (tiny.parent / "runs").exists()


def test_a_cache_of_another_version_is_refused(cache, path):
    cache._do("PRAGMA user_version = 99", ())
    with pytest.raises(CacheError, match="written by another version of scai"):
        Cache.open(path)


def test_a_file_that_breaks_in_the_middle_of_a_run_costs_no_answer(cache, path, monkeypatch):
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    cache._database.execute("PRAGMA busy_timeout = 50")
    (answer,) = ask(cache, Counting(), request())
    holder.close()
    assert answer.text == "answer 1"
    assert "database is locked; wait for the other process; the run continues without it" in cache.problem
    (answer,) = ask(cache, Counting(), request())
    assert answer.source == "model"


WRITER = """
import asyncio, sys
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.cache import Cache, CachedModel
from pathlib import Path
class Model:
    async def complete(self, request):
        return Completion(request.messages[0].content * 50)
async def main():
    cache = Cache.open(Path(sys.argv[1]))
    model = CachedModel(Model(), cache, {})
    for n in range(300):
        text = f"{sys.argv[2] if n % 2 else 'both'} {n} "
        found = await model.complete(ChatRequest("c", "user", "p", "m", (Message("user", text),)))
        assert found.text == text * 50
    assert cache.problem is None, cache.problem
    cache.close()
asyncio.run(main())
"""


def test_several_processes_write_one_file(path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"w{n}"], stderr=subprocess.PIPE) for n in range(4)
    ]
    for writer in writers:
        error = writer.communicate(timeout=120)[1]
        assert writer.returncode == 0, error
    assert kept(path) == 150 + 4 * 150


OPENER = """
import sys
from pathlib import Path
from scai_cli.models.cache import Cache
print("ready", flush=True)
sys.stdin.readline()
for n in range(100):
    Cache.open(Path(sys.argv[1]) / f"{n}.sqlite3").close()
"""


@pytest.mark.slow
def test_several_processes_make_one_file(tmp_path):
    command = [sys.executable, "-c", OPENER, str(tmp_path)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    openers = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for opener in openers:
        assert opener.stdout.readline() == b"ready\n"
    for opener in openers:
        opener.stdin.write(b"go\n")
        opener.stdin.flush()
    errors = [opener.communicate(timeout=120)[1] for opener in openers]
    assert errors == [b"", b"", b""]


@pytest.mark.slow
def test_a_file_that_another_process_prepares_for_too_long_is_an_error(path):
    path.parent.mkdir()
    with (
        FileLock(f"{path}.lock"),
        pytest.raises(CacheError, match="another process is preparing the cache; wait until it ends"),
    ):
        Cache.open(path)


@pytest.fixture
def server():
    with Loopback(answer=society()) as server:
        yield server


@pytest.fixture
def config(tmp_path, server):
    config = tmp_path / "crash.yaml"
    config.write_text(SHORT.replace("URL", server.base_url))
    return config


def test_a_second_run_costs_nothing_and_comes_to_the_same(tmp_path, server, config):
    assert scai("run", config, "-q", "--set", "cache=true", "--run-id", "one").code == 0
    asked = len(server.requests)
    second = scai(
        "run",
        config,
        "-q",
        "--set",
        "cache=true",
        "--json",
        "--run-id",
        "two",
        "--set",
        "limits.calls=1",
        "--set",
        "limits.tokens=1",
    )
    assert second.code == 0  # nothing counts against the limits
    assert len(server.requests) == asked
    assert second.json["calls"] == 0
    assert second.json["usage"]["input_tokens"] == second.json["usage"]["output_tokens"] == 0
    one, two = tmp_path / "runs" / "one", tmp_path / "runs" / "two"
    assert comparable(one) == comparable(two)
    assert {call["source"] for call in calls(one)} == {"model"}
    assert {call["source"] for call in calls(two)} == {"cache"}
    assert all(call["usage"]["output_tokens"] > 0 for call in calls(two))
    assert scai("resume", "two", "-q", "--json").json["calls"] == 0


@pytest.mark.slow
def test_it_is_off_by_default_and_no_part_of_the_experiment(server, config, path):
    assert scai("run", config, "-q").code == 0
    assert not path.exists()
    assert scai("run", config, "-q", "--run-id", "half", "--set", "limits.calls=30").code == 3
    assert scai("resume", "half", "-q", "--set", "cache=true", "--set", "limits.calls=9999").code == 0
    assert kept(path) > 0
    assert scai("run", config, "-q", "--set", "cache=true", "--set", "cache=false", "--run-id", "without").code == 0
    assert "cache: true" not in (config.parent / "runs" / "without" / "config.yaml").read_text()


@pytest.mark.slow
def test_another_seed_asks_anew(server, config):
    assert scai("run", config, "-q", "--set", "cache=true").code == 0
    asked = len(server.requests)
    assert scai("run", config, "-q", "--set", "cache=true", "--seed", "6").code == 0
    assert len(server.requests) == 2 * asked


def test_where_it_is(monkeypatch, tmp_path):
    assert cache_path() == tmp_path / "kept" / "answers.sqlite3"
    monkeypatch.delenv("SCAI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_path() == tmp_path / "scai" / "cache.sqlite3"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_path() == tmp_path / "home" / ".cache" / "scai" / "cache.sqlite3"


def test_a_run_without_it_makes_no_cache(tiny, path):
    assert scai("run", tiny, "-q").code == 0
    assert not path.exists()


def test_the_log_of_a_cached_call_is_json_like_any_other(config):
    scai("run", config, "-q", "--set", "cache=true", "--run-id", "one")
    scai("run", config, "-q", "--set", "cache=true", "--run-id", "two")
    one, two = (calls(config.parent / "runs" / name) for name in ("one", "two"))
    assert one[0].keys() == two[0].keys()
    key = {call["id"]: json.dumps(call["request"]) for call in one}
    assert all(key[call["id"]] == json.dumps(call["request"]) for call in two)


def test_thoughts_are_kept_apart_and_those_in_older_rows_are_found(cache, path):
    class Thinking(Counting):
        async def complete(self, request):
            self.asked += 1
            return Completion("yes", usage=Usage(10, 3), thoughts="Hm.")

    model = Thinking()
    asked = [ask(cache, model, request())[0] for _ in range(2)]
    assert [(answer.text, answer.thoughts, answer.source) for answer in asked] == [
        ("yes", "Hm.", "model"),
        ("yes", "Hm.", "cache"),
    ]
    for text, times in (("<think>Old.</think>no", 1), ("<think>Old.", 2)):  # an empty answer is asked for again
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE answers SET answer = ?", (json.dumps([text, "stop", 10, 3, "m-1"]).encode(),))
        (answer,) = ask(cache, model, request())
        assert (answer.text, model.asked) == ("no" if times == 1 else "yes", times)
