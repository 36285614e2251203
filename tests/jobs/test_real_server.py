"""The whole program on a real server: llama.cpp with a tiny model of random weights, made on the spot.

What it writes is gibberish, so this shows the way of a call there and back, not what becomes of a constitution.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Called, calls, scai
from model_server import served

pytest.importorskip("xllamacpp", reason="needs `pip install -e '.[server]'`")
pytest.importorskip("gguf", reason="needs `pip install -e '.[server]'`")
pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]

ROOT = Path(__file__).parents[2]
SMALL = ("turns=1", "epochs=2", "personas.sample=3", "tasks.sample=1", "holdout={}", "force=all")
CONVERSATIONS, RATINGS = 2 * 3, 2 * 3 * (1 + 2)  # two epochs, three people; an own rating and two cross ratings


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served("tiny_server.py") as url:
        yield url


def run(config: str, *settings: str) -> Called:
    """Run a shipped experiment, made small, as `run_id` real."""
    options = [part for setting in (*SMALL, *settings) for part in ("--set", setting)]
    command = ("run", ROOT / "configs" / config, "--model", "openai:tiny", "--run-id", "real", "--quiet", "--json")
    return scai(*command, *options)


def show() -> dict[str, Any]:
    return scai("show", "real", "--json").json


def ratings(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [rating for epoch in shown["epochs"] for rating in epoch["ratings"]]


@pytest.mark.parametrize("transport", ["plain", "aiohttp"])
def test_a_run_completes_and_nothing_is_made_up(url: str, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if transport == "aiohttp":
        pytest.importorskip("aiohttp")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    called = run(
        "quickstart.yaml",
        f"model.options.transport={transport}",
        "model.max_tokens=40",
        "roles.user.max_tokens=60",
        "roles.user.temperature=0.5",
        "format_retries=1",
    )
    assert (called.code, called.errors) == (0, [])
    summary, log, shown = called.json, calls(Path("runs/real")), show()
    assert (summary["status"], summary["epochs"], summary["calls"]) == ("finished", 2, len(log))
    assert shown["status"] == "finished"

    assert {call["answered_by"] for call in log} == {"tiny"}
    assert {call["finish_reason"] for call in log} == {"stop", "length"}
    for call in log:
        most = 60 if call["role"] == "user" else 40
        assert call["request"]["max_tokens"] == most
        assert call["request"].get("temperature") == (0.5 if call["role"] == "user" else None)
        assert call["finish_reason"] == "stop" or call["usage"]["output_tokens"] == most
        # the server's own count: it has about a token per character, where an estimate has one per four
        written = sum(len(message["content"]) for message in call["request"]["messages"])
        assert written / 2 < call["usage"]["input_tokens"] < written * 1.1
    for key in ("input_tokens", "output_tokens"):
        assert summary["usage"][key] == sum(call["usage"][key] for call in log)

    answers = {call["id"].removesuffix("/assistant"): call["response"] for call in log if call["role"] == "assistant"}
    conversations = [talk for epoch in shown["epochs"] for talk in epoch["conversations"]]
    said = {m["id"]: m["content"] for talk in conversations for m in talk["messages"] if m["role"] == "assistant"}
    assert said == answers
    assert len(said) == CONVERSATIONS
    assert all(said.values())

    assert len(ratings(shown)) == RATINGS
    for rating in ratings(shown):
        assert rating["value"] is None
        assert "no JSON object" in rating["problem"]
    for epoch in shown["epochs"]:
        assert epoch["welfare"]["missing"] == RATINGS / 2
        assert epoch["welfare"]["values"]["utilitarian"] is None
        assert not epoch["revision"]["accepted"]
        assert epoch["revision"]["reason"].startswith("no candidate could be adopted: ")


def test_with_a_json_schema_the_server_makes_answers_readable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    called = run(
        "real-model.yaml",
        "model.structured=json_schema",
        "model.max_tokens=60",
        "roles.user.max_tokens=500",
        "roles.meta.max_tokens=2000",
    )
    assert (called.code, called.errors) == (0, [])
    forms = [call for call in calls(Path("runs/real")) if call["role"] != "assistant" and call["purpose"] != "opening"]
    for call in forms:
        if call["finish_reason"] == "stop":
            assert isinstance(json.loads(call["response"]), dict), call["id"]
    shown = show()
    values = [rating["value"] for rating in ratings(shown) if rating["value"] is not None]
    assert len(ratings(shown)) == RATINGS
    assert len(values) >= RATINGS / 2
    assert all(0 <= value <= 10 for value in values)
    assert len(set(values)) > 1
    assert all(epoch["welfare"]["values"]["utilitarian"] is not None for epoch in shown["epochs"])


def test_a_prompt_that_is_too_long_is_a_problem_not_a_crash() -> None:
    with served("tiny_server.py", "--context", "600") as url:
        called = run("quickstart.yaml", f"model.base_url={url}", "model.max_tokens=20", "max_failures=1")
        assert (called.code, called.errors) == (0, [])
        refused = [call for call in calls(Path("runs/real")) if "error" in call and call["purpose"] != "rater_check"]
        assert refused
        assert len({call["id"] for call in refused}) == len(refused)  # what is refused for good is not sent again
        assert all("HTTP 400" in call["error"] and "context size" in call["error"] for call in refused)
        problems = [problem for epoch in show()["epochs"] for problem in epoch["problems"]]
        assert {problem["id"] for problem in problems} == {call["id"] for call in refused}
        assert all(rating["value"] is None for rating in ratings(show()))

        strict = scai(
            "run", ROOT / "configs/quickstart.yaml", "--model", "openai:tiny", "--set", f"model.base_url={url}"
        )
        assert strict.code == 4
        assert "max_failures" in strict.err
        assert "context size" in strict.err


TASKS = '{"id": "a", "prompt": "How?"}\n{"id": "b", "prompt": "Why?"}\n'


def generated(*options: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The judgements of two rows of a new set, and its calls that compare."""
    Path("rules.md").write_text("- Be kind.\n- Be brief.\n", encoding="utf-8")
    Path("tasks.jsonl").write_text(TASKS, encoding="utf-8")
    labels = "generate={judge: model, clamp: [0.4, 0.6]}"
    settings = ("--set", labels, "--set", "model.max_tokens=30", "--run-id", "rows", "--quiet")
    command = ("generate", "rules.md", "--tasks", "tasks.jsonl", "--model", "openai:tiny", *settings, *options)
    called = scai(*command)
    assert (called.code, called.out, called.errors) == (0, "rows\n", [])
    log = {call["id"]: call for call in calls(Path("runs/rows"))}
    with Path("runs/rows/rows.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    # Each critique is cut off by the limit of tokens, so that no revision follows it.
    assert all("the critique is cut off" in row["problem"] and not row["steps"] for row in rows)
    assert all(row["final"]["text"] == log[f"{row['id']}/final/assistant"]["response"] for row in rows)
    compared = [call for call in log.values() if call["purpose"] == "comparison"]
    return [judgement for row in rows for judgement in row["judgements"]], compared


def test_a_judge_tells_its_log_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    with served("tiny_server.py", "--likely", "AB") as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        judgements, compared = generated("--set", "roles.judge={provider: openai, name: tiny, max_tokens: 1}")
    assert {judgement["by"] for judgement in judgements} == {"logprobs"}
    assert len(compared) == 2 * 2 + 1
    assert all(len(call["logprobs"]) == 5 for call in compared)
    assert len({judgement["p"] for judgement in judgements}) > 1  # a model of noise has its preferences, too
    assert all(0 < judgement["p"] < 1 for judgement in judgements)
    assert all(judgement["soft"] == min(0.6, max(0.4, judgement["p"])) for judgement in judgements)


def test_a_judge_whose_letters_are_unlikely_is_asked_for_votes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    letters = """roles.judge={provider: openai, name: tiny, options: {grammar: 'root ::= "A" | "B"'}}"""
    judgements, compared = generated("--set", letters, "--set", "generate.votes=4")
    assert {judgement["by"] for judgement in judgements} == {"votes"}
    assert {call["response"] for call in compared} == {"A", "B"}
    assert all(0 <= judgement["p"] * 8 == round(judgement["p"] * 8) <= 8 for judgement in judgements)
