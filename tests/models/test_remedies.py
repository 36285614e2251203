"""What an endpoint does not accept: certain remedies are applied once and reported, others are named."""

import asyncio
import re
import socket
import threading
from pathlib import Path

import pytest
from conftest import calls, scai
from loopback import FAULTS, LIBRARY, Loopback, Reply, error

from scai_cli.errors import ConfigError, EndpointFailed, ParameterRefused, ProviderError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Message, Sampling
from scai_cli.models.gate import Gate, GateSettings
from scai_cli.models.openai import connect

TURNS = (Message("system", "Be brief."), Message("user", "Hello"), Message("assistant", "Hi"), Message("user", "Bye"))
CALL = ChatRequest("c", "user", "test", "tiny", TURNS, Sampling(0.5, 0.9, 9, 3))


@pytest.fixture
def refuse(monkeypatch):
    """A function that makes the fault `refuses`: the reply to a request that has one of the keys, else the answer."""

    def make(**replies):
        def reply(asked, good):
            keys = {*asked, *(message["role"] for message in asked["messages"])}
            return next((reply for key, reply in replies.items() if key in keys), Reply(body=good))

        monkeypatch.setitem(FAULTS, "refuses", reply)
        return Loopback(odds={"refuses": 1.0})

    return make


def ask(server, *requests, **keys):
    """The outcomes of the requests, all at once, and what the user is told."""
    told = []

    async def one(gate, request):
        try:
            return await gate.complete(request)
        except ProviderError as failed:
            return failed

    async def main():
        model = ModelSettings(provider="openai", name="tiny", base_url=server.base_url, **keys)
        gate = Gate(connect(model, seed=0), GateSettings(backoff_s=0.01), notices=told.append)
        try:
            return await asyncio.gather(*(one(gate, request) for request in requests))
        finally:
            await gate.aclose()

    return asyncio.run(main()), told


def unsupported(key):
    return error(400, f"Unsupported parameter: '{key}' is not supported with this model.", "unsupported_parameter")


def test_a_refused_seed_is_left_out_and_told(refuse):
    with refuse(seed=unsupported("seed")) as server:
        (first, second), told = ask(server, CALL, CALL)
    assert first.adapted == second.adapted == ("seed: left out",)
    assert (first.retries, second.retries) == (0, 0)
    assert [("seed" in received.body) for received in server.requests] == [True, True, False, False]
    assert len(set(told)) == 1
    assert "send_seed: false" in told[0]


def test_a_refused_max_tokens_is_sent_by_its_other_name(refuse):
    with refuse(max_tokens=unsupported("max_tokens"), seed=unsupported("seed")) as server:
        (outcome,), told = ask(server, CALL)
    assert set(outcome.adapted) == {"max_tokens: sent as max_completion_tokens", "seed: left out"}
    assert server.requests[-1].body["max_completion_tokens"] == 9
    assert len(told) == 2


def test_a_limit_that_is_refused_by_both_names_stops_the_run(refuse):
    names = ("max_tokens", "max_completion_tokens")
    with refuse(**{name: unsupported(name) for name in names}) as server:
        (outcome,), _ = ask(server, CALL)
    assert isinstance(outcome, EndpointFailed)
    assert "refused, too; remove model.max_tokens" in str(outcome)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("temperature", "start a new run with --set model.temperature=null"),
        ("top_p", "start a new run with --set model.top_p=null"),
        ("top_k", "remove model.options.top_k and start a new run"),
    ],
)
def test_a_remedy_that_changes_the_answers_is_named(refuse, key, remedy):
    with refuse(**{key: unsupported(key)}) as server:
        (outcome,), told = ask(server, CALL, options={"top_k": 5})
    assert isinstance(outcome, EndpointFailed)
    assert remedy in str(outcome)
    assert (len(server.requests), told) == (1, [])


def test_refused_log_probabilities_are_the_caller_s_to_decide(refuse):
    request = ChatRequest("c", "meta", "comparison", "tiny", TURNS, logprobs=5)
    for status in (400, 403, 422):
        with refuse(logprobs=error(status, "You are not allowed to request logprobs from this model")) as server:
            (outcome,), _ = ask(server, request)
        assert isinstance(outcome, ParameterRefused)
        assert outcome.parameter == "logprobs"


def test_a_refused_system_role_names_the_key_and_the_key_helps(refuse):
    refusal = error(400, "System role not supported")
    with refuse(system=refusal) as server:
        (outcome,), _ = ask(server, CALL)
        assert isinstance(outcome, EndpointFailed)
        assert "--set model.system_role=merge" in str(outcome)
        (merged,), _ = ask(server, CALL, system_role="merge")
        (developer,), _ = ask(server, CALL, system_role="developer")
    assert merged.text == developer.text == "You said: Bye"
    sent = [[(m["role"], m["content"]) for m in received.body["messages"]] for received in server.requests]
    assert sent[1] == [("user", "Be brief.\n\nHello"), ("assistant", "Hi"), ("user", "Bye")]
    assert sent[2] == [("developer", "Be brief."), ("user", "Hello"), ("assistant", "Hi"), ("user", "Bye")]


