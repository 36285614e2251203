"""`scai check --probe`: what each model can do, and what to set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, Called, scai
from crash import society
from loopback import FAULTS, Body, Loopback, Reply, completion, error

RATING = '{"reason": "so it is", "feedback": "so it is", "rating": 5}'


def probed(server: Loopback, *options: str, model: str = "model={provider: openai, name: m, base_url: URL}") -> Called:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    at = model.replace("URL", f"'{server.base_url}'")
    called = scai("check", "tiny.yaml", "--probe", "--set", at, "--set", "limits.max_retries=0", *options)
    assert not Path("runs").exists()
    return called


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Body, bytes], Reply]) -> Loopback:
    monkeypatch.setitem(FAULTS, "probed", answer)
    return Loopback(script=["probed"] * 99, answer=society())


def findings(called: Called) -> dict[str, bool | None]:
    return {name: finding["works"] for name, finding in called.json["probe"]["models"][0]["findings"].items()}


def test_nine_questions_say_what_works() -> None:
    with Loopback(answer=society(), models={"data": [{"id": "m", "max_model_len": 131072}]}) as server:
        called = probed(server)
    assert called.code == 0
    assert all(line.startswith("warning: ") for line in called.err.splitlines())
    assert len(server.requests) == 9
    assert max(map(len, called.out.splitlines())) <= 80
    shown = called.out[called.out.index("\nm at http://127.0.0.1") :]
    assert "(assistant, user, meta)" in shown
    assert "131,072 tokens" in shown
    assert "probe: 9 calls, " in shown
    assert [line.split()[-1] for line in shown.splitlines() if "log-prob" in line] == ["no"]


def test_json_holds_the_plan_and_the_findings() -> None:
    with Loopback(answer=society()) as server:
        called = probed(server, "--json")
    assert findings(called) == {
        "rates": True,
        "prompt": True,
        "json_schema": True,
        "sampling": False,
        "logprobs": False,
        "context": None,
    }  # this server ignores max_tokens and logprobs
    probe = called.json["probe"]
    assert probe["calls"] == 9
    assert probe["models"][0] | {"findings": {}} == {
        "model": "m",
        "address": server.base_url,
        "roles": ["assistant", "user", "meta"],
        "findings": {},
        "advice": [],
        "problem": None,
    }
    assert called.json["calls"]["total"] > 0


def test_without_the_option_nothing_is_called() -> None:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    with Loopback() as server:
        model = f"model={{provider: openai, name: m, base_url: '{server.base_url}'}}"
        called = scai("check", "tiny.yaml", "--set", model, "--json")
    assert called.code == 0
    assert server.requests == []
    assert "probe" not in called.json


def test_a_model_that_always_gives_one_rating_cannot_play_users(monkeypatch: pytest.MonkeyPatch) -> None:
    model = "roles={user: {provider: openai, name: m, base_url: URL}}"
    with answering(monkeypatch, lambda asked, good: Reply(body=completion(RATING, asked))) as server:
        called = probed(server, model=model)
        assert called.code == 4
        assert "cannot play users" in called.out
        assert "scai: m: it cannot play users" in called.err
        assert probed(server, "--set", "force=true", model=model).code == 0
        assert probed(server, model=model.replace("user", "assistant")).code == 0


@pytest.mark.parametrize("used", ["prompt", "json_schema"])
@pytest.mark.parametrize("only", ["prompt", "json_schema"])
def test_the_way_to_ask_for_forms_is_named(monkeypatch: pytest.MonkeyPatch, used: str, only: str) -> None:
    def answer(asked: Body, good: bytes) -> Reply:
        way = "json_schema" if "response_format" in asked else "prompt"
        return Reply(body=good if way == only or "candidate" in str(asked) else completion("Nice!", asked))

    model = f"roles={{meta: {{provider: openai, name: m, base_url: URL, structured: {used}}}}}"
    with answering(monkeypatch, answer) as server:
        called = probed(server, "--json", model=model)
    assert called.code == (0 if used == only else 4)
    advice = called.json["probe"]["models"][0]["advice"]
    assert [line.split("`")[1] for line in advice] == ([] if used == only else [f"structured: {only}"])


def test_what_the_endpoint_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(asked: Body, good: bytes) -> Reply:
        for key in ("seed", "logprobs"):
            if key in asked:
                return error(400, f"Unsupported parameter: '{key}' is not supported with this model.")
        return Reply(body=good)

    with answering(monkeypatch, refusing) as server:
        called = probed(server, "--json")
    assert called.code == 0
    assert findings(called)["logprobs"] is False
    assert any("send_seed: false" in line for line in called.json["probe"]["models"][0]["advice"])


def test_a_model_that_cannot_be_reached_ends_with_4() -> None:
    with Loopback() as server:
        pass
    called = probed(server)
    assert called.code == 4
    assert "m: cannot be used: http://127.0.0.1" in called.err
    assert len([line for line in called.err.splitlines() if not line.startswith("warning: ")]) == 1


def test_an_unknown_model_does_not_keep_others_from_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_of_two(asked: Body, good: bytes) -> Reply:
        return FAULTS["404"](asked, good) if asked["model"] == "other" else Reply(body=good)

    with answering(monkeypatch, one_of_two) as server:
        called = probed(server, "--json", "--set", "roles={meta: {name: other}}")
    assert called.code == 4
    other = next(model for model in called.json["probe"]["models"] if model["model"] == "other")
    well = next(model for model in called.json["probe"]["models"] if model["model"] == "m")
    assert other["problem"].startswith("cannot be used: ")
    assert well["problem"] is None
    assert well["roles"] == ["assistant", "user"]


def test_the_limits_hold_for_all_models_together() -> None:
    with Loopback(answer=society()) as server:
        called = probed(server, "--set", "limits.calls=11", "--set", "roles={meta: {name: other}}")
    assert called.code == 3
    assert len(server.requests) == 11


def test_a_provider_of_your_own_is_asked() -> None:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    called = scai("check", "tiny.yaml", "--probe", "--json", "--set", "model.provider=scripted:connect")
    assert called.code == 0
    assert called.json["probe"]["models"][0]["address"] == "scripted:connect"
    assert findings(called) == {
        "rates": True,
        "prompt": True,
        "json_schema": True,
        "sampling": True,
        "logprobs": True,
        "context": None,
    }


def test_simulated_models_are_not_asked() -> None:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    called = scai("check", "tiny.yaml", "--probe", "--json")
    assert called.code == 0
    assert called.json["probe"] == {"models": [], "calls": 0, "tokens": 0, "usd": 0.0}


@pytest.mark.parametrize(
    ("models", "size"),
    [
        ({"data": [{"id": "x", "max_model_len": 1}, {"id": "m", "max_model_len": 8192}]}, 8192),
        ({"data": [{"id": "tiny", "meta": {"n_ctx_train": 8192, "n_ctx": 4096}}]}, 4096),
        ({"data": [{"id": "m", "context_length": 200000, "top_provider": {"max_completion_tokens": 9}}]}, 200000),
        ({"data": [{"id": "m", "context_window": 32768}]}, 32768),
        ({"data": [{"id": "m"}]}, None),
        ({"data": [{"id": "m", "max_model_len": "many"}]}, None),
        ({"data": [{"id": "a"}, {"id": "b"}]}, None),
        ({"data": [3, None]}, None),
        ({"data": 3}, None),
        ({"models": []}, None),
        (["m"], None),
        (7, None),
    ],
)
def test_the_context_is_read_where_servers_tell_it(models: Any, size: int | None) -> None:
    with Loopback(answer=society(), models=models) as server:
        model = probed(server, "--json").json["probe"]["models"][0]
    assert model["findings"]["context"]["detail"] == (f"{size:,} tokens" if size else "")
    fits = [line for line in model["advice"] if "max_prompt_tokens" in line]
    assert [json.loads(line.split("`")[1].split()[-1]) for line in fits] == (
        [size * 3 // 4] if size and size < 80000 else []
    )


@pytest.mark.parametrize("structured", ["prompt", "json_schema"])
def test_a_refused_schema_ends_only_what_needs_it(monkeypatch: pytest.MonkeyPatch, structured: str) -> None:
    def refusing(asked: Body, good: bytes) -> Reply:
        if "response_format" in asked:
            return error(400, "response_format of type json_schema is not supported by this model")
        return Reply(body=good)

    model = f"model={{provider: openai, name: m, base_url: URL, structured: {structured}}}"
    with answering(monkeypatch, refusing) as server:
        called = probed(server, "--json", model=model)
    if structured == "prompt":
        assert called.code == 0
        assert (findings(called)["prompt"], findings(called)["json_schema"]) == (True, False)
    else:
        assert called.code == 4
        assert "model.structured=prompt" in called.json["probe"]["models"][0]["problem"]


def test_a_refused_system_role_names_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(asked: Body, good: bytes) -> Reply:
        if asked["messages"][0]["role"] == "system":
            return error(400, "System role not supported")
        return Reply(body=good)

    with answering(monkeypatch, refusing) as server:
        called = probed(server)
        assert called.code == 4
        assert "model.system_role=merge" in called.err
        merged = "model={provider: openai, name: m, base_url: URL, system_role: merge}"
        assert "cannot be used" not in probed(server, model=merged).err


def test_ratings_in_a_form_that_the_model_does_not_fill_say_nothing_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(asked: Body, good: bytes) -> Reply:
        return Reply(body=good if "response_format" in asked else completion("I would say so.", asked))

    with answering(monkeypatch, reply) as server:
        called = probed(server, "--json")
    found = findings(called)
    assert (found["rates"], found["prompt"], found["json_schema"]) == (True, False, True)
    (model,) = called.json["probe"]["models"]
    assert "structured: json_schema" in " ".join(model["advice"])
    assert "cannot play users" not in model["problem"]


ALL_ANSWERS: dict[str, tuple[Callable[[Body], Reply], str, str | None]] = {
    "empty": (
        lambda asked: Reply(body=completion("", asked)),
        "(the answer is empty)",
        "`options`: its answers are em",
    ),
    "only thoughts": (
        lambda asked: Reply(body=completion("", asked, finish="length", reasoning_content="Hm.")),
        "(the answer was cut off)",
        "set `max_tokens: 4000`",
    ),
    "withheld": (lambda asked: Reply(body=completion("", asked, finish="content_filter")), "content filter", None),
    "too long": (
        lambda asked: error(400, "This model's maximum context length is 4096 tokens.", "context_length_exceeded"),
        "maximum context length is 4096",
        "set `revision.max_prompt_tokens: 3072`",
    ),
}


@pytest.mark.parametrize("structured", ["prompt", "json_schema"])
@pytest.mark.parametrize("name", ALL_ANSWERS)
def test_answers_that_say_nothing_are_no_bad_ratings(
    monkeypatch: pytest.MonkeyPatch, name: str, structured: str
) -> None:
    answer, reason, remedy = ALL_ANSWERS[name]
    model = f"model={{provider: openai, name: m, base_url: URL, structured: {structured}}}"
    with answering(monkeypatch, lambda asked, good: answer(asked)) as server:
        called = probed(server, "--json", model=model)
    assert called.code == 4
    (found,) = called.json["probe"]["models"]
    assert found["problem"].startswith("it does not fill the form as configured: ")
    assert reason in found["problem"]
    assert [line for line in found["advice"] if remedy and remedy in line] == (
        [] if remedy is None else found["advice"]
    )
    assert findings(called)["rates"] is None


@pytest.mark.parametrize(("words", "finish", "works"), [(90, "stop", False), (20, "length", True), (20, "stop", None)])
def test_only_a_cut_answer_shows_that_max_tokens_works(
    monkeypatch: pytest.MonkeyPatch, words: int, finish: str, works: bool | None
) -> None:
    def reply(asked: Body, good: bytes) -> Reply:
        short = asked.get("max_tokens", 999) < 40
        return Reply(body=completion("one " * words, asked, finish=finish) if short else good)

    with answering(monkeypatch, reply) as server:
        assert findings(probed(server, "--json"))["sampling"] is works
