"""The openai provider: what it sends, what it refuses before a call, what its messages never tell."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import FAULTS, Loopback, Reply

from scai_cli.errors import CallFailed, CallTransient, ConfigError
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message, Sampling, Usage
from scai_cli.models.endpoint import Endpoint
from scai_cli.models.openai import OpenAIModel, connect
from scai_cli.models.refusals import Refusal

KEY = "sk-test-4711-abcdefghijklmnop"
TRANSPORTS = ("aiohttp", "plain")


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MY_KEY"):
        monkeypatch.delenv(name, raising=False)


def request(text="Hello", *, schema=None, **sampling):
    return ChatRequest("c1", "user", "rating", "tiny", (Message("user", text),), Sampling(**sampling), schema)


def ask(config, *requests):
    async def main():
        model = connect(config, seed=0)
        try:
            return [await model.complete(each) for each in requests]
        finally:
            await model.aclose()

    return asyncio.run(main())


def config(server=None, *, base_url=None, **keys):
    return ModelSettings(provider="openai", name="tiny", base_url=server.base_url if server else base_url, **keys)


def body(asked, **keys):
    async def main():
        model = connect(config(**keys), seed=0)
        assert isinstance(model, OpenAIModel)
        await model.aclose()
        return model.body(asked)

    return asyncio.run(main())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_sends_the_request_and_reads_the_answer(transport, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Loopback() as server:
        (answer,) = ask(
            config(server, options={"transport": transport, "top_k": 5}),
            request("Grüße, 世界", temperature=0.5, top_p=0.9, max_tokens=9, seed=3),
        )
    assert answer == Completion("You said: Grüße, 世界", usage=Usage(2, 4), model="tiny")
    (received,) = server.requests
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.body == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Grüße, 世界"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 9,
        "seed": 3,
        "top_k": 5,
    }


def test_both_transports_send_the_same_headers(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Loopback() as server:
        for transport in TRANSPORTS:
            ask(config(server, options={"transport": transport}), request())
    first, second = ({k: v for k, v in r.headers.items() if k != "host"} for r in server.requests)
    assert first == second


def test_the_endpoint_comes_from_the_environment_if_the_config_has_none(monkeypatch):
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("MY_KEY", KEY)
        ask(config(api_key_env="MY_KEY"), request())
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_local_server_needs_no_key():
    with Loopback() as server:
        ask(config(server), request())
    assert len(server.requests) == 1


def test_tokens_that_nobody_counted_are_estimated():
    with Loopback(script=["no-usage"]) as server:
        (answer,) = ask(config(server), request("x" * 400))
    assert answer.usage == Usage(100, 103)


def test_the_seed_can_be_kept_back():
    assert "seed" not in body(request(seed=3), base_url="http://127.0.0.1:1/v1", send_seed=False)


def test_openai_itself_is_sent_max_completion_tokens(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for url in (None, "https://api.openai.com/v1", "https://x.openai.azure.com/openai/v1/"):
        monkeypatch.setenv("OPENAI_BASE_URL", url or "")  # the owner's word that the key may go there
        sent = body(request(max_tokens=9), base_url=url)
        assert sent["max_completion_tokens"] == 9
        assert "max_tokens" not in sent


CLOSED = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({**CLOSED, "additionalProperties": True}, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "$defs": {"B": {"type": "object"}}}, False),
    ],
)
def test_a_schema_is_sent_where_the_server_knows_them(schema, strict):
    asked, url = request(schema=schema), "http://127.0.0.1:1/v1"
    assert "response_format" not in body(asked, base_url=url)
    sent = body(asked, base_url=url, structured="json_schema")
    form = {"name": "rating", "schema": schema, "strict": strict}
    assert sent["response_format"] == {"type": "json_schema", "json_schema": form}
    assert "schema" not in sent


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, ["OPENAI_API_KEY", "base_url"]),
        ({"base_url": "http://127.0.0.1:1/v1", "api_key_env": "MY_KEY"}, ["MY_KEY is not set"]),
        ({"base_url": "localhost:8000"}, ["base_url", "http://"]),
        ({"base_url": "http://127.0.0.1:99999/v1"}, ["base_url"]),
        ({"base_url": "http://h/v1", "options": {"transport": "pigeon"}}, ["transport", "pigeon", "aiohttp"]),
        ({"base_url": "http://h/v1", "options": {"stream": True}}, ["options.stream"]),
    ],
)
def test_what_can_be_known_before_a_call_is_a_config_error(keys, words):
    with pytest.raises(ConfigError) as caught:
        connect(config(**keys), seed=0)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_a_model_needs_a_name():
    with pytest.raises(ConfigError, match=r"model\.name"):
        connect(ModelSettings(provider="openai", base_url="http://127.0.0.1:1/v1"), seed=0)


def test_a_key_that_cannot_be_one_is_refused_without_being_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel-geheim")
    with pytest.raises(ConfigError) as caught:
        connect(config(), seed=0)
    assert "geheim" not in str(caught.value)


def test_the_key_is_in_no_answer_and_no_thoughts_and_no_unused_response(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Loopback(script=["ok", "paid-error"], answer=lambda asked: f"<think>{KEY}?</think>It is {KEY}.") as server:
        monkeypatch.setitem(
            FAULTS, "paid-error", lambda asked, good: Reply(body=good.replace(b'"index"', b'"error":1,"index"'))
        )
        (answer,) = ask(config(server), request())
        with pytest.raises(CallTransient) as caught:
            ask(config(server), request())
    assert (answer.text, answer.thoughts) == ("It is [secret].", "[secret]?")
    assert caught.value.response is not None
    assert caught.value.response.text == "<think>[secret]?</think>It is [secret]."
    assert caught.value.response.output_tokens > 0


@pytest.mark.parametrize("key", ["ollama", "none", "x", "EMPTY", "123"])
def test_a_word_in_the_place_of_a_key_stays_in_the_answers(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with Loopback(answer=lambda asked: f"The next text names {key}.") as server:
        (answer,) = ask(config(server), request())
    assert answer.text == f"The next text names {key}."


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_key_is_in_no_message_even_if_the_server_echoes_it(transport, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for text in (KEY, f"bad key {KEY}" * 40, f"{'x' * 190}{KEY}"):
        with Loopback(script=["400-echo"]) as server, pytest.raises(CallFailed) as caught:
            ask(config(server, options={"transport": transport}), request(text))
        assert KEY[:8] not in str(caught.value)
        assert len(str(caught.value)) < 280


def test_a_server_s_text_is_cut_and_cleaned():
    with Loopback(script=["400-text"]) as server, pytest.raises(CallFailed) as caught:
        ask(config(server), request())
    text = str(caught.value)
    assert "HTTP 400: [31mno [0m really xxx" in text
    assert text.isprintable()
    assert len(text) < 280


@given(st.text(), st.text(), st.integers(0, 3))
def test_a_quoted_text_is_one_printable_line_without_the_key(before, after, times):
    endpoint = Endpoint(urlsplit("http://h/v1"), KEY, "OPENAI_API_KEY")
    quoted = endpoint.quote(before + KEY * times + after)
    assert KEY not in quoted
    assert len(quoted) <= 200
    assert quoted.isprintable()


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_many_calls_at_once(transport):
    async def main(url):
        model = connect(config(base_url=url, options={"transport": transport}), seed=0)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(model.complete(request(str(n)))) for n in range(200)]
        await model.aclose()
        return [task.result().text for task in tasks]

    with Loopback(latency=0.05) as server:
        assert asyncio.run(main(server.base_url)) == [f"You said: {n}" for n in range(200)]


def test_the_client_is_imported_only_when_it_is_opened():
    code = "import sys, scai_cli.models.openai; print({'openai', 'httpx2', 'aiohttp'} & sys.modules.keys())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, float("inf")),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_retry_after_in_every_form(headers, seconds):
    assert Refusal(429, "", headers).wait == seconds


def test_retry_after_as_a_date_is_the_time_until_then():
    then = datetime.now(UTC) + timedelta(hours=1)
    before = then.replace(microsecond=0) - datetime.now(UTC)
    seconds = Refusal(429, "", {"retry-after": format_datetime(then)}).wait
    assert before.total_seconds() >= seconds >= (then.replace(microsecond=0) - datetime.now(UTC)).total_seconds()
