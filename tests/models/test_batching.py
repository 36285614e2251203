"""Batches: each request is paid for once, whatever becomes of its batch, and the results are those of single calls."""

import asyncio
import json
import os
import re
import signal
import time
from collections import Counter
from contextlib import closing
from itertools import count
from types import SimpleNamespace

import pytest
from batch_server import BatchServer
from conftest import TINY, scai
from crash import society
from loopback import Loopback, completion

from scai_cli.errors import LimitReached
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.batching import batch as batch_files
from scai_cli.models.batching import batches, endpoint_batches
from scai_cli.models.batching.batch import Results
from scai_cli.runs.locked_folder import LockedFolder

ROWS = 3
FIRST = 2 * ROWS
"""The requests of the first batch: the first and the final answers."""
BATCHES = 3
"""Answers, critiques, revisions."""
RULES = "- Be brief.\n- Be kind.\n"
GENERATE = ("generate", "rules.md", "--n", ROWS, "--run-id", "rows", "--set", "generate.judge=none")
MODEL = ("--model", "openai:m")


@pytest.fixture(autouse=True)
def _swiftly(tmp_path, monkeypatch):
    (tmp_path / "rules.md").write_text(RULES, encoding="utf-8")
    monkeypatch.setattr(batches, "_TICK_S", 0.02)
    monkeypatch.setattr(endpoint_batches, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(endpoint_batches, "_LATE_S", 0.02)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def generate(tiny, server, *more, batch="openai"):
    where = ("--set", f"model.base_url={server.base_url}", *(("--set", f"model.batch={batch}") if batch else ()))
    return scai(*GENERATE, *MODEL, "--config", tiny, *where, *more)


def rows(tiny):
    return (tiny.parent / "runs" / "rows" / "rows.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def directly(tmp_path_factory):
    """The rows by single calls."""
    folder = tmp_path_factory.mktemp("directly")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    (folder / "rules.md").write_text(RULES, encoding="utf-8")
    with Loopback(answer=society()) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert generate(folder / "tiny.yaml", server, batch=None).code == 0
    return rows(folder / "tiny.yaml")


def once(server):
    return set(server.paid.values()) == {1}


def test_rows_by_batches_are_the_rows_by_calls(tiny, directly):
    with BatchServer() as server:
        ended = generate(tiny, server)
        assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert once(server)
    assert len(server.batches) == BATCHES  # and none of single calls
    assert f"batch 1: {FIRST} of {FIRST} requests answered" in ended.err


@pytest.mark.parametrize(
    "fault", [pytest.param(429, marks=pytest.mark.slow), 500, pytest.param("expired", marks=pytest.mark.slow), "lost"]
)
def test_lines_without_an_answer_are_asked_again(tiny, directly, fault):
    with BatchServer(fault=lambda key, times: fault if times == 1 and int(key, 16) % 2 else None) as server:
        ended = generate(tiny, server)
        assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert once(server)
    assert max(server.came.values()) == 2


@pytest.mark.slow
def test_a_line_that_never_has_an_answer_stops_the_set_resumable(tiny):
    with BatchServer(fault=lambda key, times: 500) as server:
        ended = generate(tiny, server, "--set", "limits.max_retries=1")
        assert ended.code == 4
        assert "gave up after 2 batches" in ended.err
        assert "scai resume rows" in ended.err
        server.fault = lambda key, times: None
        assert scai("resume", "rows").code == 0
    assert once(server)


@pytest.mark.parametrize("fault", [402, 401])
def test_a_resume_asks_again_what_the_endpoint_refused(tiny, directly, fault):
    with BatchServer(fault=lambda key, times: fault) as server:
        ended = generate(tiny, server, "--set", "limits.max_retries=0")
        assert ended.code == 4
        assert f"HTTP {fault}" in ended.err
        server.fault = lambda key, times: None  # the user has added credit
        ended = scai("resume", "rows")
        assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert once(server)


def test_a_refusal_alone_in_its_batch_is_the_prompts_fault_if_other_batches_have_answers(tiny):
    with BatchServer(fault=lambda key, times: 400 if len(server.batches) > 1 else None) as server:
        ended = generate(tiny, server, "--n", 1)
        assert ended.code == 0, ended.err
    assert [json.loads(row)["problem"] is not None for row in rows(tiny)] == [True]


def test_a_refusal_of_every_prompt_is_the_endpoints_fault(tiny):
    with BatchServer(fault=lambda key, times: 400) as server:
        ended = generate(tiny, server)
    assert ended.code == 4
    assert "no batch has an answer" in ended.err


def test_a_refused_prompt_is_a_problem_of_its_row(tiny):
    refused = []

    def fault(key, times):
        refused[:] = refused or [key]
        return 422 if key == refused[0] else None

    with BatchServer(fault=fault) as server:
        ended = generate(tiny, server)
        assert ended.code == 0, ended.err
    assert sum(json.loads(row)["problem"] is not None for row in rows(tiny)) == 1


@pytest.mark.parametrize("step", ["POST files", "POST batches", "GET batches/ID", "GET files/ID/content"])
def test_an_answer_that_is_lost_costs_nothing(tiny, directly, step):
    with BatchServer(dropped=[step]) as server:
        ended = generate(tiny, server)
        assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert once(server)


@pytest.mark.slow
def test_an_expired_batch_keeps_its_answers(tiny, directly):
    with BatchServer(ends="expired", fault=lambda key, times: "expired" if times < 2 else None) as server:
        assert generate(tiny, server).code == 0
    assert rows(tiny) == directly
    assert once(server)


@pytest.mark.slow
def test_an_endpoint_that_accepts_fewer_tokens_gets_smaller_batches(tiny, directly):
    with BatchServer(most=2) as server:
        ended = generate(tiny, server)
        assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert once(server)


def test_an_endpoint_without_batches_is_named(tiny):
    with Loopback() as server:
        ended = generate(tiny, server)
    assert ended.code == 4
    assert "not an endpoint with OpenAI's files and batches" in ended.err
    assert "Traceback" not in ended.err


def test_a_session_that_stops_leaves_its_batch_to_the_next(tiny, directly):
    with BatchServer(delay=600) as server:
        server.moment = lambda step: os.kill(os.getpid(), signal.SIGINT) if step == "after POST batches" else None
        ended = generate(tiny, server)
        assert ended.code == 130, ended.err
        server.moment = lambda step: None
        for batch in server.batches.values():
            batch["ready"] = 0
        server.delay = 0
        ended = scai("resume", "rows")
        assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert once(server)


@pytest.mark.parametrize("odd", ["batches", "batch", "page"])
def test_odd_answers_of_an_endpoint_are_one_line(tiny, odd):
    """An endpoint whose answers have the right form and the wrong types."""

    class Odd(BatchServer):
        def _state(self, batch):
            wrong = {"status": "failed", "errors": [7], "request_counts": [1], "created_at": "now", "metadata": ["x"]}
            return super()._state(batch) | (wrong if odd == "batch" else {})

        def _page(self, after):
            return {"data": 7} if odd == "page" else {"data": [7, {"created_at": "now", "metadata": 3}]}

    with Odd(dropped=["POST batches"] if odd != "batch" else []) as server:
        ended = generate(tiny, server)
    assert ended.code == (4 if odd == "batch" else 0), ended.err
    assert "Traceback" not in ended.err


def test_a_batch_that_the_endpoint_has_lost_is_named_with_the_remedy(tiny, directly):
    with BatchServer(delay=600) as server:
        server.moment = lambda step: os.kill(os.getpid(), signal.SIGINT) if step == "after GET batches/ID" else None
        assert generate(tiny, server).code == 130
        server.moment, server.delay = lambda step: None, 0
        server.batches.clear()
        ended = scai("resume", "rows")
        assert ended.code == 4
        assert "HTTP 404" in ended.err
        assert (
            "batch 1 is not there; use the key that it was made with, or delete batches.jsonl in runs/rows" in ended.err
        )
        (tiny.parent / "runs" / "rows" / "batches.jsonl").unlink()
        assert scai("resume", "rows").code == 0
    assert rows(tiny) == directly


def test_what_a_folder_says_of_its_batches_leads_nowhere_else(tiny, tmp_path):
    """A folder of another person's: an id that is an address, and a file of requests that is another file."""
    with BatchServer() as server:
        server.moment = lambda step: os.kill(os.getpid(), signal.SIGINT) if step == "before POST files" else None
        assert generate(tiny, server).code == 130
        server.moment = lambda step: None
        folder = tiny.parent / "runs" / "rows"
        requests = folder / "batches" / "1.requests.jsonl"
        requests.unlink()
        requests.symlink_to(tmp_path / "rules.md")
        log = (folder / "batches.jsonl").read_text(encoding="utf-8")
        with (folder / "batches.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"type":"handed_over","batch":1,"id":"../models?x"}\n')
        ended = scai("resume", "rows")
        assert ended.code == 4
        assert "not an id of a file or batch" in ended.err
        (folder / "batches.jsonl").write_text(log, encoding="utf-8")
        ended = scai("resume", "rows")
        assert ended.code == 0, ended.err
        assert not any(RULES.encode() in data for data in server.files.values())
    assert once(server)


def test_calls_that_the_limits_hold_back_do_not_hold_a_batch_back(tiny, tmp_path):
    """A call that is made directly waits until the reserved one of the batch is settled, and the batch for no call."""

    async def ask_both(pool):
        requests = [ChatRequest(f"c{n}", "user", "test", "m", (Message("user", "Hello"),)) for n in range(2)]
        try:
            async with asyncio.timeout(20):
                asked = zip(pool.models.values(), requests, strict=True)
                return await asyncio.gather(*(model.complete(r) for model, r in asked), return_exceptions=True)
        finally:
            await pool.aclose()

    with BatchServer() as server:
        two = f"roles={{assistant: {{provider: openai, name: m, base_url: '{server.base_url}', batch: openai}}}}"
        config = load_experiment(tiny, Overrides([two, "limits.calls=1"]))
        with ModelPool.connect(config) as pool, closing(LockedFolder.create_next(tmp_path / "work")) as folder:
            pool.keep_batches(folder)
            answer, refused = asyncio.run(ask_both(pool))
    assert isinstance(answer, Completion)
    assert isinstance(refused, LimitReached)


def test_a_process_that_is_busy_with_something_else_hands_its_calls_over(tiny, monkeypatch):
    used = count()
    busy = SimpleNamespace(monotonic=time.monotonic, process_time=lambda: next(used))
    monkeypatch.setattr(batches, "time", busy)
    monkeypatch.setattr(batches, "_LONG_QUIET_S", 0.1)
    with BatchServer() as server:
        ended = generate(tiny, server)
        assert ended.code == 0, ended.err


def test_calls_in_batches_count_towards_the_limits(tiny):
    with BatchServer() as server:
        ended = generate(tiny, server, "--set", "limits.calls=4")
        assert ended.code == 3
        assert len(server.paid) == 4
        assert scai("resume", "rows", "--set", "limits.calls=null").code == 0
    assert once(server)


def test_batches_cost_half(tiny):
    cost = {}
    for batch in (None, "openai"):
        with BatchServer() if batch else Loopback(answer=society()) as server:
            price = ("--set", "prices={m: {input: 1000, output: 2000}}", "--json")
            ended = generate(tiny, server, *price, batch=batch)
        assert ended.code == 0, ended.err
        cost[batch] = ended.json["usage"]["usd"]
        (tiny.parent / "runs" / "rows").rename(tiny.parent / "runs" / f"rows-{batch}")
    assert cost["openai"] == pytest.approx(cost[None] / 2)


def answered(requests, results, share=1.0):
    """Answer a file of requests, as `vllm run-batch` does."""
    answer, written = society(), Counter()
    with requests.open(encoding="utf-8") as file, results.open("w", encoding="utf-8") as out:
        for number, line in enumerate(file):
            asked = json.loads(line)
            if number and share < 1:
                out.write('{"custom_id": "' + asked["custom_id"])  # the program was killed while it wrote
                break
            body = json.loads(completion(answer(asked["body"]), asked["body"]))
            entry = {"id": "vllm", "custom_id": asked["custom_id"], "response": {"status_code": 200, "body": body}}
            out.write(json.dumps(entry) + "\n")
            written[asked["custom_id"]] += 1
    return written


def test_files_of_requests_wait_for_the_users_program(tiny, directly):
    counted, sessions = Counter(), 0
    ended = scai(*GENERATE, *MODEL, "--config", tiny, "--set", "model.batch=file")
    while ended.code == 3:
        sessions += 1
        said = ended.err.splitlines()[-1]
        command = re.search(r"`vllm run-batch -i (\S+) -o (\S+) --model m`", said)
        assert command, said
        assert "`scai resume rows`" in said
        requests, results = (tiny.parent / path for path in command.groups())
        counted += answered(requests, results, share=0.5 if sessions == 1 else 1)
        ended = scai("resume", "rows")
    assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert set(counted.values()) == {1}
    assert sessions == BATCHES + 1  # the first again for what the killed program left out


def test_a_batch_that_was_not_handed_over_does_not_hide_the_next_one(tiny, directly):
    def interrupt_at(step):
        def moment(now):
            if now == step:
                os.kill(os.getpid(), signal.SIGINT)
                raise ConnectionAbortedError  # the step is not made, or its answer is lost

        return moment

    with BatchServer(delay=60) as server:
        server.moment = interrupt_at("before POST files")
        assert generate(tiny, server).code == 130
        server.moment = interrupt_at("after POST batches")
        assert scai("resume", "rows").code == 130
        server.moment = lambda step: None
        server.batches["batch_0"]["ready"] = server.delay = 0
        assert scai("resume", "rows").code == 0
    assert rows(tiny) == directly
    assert (once(server), len(server.batches)) == (True, BATCHES)


@pytest.mark.parametrize("meanwhile", ["null", "file"])
def test_a_resume_that_does_not_collect_a_batch_says_so(tiny, meanwhile):
    with BatchServer(delay=60) as server:
        server.moment = lambda step: os.kill(os.getpid(), signal.SIGINT) if step == "before GET batches/ID" else None
        assert generate(tiny, server).code == 130
        ended = scai("resume", "rows", "--set", f"model.batch={meanwhile}")  # the server answers no single calls
        assert f"batch 1 ({FIRST} requests) at {server.base_url} may be paid for already, and is not c" in ended.err
        server.moment = lambda step: None
        server.batches["batch_0"]["ready"] = server.delay = 0
        ended = scai("resume", "rows", "--set", "model.batch=openai")
    assert (ended.code, once(server), len(server.batches)) == (0, True, BATCHES)
    assert "may be paid" not in ended.err


def test_a_resume_without_the_results_says_so_again(tiny):
    first = scai(*GENERATE, *MODEL, "--config", tiny, "--set", "model.batch=file")
    again = scai("resume", "rows")
    assert (first.code, again.code) == (3, 3)
    assert first.err.splitlines()[-1] == again.err.splitlines()[-1]


def test_an_explanation_that_waits_for_results_says_its_own_command(tiny):
    with Loopback(answer=society()) as server:
        where = ("--set", f"model.base_url={server.base_url}", "--set", "force=all")
        assert scai("run", tiny, *MODEL, "--run-id", "r", *where).code == 0
    ended = scai("explain", "r", "--set", "model.batch=file")
    assert ended.code == 3
    assert "-o runs/r/explain/batches/1.results.jsonl" in ended.err
    assert ended.err.endswith("then continue with `scai explain r`\n")


def test_a_finished_set_needs_no_endpoint(tiny):
    with BatchServer() as server:
        assert generate(tiny, server).code == 0
    assert scai("resume", "rows").code == 0


def test_only_openai_has_batches(tiny):
    ended = scai(*GENERATE, "--config", tiny, "--set", "model.batch=openai")
    checked = scai("check", tiny, "--model", "anthropic:m", "--set", "roles.user.batch=file")
    assert (ended.code, checked.code) == (2, 2)
    assert "model.batch: only the provider openai has batches" in ended.err
    assert "roles.user.batch: only the provider openai has batches, not 'anthropic'; remove the key" in checked.err


def test_a_run_says_how_many_batches_it_waits_for(tiny):
    ended = scai("check", tiny, "--model", "openai:m", "--set", "model.batch=file")
    with_endpoint = scai("check", tiny, "--model", "openai:m", "--set", "model.batch=openai", "--set", "epochs=1")
    for_a_role = scai("check", tiny, "--model", "openai:m", "--set", "roles.meta.batch=openai", "--set", "epochs=1")
    assert "it waits for at least 5 batches in a row, each for up to a day; batches suit" in with_endpoint.err
    assert "it waits for at least 1 batch in a row" in for_a_role.err
    assert "it stops at least 10 times, each time until you have answered its files; batches suit" in ended.err


def test_of_a_file_of_results_only_whole_lines_of_results_count(tmp_path, monkeypatch):
    def line(key, status, **body):
        return json.dumps({"custom_id": key, "response": {"status_code": status, "body": body}})

    deep = line("d", 200, d=1).replace('"d": 1', '"d": ' + "[" * 900 + "]" * 900)
    error = json.dumps({"custom_id": "e", "response": None, "error": {"code": "batch_expired"}})
    path = tmp_path / "r.jsonl"
    texts = [line("a", 500), line("a", 200, a=1), line("a", 500), "[]", "null", "7", "not json", "", error, "{}"]
    texts += [line("b", 200, b="\ud800"), json.dumps({"custom_id": ["x"], "response": 3})]
    texts += [line("f", 1e999), line("g", "200"), deep, '{"custom_id": "h", "response": [200]}', "[" * 10**5]
    texts += ["x" * 300, line("c", 200)[:-5]]
    path.write_text("\n".join(texts), encoding="utf-8")
    monkeypatch.setattr(batch_files, "_LONGEST", 200)
    assert Results.read(path).of("d") is None  # its line is too long
    monkeypatch.undo()
    results = Results.read(path)
    assert results.answers == 3
    assert results.of("a").status == 200
    assert json.loads(results.of("b").body) == {"b": "\ud800"}
    assert (results.of("e").status, json.loads(results.of("e").body)) == (0, {"code": "batch_expired"})
    assert [results.of(key).status for key in "fg"] == [0, 0]
    assert results.of("c") is None
