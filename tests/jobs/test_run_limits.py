"""Limits on a whole run: each stops it in good order with exit 3, and with more of it the run goes on."""

import pytest
from conftest import calls, events, scai
from crash import EXPERIMENT, answered, comparable, society
from hypothesis import example, given
from hypothesis import strategies as st
from loopback import Loopback

from scai_cli.experiment.config import PriceConfig
from scai_cli.jobs.session import Spending
from scai_cli.messages import Usage

PRICED = EXPERIMENT.replace("epochs: 4", "epochs: 2") + "prices: {society: {input: 1.0, output: 4.0}}\n"
SHORT = ("--set", "epochs=1", "--set", "turns=1")


@pytest.fixture(scope="module")
def server():
    with Loopback(answer=society()) as server:
        yield server


@pytest.fixture
def config(tmp_path, server):
    path = tmp_path / "crash.yaml"
    path.write_text(PRICED.replace("URL", server.base_url))
    return path


@pytest.fixture
def clean(tmp_path, config):
    called = scai("run", config, "-q", "--json", "--runs-dir", tmp_path / "clean")
    assert called.code == 0
    return called.json


def used(summary, what):
    usage = summary["usage"]
    return {
        "calls": summary["calls"],
        "tokens": usage["input_tokens"] + usage["output_tokens"],
        "usd": usage["usd"],
    }[what]


@pytest.mark.parametrize("what", ["calls", pytest.param("tokens", marks=pytest.mark.slow), "usd"])
def test_a_limit_stops_a_run_which_goes_on_with_more(tmp_path, server, config, clean, what):
    whole = used(clean, what)
    limit = whole // 2 if what != "usd" else whole / 2
    # The length of an answer is not known before: those in flight may be longer than the expected ones.
    most = limit if what == "calls" else limit * 1.02
    before = len(server.requests)
    stopped = scai("run", config, "-q", "--json", "--set", f"limits.{what}={limit}")
    assert stopped.code == 3
    assert stopped.json["status"] == "stopped"
    assert len(stopped.errors) == 1
    assert f"limits.{what}: reached" in stopped.err
    option = "--max-usd USD" if what == "usd" else f"--set limits.{what}=N"
    assert f"continue with `scai resume crash {option}`" in stopped.err
    assert whole / 4 < used(stopped.json, what) <= most
    run = tmp_path / "runs" / "crash"
    # whatever was sent was answered, and every answer is written
    assert len(server.requests) - before == len(calls(run)) == stopped.json["calls"]

    again = scai("resume", "crash", "-q", "--json")  # what was used before counts: it goes on only a little, if at all
    assert again.code == 3
    assert used(stopped.json, what) <= used(again.json, what) <= most

    more = scai("resume", "crash", "-q", "--json", "--set", f"limits.{what}={whole * 2}")
    assert more.code == 0
    assert comparable(run) == comparable(tmp_path / "clean" / "crash")
    assert used(more.json, what) == pytest.approx(whole)
    assert set(answered(run).values()) == {1}


def test_a_run_is_stopped_to_the_very_call(config):
    for limit in (1, 7, 29):
        called = scai("run", config, "-q", "--json", "--set", f"limits.calls={limit}")
        assert (called.code, called.json["calls"]) == (3, limit)


def test_a_limit_that_is_just_enough_stops_nothing(config, clean):
    assert scai("run", config, "-q", "--set", f"limits.calls={clean['calls']}").code == 0