def test_merging_without_a_user_message_makes_one(refuse):
    request = ChatRequest("c", "meta", "test", "tiny", (Message("system", "Be brief."),))
    with Loopback() as server:
        ask(server, request, system_role="merge")
    assert server.requests[0].body["messages"] == [{"role": "user", "content": "Be brief."}]


def failed(url, transport="aiohttp"):
    """The error of one call, without the gate's retries."""
    options = {"transport": transport}

    async def main():
        model = connect(ModelSettings(provider="openai", name="tiny", base_url=url, options=options), seed=0)
        try:
            await model.complete(CALL)
        except ProviderError as error:
            return error
        finally:
            await model.aclose()

    return asyncio.run(main())


def test_a_wait_beside_the_error_is_read(refuse):
    with refuse(seed=Reply(503, b'{"error": "Model tiny is loading", "estimated_time": 20.0}')) as server:
        assert failed(server.base_url).retry_after == 20


def test_an_empty_body_is_called_so(refuse):
    with refuse(seed=Reply()) as server:
        assert "HTTP 200, but no chat completion (an empty body)" in str(failed(server.base_url))


def answer_in_clear(server):
    with server.accept()[0] as client:
        client.recv(1 << 16)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("transport", ["aiohttp", "plain"])
def test_a_connection_that_fails_is_said_in_plain_words_with_a_remedy(refuse, monkeypatch, transport):
    refused = "Connection refused"
    at_port_9 = f"{refused} (through the proxy in HTTP_PROXY, if NO_PROXY does not exclude the host)"
    with refuse(seed=Reply(407)) as server, socket.create_server(("127.0.0.1", 0)) as no_tls:
        threading.Thread(target=answer_in_clear, args=[no_tls], daemon=True).start()
        address = server.base_url.removesuffix("/v1")
        cases = [
            ({}, "http://127.0.0.1:9/v1", f"{refused}; check that the server is up"),
            ({}, f"https://127.0.0.1:{no_tls.getsockname()[1]}/v1", "the server does not speak TLS at this address"),
            ({"HTTP_PROXY": "http://127.0.0.1:9"}, "http://h.invalid/v1", f"{at_port_9}; is the proxy up"),
            ({"HTTP_PROXY": address}, "http://h.invalid/v1", "HTTP 407: no reason given; write the user name"),
        ]
        for variables, url, words in cases:
            with monkeypatch.context() as patched:
                for name, value in variables.items():
                    patched.setenv(name, value)
                message = str(failed(url, transport))
            assert words in message
            assert not re.search(LIBRARY, message)


def test_extra_body_and_extra_headers_do_what_they_say():
    with Loopback() as server:
        ask(server, CALL, options={"extra_body": {"top_k": 5}, "extra_headers": {"X-Title": "scai"}, "min_p": 0.1})
    (received,) = server.requests
    assert (received.body["top_k"], received.body["min_p"], received.headers["x-title"]) == (5, 0.1, "scai")
    assert not {"extra_body", "extra_headers"} & received.body.keys()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"extra_body": [1]}, "model.options.extra_body: not a mapping"),
        ({"extra_body": {"stream": True}}, "model.options.stream: cannot be set"),
        ({"extra_headers": {"X-Title": "für"}}, "model.options.extra_headers.X-Title: cannot be sent"),
        ({"extra_headers": {"X-Title": "a\nb"}}, "model.options.extra_headers.X-Title: cannot be sent"),
        ({"extra_headers": {"X Title": "a"}}, "model.options.extra_headers.X Title: cannot be sent"),
        ({"extra_headers": {"transfer-encoding": "chunked"}}, "transfer-encoding: cannot be sent"),
        ({"extra_headers": {"hOST": "stranger.example"}}, "hOST: cannot be sent"),  # a shared server would pass it on
        ({"extra_query": {"a": 1}}, "model.options.extra_query: cannot be set"),
    ],
)
def test_options_that_cannot_be_sent_are_config_errors(options, words):
    with pytest.raises(ConfigError) as caught:
        connect(ModelSettings(provider="openai", name="m", base_url="http://h/v1", options=options), seed=0)
    assert words in str(caught.value)


def test_a_key_in_extra_headers_is_refused_at_check(tiny):
    called = scai("check", tiny, "--set", "model.options={extra_headers: {Authorization: Bearer sk-1}}")
    assert called.code == 2
    assert "api_key_env" in called.err
    assert "sk-1" not in called.err


def test_a_remedy_is_printed_once_with_quiet_and_logged(refuse, tiny):
    with refuse(seed=unsupported("seed")) as server:
        options = ("--model", "openai:m", "--set", f"model.base_url={server.base_url}", "--set", "epochs=1")
        called = scai("run", tiny, *options, "--quiet", "--force")
    assert [line for line in called.lines if "seed is left out" in line] == [called.lines[0]]
    logged = [call for call in calls(Path("runs") / "tiny") if call.get("source") == "model"]
    assert logged
    assert all(call["adapted"] == ["seed: left out"] for call in logged)
