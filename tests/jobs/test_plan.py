"""`scai plan`: what it predicts is what a run takes."""

from pathlib import Path

import pytest
from conftest import calls, events, scai
from crash import EXPERIMENT, society
from loopback import Loopback

ROOT = Path(__file__).parents[2]
SHIPPED = [path for path in sorted((ROOT / "configs").glob("*.yaml")) if "{provider: simulated}" in path.read_text()]

ORIGINAL = ("revision.strategy=rewrite", "revision.acceptance=always")  # one call to the meta model an epoch


def compare(config, *options, run_options=()):
    """The plan and the run that it was made for; one that is scaled up does not foresee what is asked again."""
    planned = scai("plan", config, "--json", *options).json
    called = scai("run", config, "--run-id", "planned", "-q", "--json", *options, *run_options)
    assert called.code == 0
    rows = [call for call in calls(Path("runs/planned")) if planned["whole"] or "/retry" not in call["id"]]
    roles = {role: sum(row["role"] == role for row in rows) for role in ("user", "assistant", "meta")}
    product = planned["product"]
    if product["certain"] or any(event.get("product") for event in events(Path("runs/planned"))):
        assert planned["calls"] == {**roles, "total": len(rows)}
    else:  # it was counted, and the last revision was not adopted
        assert planned["calls"]["total"] - product["calls"] == len(rows)
    for direction in ("input", "output"):
        used = called.json["usage"][f"{direction}_tokens"]
        assert planned["tokens"][direction] == pytest.approx(used, rel=0.25)
    return planned, called.json