def test_the_time_of_earlier_sessions_counts(tmp_path):
    with Loopback(latency=0.1, answer=society()) as slow:
        config = tmp_path / "crash.yaml"
        config.write_text(PRICED.replace("URL", slow.base_url))
        stopped = scai("run", config, "-q", "--json", "--set", "limits.seconds=0.5")
        assert (stopped.code, stopped.json["status"]) == (3, "stopped")
        assert stopped.json["wall_s"] >= 0.5
        assert "limits.seconds: reached" in stopped.err
        asked = len(slow.requests)
        assert len(calls(tmp_path / "runs" / "crash")) == asked
        assert scai("resume", "crash", "-q").code == 3
        assert len(slow.requests) == asked
        slow.latency = 0.0
        resumed = scai("resume", "crash", "-q", "--json", "--set", "limits.seconds=6000")
        assert resumed.code == 0
        assert resumed.json["wall_s"] > stopped.json["wall_s"]
        assert scai("run", config, "-q", "--runs-dir", "clean").code == 0
    assert comparable(tmp_path / "runs" / "crash") == comparable(tmp_path / "clean" / "crash")


def test_a_limit_in_money_on_an_unknown_price_is_told_before_anything_is_done(tmp_path, server, config):
    config.write_text(config.read_text().replace("prices:", "#"))
    asked = len(server.requests)
    called = scai("run", config, "--max-usd", 1)
    assert called.code == 2
    assert called.errors == [
        "scai: limits.usd: the price of model 'society' is unknown; "
        "add `prices: {society: {input: X, output: Y}}` (USD per 1M tokens) or drop the limit"
    ]
    assert len(server.requests) == asked
    assert not (tmp_path / "runs").exists()
    assert scai("run", config, "-q", "--set", "limits.calls=30").code == 3
    called = scai("resume", "crash", "--max-usd", 1)
    assert (called.code, len(called.lines)) == (2, 1)
    assert "the price of model 'society' is unknown" in called.err


def test_each_role_is_counted_at_its_own_price(tmp_path, server, config):
    config.write_text(
        config.read_text().replace(
            "prices: {", "roles: {meta: {name: wise}}\nprices: {wise: {input: 50, output: 200}, "
        )
    )
    whole = scai("run", config, "-q", "--json", "--runs-dir", "clean").json
    rows = calls(tmp_path / "clean" / "crash")
    cost = {"wise": (50, 200), "society": (1, 4)}
    by_hand = sum(
        (row["usage"]["input_tokens"] * cost[row["model"]][0] + row["usage"]["output_tokens"] * cost[row["model"]][1])
        / 1e6
        for row in rows
    )
    assert whole["usage"]["usd"] == pytest.approx(by_hand, abs=1e-6)
    stopped = scai("run", config, "-q", "--json", "--max-usd", by_hand / 2).json
    assert stopped["usage"]["usd"] <= by_hand / 2 * 1.05  # by as much as the last answers are longer than expected
    resumed = scai("resume", "crash", "-q", "--json", "--max-usd", 9).json
    assert resumed["usage"]["usd"] == pytest.approx(by_hand, abs=1e-6)


def test_a_cost_that_nobody_knows_is_null_and_stays_so(config):
    config.write_text(config.read_text().replace("prices:", "#"))
    assert scai("run", config, "-q", "--json").json["usage"]["usd"] is None
    assert scai("resume", "crash", "-q", "--json").json["usage"]["usd"] is None


def test_the_limits_of_a_run_are_kept_for_the_next_session(tmp_path, config):
    assert scai("run", config, "-q", "--set", "limits.calls=20").code == 3
    assert scai("resume", "crash", "-q", "--json", "--set", "limits.calls=40").json["calls"] == 40
    assert scai("resume", "crash", "-q", "--json").json["calls"] == 40
    assert "calls: 40" in (tmp_path / "runs" / "crash" / "config.yaml").read_text()


def test_a_stopped_run_tells_nothing_twice_and_nothing_half(tmp_path, config):
    scai("run", config, "-q", "--set", "limits.calls=33")
    run = tmp_path / "runs" / "crash"
    names = [(event["type"], event["id"]) for event in events(run)]
    assert len(names) == len(set(names))
    assert all((run / name).read_bytes().endswith(b"\n") for name in ("events.jsonl", "calls.jsonl"))


