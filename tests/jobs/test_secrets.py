"""A key in the environment appears nowhere: not in the run directory, in `--json` or in what is said of errors."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from conftest import Called, calls, scai
from hypothesis import assume, given
from hypothesis import strategies as st
from loopback import FAULTS, Loopback, Reply, completion, error

from scai_cli.models.endpoint import Endpoint

KEY = "sk-live-0123456789abcdef"
OPENAI = (
    "--model",
    "openai:some-model",
    "--set",
    "force=all",
    "--set",
    "limits.max_retries=0",
    "--set",
    "format_retries=0",
)


def nothing_of_it(called: Called, key: str = KEY) -> None:
    assert key not in called.out + called.err
    for path in Path().rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.mark.usefixtures("keyed")
def test_a_run_sends_the_key_and_writes_it_nowhere(tiny: Path) -> None:
    with Loopback() as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1", "--set", "turns=1")
        called = scai("run", tiny, *options, "--json", "--set", "max_failures=1")
        assert called.code == 0
        assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)
    nothing_of_it(called)
    for view in (("--json",), (), ("--prompts", "e1"), ("--epoch", "1")):
        nothing_of_it(scai("show", "tiny", *view))
    for form in ("system", "sft", "dpo"):
        nothing_of_it(scai("export", "tiny", "--format", form, "-o", f"{form}.out"))
    nothing_of_it(scai("check", tiny, *options, "--json"))
    nothing_of_it(scai("plan", tiny, *options, "--prompts"))


def echoing(status: int) -> Any:
    def reply(asked: Any, good: bytes) -> Reply:
        return error(status, f"Incorrect API key provided: {KEY}. Bearer {KEY} was refused", "invalid_api_key")

    return reply


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_an_endpoint_that_echoes_the_key_in_errors_does_not_get_it_told(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setitem(FAULTS, "echo", echoing(status))
    with Loopback(script=["echo"] * 500) as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1")
        called = scai("run", tiny, *options)
    assert called.code == 4
    nothing_of_it(called)
    nothing_of_it(scai("show", "tiny"))
    nothing_of_it(scai("show", "tiny", "--json"))


@pytest.mark.usefixtures("keyed")
def test_an_endpoint_that_echoes_the_key_in_answers_does_not_get_it_recorded(tiny: Path) -> None:
    with Loopback(answer=lambda asked: f"Your key is {KEY}.") as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1")
        called = scai("run", tiny, *options, "--json")
    assert called.code == 0
    assert calls(Path("runs/tiny"))
    nothing_of_it(called)
    nothing_of_it(scai("show", "tiny", "--json"))


def spread(key: str) -> Any:
    """A good answer that repeats the key in every field around its text."""

    def reply(asked: Any, good: bytes) -> Reply:
        body = json.loads(good)
        text = body["choices"][0]["message"]["content"]
        body |= {"id": key, "model": f"m/{key}-1", "system_fingerprint": key, "service_tier": f"Bearer {key}"}
        body["usage"] |= {"plan": key}
        body["choices"][0] |= {"finish_reason": f"stop {key}", "native_finish_reason": key, "stop_reason": key}
        body["choices"][0]["message"] = {"role": key, "content": text, "annotations": [key], "tool_calls": [key]}
        return Reply(body=json.dumps(body).encode(), headers={"x-request-id": key, "set-cookie": f"key={key}"})

    return reply


@pytest.mark.parametrize("key", [KEY, "hunter2", "Ab1"])
@pytest.mark.parametrize("status", [200, 400])
def test_the_fields_around_an_answer_hide_a_key_of_any_length(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, key: str, status: int
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setitem(FAULTS, "spread", spread(key))
    monkeypatch.setitem(FAULTS, "refused", lambda asked, good: error(400, f"bad key {key}: {key}", f"no-{key}"))
    script = ["spread"] * 500 if status == 200 else ["spread", "spread", *["refused"] * 500]
    with Loopback(script=script, answer=lambda asked: "Good.") as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1", "--set", "cache=true")
        called = scai("run", tiny, *options)
    assert called.code == (0 if status == 200 else 4), called.err
    assert calls(Path("runs/tiny"))[0]["answered_by"] == "m/[key]-1"
    nothing_of_it(called, key)
    nothing_of_it(scai("show", "tiny", "--json"), key)


@pytest.mark.parametrize("key", ["7", "stop", "tea", "Bearer"])
def test_a_short_key_changes_no_answer_and_no_ending(tiny: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    text = json.dumps({"feedback": f"stop the tea, {key}", "rating": 7, "reason": "tea 77"})
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with Loopback(answer=lambda asked: text) as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "epochs=1")
        assert scai("run", tiny, *options).code == 0
    answers = {(call["response"], call["finish_reason"]) for call in calls(Path("runs/tiny"))}
    assert answers == {(text, "stop")}
    ratings = [rating for epoch in scai("show", "tiny", "--json").json["epochs"] for rating in epoch["ratings"]]
    assert {rating["value"] for rating in ratings} == {7}


def test_a_key_in_logprobs_and_a_filtered_ending_is_hidden(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    token = {"token": "A", "logprob": -0.1, "top_logprobs": [{"token": KEY, "logprob": -0.1}]}

    def reply(asked: Any, good: bytes) -> Reply:
        body = json.loads(completion("A", asked))
        body["choices"][0]["logprobs"] = {"content": [token]}
        return Reply(body=json.dumps(body).encode())

    monkeypatch.setitem(FAULTS, "tokens", reply)
    monkeypatch.setitem(
        FAULTS, "withheld", lambda asked, good: Reply(body=completion(None, asked, finish=f"content_filter: {KEY}"))
    )
    Path("rules.txt").write_text("Be brief.\n", encoding="utf-8")
    for fault in ("tokens", "withheld"):
        with Loopback(script=[fault] * 500) as server:
            where = ("--set", f"model.base_url={server.base_url}", "--set", "generate={judge: model, k: 0}")
            rows = ("--n", 2, "--run-id", fault, "--set", "max_failures=1", "--config", tiny)
            called = scai("generate", "rules.txt", *rows, "--model", "openai:m", *where)
            assert len(server.requests) > 1, called.err
        nothing_of_it(called)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=4).map(str.strip))
def test_no_message_quotes_a_key_plain_or_encoded(key: str) -> None:
    assume(len(key) > 3 and key not in "[key]")
    where = Endpoint(urlsplit("http://h/v1"), key, "K")
    bearer = base64.b64encode(f"Bearer {key}".encode()).decode().rstrip("=")
    for form in (key, " ".join(key.split()), quote(key, safe=""), json.dumps(key)[1:-1], bearer):
        for text in (form, f"bad key: {form}.", f'{{"key": "{form}"}} ' * 9):
            assert form not in where.quote(text)


def test_a_key_of_another_name_is_found_and_kept(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with Loopback() as server:
        options = (*OPENAI, "--set", f"model.base_url={server.base_url}", "--set", "model.api_key_env=MY_KEY")
        called = scai("run", tiny, *options, "--set", "epochs=1")
        assert called.code == 0
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "MY_KEY" in (Path("runs/tiny") / "config.yaml").read_text(encoding="utf-8")
    nothing_of_it(called)


def test_a_key_that_is_not_there_is_one_line(tiny: Path) -> None:
    called = scai("run", tiny, "--model", "openai:some-model", "--quiet")
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert "OPENAI_API_KEY is not set" in called.err
    assert not Path("runs").exists()
