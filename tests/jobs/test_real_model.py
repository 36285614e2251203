"""The whole program on a small trained model, SmolLM2-135M-Instruct, served on this machine (`make test-realmodel`).

The tests check what has to be true of any model, and never the model's words.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Called, calls, events, scai
from model_server import served
from terminal import piped

pytest.importorskip("xllamacpp", reason="needs `pip install -e '.[server]'`")
pytestmark = [pytest.mark.realmodel, pytest.mark.xdist_group("server")]

ROOT = Path(__file__).parents[2]
EXPERIMENT = ROOT / "examples/small-model.yaml"
MODEL = "SmolLM2-135M-Instruct"
LOW, HIGH = 0, 10
CANNOT = f"this rater ({MODEL}) cannot tell answers apart"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served("real_model.py") as url:
        yield url


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of runs with a cache beside it, so that the second run does not wait for the answers of the first."""
    folder = tmp_path_factory.mktemp("real")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCAI_CACHE", str(folder / "cache.sqlite3"))
        yield folder / "runs"


def run(runs: Path, url: str, *options: str) -> Called:
    settings = ("--set", f"model.base_url={url}", "--set", "cache=true")
    return scai("run", EXPERIMENT, "--runs-dir", runs, *settings, "--quiet", "--json", *options)


@pytest.fixture(scope="module")
def forced(runs: Path, url: str) -> Path:
    """A finished run: 2 people x 2 tasks x 2 epochs.

    `run --force` is for the rater check; a run that stops because too little could be read is continued.
    """
    called = run(runs, url, "--force")
    assert CANNOT not in called.err
    if called.code == 4:
        assert "real --force` continues without a change" in called.err
        called = scai("resume", "real", "--force", "--runs-dir", runs, "--quiet", "--json")
    assert called.code == 0, called.err
    assert called.json["status"] == "finished"
    return runs / "real"


@pytest.fixture
def copy(forced: Path, tmp_path: Path) -> Path:
    """A copy of the finished run among the runs of this folder."""
    return Path(shutil.copytree(forced, tmp_path / "runs" / "real", ignore=shutil.ignore_patterns(".lock")))


def ratings(run: Path) -> list[dict[str, Any]]:
    return [event for event in events(run) if event["type"] == "rating"]


def test_every_message_rating_and_call_has_its_id(forced: Path):
    config = scai("show", forced, "--json").json["config"]
    people = [person["id"] for person in config["personas"]["inline"]]
    tasks = [task["id"] for task in config["tasks"]["inline"]]
    talks = [f"e{epoch}/{person}/{task}" for epoch in (1, 2) for person in people for task in tasks]
    assert len(talks) == 8
    told = events(forced)
    ids = [event["id"] for event in told if event["type"] in ("message", "rating")]
    other = {people[0]: people[1], people[1]: people[0]}
    places = ("m0", "m1", "m2", "m2/own", "cross/{}")
    assert sorted(ids) == sorted(
        f"{talk}/{place.format(other[talk.split('/')[1]])}" for talk in talks for place in places
    )
    log = calls(forced)
    assert len({call["id"] for call in log}) == len(log)
    assert [call["id"] for call in log if "error" in call] == []
    answers = {call["id"].removesuffix("/assistant"): call["response"] for call in log if call["role"] == "assistant"}
    said = {
        event["id"]: event["content"] for event in told if event["type"] == "message" and event["role"] == "assistant"
    }
    assert answers == said
    assert all(text.strip() for text in said.values())


def test_every_call_ends_as_its_tokens_say_and_is_counted(forced: Path):
    log = calls(forced)
    assert {call["finish_reason"] for call in log} <= {"stop", "length"}
    for call in log:
        used, most = call["usage"]["output_tokens"], call["request"]["max_tokens"]
        assert 0 < used <= most
        assert call["finish_reason"] == "stop" or used == most, call["id"]
        assert call["usage"]["input_tokens"] > 0
        assert call["answered_by"] == MODEL
    outcome = json.loads((forced / "outcome.json").read_text(encoding="utf-8"))
    assert outcome["calls"] == len(log)
    for key in ("input_tokens", "output_tokens"):
        assert outcome["usage"][key] == sum(call["usage"][key] for call in log)


def test_a_model_without_thoughts_has_none(forced: Path):
    assert [call["id"] for call in calls(forced) if call.get("thoughts")] == []
    assert not any("thoughts" in event.get("marks", ()) for event in events(forced))


def test_a_rating_is_on_the_scale_or_missing_with_a_reason(forced: Path):
    found = ratings(forced)
    assert len(found) == 8 * 2
    for rating in found:
        if rating["value"] is None:
            assert rating["problem"], rating["id"]
        else:
            assert LOW <= rating["value"] <= HIGH
    assert len([rating for rating in found if rating["value"] is not None]) >= 4  # the server holds answers to the form
    assert len({rating["value"] for rating in found}) > 1