def test_calls_in_flight_do_not_end_a_run_that_has_room_for_one_more(config):
    stopped = scai("run", config, "-q", "--json", "--set", "limits.calls=7", "--set", "limits.concurrency=5")
    assert (stopped.code, stopped.json["calls"]) == (3, 7)


def test_paid_responses_that_cannot_be_used_are_logged_counted_and_never_replayed(tmp_path):
    """Each is one of 1,000 tokens, 128 of them cached; the limit stops the run, and a resume continues to count."""
    config = tmp_path / "crash.yaml"
    with Loopback(script=["paid-error"] * 1000, answer=society()) as server:
        config.write_text(PRICED.replace("URL", server.base_url))
        stopped = scai("run", config, "-q", "--json", *SHORT, "--set", "limits.tokens=8000")
        server._script.clear()
        sent = len(server.requests)
        assert stopped.code == 3
        assert 8 <= sent <= 10  # those in flight were estimated to be smaller
        usage = {"input_tokens": 600 * sent, "output_tokens": 400 * sent, "cached_tokens": 128 * sent}
        usage["usd"] = pytest.approx(0.0022 * sent)
        assert (stopped.json["calls"], stopped.json["usage"]) == (sent, usage)
        run = tmp_path / "runs" / "crash"
        lines = calls(run)
        assert {(line["used"], line["response"], line["finish_reason"]) for line in lines} == {
            (False, "Half an ans", "error")
        }
        assert all("Provider returned error" in line["reason"] for line in lines)
        assert lines[0]["usage"] == {"input_tokens": 600, "output_tokens": 400, "cached_tokens": 128}
        assert "--- paid and not used" in scai("show", "crash", "--prompts", lines[0]["id"]).out

        again = scai("resume", "crash", "-q", "--json")
        assert (again.code, again.json["calls"], again.json["usage"]) == (3, sent, usage)
        assert len(server.requests) == sent
        more = scai("resume", "crash", "-q", "--json", "--set", "limits.tokens=10000000")
        assert more.code == 0
        assert more.json["calls"] == len(server.requests) == len(calls(run))
        assert more.json["usage"]["cached_tokens"] == 128 * sent
    assert "Half an ans" not in (run / "events.jsonl").read_text()


def test_thoughts_are_written_for_the_audit_and_reach_no_event_and_no_other_prompt(tmp_path):
    config, think, answer = tmp_path / "crash.yaml", "A draft that I reject.", society()
    with Loopback(answer=lambda asked: f"<think>\n{think}\n</think>\n\n{answer(asked)}") as server:
        config.write_text(PRICED.replace("URL", server.base_url))
        assert scai("run", config, "-q", *SHORT, "--set", "limits.calls=20").code == 3
        assert scai("resume", "crash", "-q", "--set", "limits.calls=1000").code == 0  # replays thoughts and marks
    run = tmp_path / "runs" / "crash"
    assert all((line["thoughts"], think in line["response"]) == (think, False) for line in calls(run))
    assert not any(think in message["content"] for line in calls(run) for message in line["request"]["messages"])
    assert think not in (run / "events.jsonl").read_text()
    said = [event for event in events(run) if event["type"] == "message" and event["role"] == "assistant"]
    assert said
    assert all(event["marks"] == ["thoughts"] for event in said)
    assert f"--- thoughts\n{think}\n--- answer" in scai("show", "crash", "--prompts", "e1").out


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), min_size=2, max_size=30))
@example([(1, 4), (5, 2)])  # 4.5 millionths of a dollar
def test_the_cost_is_the_same_in_one_session_and_in_many(tokens):
    price, spent = PriceConfig(input=0.15, output=0.6), [Usage(*pair) for pair in tokens]
    shown = {
        Spending(usd=sum(costs)).as_object()["usage"]["usd"]
        for costs in (
            [price.cost(usage) for usage in spent],
            [price.cost(usage) for usage in reversed(spent)],
            [price.cost(sum(spent, Usage()))],
        )
    }
    assert len(shown) == 1