def test_the_shipped_experiments_are_all_here():
    assert len(SHIPPED) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_experiment_takes_what_was_planned(config):
    planned, summary = compare(config, "--set", "epochs=2")
    assert planned["usd"] == summary["usage"]["usd"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_a_whole_shipped_experiment_takes_what_was_planned(config):
    compare(config)


@pytest.mark.slow
def test_an_experiment_too_large_to_be_rehearsed_takes_what_was_planned():
    # with `rewrite`, which makes one call an epoch; the rounds of `grounded` grow fewer from epoch to epoch
    settings = ("epochs=140", *ORIGINAL)
    planned, _ = compare(
        ROOT / "configs" / "quickstart.yaml", *(part for s in settings for part in ("--set", s)), "--seed", "9"
    )
    assert planned["whole"] is False


@pytest.mark.parametrize(
    "settings",
    [
        ["ratings.cross_raters=0"],
        ["ratings.cross_raters=1", "turns=1"],
        ["revision.candidates=2", "revision.acceptance=ratify", "epochs=1"],
        ["revision.strategy=grounded", "revision.acceptance=improves", "holdout.tasks=[sleep]"],
        ["model.max_tokens=12", "force=all"],  # answers without a form are asked for again
    ],
    ids=" ".join,
)
def test_whatever_makes_calls_is_counted(tiny, settings):
    compare(tiny, *(part for setting in settings for part in ("--set", setting)))


def test_who_meets_in_an_epoch_is_counted():
    settings = (
        "epochs=2",
        "personas.per_epoch=3",
        "tasks.per_epoch=2",
        "tasks.sample=2",
        "holdout.personas=0",
        *ORIGINAL,
    )
    planned, _ = compare(
        ROOT / "configs" / "quickstart.yaml", *(part for setting in settings for part in ("--set", setting))
    )
    played = 3 * 2 * (1 + 2 * 2 + 2)
    assert planned["calls"]["total"] == 2 * (played + 1) + played
    assert planned["product"] == {"calls": played, "certain": True}


@pytest.mark.slow
def test_all_cross_raters_are_set_beside_the_default_number():
    config = ROOT / "configs" / "quickstart.yaml"
    options = [part for setting in ("epochs=1", "tasks.sample=1", "turns=1") for part in ("--set", setting)]
    few = scai("plan", config, "--json", *options).json
    everyone = scai("plan", config, "--json", *options, "--set", "ratings.cross_raters=all").json
    fewer = everyone["fewer_raters"]
    assert few["fewer_raters"] is None
    # The meta model may revise in other steps after other ratings.
    assert fewer == {"cross_raters": 5, "calls": pytest.approx(few["calls"]["total"], abs=2), "usd": 0}
    assert everyone["calls"]["total"] > fewer["calls"]
    words = scai("plan", config, *options, "--set", "ratings.cross_raters=all").out
    assert f"with `ratings.cross_raters: 5` in place of all: {fewer['calls']:,} calls; cost: nothing\n" in words


@pytest.mark.slow
def test_calls_to_another_model_are_counted_exactly_and_cost_money(tmp_path):
    with Loopback(answer=society()) as server:
        config = tmp_path / "crash.yaml"
        config.write_text(EXPERIMENT.replace("URL", server.base_url) + "prices: {society: {input: 1.0, output: 4.0}}\n")
        planned = scai("plan", config, "--json").json
        assert server.requests == []
        scai("run", config, "-q")
    # Whether the last revision is adopted is not known before.
    assert planned["product"] == {"calls": 96, "certain": False}
    revisions = [event for event in events(tmp_path / "runs" / "crash") if event["type"] == "revision"]
    spared = 0 if revisions[-1]["accepted"] else 96
    assert planned["calls"]["total"] == len(calls(tmp_path / "runs" / "crash")) + spared
    tokens = planned["tokens"]
    assert planned["usd"] == pytest.approx((tokens["input"] * 1.0 + tokens["output"] * 4.0) / 1e6)


def test_a_plan_writes_nothing_and_dry_run_is_the_same(tiny, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    planned = scai("plan", tiny, "--json")
    assert scai("run", tiny, "--dry-run", "--json").json == planned.json
    assert sorted(tmp_path.rglob("*")) == before
    assert f"{planned.json['calls']['total']:,}" in scai("plan", tiny).out


@pytest.mark.slow
def test_check_is_plan(tiny):
    for options in ([], ["--prompts"], ["--json"], ["--json", "--prompts"]):
        assert scai("check", tiny, *options) == scai("plan", tiny, *options)
    checked = scai("check", tiny, "--json", "--prompts").json
    assert checked["revision"]["strategy"]
    assert {request["purpose"] for request in checked["requests"]} >= {"answer", "feedback", "cross_rating"}


def test_the_hosts_are_named_with_the_variable_of_their_key(tiny, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert scai("plan", tiny, "--json").json["hosts"] == []
    elsewhere = ("--set", "roles.meta.base_url=http://10.0.0.1:8000/v1", "--set", "roles.meta.api_key_env=META_KEY")
    planned = scai("plan", tiny, "--json", "--model", "openai:m", *elsewhere)
    assert planned.json["hosts"] == [
        {"host": "api.openai.com", "key": "OPENAI_API_KEY", "refusal": None, "own_keys": False, "models": ["m"]},
        {
            "host": "10.0.0.1:8000",
            "key": "META_KEY",
            "refusal": "the key in META_KEY would go to http://10.0.0.1:8000, which you have not allowed; "
            "run `scai trust META_KEY http://10.0.0.1:8000` to allow it",
            "own_keys": False,
            "models": ["m"],
        },
    ]
    shown = scai("plan", tiny, "--model", "openai:m", *elsewhere)
    assert "calls 10.0.0.1:8000 with the key in META_KEY, which is not set: m" in shown.out
    assert "sk-secret" not in planned.out + shown.out


def test_a_check_says_what_else_a_key_comes_from(tiny, monkeypatch):
    monkeypatch.setenv("SCAI_KEY_COMMAND", "exit 1")
    assert "with the key that SCAI_KEY_COMMAND prints: m" in scai("plan", tiny, "--model", "openai:m").out
    integration = scai("plan", tiny, "--model", "langchain:groq:m")
    assert "calls langchain:groq with a key that its code finds, if it needs one: groq:m" in integration.out


def test_a_server_without_a_key_gets_none(tiny, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    assert "calls localhost:8000 with no key: m" in scai("plan", tiny, "--model", "openai:m").out


@pytest.mark.parametrize("address", ["http://user:word@localhost/v1", "http://h/v1?key=word", "localhost:8000/v1"])
def test_an_address_that_a_run_refuses_is_refused_before_it(tiny, monkeypatch, address):
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    for command in (("check", tiny), ("check", tiny, "--probe"), ("run", tiny)):
        refused = scai(*command, "--model", "openai:m", "-q" if command[0] == "run" else "--json")
        assert (refused.code, len(refused.lines)) == (2, 1)
        assert refused.err.startswith("scai: OPENAI_BASE_URL: ")
        assert "word" not in refused.out + refused.err