def test_a_run_that_is_not_forced_stops_after_its_first_epoch(runs: Path, url: str, forced: Path):
    stopped = run(runs, url, "--run-id", "stopped")
    assert (stopped.code, stopped.json["status"]) == (4, "failed")
    assert CANNOT in stopped.lines[-1]
    told = events(runs / "stopped")
    assert [event["id"] for event in told if event["type"] == "welfare"] == ["e1"]
    assert [event["id"] for event in told if event["type"] == "epoch_started"] == ["e1"]


def test_the_screen_says_what_not_to_trust(forced: Path):
    shown = scai("show", forced)
    assert f"{MODEL} cannot tell answers apart" in " ".join(shown.out.split())
    health = scai("show", forced, "--json").json["health"]
    cut = [call for call in calls(forced) if call["purpose"] == "answer" and call["finish_reason"] == "length"]
    missing = [rating for rating in ratings(forced) if rating["value"] is None]
    assert health["roles"]["assistant"].get("cut", 0) == len(cut)
    assert health["roles"]["user"].get("unreadable", 0) == len(missing)


def test_a_probe_says_that_it_cannot_play_users(url: str):
    probed = scai("check", EXPERIMENT, "--probe", "--set", f"model.base_url={url}")
    assert probed.code == 4
    assert f"{MODEL}: it cannot play users" in probed.err
    assert "4,096 tokens" in probed.out  # the server's context
    assert not Path("runs").exists()


def test_it_talks_as_a_user_whom_another_model_rates_for(url: str):
    model = f"{{provider: openai, name: {MODEL}, base_url: '{url}', max_tokens: 40, timeout_s: 600}}"
    given = (
        "dialogue=talk",
        "turns=2",
        "epochs=1",
        "personas.sample=1",
        "tasks.sample=1",
        "model={provider: simulated}",
    )
    settings = [part for setting in (*given, f"roles={{user: {model}}}") for part in ("--set", setting)]
    ran = scai("run", EXPERIMENT, *settings, "--set", "roles.rater.provider=simulated", "--quiet", "--run-id", "talked")
    assert ran.code == 0, ran.err
    told, log = events(Path("runs/talked")), calls(Path("runs/talked"))
    assert {call["purpose"] for call in log if call["model"] == MODEL} == {"opening", "reply"}
    said = [event for event in told if event["type"] == "message"]
    assert [event["role"] for event in said] in (["user", "assistant"] * turns + ["user"] for turns in (1, 2))
    assert said[0]["content"].strip()
    assert [event["value"] is not None for event in told if event["type"] == "rating"] == [True]


def test_rows_are_exported_and_load(copy: Path):
    from datasets import load_dataset

    exported = scai("export", "real", "--format", "sft", "-o", "rows.jsonl")
    assert exported.code == 0, exported.err
    rows = list(load_dataset("json", data_files="rows.jsonl", split="train", cache_dir="cache"))
    said = {event["content"] for event in events(copy) if event["type"] == "message" and event["role"] == "assistant"}
    assert rows
    for row in rows:
        assert all(message["content"].strip() for message in row["messages"])
        assert row["messages"][-1]["role"] == "assistant"
        assert row["messages"][-1]["content"] in said
    system = scai("export", "real", "--format", "system")
    assert (system.code, system.out) == (0, (copy / "system_message.txt").read_text(encoding="utf-8"))


def test_rows_are_generated_with_a_judge(copy: Path, url: str):
    settings = ("--set", "generate={judge: model, k: 0, votes: 2}", "--set", f"model.base_url={url}", "--quiet")
    generated = scai("generate", "real", "--n", "1", "--run-id", "rows", *settings)
    assert (generated.code, generated.out) == (0, "rows\n"), generated.err
    (row,) = (json.loads(line) for line in Path("runs/rows/rows.jsonl").read_text(encoding="utf-8").splitlines())
    assert row["problem"] is None
    assert row["initial"]["text"].strip()
    assert row["final"]["text"].strip()
    for judgement in row["judgements"]:
        assert judgement["by"] in ("logprobs", "votes", None)
        assert judgement["p"] is None or 0 <= judgement["p"] <= 1
    for call in calls(Path("runs/rows")):
        assert all(math.isfinite(chance) and chance <= 0 for _, chance in call.get("logprobs") or ())
    exported = scai("export", "rows", "--format", "sft")
    assert exported.code == 0, exported.err


def test_it_answers_in_a_chat(copy: Path, url: str):
    code, out, err = piped(
        "How do I make tea?\n/rate 7\n/quit\n", "chat", "real", "--set", f"model.base_url={url}", "--json"
    )
    assert code == 0, err
    said = [json.loads(line) for line in out.splitlines()]
    assert [event["type"] for event in said] == ["chat_started", "message", "message", "rating"], out
    assert said[2]["content"].strip()
    assert [call["answered_by"] for call in calls(copy / "chats" / "1")] == [MODEL]
