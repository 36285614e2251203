"""The loop: what happens, in which order, under which ids; what stays missing and what is never adopted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, Called, calls, events, scai, scai_process
from scripted import script

PEOPLE, ASKED = ("ann", "bob", "cid"), ("tea", "sleep")
REVISION = r"^e1/revision/meta"


def ran(tiny: Path, *options: str, code: int = 0) -> list[dict[str, Any]]:
    called = scai("run", tiny, "--quiet", *options)
    assert called.code == code, called.err
    return events(Path("runs/tiny"))


def of(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in found if event["type"] == kind]


def rewrite(*principles: str, contract: tuple[dict[str, Any], ...] = (), **more: Any) -> str:
    rules = [{"id": None, "text": text} for text in principles]
    return json.dumps({"critique": "It could be better.", "principles": rules, "contract": contract, **more})


def first_revision(tiny: Path, *lines: dict[str, str], options: tuple[str, ...] = ()) -> dict[str, Any]:
    return of(ran(tiny, "--set", "force=all", "--set", "epochs=1", *script(*lines), *options), "revision")[0]


def test_every_kind_of_event_happens_as_often_as_the_design_says(finished: Path) -> None:
    found = events(finished)
    assert Counter(event["type"] for event in found) == {
        "run_started": 1,
        "epoch_started": 2 + 1,  # the two epochs, and the play of the product
        "message": 3 * 6 * 3,
        "rating": 3 * 6 * (1 + 2),
        "welfare": 2 + 1,
        "revision": 2,
        "run_finished": 1,
    }
    assert [event["seq"] for event in found] == list(range(len(found)))
    assert Counter(call["role"] for call in calls(finished)) == {"assistant": 18, "user": 18 + 18 + 36, "meta": 2}


def test_ids_are_positions(finished: Path) -> None:
    found = events(finished)
    conversations = [f"e{e}/{p}/{t}" for e in (1, 2, 3) for p in PEOPLE for t in ASKED]
    assert {e["id"] for e in of(found, "message")} == {f"{c}/m{n}" for c in conversations for n in range(3)}
    assert {e["id"] for e in of(found, "rating")} == {f"{c}/m2/own" for c in conversations} | {
        f"{c}/cross/{rater}" for c in conversations for rater in PEOPLE if rater != c.split("/")[1]
    }
    plays = ["e1", "e2", "e3"]
    assert [e["id"] for e in of(found, "epoch_started")] == [e["id"] for e in of(found, "welfare")] == plays
    assert [e["id"] for e in of(found, "revision")] == ["e1/revision", "e2/revision"]
    assert len({(e["type"], e["id"]) for e in found}) == len(found)
    assert {f"{c}/m1/assistant" for c in conversations} <= {call["id"] for call in calls(finished)}
    assert {f"{c}/m2/user" for c in conversations} <= {call["id"] for call in calls(finished)}


def test_turns_go_answer_comment_answer_comment(tiny: Path) -> None:
    found = ran(tiny, "--set", "turns=3", "--set", "epochs=1")
    said = [e for e in of(found, "message") if e["id"].startswith("e1/ann/tea/")]
    assert [e["id"].rpartition("/")[2] for e in said] == [f"m{n}" for n in range(7)]
    assert [e["role"] for e in said] == ["user", "assistant"] * 3 + ["user"]
    assert said[0]["verbatim"] == "How do I make a pot of tea?"
    own = [e for e in of(found, "rating") if e["conversation"] == "e1/ann/tea" and e["kind"] == "own"]
    assert [(e["id"], e["message"], e["final"]) for e in own] == [
        (f"e1/ann/tea/m{n}/own", f"e1/ann/tea/m{n - 1}", n == 6) for n in (2, 4, 6)
    ]
    answers = [call for call in calls(Path("runs/tiny")) if call["id"].startswith("e1/ann/tea/m5/")]
    roles = [message["role"] for message in answers[0]["request"]["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


def test_every_final_answer_is_rated_by_all_others(finished: Path) -> None:
    found = events(finished)
    for conversation in {e["conversation"] for e in of(found, "rating")}:
        raters = [e for e in of(found, "rating") if e["conversation"] == conversation and e["kind"] == "cross"]
        assert sorted(e["rater"] for e in raters) == sorted(set(PEOPLE) - {conversation.split("/")[1]})
        assert {(e["message"], e["final"]) for e in raters} == {(f"{conversation}/m1", True)}
        answer = next(e["content"] for e in of(found, "message") if e["id"] == f"{conversation}/m1")
        asked = [c for c in calls(finished) if c["id"].startswith(f"{conversation}/cross/")]
        assert all(answer in call["request"]["messages"][-1]["content"] for call in asked)


@pytest.mark.parametrize("count", [0, 1])
def test_or_by_some_of_them_drawn_with_the_seed(tiny: Path, count: int) -> None:
    found = ran(tiny, "--set", f"ratings.cross_raters={count}")
    cross = Counter(e["conversation"] for e in of(found, "rating") if e["kind"] == "cross")
    assert list(cross.values()) == [1] * 18 if count else not cross
    assert all(e["rater"] != e["conversation"].split("/")[1] for e in of(found, "rating") if e["kind"] == "cross")


def test_each_epoch_starts_from_a_clean_dialogue_under_the_new_constitution(finished: Path) -> None:
    first = of(events(finished), "revision")[0]
    assert first["accepted"]
    rules = [*first["constitution"]["principles"], *first["constitution"]["contract"]]
    assert rules
    for call in calls(finished):
        if call["role"] == "assistant" and call["id"].startswith("e2/"):
            system, *said = call["request"]["messages"]
            for rule in rules:
                assert (rule["text"] in system["content"]) == (call["id"].split("/")[1] in rule.get("for", PEOPLE))
            assert len(said) == 1
        if call["role"] == "assistant" and call["id"].startswith("e1/"):
            assert call["request"]["messages"][0]["content"] == "You are a helpful assistant."


def test_a_clause_is_told_to_its_users_only(tiny: Path) -> None:
    ran(tiny, "--set", "constitution.contract=[{text: Speak of herons., for: [bob]}]", "--set", "epochs=1")
    for call in calls(Path("runs/tiny")):
        if call["role"] == "assistant":
            assert ("herons" in call["request"]["messages"][0]["content"]) == (call["id"].split("/")[1] == "bob")


@pytest.mark.parametrize("turns", [1, 2])
def test_welfare_is_the_declared_one_of_the_utilities_of_final_ratings(tmp_path: Path, tiny: Path, turns: int) -> None:
    assert scai("run", tiny, "-q", "--set", f"turns={turns}").code == 0
    found = events(tmp_path / "runs" / "tiny")
    drafts = [e["value"] for e in of(found, "rating") if not e["final"]]
    assert len(drafts) == (turns - 1) * 3 * len(PEOPLE) * 2
    for measured in of(found, "welfare"):
        epoch = measured["epoch"]
        finals = [e for e in of(found, "rating") if e["final"] and e["epoch"] == epoch]
        for person in PEOPLE:
            own = [e["value"] for e in finals if e["rater"] == person and e["kind"] == "own"]
            cross = [e["value"] for e in finals if e["rater"] == person and e["kind"] == "cross"]
            utility = 0.75 * sum(own) / len(own) / 10 + 0.25 * sum(cross) / len(cross) / 10
            assert measured["satisfaction"][person] == pytest.approx(sum(own) / len(own))
            assert measured["utilities"][person] == pytest.approx(utility)
        mean = sum(measured["utilities"].values()) / 3
        assert measured["values"][measured["declared"]] == pytest.approx(mean)
        assert measured["missing"] == 0


def without(found: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in event.items() if key not in keys} for event in found]


@pytest.mark.slow
def test_the_same_seed_is_the_same_run_in_every_process(tiny: Path) -> None:
    for seed in ("1", "2"):
        called = scai_process("run", tiny, "--quiet", "--runs-dir", seed, PYTHONHASHSEED=seed)
        assert called == Called(0, "tiny\n", "")
    one, two = (without(events(Path(seed) / "tiny"), "time") for seed in ("1", "2"))
    assert one == two
    first, second = (without(calls(Path(seed) / "tiny"), "latency_s") for seed in ("1", "2"))
    assert first == second
    for name in ("config.yaml", "system_message.txt", "constitution/e0.md", "constitution/e2.md"):
        assert (Path("1/tiny") / name).read_bytes() == (Path("2/tiny") / name).read_bytes()


def test_many_at_once_are_the_same_events_in_another_order(tiny: Path, finished: Path) -> None:
    found = ran(tiny, "--set", "limits.concurrency=32")

    def sorted_(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(without(events, "seq", "time"), key=lambda event: (event["type"], event["id"]))

    assert sorted_(found) == sorted_(events(finished))


def test_another_seed_is_another_run(tiny: Path, finished: Path) -> None:
    found = ran(tiny, "--seed", "4")
    assert without(of(found, "message"), "time") != without(of(events(finished), "message"), "time")


@pytest.mark.parametrize("said", ["I would say seven.", '{"feedback": "x", "rating": NaN}', '{"rating": 11}', ""])
def test_an_unreadable_rating_is_missing_never_filled(tiny: Path, said: str) -> None:
    found = ran(tiny, "--set", "epochs=1", *script({"at": r"^e1/ann/tea/m2/user", "say": said}))
    (rating,) = [e for e in of(found, "rating") if e["id"] == "e1/ann/tea/m2/own"]
    assert (rating["value"], rating["comment"]) == (None, "")
    assert next(e["content"] for e in of(found, "message") if e["id"] == "e1/ann/tea/m2") == ""
    assert rating["problem"]
    measured = of(found, "welfare")[0]
    assert measured["missing"] == 1
    other = next(e["value"] for e in of(found, "rating") if e["id"] == "e1/ann/sleep/m2/own")
    assert measured["satisfaction"]["ann"] == other
    asked = [call for call in calls(Path("runs/tiny")) if call["id"].startswith("e1/ann/tea/m2/user")]
    assert [call["id"].rpartition("user")[2] for call in asked] == ["", "/retry1", "/retry2"]
    assert "could not be read" in asked[-1]["request"]["messages"][-1]["content"]


def test_a_rating_read_at_the_second_time_is_not_missing(tiny: Path) -> None:
    lines = ({"at": r"m2/user/retry", "say": '{"feedback": "again", "rating": 4}'}, {"at": "m2/user", "say": "four"})
    found = ran(tiny, "--set", "epochs=1", *script(*lines))
    assert {(e["value"], e["comment"]) for e in of(found, "rating") if e["kind"] == "own"} == {(4.0, "again")}


def test_a_persona_without_any_rating_has_no_utility(tiny: Path) -> None:
    found = ran(tiny, "--set", "epochs=1", *script({"at": r"^e1/ann/\w+/m2/user|/cross/ann/", "say": "no"}))
    measured = of(found, "welfare")[0]
    assert (measured["utilities"]["ann"], measured["satisfaction"]["ann"], measured["missing"]) == (None, None, 6)
    known = [measured["utilities"][person] for person in ("bob", "cid")]
    assert measured["values"]["utilitarian"] == pytest.approx(sum(known) / 2)


def test_one_failing_call_is_a_problem_and_its_ratings_are_missing(tiny: Path) -> None:
    lines = script({"at": r"^e1/ann/tea/m1/assistant", "fail": "the model is on holiday"})
    found = ran(tiny, "--set", "max_failures=0.2", *lines)
    (problem,) = of(found, "problem")
    assert problem["id"] == "e1/ann/tea/m1/assistant"
    assert (problem["where"], problem["problem"]) == ("e1/ann/tea", "the model is on holiday")
    missing = {e["id"] for e in of(found, "rating") if e["value"] is None}
    assert missing == {"e1/ann/tea/m2/own", "e1/ann/tea/cross/bob", "e1/ann/tea/cross/cid"}
    assert [e["missing"] for e in of(found, "welfare")] == [3, 0, 0]
    assert of(found, "run_finished")
    assert any(call.get("error") == "the model is on holiday" for call in calls(Path("runs/tiny")))


def test_a_failing_cross_rating_spoils_only_itself(tiny: Path) -> None:
    lines = script({"at": r"^e1/ann/tea/cross/bob", "fail": "gone"})
    found = ran(tiny, "--set", "max_failures=0.2", *lines)
    assert {e["id"] for e in of(found, "rating") if e["value"] is None} == {"e1/ann/tea/cross/bob"}
    assert [e["id"] for e in of(found, "problem")] == ["e1/ann/tea/cross/bob/user"]


def test_a_refused_revision_keeps_the_constitution(tiny: Path) -> None:
    found = ran(tiny, *script({"at": REVISION, "refuse": "flagged"}))
    first, second = of(found, "revision")
    assert (first["accepted"], first["constitution"]["version"]) == (False, 0)
    assert "failed" in first["reason"]
    assert second["accepted"]


def test_too_many_failures_stop_the_run_resumable(tiny: Path) -> None:
    called = scai("run", tiny, "--quiet", *script({"at": "^e1/.*/assistant", "fail": "gone"}))
    assert (called.code, called.out) == (4, "tiny\n")
    assert "max_failures" in called.err
    assert called.err.count("\n") == 1
    found = events(Path("runs/tiny"))
    assert not of(found, "problem")
    assert not of(found, "welfare")
    assert scai("list", "--json").json[0]["status"] == "failed"


def test_an_endpoint_that_failed_for_good_stops_the_run(tiny: Path) -> None:
    called = scai("run", tiny, "--quiet", "--json", *script({"at": "^e2/", "stop": "bad key"}))
    assert (called.code, called.errors) == (4, ["scai: bad key; then continue with `scai resume tiny`"])
    assert (called.json["status"], called.json["epochs"]) == ("failed", 1)


def test_a_limit_stops_the_run_resumable(tiny: Path) -> None:
    called = scai("run", tiny, "--quiet", "--json", "--set", "limits.calls=30")
    assert (called.code, called.json["status"], called.json["calls"]) == (3, "stopped", 30)
    assert "limits.calls" in called.err
    assert called.err.count("\n") == 1
    assert len(calls(Path("runs/tiny"))) == 30


def test_no_change_is_a_legal_answer(tiny: Path) -> None:
    found = of(
        ran(tiny, *script({"at": "revision/meta", "say": rewrite("Never mind me.", no_change=True)})), "revision"
    )
    assert [(e["accepted"], e["reason"], e["constitution"]["version"]) for e in found] == [
        (False, "no change was proposed", 0)
    ] * 2
    assert [e["critique"] for e in found] == ["It could be better."] * 2


def test_saying_the_same_again_is_no_change(tiny: Path) -> None:
    found = of(ran(tiny, *script({"at": "revision/meta", "say": rewrite("Be brief.", "Be kind.")})), "revision")
    assert [(e["accepted"], e["constitution"]["version"]) for e in found] == [(True, 1), (False, 1)]


def test_a_rewrite_is_adopted_as_edits_that_keep_ids(tiny: Path) -> None:
    second = json.dumps(
        {
            "critique": "c",
            "principles": [{"id": "P2", "text": "Be very kind."}, {"id": None, "text": "Be clear."}],
            "contract": [{"id": None, "text": "Name  a\nsource.", "for": ["cid"]}],
        }
    )
    lines = ({"at": REVISION, "say": rewrite("Be brief.", "Be kind.")}, {"at": "^e2/revision", "say": second})
    first, last = of(ran(tiny, *script(*lines)), "revision")
    assert [rule["id"] for rule in first["constitution"]["principles"]] == ["P1", "P2"]
    assert [(edit["op"], edit.get("id")) for edit in last["edits"]] == [
        ("remove", "P1"), ("modify", "P2"), ("add", None), ("add", None),
    ]  # fmt: skip
    assert [(r["id"], r["text"], r["since"]) for r in last["constitution"]["principles"]] == [
        ("P2", "Be very kind.", 1),
        ("P3", "Be clear.", 2),
    ]
    (clause,) = last["constitution"]["contract"]
    assert (clause["id"], clause["text"], clause["for"]) == ("C1", "Name a source.", ["cid"])
    assert last["from_version"] == 1
    assert last["constitution"]["version"] == 2
    assert "Name a source." not in last["system_message"]  # which is for anyone
    assert (Path("runs/tiny") / "system_message.txt").read_text(encoding="utf-8") == last["system_message"] + "\n"
    assert (Path("runs/tiny") / "constitution/e2.md").read_text(encoding="utf-8").strip() == last["system_message"]


LONG_RULE = "Speak well of trees. " * 100
FOR_A_STRANGER = ({"id": None, "text": "Hush.", "for": ["zed"]},)
UNSOUND = {
    "no JSON": ("I would rather not.", "broken: there is no JSON"),
    "cut JSON": (rewrite("Be brief.")[:-9], "broken: the JSON object has faults"),
    "placeholder": (rewrite("<one sentence>"), "broken: '<one sentence>' is a placeholder"),
    "too short": (rewrite("ok"), "broken: principles.0.text: is not a rule"),
    "critique alone": ('{"critique": "It could be better."}', "broken: must contain"),
    "wrong types": ('{"principles": "be brief"}', "broken: principles"),
    "endless rule": (rewrite("x" * 5000), "broken: principles.0.text"),
    "too many": (rewrite(*(f"Rule of the number {n}." for n in range(11))), "oversized: 11 principles"),
    "too long": (rewrite(LONG_RULE), "oversized: "),
    "stranger": (rewrite("Be brief.", contract=FOR_A_STRANGER), "broken: C1 is for 'zed', who is not a user"),
    "full name": (rewrite("Do as ann smith says."), "leaking: P1 names 'ann smith'"),
    "first name": (rewrite("Be brief with Bob at all times."), "leaking: P1 names 'Bob'"),
    "task": (rewrite("Tell them: how do I make a pot of coffee."), "leaking: P1 copies 'how do i make a'"),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_an_unsound_candidate_is_not_adopted_and_why_is_recorded(tiny: Path, case: str) -> None:
    said, why = UNSOUND[case]
    revision = first_revision(tiny, {"at": REVISION, "say": said, "finish": "stop"})
    assert not revision["accepted"]
    assert revision["reason"].startswith(f"no candidate could be adopted: {why}")
    assert revision["candidates"][0]["objection"].startswith(why)
    assert revision["constitution"]["principles"] == []
    assert revision["constitution"]["version"] == 0


def test_a_truncated_candidate_is_not_adopted_even_if_it_can_be_read(tiny: Path) -> None:
    revision = first_revision(tiny, {"at": REVISION, "say": rewrite("Be brief."), "finish": "length"})
    assert not revision["accepted"]
    assert "truncated" in revision["reason"]


def test_a_clause_may_name_whom_it_is_for(tiny: Path) -> None:
    clause = {"id": None, "text": "Tell Bob Jones how do I make a pot of tea.", "for": ["bob"]}
    assert first_revision(tiny, {"at": REVISION, "say": rewrite("Be kind.", contract=(clause,))})["accepted"]


def test_fewer_people_and_tasks_in_an_epoch_are_drawn_with_the_seed(tiny: Path) -> None:
    text = TINY.replace("personas:\n", "personas:\n  per_epoch: 2\n  inline:\n").replace("  - {id: a", "    - {id: a")
    text = text.replace("  - {id: b", "    - {id: b").replace("  - {id: c", "    - {id: c")
    tiny.write_text(text, encoding="utf-8")
    found = ran(tiny, "--set", "epochs=4")
    groups = [e["personas"] for e in of(found, "epoch_started")]
    assert all(len(group) == 2 for group in groups)
    assert len({tuple(group) for group in groups}) > 1
    assert len(groups) == 4 + any(e.get("product") for e in of(found, "epoch_started"))
    assert len(of(found, "message")) == len(groups) * 2 * 2 * 3
