"""`ratify`: what the users approve of, for everyone or under a condition; and nobody is known by an id."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from scripted import Line, no_form, refusing
from scripted_runs import NO_CROSS, edit, experiment, ran, revisions, rules

NAMES = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ida", "jim", "kay", "leo"]
HURRY = "the user is in a hurry"
DEFAULTS = {"strategy": "grounded", "acceptance": "ratify", "clauses": "conditions"}
Ballots = Mapping[str, str]


def people(count: int) -> list[dict[str, Any]]:
    return [{"id": name, "name": f"{name.title()} Smith"} for name in NAMES[:count]]


def said(who: str, count: int = 6, seed: int = 0) -> str:
    """The id under which the meta model sees what someone said in the first epoch."""
    shuffled = NAMES[:count]
    random.Random(f"{seed}/users").shuffle(shuffled)
    return f"e1/u{shuffled.index(who) + 1}/tea/m2"


def settings(count: int = 6, **keys: Any) -> dict[str, Any]:
    revision = {**DEFAULTS, **keys.pop("revision", {})}
    return {"personas": people(count), "ratings": NO_CROSS, "revision": revision, **keys}


def ratified(
    path: Path,
    changes: Sequence[dict[str, Any]],
    ballots: dict[str, dict[str, str]] | None = None,
    script: Sequence[Line] = (),
    count: int = 6,
    **keys: Any,
) -> dict[str, Any]:
    """The revision after one epoch in which the meta model proposed these changes."""
    meta = {"e1/revision": {"critique": "c", "edits": list(changes)}}
    return revisions(ran(path, meta, script, ballots=ballots, **settings(count, **keys)))[0]


def brief(*cited: str, when: str | None = None, **keys: Any) -> dict[str, Any]:
    return edit("add", text="Be brief.", when=when, evidence=[said(who) for who in cited], **keys)


def cast(**opinions: str) -> dict[str, dict[str, str]]:
    """Ballots on "Be brief."; who is not named is indifferent."""
    return {"Be brief.": {name: opinions.get(name, "i") for name in NAMES}}


def scopes(revision: dict[str, Any]) -> list[str]:
    return [rule["scope"] for rule in revision["ratified"]]


# --- the scope of a rule


@pytest.mark.parametrize(
    ("ballots", "scope"),
    [
        (cast(ann="a", bob="a", cid="a"), "principle"),
        (cast(ann="a", bob="a"), "clause"),  # 2 of 6 are below the quorum
        (cast(ann="a", bob="a", cid="a", dan="a", eve="iio"), "principle"),
        (cast(ann="a", bob="a", cid="a", eve="iio"), "clause"),  # 3 - 1 are below it, too
        (cast(ann="a", bob="a", eve="iio"), "clause"),
        (cast(ann="aai", bob="aai", cid="aai", dan="aai", eve="aai", fay="aai"), "clause"),
        (cast(ann="a", bob="a", cid="ioi", dan="ioi"), "clause"),  # no more object under the condition
        (cast(ann="a", bob="a", cid="ioi", dan="ioi", eve="ioi"), "dropped"),
        (cast(ann="a"), "dropped"),  # one user alone
        (cast(ann="o", bob="o"), "dropped"),
        (cast(), "dropped"),
    ],
)
def test_the_scope_of_a_rule_with_a_condition_follows_from_the_counts(
    tmp_path: Path, ballots: dict[str, Any], scope: str
) -> None:
    revision = ratified(tmp_path, [brief("ann", "bob", when=HURRY)], ballots)
    assert scopes(revision) == [scope]
    (rule,) = revision["ratified"]
    votes = ballots["Be brief."]
    stances = votes.values()
    assert rule["counts"] == {
        "everyone_approve": sum(opinion[-1] == "a" for name, opinion in ballots["Be brief."].items() if name < "g"),
        "everyone_object": sum(opinion[-1] == "o" for name, opinion in ballots["Be brief."].items() if name < "g"),
        "condition_approve": sum((opinion * 3)[1] == "a" for opinion in stances),
        "condition_object": sum((opinion * 3)[1] == "o" for opinion in stances),
        "uncited_approve": sum(opinion[-1] == "a" for name, opinion in votes.items() if name not in ("ann", "bob")),
        "uncited_object": sum(opinion[-1] == "o" for name, opinion in votes.items() if name not in ("ann", "bob")),
    }
    kept = {"principle": [("P1", "Be brief.")], "clause": [("C1", "Be brief.")], "dropped": []}[scope]
    assert rules(revision["constitution"]) == kept
    assert revision["accepted"] is (scope != "dropped")
    assert rule["rule"] == (kept[0][0] if kept else None)
    if scope == "clause":
        assert revision["constitution"]["contract"][0]["when"] == HURRY
        assert f"- When {HURRY}: Be brief." in revision["system_message"]


@pytest.mark.parametrize(
    ("ballots", "scope"),
    [(cast(ann="a", bob="a", cid="a"), "principle"), (cast(ann="a", bob="a"), "dropped"), (cast(ann="aao"), "dropped")],
)
def test_a_rule_without_a_condition_is_for_everyone_or_dropped(
    tmp_path: Path, ballots: dict[str, Any], scope: str
) -> None:
    revision = ratified(tmp_path, [brief("ann")], ballots)
    assert scopes(revision) == [scope]
    assert "condition_approve" not in revision["ratified"][0]["counts"]


def test_a_rule_that_only_those_approve_whom_it_quotes_is_no_principle(tmp_path: Path) -> None:
    """Four who asked for it approve it and one of the others objects."""
    four = dict.fromkeys(("ann", "bob", "cid", "dan"), "a")
    quoted = ratified(tmp_path, [brief(*four, when=HURRY)], cast(**four, eve="iio"))
    assert scopes(quoted) == ["clause"]
    counts = quoted["ratified"][0]["counts"]
    assert (counts["uncited_approve"], counts["uncited_object"]) == (0, 1)
    assert scopes(ratified(tmp_path, [brief("ann", "bob", when=HURRY)], cast(**four, eve="iio"))) == ["principle"]


@pytest.mark.parametrize(
    ("when", "ballots", "scope"),
    [
        (None, cast(ann="a", bob="a", cid="a"), "clause"),
        (None, cast(ann="a", bob="a"), "dropped"),
        (HURRY, cast(ann="a", bob="a", cid="a"), "clause"),
        (HURRY, cast(ann="aai", bob="aai"), "clause"),
    ],
)
def test_a_question_is_a_clause(tmp_path: Path, when: str | None, ballots: dict[str, Any], scope: str) -> None:
    revision = ratified(tmp_path, [brief("ann", "bob", when=when, ask=True)], ballots)
    assert scopes(revision) == [scope]
    if scope == "clause":
        (clause,) = revision["constitution"]["contract"]
        assert (clause["kind"], clause.get("when")) == ("ask", when)


def test_weights_count(tmp_path: Path) -> None:
    heavy = [{**person, "weight": 4 if person["id"] == "ann" else 1} for person in people(6)]
    keys = {"ballots": cast(ann="a", bob="a"), "personas": heavy}
    assert scopes(ratified(tmp_path, [brief("cid")], **keys)) == ["principle"]
    revision = ratified(tmp_path, [brief("cid")], ballots=cast(ann="o", bob="a", cid="a"), personas=heavy)
    for_everyone = {"everyone_approve": 2, "everyone_object": 4}
    assert revision["ratified"][0]["counts"] == {**for_everyone, "uncited_approve": 1, "uncited_object": 4}


def test_weights_count_among_those_whose_clauses_a_change_touches(tmp_path: Path) -> None:
    start = {"contract": [{"text": "Be kind.", "for": ["ann", "bob"]}]}
    heavy = [{**person, "weight": 3 if person["id"] == "ann" else 1} for person in people(6)]
    change = edit("modify", id="C1", text="Be long.")
    keys = {"ballots": {"long": {"ann": "a", "bob": "o"}}, "constitution": start, "revision": {"clauses": "people"}}
    assert not ratified(tmp_path, [change], **keys)["accepted"]
    assert ratified(tmp_path, [change], **keys, personas=heavy)["accepted"]


@pytest.mark.parametrize(("quorum", "scope"), [(0.0, "principle"), (0.33, "principle"), (0.5, "dropped")])
def test_the_quorum_is_a_share_of_the_users(tmp_path: Path, quorum: float, scope: str) -> None:
    keys = {"revision": {"quorum": quorum}}
    assert scopes(ratified(tmp_path, [brief("cid")], cast(ann="a", bob="a"), **keys)) == [scope]


def test_for_known_people_a_rule_is_for_those_who_want_it_for_themselves(tmp_path: Path) -> None:
    ballots = cast(ann="aii", bob="aio", cid="iia")
    revision = ratified(tmp_path, [brief()], ballots, revision={"clauses": "people"})
    assert rules(revision["constitution"]) == [("C1", "Be brief.", "ann", "bob")]
    assert revision["ratified"][0]["users"] == ["ann", "bob"]


# --- other edits


@pytest.mark.parametrize(("opinion", "kept"), [("a", True), ("i", False), ("o", False)])
def test_a_removal_is_made_unless_the_rule_would_pass(tmp_path: Path, opinion: str, kept: bool) -> None:
    ballots = cast(**dict.fromkeys(NAMES, opinion))
    revision = ratified(tmp_path, [edit("remove", id="P1")], ballots, constitution={"principles": ["Be brief."]})
    assert rules(revision["constitution"]) == ([("P1", "Be brief.")] if kept else [])
    assert revision["accepted"] is not kept
    assert revision["ratified"][0]["rule"] == ("P1" if kept else None)


def test_a_clause_that_everyone_approves_is_not_removed_as_nobody_meets_its_condition(tmp_path: Path) -> None:
    start = {"contract": [{"text": "Be brief.", "when": HURRY}]}
    ballots = cast(**dict.fromkeys(NAMES[:5], "aia"))
    revision = ratified(tmp_path, [edit("remove", id="C1")], ballots, constitution=start)
    assert (revision["accepted"], scopes(revision), revision["ratified"][0]["rule"]) == (False, ["clause"], "C1")


@pytest.mark.parametrize("bound", [{"principles": ["Be brief."]}, {"contract": [{"text": "Be brief.", "when": HURRY}]}])
def test_nothing_is_removed_if_nobody_was_heard(tmp_path: Path, bound: dict[str, Any]) -> None:
    (rule_id,) = ("P1" if "principles" in bound else "C1",)
    removal, silent = [edit("remove", id=rule_id)], [refusing("ballot/")]
    revision = ratified(tmp_path, removal, cast(), silent, constitution=bound)
    assert (revision["accepted"], revision["ratified"][0]["rule"]) == (False, rule_id)


@pytest.mark.parametrize(
    ("change", "ballots"),
    [
        (edit("merge", ids=["C1", "C2"], text="Be long."), {"long": {"ann": "a", "bob": "o"}}),
        (edit("modify", id="C2", text="Be long.", **{"for": ["ann"]}), {"long": {"ann": "a", "bob": "o"}}),
        (edit("remove", id="C2"), {"Rhyme": {"bob": "a"}}),
    ],
)
def test_all_whose_clauses_a_change_touches_decide_on_it(
    tmp_path: Path, change: dict[str, Any], ballots: dict[str, dict[str, str]]
) -> None:
    start = {"contract": [{"text": "Be kind.", "for": ["ann"]}, {"text": "Rhyme.", "for": ["bob"]}]}
    revision = ratified(tmp_path, [change], ballots, constitution=start, revision={"clauses": "people"})
    assert not revision["accepted"]
    agreed = {next(iter(ballots)): {"ann": "a", "bob": "o" if change["op"] == "remove" else "a"}}
    revision = ratified(tmp_path, [change], agreed, constitution=start, revision={"clauses": "people"})
    assert revision["accepted"]
    merged = [("C1", "Be long.", "ann", "bob")] if change["op"] == "merge" else None
    assert rules(revision["constitution"]) == (merged or rules(revision["constitution"]))
    assert revision["ratified"][0]["rule"] == {"merge": "C1", "modify": "C2", "remove": None}[change["op"]]


def test_a_new_condition_is_another_rule_and_both_are_on_the_ballot(tmp_path: Path) -> None:
    start = {"contract": [{"text": "Be brief.", "when": HURRY}]}
    new = "the user is a student"
    change = edit("modify", id="C1", text="Be brief.", when=new, evidence=[said("ann"), said("bob")])
    ballots = {HURRY: {"cid": "aai", "dan": "aai"}, new: {"ann": "aai", "bob": "aai"}}
    revision = ratified(tmp_path, [change], ballots, constitution=start)
    assert [clause["when"] for clause in revision["constitution"]["contract"]] == [HURRY, new]
    uncited = ratified(tmp_path, [{**change, "evidence": []}], ballots, constitution=start)
    assert "as its condition rests on the words of 0 of at least 2 users" in uncited["critique"]


def test_a_question_is_added_once_and_a_rule_becomes_none(tmp_path: Path) -> None:
    start = {"contract": [{"text": "What for?", "kind": "ask"}, {"text": "Be brief.", "when": HURRY}]}
    cited = [said("ann"), said("bob")]
    changes = [
        edit("add", text="What for?", ask=True),
        edit("modify", id="C2", text="How long may it be?", when=HURRY, ask=True, evidence=cited),
    ]
    revision = ratified(tmp_path, changes, {"?": dict.fromkeys(NAMES, "a")}, constitution=start)
    assert [(c["text"], c.get("kind")) for c in revision["constitution"]["contract"]] == [
        ("What for?", "ask"),
        ("Be brief.", None),
        ("How long may it be?", "ask"),
    ]
    assert revision["reason"] == (
        "the users approved 2 of 2 changes, of which 1 could be adopted (the rules are there already)"
    )


def test_what_was_approved_and_does_not_fit_is_said(tmp_path: Path) -> None:
    start = {"principles": ["Be kind."], "max_principles": 1}
    changes = [edit("remove", id="P1"), brief("ann")]
    revision = ratified(tmp_path, changes, {"Be": dict.fromkeys(NAMES, "a")}, constitution=start)
    assert revision["reason"] == (
        "the users approved 1 of 2 changes, of which none could be adopted (oversized: 2 principles, at most 1 are "
        "allowed)"
    )


def test_a_rewording_and_a_merge_are_on_the_ballot_as_they_would_be(tmp_path: Path) -> None:
    start = {"principles": ["Be kind.", "Be warm.", "Be long."], "contract": [{"text": "Joke.", "when": HURRY}]}
    changes = [
        edit("merge", ids=["P1", "P2"], text="Be kind and warm."),
        edit("modify", id="P3", text="Be very long."),
        edit("modify", id="C1", text="Joke well."),
    ]
    everyone = dict.fromkeys(NAMES, "a")
    ballots = {"kind and warm": everyone, "very long": dict.fromkeys(NAMES, "o"), "Joke well": everyone}
    revision = ratified(tmp_path, changes, ballots, constitution=start)
    assert {rule["text"]: rule["scope"] for rule in revision["ratified"]} == {
        "Be kind and warm.": "principle",
        "Be very long.": "dropped",
        "Joke well.": "clause",  # it keeps its condition
    }
    assert rules(revision["constitution"]) == [("P1", "Be kind and warm."), ("P3", "Be long."), ("C1", "Joke well.")]
    assert revision["constitution"]["contract"][0]["when"] == HURRY


@pytest.mark.parametrize(
    ("change", "ballots"),
    [
        (edit("modify", id="P1", text="Be long."), {"long": {"ann": "aio", "bob": "o", "cid": "o"}}),
        (edit("modify", id="C1", text="Be long."), {"long": {"ann": "a", "bob": "o", "cid": "a"}}),
    ],
)
def test_for_known_people_nobody_rewords_what_is_for_others(
    tmp_path: Path, change: dict[str, Any], ballots: dict[str, dict[str, str]]
) -> None:
    start = {"principles": ["Be kind."], "contract": [{"text": "Rhyme.", "for": ["bob"]}]}
    revision = ratified(tmp_path, [change], ballots, constitution=start, revision={"clauses": "people"})
    assert not revision["accepted"]
    assert scopes(revision) == ["dropped"]


@pytest.mark.parametrize(
    ("most", "kept"), [(10, [("P1", "Be kind."), ("P2", "Be brief.")]), (1, [("P1", "Be kind."), ("C1", "Be brief.")])]
)
def test_a_rule_is_adopted_once_and_replaces_its_clause_as_a_principle(
    tmp_path: Path, most: int, kept: list[tuple[str, str]]
) -> None:
    start = {"principles": ["Be kind."], "contract": [{"text": "Be brief.", "when": HURRY}], "max_principles": most}
    changes = [brief("ann", "bob", when=when) for when in ("the user is a student", "the user lives alone")]
    revision = ratified(tmp_path, changes, cast(**dict.fromkeys(NAMES, "a")), constitution=start)
    assert rules(revision["constitution"]) == kept
    assert revision["accepted"] is (most > 1)
    assert [rule["rule"] for rule in revision["ratified"]] == ["P2", "P2"] if most > 1 else [None, None]


def test_all_candidates_are_on_one_ballot_and_equal_rules_once(tmp_path: Path) -> None:
    kind, warm = edit("add", text="Be kind."), edit("add", text="Be warm.")
    meta = {f"e1/revision/c{n}": {"critique": "c", "edits": edits} for n, edits in ((1, [kind]), (2, [warm, kind]))}
    everyone = dict.fromkeys(NAMES, "a")
    told = ran(tmp_path, meta, ballots={"Be": everyone}, **settings(revision={"candidates": 2}))
    (revision,) = revisions(told)
    assert [rule["text"] for rule in revision["ratified"]] == ["Be kind.", "Be warm."]
    assert rules(revision["constitution"]) == [("P1", "Be kind."), ("P2", "Be warm.")]
    assert revision["reason"] == "the users approved 2 of 2 changes"


def test_what_was_not_approved_is_named_in_the_next_prompts(tmp_path: Path) -> None:
    meta = {"e1/revision": {"critique": "c", "edits": [brief("ann", "bob", when=HURRY)]}}
    ran(tmp_path, meta, ballots=cast(), epochs=3, **settings())
    asked = {
        c["id"]: c["request"]["messages"][-1]["content"] for c in calls(tmp_path / "runs/t") if c["role"] == "meta"
    }
    line = f"- When {HURRY}: Be brief."
    assert [line in asked[f"e{epoch}/revision/meta"] for epoch in (1, 2, 3)] == [False, True, True]


# --- ballots


def test_a_ballot_shows_rules_alone_in_an_order_of_its_own(tmp_path: Path) -> None:
    changes = [edit("add", text=f"Be {word}.", reason="r", evidence=[said("ann")]) for word in ["abcd", "efgh", "ijkl"]]
    ratified(tmp_path, changes, {"Be": dict.fromkeys(NAMES, "a")})
    run = tmp_path / "runs/t"
    prompts = [c["request"]["messages"][-1]["content"] for c in calls(run) if c["purpose"] == "ballot"]
    orders = [tuple(re.findall(r'<candidate letter="([A-C])">\s*Be (\w+)\.', prompt)) for prompt in prompts]
    assert len(orders) == 6
    assert all([letter for letter, _ in order] == list("ABC") for order in orders)
    assert len(set(orders)) > 1
    assert not any(re.search(r"e1/|u\d|[PC]\d|meta", prompt) for prompt in prompts)


def test_each_ballot_is_an_event_with_opinions_by_the_numbers_of_the_rules(tmp_path: Path) -> None:
    ratified(tmp_path, [brief("ann", "bob", when=HURRY), edit("add", text="Be kind.")], cast(ann="aio"))
    told = [event for event in events(tmp_path / "runs/t") if event["type"] == "ballot"]
    assert [event["id"] for event in told] == [f"e1/revision/ballot/{name}" for name in NAMES[:6]]
    assert told[0]["opinions"]["0"] == {"me": "approve", "condition": "indifferent", "everyone": "object"}
    assert set(told[0]["opinions"]) == {"0", "1"}


def test_a_ballot_that_cannot_be_read_or_was_refused_does_not_count(tmp_path: Path) -> None:
    script = [no_form("ballot/ann"), refusing("ballot/bob")]
    revision = ratified(tmp_path, [brief()], cast(ann="o", bob="o", cid="a", dan="a"), script)
    assert scopes(revision) == ["principle"]  # 2 of 4
    assert revision["ballots"] == {"answers": 5, "unreadable": 1}
    told = events(tmp_path / "runs/t")
    lost = {event["id"]: event for event in told if event["type"] == "ballot" and not event["opinions"]}
    assert set(lost) == {"e1/revision/ballot/ann"}
    assert "no JSON object" in lost["e1/revision/ballot/ann"]["problem"]
    problems = [(event["id"], event["refused"]) for event in told if event["type"] == "problem"]
    assert problems == [("e1/revision/ballot/bob/user", True)]


def test_a_ballot_without_an_opinion_on_each_rule_is_asked_for_again(tmp_path: Path) -> None:
    half = json.dumps({"ballot": [{"rule": "A", "me": "object", "everyone": "object"}]})
    script = [{"at": "ballot/ann/user$", "say": half}]
    ballots = {"Be": dict.fromkeys(NAMES, "a")}
    revision = ratified(tmp_path, [brief(), edit("add", text="Be kind.")], ballots, script)
    assert revision["ballots"] == {"answers": 6, "unreadable": 0}
    assert scopes(revision) == ["principle", "principle"]
    assert revision["ratified"][0]["counts"]["everyone_object"] == 0
    asked = {c["id"]: c for c in calls(tmp_path / "runs/t") if "ballot/ann" in c["id"]}
    assert set(asked) == {"e1/revision/ballot/ann/user", "e1/revision/ballot/ann/user/retry1"}
    assert "must have the rules A, B, each once" in str(asked["e1/revision/ballot/ann/user/retry1"]["request"])


def test_ballots_most_of_which_cannot_be_read_stop_the_run_and_force_continues_it(tmp_path: Path) -> None:
    meta = {"e1/revision": {"critique": "c", "edits": [brief()]}}
    script = [no_form("ballot/(ann|bob|cid|dan)")]
    stopped = scai("run", experiment(tmp_path, meta, script, ballots=cast(eve="a"), **settings()), "--quiet")
    assert stopped.code == 4
    assert "4 of 6 ballots of epoch 1 could not be read; the first: e1/revision/ballot/ann: there is no" in stopped.err
    assert not revisions(events(tmp_path / "runs/t"))
    forced = scai("resume", "t", "--trust", "--quiet", "--force")
    assert forced.code == 0
    assert "4 of 6 ballots were unreadable or refused" in forced.err


# --- people set aside


def dev_run(path: Path, level: int) -> tuple[dict[str, Any], set[str], list[dict[str, Any]]]:
    """The revision of 12 people who all approve a rule under which everybody rates so; who was set aside; the calls."""
    rule = edit("add", text=f"Be brief all={level}.", evidence=[said(name, 12) for name in NAMES])
    revision = ratified(path, [rule], {"Be brief": dict.fromkeys(NAMES, "a")}, count=12)
    made = calls(path / "runs" / "t")
    prompt = next(c["request"]["messages"][-1]["content"] for c in made if c["role"] == "meta")
    shown = set(re.findall(r'<conversation id="e1/(u\d+)/', prompt))
    aside = {name for name in NAMES if said(name, 12).split("/")[1] not in shown}
    return revision, aside, made


def test_a_third_of_twelve_people_are_set_aside_and_the_meta_model_does_not_hear_of_them(tmp_path: Path) -> None:
    revision, aside, made = dev_run(tmp_path, 9)
    assert len(aside) == 4
    (asked,) = (c["request"]["messages"][-1]["content"] for c in made if c["role"] == "meta")
    assert not any(re.search(rf"\b{said(name, 12).split('/')[1]}\b", asked) for name in aside)
    evidence = revision["constitution"]["principles"][0]["evidence"]
    assert {place.split("/")[1] for place in evidence} == set(NAMES) - aside
    tried = {c["id"].split("/")[2] for c in made if "~1/" in c["id"]}
    assert tried == aside


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        (9, "the users approved 1 of 1 changes, and the 4 people set aside gain 0.400"),
        (5, "the users approved 1 of 1 changes, but the 4 people set aside do not gain by them"),
        (2, "the users approved 1 of 1 changes, but the 4 people set aside do not gain by them"),
    ],
)
def test_the_effect_on_the_people_set_aside_decides(tmp_path: Path, level: int, reason: str) -> None:
    revision, _, _ = dev_run(tmp_path, level)
    assert (revision["accepted"], revision["reason"]) == (level == 9, reason)
    scores = revision["candidates"][0]["scores"]
    assert scores == pytest.approx({"welfare": level / 10, "welfare_before": 0.5})


def test_nobody_of_eleven_people_is_set_aside(tmp_path: Path) -> None:
    revision = ratified(
        tmp_path, [edit("add", text="Be brief all=2.")], cast() | {"Be": dict.fromkeys(NAMES, "a")}, count=11
    )
    assert revision["accepted"]
    assert not [c for c in calls(tmp_path / "runs/t") if "/~" in c["id"]]


# --- what a condition must not say


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("the user is Bob Smith", "leaking: C1 names 'Bob Smith'"),
        ("the user sounds like Bob", "leaking: C1 names 'Bob'"),
        ("the user is u3", "leaking: C1 names 'u3'"),
        ("the user asks how to make a good pot of tea", "leaking: C1 copies 'make a good pot of' from a task"),
        ("the user is\u200b in a hurry", "broken: C1 has hidden characters"),
    ],
)
def test_a_condition_that_leaks_or_hides_something_is_left_out(tmp_path: Path, when: str, why: str) -> None:
    revision = ratified(tmp_path, [brief("ann", "bob", when=when)], cast(**dict.fromkeys(NAMES, "a")))
    assert not revision["accepted"]
    assert f"(Left out, {why}" in revision["critique"]
    assert not [c for c in calls(tmp_path / "runs/t") if c["purpose"] == "ballot"]


def test_words_that_name_a_kind_of_people_name_nobody(tmp_path: Path) -> None:
    group = [{"id": "student", "name": "a student"}, {"id": "brief", "name": "Will Rowe"}, *people(6)]
    given = {"ballots": cast(**dict.fromkeys(NAMES, "aai")), "personas": group}
    shuffled = [person["id"] for person in group]
    random.Random("0/users").shuffle(shuffled)
    cited = [f"e1/u{shuffled.index(name) + 1}/tea/m2" for name in ("ann", "bob")]
    change = edit("add", text="Be brief.", when="the user is a student", evidence=cited)
    assert rules(ratified(tmp_path, [change], **given)["constitution"]) == [("C1", "Be brief.")]
    named = ratified(tmp_path, [change | {"text": "Be like Will Rowe."}], **given)
    assert "leaking: C1 names 'Will Rowe'" in named["critique"]


def test_a_condition_rests_on_the_words_of_two_users(tmp_path: Path) -> None:
    revision = ratified(tmp_path, [brief("ann", when=HURRY)], cast(**dict.fromkeys(NAMES, "a")))
    assert not revision["accepted"]
    assert "(Left out, as its condition rests on the words of 1 of at least 2 users" in revision["critique"]


def test_users_in_the_answer_of_the_meta_model_bind_no_clause_to_a_condition(tmp_path: Path) -> None:
    change = brief("ann", "bob") | {"for": ["u1", "ann"]}
    revision = ratified(tmp_path, [change], cast(**dict.fromkeys(NAMES, "a")))
    assert rules(revision["constitution"]) == [("P1", "Be brief.")]


def test_a_rule_for_users_is_for_nobody_if_nobody_ratifies_it(tmp_path: Path) -> None:
    change = brief("ann", "bob") | {"for": ["u1"]}
    meta = {"e1/revision": {"critique": "c", "principles": [], "contract": [{"text": "Be brief.", "for": ["u1"]}]}}
    told = ran(tmp_path, meta, **settings(revision={"strategy": "rewrite", "acceptance": "always"}))
    assert not revisions(told)[0]["accepted"]
    assert "(Left out, as it is for users whom the assistant does not know: add Be brief.)" in str(revisions(told)[0])
    assert scopes(ratified(tmp_path, [change], cast(**dict.fromkeys(NAMES, "a")))) == ["principle"]


def test_the_assistant_is_given_no_clauses_for_ids(tmp_path: Path) -> None:
    start = {"contract": [{"text": "Rhyme.", "for": ["ann"]}]}
    refused = scai("run", experiment(tmp_path, {}, **settings(constitution=start)), "-q")
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "constitution.contract.0.for: the assistant knows nobody by an id; write `revision: {clauses:" in refused.err


@pytest.mark.parametrize("clause", [{"when": HURRY, "text": "Be brief."}, {"kind": "ask", "text": "Which pot?"}])
def test_for_known_people_clauses_of_the_start_may_have_conditions(tiny: Path, clause: dict[str, Any]) -> None:
    contract = f"constitution.contract=[{json.dumps(clause)}]"
    called = scai("run", tiny, "-q", "--set", contract, "--set", "constitution.principles=[]")
    assert (called.code, called.errors) == (0, [])


def test_an_epoch_has_people_of_both_kinds_if_it_draws_some(tmp_path: Path) -> None:
    group = {"from": "people.yaml", "per_epoch": 2}
    (tmp_path / "people.yaml").write_text(json.dumps(people(12)))
    told = ran(tmp_path, {}, **{**settings(12, epochs=6), "personas": group})
    drawn = [event["personas"] for event in told if event["type"] == "epoch_started"]
    prompts = [c["request"]["messages"][-1]["content"] for c in calls(tmp_path / "runs/t") if c["role"] == "meta"]
    assert [len(pair) for pair in drawn] == [2] * 6
    assert [len(set(re.findall(r'<conversation id="e\d/(u\d+)/', prompt))) for prompt in prompts] == [1] * 6


def test_the_log_has_the_ids_that_the_meta_model_did_not_see(tmp_path: Path) -> None:
    number = said("bob").split("/")[1]
    meta = {
        "e1/revision": {
            "critique": f"It bores {number}.",
            "edits": [brief("bob", "cid", reason=f"{number} asks for it.")],
        }
    }
    (revision,) = revisions(ran(tmp_path, meta, ballots=cast(**dict.fromkeys(NAMES, "a")), **settings()))
    assert revision["critique"] == "It bores bob."
    (change,) = revision["edits"]
    assert (change["reason"], change["evidence"]) == ("bob asks for it.", ["e1/bob/tea/m2", "e1/cid/tea/m2"])


# --- nobody is known by an id


@pytest.mark.parametrize("strategy", ["grounded", "rewrite"])
@pytest.mark.parametrize("acceptance", ["ratify", "improves"])
def test_no_id_or_name_of_a_person_is_in_a_prompt_of_the_assistant_or_the_meta_model(
    tmp_path: Path, strategy: str, acceptance: str
) -> None:
    wishes = [{"concise": 1.0, "thrift": 0.6}, {"concise": 0.8, "faith": -0.8}, {"detailed": 1.0, "family": 0.8}]
    group = [
        {
            "id": f"qx{n}-vegan",
            "name": f"Zebulon{n} Quimby{n}",
            "description": "Wants it so.",
            "attributes": {"situation": "in a hurry" if n % 2 else "lives alone"},
            "preferences": wishes[n % 3],
        }
        for n in range(6)
    ]
    keys = {"personas": group, "epochs": 3, "model": {"provider": "simulated"}, "ratings": {"cross_raters": 2}}
    told = ran(tmp_path, **keys, revision={**DEFAULTS, "strategy": strategy, "acceptance": acceptance})
    if acceptance == "ratify":
        assert any(revision["accepted"] for revision in revisions(told))
    requests = [c for c in calls(tmp_path / "runs/t") if c["role"] in ("assistant", "meta")]
    assert {c["role"] for c in requests} == {"assistant", "meta"}
    for call in requests:
        assert not re.search(r"qx\d|zebulon|quimby", json.dumps(call["request"]), re.IGNORECASE), call["id"]
    evidence = [place for revision in revisions(told) for change in revision["edits"] for place in change["evidence"]]
    assert all(place.startswith("e") and "/qx" in place for place in evidence)
