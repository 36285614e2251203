"""The anthropic provider: what it sends, what it reads, and whole commands before a server that speaks the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY, Called, calls, scai
from crash import society
from messages_server import MessagesServer
from serving import Server, serve_for
from terminal import piped

from scai_cli.errors import (
    CallAdapted,
    CallTransient,
    ConfigError,
    EndpointFailed,
    KeyUntrusted,
    ParameterRefused,
    PromptRefused,
    PromptTooLong,
    ProviderError,
    Unexplained,
)
from scai_cli.experiment.config import PriceConfig
from scai_cli.experiment.model_settings import ModelChanges, ModelSettings, overlay
from scai_cli.messages import ChatRequest, Completion, Message, Sampling, Usage
from scai_cli.models.anthropic import AnthropicModel, connect
from scai_cli.models.endpoint import address, shown_address
from scai_cli.models.prices import price_of
from scai_cli.simulation.answer_forms import Edits, Feedback, form_schema

KEY = MessagesServer.key
LONG = "Be brief. " * 500
HELLO = (Message("user", "Hello"),)


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANTHROPIC_API_KEY_COMMAND", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")  # another provider's
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-provider-s-key")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[MessagesServer]:
    with MessagesServer() as server:
        yield server


def settings(server: MessagesServer | None = None, **keys: Any) -> ModelSettings:
    url = {"base_url": server.base_url} if server else {}
    return ModelSettings(**{"provider": "anthropic", "name": "claude", **url, **keys})


def request(*messages: Message, logprobs: int | None = None, schema: Any = None, **sampling: Any) -> ChatRequest:
    return ChatRequest("c", "user", "rating", "claude", messages or HELLO, Sampling(**sampling), schema, logprobs)


def ask(model: ModelSettings, *requests: ChatRequest) -> list[Completion]:
    async def main() -> list[Completion]:
        connected = connect(model, seed=0)
        try:
            return [await connected.complete(each) for each in requests or (request(),)]
        finally:
            await connected.aclose()

    return asyncio.run(main())


def play(server: MessagesServer, *played: str, **keys: Any) -> Completion:
    """Return the answer to the last of these replies; raises its error."""
    server._script.extend(played)
    return ask(settings(server, **keys))[0]


def test_a_call_sends_the_request_and_reads_the_answer(server):
    messages = (Message("system", "Be brief."), Message("user", "Grüße, 世界"))
    (answer,) = ask(settings(server), request(*messages, temperature=0.5, top_p=0.9, max_tokens=9, seed=3))
    assert answer == Completion("You said: Grüße, 世界", "end_turn", Usage(4, 11), "claude")
    assert answer.ended == "whole"
    (received,) = server.requests
    assert received.path == "/v1/messages"
    assert received.headers["x-api-key"] == KEY
    assert "authorization" not in received.headers
    assert received.body == {
        "model": "claude",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Grüße, 世界"}],
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "temperature": 0.5,
        "top_p": 0.9,
    }


def test_a_length_is_sent_always_and_a_seed_never(server):
    ask(settings(server), request(seed=3))
    assert server.requests[0].body == {"model": "claude", "max_tokens": 8192, "messages": [vars_of(HELLO[0])]}


def vars_of(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ([("user", "a"), ("user", "b")], [("user", "a\n\nb")]),
        (
            [("assistant", "a"), ("user", "b")],
            [("user", "(The conversation begins.)"), ("assistant", "a"), ("user", "b")],
        ),
        ([("system", "a")], [("user", "(The conversation begins.)")]),
        (
            [("user", "a"), ("assistant", " \n"), ("user", "b")],
            [("user", "a"), ("assistant", "(empty)"), ("user", "b")],
        ),
        ([("user", ""), ("system", "s"), ("user", "b")], [("user", "(empty)\n\nb")]),
        ([("system", " "), ("user", "b")], [("user", "b")]),
    ],
)
def test_any_conversation_is_sent_in_the_form_of_the_api(said, sent, server):
    ask(settings(server), request(*(Message(role, content) for role, content in said)))
    body = server.requests[0].body
    assert [(each["role"], each["content"]) for each in body["messages"]] == sent
    assert "system" in body or not any(role == "system" and content.strip() for role, content in said)


@pytest.mark.parametrize(
    ("played", "text", "finish", "ended"),
    [
        ("cut", "It begins", "max_tokens", "cut"),
        ("window", "It begins", "model_context_window_exceeded", "cut"),
        ("sequence", "It ends.", "stop_sequence", "whole"),
        ("pause", "It waits.", "pause_turn", "other"),
        ("tool", "", "tool_use", "other"),
        ("refused-halfway", "It begins", "refusal", "withheld"),
        ("nothing", "", "end_turn", "whole"),
    ],
)
def test_the_end_of_an_answer_is_known(played, text, finish, ended, server):
    answer = play(server, played)
    assert (answer.text, answer.finish_reason, answer.ended) == (text, finish, ended)


def test_thoughts_are_kept_apart(server):
    answer = play(server, "thinking", options={"thinking": {"type": "adaptive"}})
    assert (answer.text, answer.thoughts) == ("In two parts.", "Let me see.")
    assert server.requests[0].body["thinking"] == {"type": "adaptive"}


@pytest.mark.parametrize(
    ("played", "error", "words"),
    [
        ("429", CallTransient, "HTTP 429: This would exceed your rate limit"),
        ("529", CallTransient, "HTTP 529: "),
        ("500", CallTransient, "HTTP 500: Internal server error"),
        ("error-body", CallTransient, "HTTP 200: "),
        ("broken", CallTransient, "HTTP 200, but no chat completion"),
        ("page", CallTransient, "(Sign in); check model.base_url"),
        ("credit", EndpointFailed, "check the plan, the budget and the billing of the key in ANTHROPIC_API_KEY"),
        ("too-long", PromptTooLong, "prompt is too long"),
        ("refusal", PromptRefused, "the endpoint's content filter withheld the answer (refusal: cyber)"),
    ],
)
def test_each_failure_is_the_fault_of_what_it_is(played, error, words, server):
    with pytest.raises(ProviderError) as caught:
        play(server, played)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{server.base_url}: ")
    if played == "429":
        assert (caught.value.retry_after, caught.value.overloaded) == (0.05, True)
    if played == "refusal":
        assert caught.value.response.input_tokens == 1  # it is paid for


def test_a_wrong_key_and_an_unknown_path_stop_the_work(server, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-a-wrong-key-0123")
    with pytest.raises(EndpointFailed, match="invalid x-api-key; check the key in ANTHROPIC_API_KEY"):
        ask(settings(server))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with pytest.raises(EndpointFailed, match=r"HTTP 404: Not Found; check model\.base_url"):
        ask(settings(server, base_url=f"{server.base_url}/api"))
    with pytest.raises(EndpointFailed, match=r"HTTP 404: model: claude; check the model's name"):
        play(server, "unknown")


def test_the_key_is_in_no_text(server):
    server.answer = lambda asked: f"It is {KEY}."
    assert play(server, "ok").text == "It is [secret]."
    with pytest.raises(Unexplained, match=r"It is \[key\]\.$"):
        play(server, "echo")


def test_log_probabilities_are_refused_before_a_call(server):
    with pytest.raises(ParameterRefused) as caught:
        ask(settings(server), request(logprobs=5))
    assert caught.value.parameter == "logprobs"
    assert server.requests == []


def test_a_model_that_takes_one_of_temperature_and_top_p_gets_the_temperature(server):
    server._script.extend(["one-of"] * 3)

    async def main() -> Completion:
        model = connect(settings(server), seed=0)
        asked = request(temperature=0.5, top_p=0.9)
        with pytest.raises(CallAdapted, match="top_p is left out from now on"):
            await model.complete(asked)
        answer = await model.complete(asked)
        await model.aclose()
        return answer

    assert asyncio.run(main()).adapted == ("top_p: left out",)
    assert [each.body.keys() & {"temperature", "top_p"} for each in server.requests] == [
        {"temperature", "top_p"},
        {"temperature"},
    ]


@pytest.mark.parametrize(("form", "context"), [(Feedback, (0, 10)), (Edits, None)])
def test_a_form_is_sent_as_the_api_takes_it(form, context, server):
    schema = form_schema(form, context)
    ask(settings(server), request(schema=schema))
    model = settings(server, structured="json_schema", options={"output_config": {"effort": "low"}})
    ask(model, request(schema=schema))
    plain, formed = (each.body for each in server.requests)
    assert "output_config" not in plain
    assert formed["output_config"]["effort"] == "low"
    assert formed["output_config"]["format"]["type"] == "json_schema"
    assert formed["output_config"]["format"]["schema"]["properties"].keys() == schema["properties"].keys()


def test_bounds_leave_a_schema_but_names_stay(server):
    inner = {"type": "object", "properties": {"maximum": {"type": "integer", "maximum": 3}}}
    schema = {"type": "object", "properties": {"a": {"anyOf": [inner, {"type": "null"}]}}, "additionalProperties": True}
    ask(settings(server, structured="json_schema"), request(schema=schema))
    sent = server.requests[0].body["output_config"]["format"]["schema"]
    closed = {**inner, "properties": {"maximum": {"type": "integer"}}, "additionalProperties": False}
    assert sent == {**schema, "properties": {"a": {"anyOf": [closed, {"type": "null"}]}}, "additionalProperties": False}


def test_the_cache_is_counted(server):
    asked = request(Message("system", LONG), *HELLO)
    first, second = ask(settings(server), asked, asked)
    assert first.usage == Usage(1251, 10, 0)
    assert second.usage == Usage(1251, 10, 1250)


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "claude-opus-4-8"])
def test_prices_are_known_and_read_from_the_cache_they_are_a_tenth(name):
    price = price_of("anthropic", {})(name)
    assert price is not None
    assert price.cached_input == pytest.approx(price.input / 10)
    written, read = (price.cost(Usage(1_000_000, 0, cached)) for cached in (0, 1_000_000))
    assert (written, read) == (price.input, price.cached_input)
    assert price_of("anthropic", {name: PriceConfig(input=1, output=2)})(name) == PriceConfig(input=1, output=2)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"name": None}, "model.name: the anthropic provider needs the model's name"),
        ({"temperature": 1.5}, "model.temperature: 1.5 is over 1"),
        ({"system_role": "merge"}, "model.system_role: merge is not for Anthropic"),
        ({"options": {"stream": True}}, "model.options.stream: cannot be set"),
        ({"options": {"system": "a"}}, "model.options.system: cannot be set"),
        ({"options": {"output_config": 3}}, "model.options.output_config: not a mapping"),
        ({"base_url": "https://api.anthropic.com/v1/messages"}, "model.base_url: leave /v1/messages away"),
        ({"api_key_env": "MY_KEY"}, "the environment variable MY_KEY is not set"),
    ],
)
def test_what_can_be_known_before_a_call_is_a_config_error(keys, words):
    with pytest.raises(ConfigError) as caught:
        connect(settings(**keys), seed=0)
    assert str(caught.value).startswith(words) or words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_official_address_is_used_and_that_of_openai_is_not(monkeypatch):
    for url in (None, "https://api.anthropic.com", "https://api.anthropic.com/v1/"):
        assert address(settings(base_url=url)) == ""
        model = connect(settings(base_url=url), seed=0)
        assert isinstance(model, AnthropicModel)
        assert str(model.connection.url("messages")) == "https://api.anthropic.com/v1/messages"
        assert model.connection.endpoint.key == KEY
    assert shown_address(settings()) == "https://api.anthropic.com"
    saved = settings(base_url="http://127.0.0.1:1/v1", base_url_from="environment")
    assert shown_address(saved) == "https://api.anthropic.com"
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(ConfigError, match="the environment variable ANTHROPIC_API_KEY is not set"):
        connect(settings(), seed=0)


def test_a_key_goes_to_no_other_host():
    with pytest.raises(KeyUntrusted, match=r"scai trust ANTHROPIC_API_KEY https://stranger\.example"):
        connect(settings(base_url="https://stranger.example"), seed=0)


def test_a_token_that_expires_is_sent_as_one(server, monkeypatch):
    token = "e30.e30.c2ln"
    monkeypatch.setattr(server, "problem_of", lambda headers: None)
    monkeypatch.setenv("ANTHROPIC_API_KEY_COMMAND", f"echo {token}")
    ask(settings(server))
    assert server.requests[0].headers["authorization"] == f"Bearer {token}"
    assert "x-api-key" not in server.requests[0].headers


def test_a_key_from_a_command_is_replaced_when_it_is_refused(server, monkeypatch):
    Path("key").write_text("an-old-key-0123456789", encoding="utf-8")
    monkeypatch.setenv("ANTHROPIC_API_KEY_COMMAND", f"cat key; echo {KEY} > key")
    assert ask(settings(server))[0].text == "You said: Hello"
    assert server.requests[0].headers["x-api-key"] == KEY


def test_another_service_has_neither_the_address_nor_the_key_of_the_first():
    base = ModelSettings(provider="openai", name="m", base_url="http://a/v1", api_key_env="MY_KEY")
    claude = ModelChanges(provider="anthropic", name="claude")
    other = overlay(base, claude)
    assert (other.base_url, other.api_key_env) == (None, None)
    own = overlay(base, ModelChanges(provider="anthropic", name="claude", base_url="http://b", api_key_env="K"))
    assert (own.base_url, own.api_key_env) == ("http://b", "K")
    same = overlay(base, ModelChanges(name="other"))
    assert (same.base_url, same.api_key_env) == ("http://a/v1", "MY_KEY")
    back = overlay(
        overlay(base.model_copy(update={"base_url_from": "environment"}), claude), ModelChanges(provider="openai")
    )
    assert back.base_url == "http://a/v1"  # from OPENAI_BASE_URL: it is for each model of openai


def experiment(server: MessagesServer, **keys: Any) -> Path:
    model = {"provider": "anthropic", "name": "claude-sonnet-4-5", "base_url": server.base_url}
    tiny = yaml.safe_load(TINY.replace("?", "."))
    data = {**tiny, "model": model, "force": "all", "prices": {"claude-sonnet-4-5": {"input": 3, "output": 15}}, **keys}
    Path("e.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return Path("e.yaml")


@pytest.mark.slow
def test_a_whole_run_with_failures_that_pass(server):
    server.answer = society()
    server._script.extend(["429", "529", "500", "ok", "error-body"])
    done = scai("run", experiment(server), "--run-id", "r", "--set", "limits.concurrency=3")
    assert done.code == 0, done.err
    logged = calls(Path("runs/r"))
    assert len(logged) + 4 == len(server.requests)
    assert {call["finish_reason"] for call in logged} == {"end_turn"}
    assert all("seed" not in each.body for each in server.requests)
    assert scai("show", "r").code == 0


def test_a_refused_prompt_is_a_problem_of_its_conversation(server):
    server.answer = society()
    server._script.extend(["refusal"])
    done = scai("run", experiment(server, epochs=1), "--run-id", "r")
    assert done.code == 0, done.err
    events = [json.loads(line) for line in Path("runs/r/events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert "(refusal: cyber)" in json.dumps(events)


def test_cached_tokens_are_in_the_log_and_cost_less(server):
    server.answer = society()
    persona = {"id": "ann", "name": "Ann", "description": "Ann is patient. " * 300}
    done = scai("run", experiment(server, personas=[persona], epochs=1), "--run-id", "r")
    assert done.code == 0, done.err
    cached = [call["usage"]["cached_tokens"] for call in calls(Path("runs/r")) if call["usage"].get("cached_tokens")]
    assert cached
    assert min(cached) >= 1024


def test_a_wait_over_the_limit_and_a_wrong_key_stop_a_run(server, monkeypatch):
    server._script.extend(["429-long"])
    done = scai("run", experiment(server), "--run-id", "r")
    assert (done.code, "it requests a wait of 3600 s" in done.err) == (4, True)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-a-wrong-key-0123")
    done = scai("run", experiment(server), "--run-id", "s")
    assert (done.code, "invalid x-api-key; check the key in ANTHROPIC_API_KEY" in done.err) == (4, True)
    assert "a-wrong-key" not in done.err + done.out


def checked(server: MessagesServer, *more: str) -> Called:
    return scai("check", experiment(server), "--json", *more)


def test_a_check_names_the_host_and_a_probe_asks_the_model(server):
    server.answer = society()
    called = checked(server)
    host = f"127.0.0.1:{server.port}"
    assert called.json["hosts"] == [
        {
            "host": host,
            "key": "ANTHROPIC_API_KEY",
            "refusal": None,
            "own_keys": False,
            "models": ["claude-sonnet-4-5"],
        }
    ]
    assert server.requests == []
    probe = checked(server, "--probe").json["probe"]["models"][0]
    assert probe["address"] == server.base_url
    assert probe["problem"] is None
    assert probe["findings"]["context"] == {"works": True, "detail": "200,000 tokens"}
    assert probe["findings"]["logprobs"]["works"] is False


def test_the_model_of_a_command_replaces_that_of_another_service(server):
    elsewhere = {"provider": "openai", "name": "m", "base_url": "http://127.0.0.1:1/v1", "api_key_env": "MY_KEY"}
    file = experiment(server, model=elsewhere, roles={"meta": {"base_url": "http://127.0.0.1:2/v1"}})
    called = scai("check", file, "--json", "--model", "anthropic:claude-sonnet-4-5")
    assert [(host["host"], host["key"]) for host in called.json["hosts"]] == [
        ("api.anthropic.com", "ANTHROPIC_API_KEY")
    ]


def test_a_chat_and_a_server_ask_it(server):
    server.answer = lambda asked: "Fine."
    at = ("--model", "anthropic:claude", "--set", f"model.base_url={server.base_url}")
    assert scai("run", experiment(server, model={"provider": "simulated"}, epochs=1), "--run-id", "r").code == 0
    code, out, err = piped("How do I make tea?\n", "chat", "r", *at)
    assert (code, "Fine." in out) == (0, True), err
    replies = []

    def use(serving: Server) -> None:
        replies.extend(serving.ask(model="claude", **sampling) for sampling in ({}, {"temperature": 1.5}, {"seed": 3}))

    served = serve_for(use, "r", *at)
    assert served.code == 0, served.err
    assert replies[0].json["choices"][0]["message"]["content"] == "Fine."
    assert (replies[1].status, "less than or equal to 1" in replies[1].error["message"]) == (400, True)
    assert (replies[2].status, "Anthropic's API has no seed" in replies[2].error["message"]) == (400, True)
