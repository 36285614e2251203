"""Batches: each request is paid for once, whatever becomes of its batch, and the results are those of single calls."""

import json
import os
import re
import signal
from collections import Counter

import pytest
from batch_server import BatchServer
from conftest import TINY, scai
from crash import society
from loopback import Loopback, completion

from scai_cli.models.batching import batches, endpoint_batches
from scai_cli.models.batching.batch import Results

ROWS = 3
RULES = "- Be brief.\n- Be kind.\n"
GENERATE = ("generate", "rules.md", "--n", ROWS, "--run-id", "rows", "--set", "generate.judge=none")
MODEL = ("--model", "openai:m")


@pytest.fixture(autouse=True)
def _swiftly(tmp_path, monkeypatch):
    (tmp_path / "rules.md").write_text(RULES, encoding="utf-8")
    monkeypatch.setattr(batches, "_TICK_S", 0.02)
    monkeypatch.setattr(endpoint_batches, "_FIRST_WAIT_S", 0.01)
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
    assert len(server.batches) == 4  # answer, critique, revision, in a row, and no batch of single calls
    assert f"batch 1: {ROWS} of {ROWS} requests answered" in ended.err


@pytest.mark.parametrize("fault", [429, 500, "expired", "lost"])
def test_lines_without_an_answer_are_asked_again(tiny, directly, fault):
    with BatchServer(fault=lambda key, times: fault if times == 1 and int(key, 16) % 2 else None) as server:
        ended = generate(tiny, server)
        assert ended.code == 0, ended.err
    assert rows(tiny) == directly
    assert once(server)
    assert max(server.came.values()) == 2


def test_a_line_that_never_has_an_answer_stops_the_set_resumable(tiny):
    with BatchServer(fault=lambda key, times: 500) as server:
        ended = generate(tiny, server, "--set", "limits.max_retries=1")
        assert ended.code == 4
        assert "gave up after 2 batches" in ended.err
        assert "scai resume rows" in ended.err
        server.fault = lambda key, times: None
        assert scai("resume", "rows").code == 0
    assert once(server)


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


def test_an_expired_batch_keeps_its_answers(tiny, directly):
    with BatchServer(ends="expired", fault=lambda key, times: "expired" if times < 2 else None) as server:
        assert generate(tiny, server).code == 0
    assert rows(tiny) == directly
    assert once(server)


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
    assert sessions == 5  # four rounds, and the first again for what the killed program left out


def test_a_resume_that_does_not_collect_a_batch_says_so(tiny):
    with BatchServer(delay=60) as server:
        server.moment = lambda step: os.kill(os.getpid(), signal.SIGINT) if step == "before GET batches/ID" else None
        assert generate(tiny, server).code == 130
        ended = scai("resume", "rows", "--set", "model.batch=null")  # the server answers no single calls
        assert f"batch 1 ({ROWS} requests) at {server.base_url} may be paid for already, and is not c" in ended.err
        server.moment = lambda step: None
        server.batches["batch_0"]["ready"] = server.delay = 0
        ended = scai("resume", "rows", "--set", "model.batch=openai")
    assert (ended.code, once(server), len(server.batches)) == (0, True, 4)
    assert "may be paid" not in ended.err


def test_a_resume_without_the_results_says_so_again(tiny):
    first = scai(*GENERATE, *MODEL, "--config", tiny, "--set", "model.batch=file")
    again = scai("resume", "rows")
    assert (first.code, again.code) == (3, 3)
    assert first.err.splitlines()[-1] == again.err.splitlines()[-1]


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


def test_of_a_file_of_results_only_whole_lines_of_results_count(tmp_path):
    def line(key, status, **body):
        return json.dumps({"custom_id": key, "response": {"status_code": status, "body": body}})

    error = json.dumps({"custom_id": "e", "response": None, "error": {"code": "batch_expired"}})
    path = tmp_path / "r.jsonl"
    texts = [line("a", 500), line("a", 200, a=1), line("a", 500), "[]", "null", "7", "not json", "", error, "{}"]
    texts += [line("b", 200, b="\ud800"), json.dumps({"custom_id": ["x"], "response": 3}), line("c", 200)[:-5]]
    path.write_text("\n".join(texts), encoding="utf-8")
    results = Results.read(path)
    assert results.answers == 2
    assert results.of("a").status == 200
    assert json.loads(results.of("b").body) == {"b": "\ud800"}
    assert (results.of("e").status, json.loads(results.of("e").body)) == (0, {"code": "batch_expired"})
    assert results.of("c") is None
