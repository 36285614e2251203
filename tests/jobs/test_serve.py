"""`scai serve` over real sockets: with OpenAI's own client, with plain HTTP, and before a recording endpoint."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import TINY, calls, scai
from loopback import FAULTS, Loopback, error
from openai import AsyncOpenAI, BadRequestError, NotFoundError, RateLimitError
from serving import Server, reply_on, serve_for, serving
from waiting import until

USER = {"role": "user", "content": "How do I make tea?"}
RULE = "Mention the sea.\n"
KEY = "the-secret-key-of-this-test"


@pytest.fixture(scope="module")
def served(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(finished, folder / "runs" / "tiny")
    with serving("tiny", cwd=folder) as server:
        yield server


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.md"
    path.write_text(f"- {RULE}")
    return path


def before(upstream: Loopback, *more: object) -> tuple[object, ...]:
    return ("rules.md", "--model", "openai:m", "--set", f"model.base_url={upstream.base_url}", *more)


async def all_of(server: Server, **given: Any) -> list[Any]:
    async with AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(model="tiny", messages=[USER], stream=True, **given)
        return [chunk async for chunk in stream]


async def one_of(server: Server, messages: Any = (USER,), **given: Any) -> Any:
    async with AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client:
        return await client.chat.completions.create(**{"model": "tiny", "messages": messages, **given})


def test_the_client_of_openai_gets_an_answer_under_the_constitution(served: Server) -> None:
    answer = asyncio.run(one_of(served))
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert [model["id"] for model in served.request("GET", "/v1/models").json["data"]] == ["simulated", "tiny"]


def test_a_stream_has_the_same_pieces_as_openais(served: Server) -> None:
    chunks = asyncio.run(all_of(served, stream_options={"include_usage": True}))
    *said, end, usage = chunks
    assert said[0].choices[0].delta.role == "assistant"
    assert len("".join(chunk.choices[0].delta.content for chunk in said)) > 100
    assert (end.choices[0].finish_reason, usage.choices, usage.usage.completion_tokens > 0) == ("stop", [], True)
    assert {chunk.usage for chunk in (*said, end)} == {None}
    plain = served.ask(USER, stream=True)
    assert plain.headers["content-type"] == "text/event-stream"
    assert plain.body.endswith(b"data: [DONE]\n\n")
    assert b'"usage"' not in plain.body


def test_a_stop_text_ends_the_answer(served: Server) -> None:
    whole = served.ask(USER, seed=5).json["choices"][0]["message"]["content"]
    word = whole.split()[5]
    cut = served.ask(USER, seed=5, stop=["never said", word]).json["choices"][0]
    assert (cut["message"]["content"], cut["finish_reason"]) == (whole[: whole.index(word)], "stop")
    short = served.ask(USER, seed=5, max_tokens=3).json["choices"][0]
    assert (short["message"]["content"], short["finish_reason"]) == (whole[:12], "length")


def test_unknown_models_and_parameters_are_errors_of_the_client(served: Server) -> None:
    with pytest.raises(NotFoundError, match="'gpt-9' is not served here; use simulated, tiny"):
        asyncio.run(one_of(served, model="gpt-9"))
    with pytest.raises(BadRequestError) as raised:
        asyncio.run(one_of(served, logit_bias={"5": 1}))
    assert (raised.value.param, raised.value.code) == ("logit_bias", "unsupported_parameter")


IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_k": 5}, "top_k"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
        ({"seed": 2**70}, "seed"),
        ({"stop": [""]}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"more": 1}}, "stream_options"),
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"role": "system", "content": "Be."}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "5"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "5"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, "messages[0].content[0]"),
        ({"messages": [{**USER, "name": "Ann"}]}, "messages[0].name"),
        ({"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{}]}]}, "messages[1].tool_calls"),
    ],
)
def test_a_parameter_that_is_not_forwarded_is_named(served: Server, changed: dict[str, Any], param: str) -> None:
    reply = served.request(
        "POST", "/v1/chat/completions", json.dumps({"model": "tiny", "messages": [USER], **changed}).encode()
    )
    assert (reply.status, reply.error["param"]) == (400, param)
    assert reply.error["message"].startswith(param.partition("[")[0])
    assert reply.error.keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "harmless",
    [
        {"n": 1, "user": "ann", "metadata": {"a": "b"}, "logprobs": False, "top_logprobs": None, "tools": []},
        {"frequency_penalty": 0.0, "presence_penalty": 0, "response_format": {"type": "text"}, "logit_bias": {}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "How do I "}] * 2}]},
        {"messages": [USER, {"role": "assistant", "content": None, "refusal": None, "tool_calls": []}, USER]},
        {"messages": [{"role": "user", "content": "a lone \ud800"}]},
    ],
)  # fmt: skip
def test_what_changes_no_answer_is_accepted(served: Server, harmless: dict[str, Any]) -> None:
    assert served.ask(USER, **harmless).status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"[" * 100_000, b"\xff\xfe"])
def test_a_body_that_is_no_object_is_one_error(served: Server, body: bytes) -> None:
    reply = served.request("POST", "/v1/chat/completions", body)
    assert (reply.status, reply.error["message"][:8]) == (400, "the body")


def test_paths_methods_and_sizes_are_answered_in_json(served: Server) -> None:
    assert served.request("GET", "/v1/completions").error["message"].startswith("unknown path")
    assert served.request("GET", "/v1/chat/completions").status == 405
    assert served.request("POST", "/v1/chat/completions", b"x" * (9 * 2**20)).status == 413
    assert served.request("GET", "/").body.startswith(b"scai serve: ")


@pytest.mark.usefixtures("rules")
def test_what_is_no_http_is_answered_without_a_traceback() -> None:
    def send(server: Server) -> None:
        address = urlsplit(server.base_url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n")
            assert b" 400 " in client.recv(1000)

    assert "Traceback" not in serve_for(send, "rules.md", "--model", "simulated").err


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "http://localhost:3000", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"host": "evil.example:8765"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": ""}, 403),
        ({"host": "localhost:1"}, 200),
    ],
)
def test_a_page_in_the_browser_cannot_use_it(served: Server, headers: dict[str, str], status: int) -> None:
    reply = served.request("GET", "/v1/models", **headers)
    assert reply.status == status
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_the_same_requests_get_the_same_answers_in_any_order(rules: Path) -> None:
    def said(order: str) -> dict[str, list[str]]:
        answers: dict[str, list[str]] = {}

        def ask(server: Server) -> None:
            for word in order:
                reply = server.ask({"role": "user", "content": f"What is {word}?"})
                answers.setdefault(word, []).append(reply.json["choices"][0]["message"]["content"])

        serve_for(ask, rules, "--model", "simulated")
        return answers

    first = said("aab")
    assert first == said("aba")
    assert first["a"][0] != first["a"][1]
    assert [path.name for path in sorted(Path("runs/rules-serve").iterdir())] == ["1", "2"]


def test_the_request_that_is_forwarded_has_ours_then_the_callers_system_message(
    rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, later = {"role": "developer", "content": "Be brief."}, {"role": "system", "content": "Now in French."}
    caller = {"temperature": 0.7, "top_p": 0.9, "max_completion_tokens": 50, "seed": 11}

    def ask(server: Server) -> None:
        reply = server.ask(own, USER, later, USER, model="m", **caller)
        assert reply.json["choices"][0]["message"]["content"] == f"You said: {USER['content']}"
        server.ask(model="rules")

    with Loopback() as upstream:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.base_url)
        called = serve_for(ask, rules, "--model", "openai:m", "--set", "model.temperature=0.1")
    sent, plain = (request.body for request in upstream.requests)
    system, *rest = sent["messages"]
    assert system["content"].index(RULE.strip()) < system["content"].index("Be brief.")
    assert rest == [USER, later, USER]
    assert {key: sent[key] for key in ("model", "temperature", "top_p", "max_tokens", "seed")} == {
        "model": "m",
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 50,
        "seed": 11,
    }
    assert (plain["temperature"], "top_p" in plain, plain["seed"] != 11) == (0.1, False, True)
    logged = Path("runs/rules-serve/1")
    assert [(call["id"], call["purpose"]) for call in calls(logged)] == [("serve/1", "answer"), ("serve/2", "answer")]
    assert calls(logged)[0]["request"]["messages"] == sent["messages"]
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert not [path for path in logged.iterdir() if KEY.encode() in path.read_bytes()]
    assert KEY not in called.err


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("fault", "status", "code", "said"),
    [
        ("400", 400, "context_length_exceeded", "maximum context length"),
        ("filtered", 400, "content_filter", "content filter withheld the answer"),
        ("401", 502, "endpoint_failed", "Incorrect API key provided"),
    ],
)
def test_an_endpoint_without_an_answer_is_an_http_error(fault: str, status: int, code: str, said: str) -> None:
    def ask(server: Server) -> None:
        reply = server.ask(model="m")
        assert (reply.status, reply.error["code"]) == (status, code)
        assert said in reply.error["message"]
        assert server.ask(model="m").status == (502 if status == 502 else 200)  # a refused key is refused for all

    with Loopback(script=[fault, "ok"]) as upstream:
        called = serve_for(ask, *before(upstream))
    assert called.code == 0
    assert "Traceback" not in called.err


HOT = "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported."
LONG = "max_tokens is too large: 9. This model supports at most 8 completion tokens, whereas you provided 9."
VAGUE = "Something is wrong with this request."


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("sent", "said", "param", "attempts"),
    [
        ({"temperature": 0.5}, HOT, "temperature", 1),
        ({"max_tokens": 9}, LONG, "max_tokens", 1),
        ({"seed": 5}, "Unsupported parameter: 'seed' is not supported with this model.", "seed", 2),
    ],
)
def test_a_parameter_that_the_endpoint_refuses_fails_this_call_alone(
    monkeypatch: pytest.MonkeyPatch, sent: dict[str, Any], said: str, param: str, attempts: int
) -> None:
    monkeypatch.setitem(FAULTS, "refused", lambda asked, good: error(400, said, "unsupported_parameter"))

    def ask(server: Server) -> None:
        reply = server.ask(model="m", **sent)
        assert (reply.status, reply.error["param"]) == (400, param)
        assert reply.error["message"].startswith(f"{param}: ")
        assert server.ask(model="m").status == 200
        assert server.ask(model="m", **sent).status == (400 if param == "seed" else 200)

    with Loopback(script=["refused"]) as upstream:
        assert serve_for(ask, *before(upstream)).code == 0
    assert len(upstream.requests) == attempts + (1 if param == "seed" else 2)  # a seed is left out of all from then on


@pytest.mark.usefixtures("rules")
def test_a_refusal_without_a_reason_is_tried_without_the_callers_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        FAULTS, "vague", lambda asked, good: error(400, VAGUE) if "temperature" in asked else FAULTS["ok"](asked, good)
    )

    def ask(server: Server) -> None:
        assert server.ask(model="m", temperature=0.5).error["code"] == "content_filter"
        assert server.ask(model="m").status == 200

    with Loopback(odds={"vague": 1}) as upstream:
        assert serve_for(ask, *before(upstream)).code == 0


@pytest.mark.usefixtures("rules")
def test_a_limit_is_429_and_the_server_goes_on() -> None:
    def ask(server: Server) -> None:
        assert server.ask().status == 200
        with pytest.raises(RateLimitError) as raised:
            asyncio.run(one_of(server, model="rules"))
        assert raised.value.code == "insufficient_quota"
        assert "limits.calls: reached, 1 of 1 used" in raised.value.message
        reply = server.ask()
        assert (reply.status, reply.headers["x-should-retry"]) == (429, "false")

    called = serve_for(ask, "rules.md", "--model", "simulated", "--set", "limits.calls=1")
    tokens = sum(calls(Path("runs/rules-serve/1"))[0]["usage"].values())
    assert called.code == 0
    assert called.lines[-1] == f"3 requests, 1 calls, {tokens} tokens; logged in runs/rules-serve/1"


@pytest.mark.usefixtures("rules")
def test_the_answers_under_way_are_sent_after_ctrl_c() -> None:
    chat = json.dumps({"model": "m", "messages": [USER]}).encode()

    def interrupt(server: Server) -> None:
        first = server.sent("POST", "/v1/chat/completions", chat)
        until(lambda: upstream.held)
        second = server.sent("POST", "/v1/chat/completions", chat)
        assert server.request("GET", "/v1/models").status == 200  # so that the second one is read
        server.stop()
        assert reply_on(second).error["code"] == "stopping"  # its call waits for its turn, and is not made
        upstream.release()
        assert reply_on(first).status == 200

    with Loopback(script=["hold"]) as upstream:
        called = serve_for(interrupt, *before(upstream, "--set", "limits.concurrency=1"))
    assert (called.code, len(upstream.requests)) == (0, 1)


@pytest.mark.usefixtures("rules")
def test_an_address_that_cannot_be_served_is_one_line(finished: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        called = scai("serve", "rules.md", "--model", "simulated", "--port", port)
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith(f"scai: --port {port}: cannot be served at 127.0.0.1 (")
    assert (
        scai("serve", "rules.md").err
        == "scai: rules.md: a constitution file needs a model; add --model or --config EXPERIMENT\n"
    )
    assert scai("serve", finished, "--config", "x.yaml").err.startswith("scai: --config: a run has its own experiment")
    assert scai("serve", "nobody", "--runs-dir", finished.parent).err.startswith("scai: there is no run 'nobody' in")


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_server_does_not_forward_to_itself(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    own = f"model.base_url=http://localhost:{port}/v1"
    called = scai("serve", "rules.md", "--model", "openai:m", "--set", own, "--port", port, "--host", host)
    assert called.code == 2
    assert called.err.startswith(f"scai: http://{host}:{port}/v1: the model's address is the server's own; unset")
    assert not Path("runs/rules-serve").exists()  # the next session is the first


def test_a_text_file_is_served_as_it_is_and_data_without_the_clauses_for_single_people(tmp_path: Path) -> None:
    text = f"# Title\n\nSome prose that matters.\n\n- Be warm {'and kind ' * 600}towards people."
    (tmp_path / "text.md").write_text(f"{text}\n", encoding="utf-8")
    clauses = [{"id": "C1", "text": "Talk of trains.", "for": ["einar"]}]
    data = {"principles": [{"id": "P1", "text": "Be kind."}], "contract": clauses}
    (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")
    serve_for(lambda server: server.ask(model="text"), "text.md", "--model", "simulated")
    (call,) = calls(Path("runs/text-serve/1"))
    assert call["request"]["messages"][0]["content"] == text
    called = serve_for(lambda server: server.ask(model="data"), "data.json", "--model", "simulated")
    (call,) = calls(Path("runs/data-serve/1"))
    system = call["request"]["messages"][0]["content"]
    assert "Be kind." in system
    assert "trains" not in system
    assert "left out of it: 1 of the clauses" in called.err


def test_a_run_is_served_as_everyone_gets_it(tmp_path: Path) -> None:
    own = "constitution: {principles: [Be concise.], contract: [{text: Add an example., for: [ann]}]}\n"
    (tmp_path / "own.yaml").write_text(TINY.replace("epochs: 2", "epochs: 1").replace("name: tiny", "name: own") + own)
    assert scai("run", "own.yaml", "-q").code == 0
    everyone = scai("export", "own", "--format", "system").out.rstrip("\n")
    called = serve_for(lambda server: server.ask(model="own"), "own")
    (call,) = calls(Path("runs/own/serve/1"))
    assert call["request"]["messages"][0]["content"] == everyone
    assert "Ann" not in call["request"]["messages"][0]["content"]
    assert called.err.startswith("system message: version ")
    assert f"export OPENAI_BASE_URL={called.out.strip()} OPENAI_API_KEY=none\n" in called.err


def test_foreign_code_of_a_run_needs_trust(finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "tiny"
    shutil.copytree(finished, run)
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("provider: simulated", "provider: someones:connect"))
    called = scai("serve", "tiny")
    assert (called.code, "add --trust to load it" in called.err) == (2, True)
