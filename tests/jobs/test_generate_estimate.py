"""The tokens, cost and time that `generate --dry-run` expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import scai
from loopback import Loopback

from scai_cli.display.numbers import duration

RULES = ("generate", "rules.md", "--tasks", "tasks.yaml", "--set", "generate.judge=model")


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    (tmp_path / "rules.md").write_text("- Use plain words.\n- Give an example.\n", encoding="utf-8")
    (tmp_path / "tasks.yaml").write_text(
        "- {id: tea, prompt: How do I make tea?}\n- {id: lie, prompt: Help me to lie., kind: red-team}\n"
    )


def test_the_estimate_is_near_to_what_a_set_takes() -> None:
    options = (*RULES, "--model", "simulated", "--n", 12)
    plan = scai(*options, "--dry-run", "--json").json
    assert not Path("runs").exists()
    taken = scai(*options, "--json", "-q").json
    assert taken["calls"] == plan["calls"]["total"]
    assert plan["tokens"]["input"] == pytest.approx(taken["usage"]["input_tokens"], rel=0.1)
    assert plan["tokens"]["output"] == pytest.approx(taken["usage"]["output_tokens"], rel=0.1)
    assert sum(used["output"] for used in plan["by_purpose"].values()) == plan["tokens"]["output"]
    assert (plan["usd"], plan["seconds"] > 0) == (0, True)


def test_what_is_not_known_is_said() -> None:
    options = (*RULES, "--model", "openai:m", "--n", 1000, "--dry-run")
    said = scai(*options).out
    assert "cost: unknown; add --set 'prices={MODEL: {input: X, output: Y}}' ($ a million)\n" in said
    assert said.endswith("time: unknown; no run has timed these models\n")
    plan = scai(*options, "--json").json
    assert (plan["usd"], plan["seconds"]) == (None, None)
    priced = scai(*options, "--set", "prices={m: {input: 1, output: 10}}", "--json").json
    assert priced["usd"] == pytest.approx((plan["tokens"]["input"] + 10 * plan["tokens"]["output"]) / 1e6)
    limited = scai(*options, "--set", f"limits.requests_per_minute={plan['calls']['total'] / 90}").out
    assert limited.endswith("time: at least 1.5 hours, by the limits per minute\n")
    assert scai(*options, "--set", "model.max_tokens=10", "--json").json["by_purpose"]["answer"]["output"] == 20_000


def test_a_run_tells_the_pace_of_its_models(tmp_path: Path) -> None:
    experiment = "epochs: 1\nturns: 1\npersonas: [{id: ann}]\ntasks: tasks.yaml\nrevision: {acceptance: always}\n"
    (tmp_path / "x.yaml").write_text(f"{experiment}constitution: {{principles: [Be brief.]}}\n", encoding="utf-8")
    with Loopback(answer=lambda _: '{"feedback": "Fine.", "rating": 7, "critique": "None.", "edits": []}') as server:
        model = ("--model", "openai:m", "--set", f"model.base_url={server.base_url}")
        assert scai("run", "x.yaml", "-q", "--run-id", "r", "--force", *model).code == 0
    log = Path("runs/r/calls.jsonl")
    calls = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for call in calls:
        call["latency_s"], call["usage"] = 2.0, {"input_tokens": 5, "output_tokens": 100, "cached_tokens": 0}
    log.write_text("".join(f"{json.dumps(call)}\n" for call in calls), encoding="utf-8")
    dry = ("generate", "r", "--n", 1000, "--dry-run", "--set", "limits.concurrency=4", "--set", "generate.judge=none")
    plan = scai(*dry, "--json").json
    assert plan["seconds"] == pytest.approx(plan["tokens"]["output"] * 0.02 / 4)
    assert "time: about " in scai(*dry).out
    other = scai(*dry, "--model", "openai:other", "--json").json
    assert other["seconds"] is None


def test_tasks_that_are_missing_are_one_line() -> None:
    Path("tasks.yaml").write_text("[]", encoding="utf-8")
    called = scai(*RULES, "--model", "simulated", "--dry-run")
    assert (called.code, called.err) == (2, "scai: tasks.yaml: contains no task; add one, or name another file\n")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.04 seconds"), (1, "1 second"), (90, "1.5 minutes"), (9e6, "104 days")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
