"""Strategies: from what happened to candidate revisions, and what can never be adopted."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from hypothesis import given
from hypothesis import strategies as st
from scripted import Line, cut_off, refusing
from scripted_runs import anew, edit, ran, revisions, rules

from scai_cli.experiment.constitution import Add, Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.simulation.answer_forms import Rewrite
from scai_cli.simulation.candidate_checks import leak
from scai_cli.simulation.strategies.rewrite import edits_to

GROUNDED = {"strategy": "grounded", "quorum": 0}
"""Edits that need no quorum."""

# --- rewrite


def test_ids_are_for_life(tmp_path: Path) -> None:
    told = ran(
        tmp_path,
        {
            "e1/revision": anew((None, "Be kind."), (None, "Be brief."), contract=((None, "Joke.", "ann bob"),)),
            "e2/revision": anew(("P2", "Be very brief."), contract=(("C1", "Joke.", "bob"),)),
            "e3/revision": anew((None, "Be kind."), (None, "Be very brief."), contract=((None, "Rhyme.", "cid"),)),
        },
        epochs=3,
    )
    first, second, third = (rules(r["constitution"]) for r in revisions(told))
    assert first == [("P1", "Be kind."), ("P2", "Be brief."), ("C1", "Joke.", "ann", "bob")]
    assert second == [("P2", "Be very brief."), ("C1", "Joke.", "bob")]
    assert third == [("P2", "Be very brief."), ("P3", "Be kind."), ("C2", "Rhyme.", "cid")]  # P1 and C1 are used up
    assert [r["constitution"]["version"] for r in revisions(told)] == [1, 2, 3]
    assert [p["since"] for p in revisions(told)[2]["constitution"]["principles"]] == [1, 3]
    assert [e["op"] for e in revisions(told)[1]["edits"]] == ["remove", "modify", "modify"]


texts = st.lists(
    st.tuples(
        st.sampled_from(["P1", "P2", "P9", None]), st.sampled_from(["Be kind.", "Be brief.", "Be warm.", "Be calm."])
    ),
    max_size=5,
)


@given(texts)
def test_a_rewrite_leads_to_what_was_written_whatever_ids_it_names(written: list[tuple[str | None, str]]) -> None:
    old = Constitution().apply([Add(text="Be kind."), Add(text="Be brief.")], epoch=0)
    new = old.apply(edits_to(old, Rewrite.model_validate(anew(*written)), {}), epoch=1)
    assert sorted(rule.text for rule in new.principles) == sorted({text for _, text in written})
    assert len({rule.id for rule in new.principles}) == len(new.principles)
    for rule in new.principles:  # an id that was there either is that rule or never comes back
        assert rule.since == (0 if rule.id in ("P1", "P2") else 1)


def test_no_change_is_a_legal_answer(tmp_path: Path) -> None:
    told = ran(tmp_path, epochs=2)
    assert [(r["accepted"], r["reason"]) for r in revisions(told)] == [(False, "no change was proposed")] * 2
    assert told[-1]["version"] == 0


@pytest.mark.parametrize("change", [anew(("P1", "Be  kind.")), {"critique": "", "no_change": True, "principles": []}])
def test_the_same_words_again_are_no_change(tmp_path: Path, change: dict[str, Any]) -> None:
    told = ran(tmp_path, {"e1/revision": change}, constitution={"principles": ["Be kind."]})
    assert not revisions(told)[0]["accepted"]
    assert revisions(told)[0]["constitution"]["version"] == 0


def test_edits_without_effect_are_no_change(tmp_path: Path) -> None:
    change = {"critique": "c", "edits": [edit("modify", id="P1", text="Be kind.", reason="to be sure")]}
    keys = {"constitution": {"principles": ["Be kind."]}, "revision": GROUNDED}
    told = ran(tmp_path, {"e1/revision": change}, **keys)
    assert (revisions(told)[0]["accepted"], revisions(told)[0]["constitution"]["version"]) == (False, 0)


# --- objections: what is never adopted, whatever the acceptance rule


def refused(path: Path, answer: Any, script: Sequence[Line] = (), **keys: Any) -> str:
    """Why a revision was not adopted under the rule `always`."""
    revision = revisions(ran(path, {"e1/revision": answer}, script, force="all", **keys))[0]
    assert not revision["accepted"]
    assert revision["constitution"]["version"] == 0
    objection = revision["candidates"][0]["objection"]
    assert objection in revision["reason"]
    return objection


@pytest.mark.parametrize(
    "leaking",
    [
        "Answer Ann Smith in verse.",
        "answer ann smith in verse.",
        "Ann wants verse.",
        "Ann's answers come in verse.",
        "Be brief (Ann) and warm.",
        'Be as "Jones" would be.',
        "Be brief.\nBob wants it.",
        "Write verse for cid.",
        "ANN IS FIRST.",
        "Be brief with BOB.",
        "Please Cid/Bob.",
        "Answer \uff21\uff4e\uff4e \uff33\uff4d\uff49\uff54\uff48 in verse.",
        "answer ann\n smith in verse.",
        "Write verse for A\u0301nn.",
        "answer ann\u00a0smith in verse.",
    ],
)
def test_a_principle_that_names_a_person_is_refused(tmp_path: Path, leaking: str) -> None:
    assert refused(tmp_path, anew((None, leaking))).startswith("leaking: P1 names ")


@pytest.mark.parametrize("name", ["An\u200bn Smi\u00adth", "\uff21nn Smith", "A\u0301nn\tSmith", "Ann\U000e0061 Smith"])
@pytest.mark.parametrize("text", ["answer ann smith well", "Answer Ann Sm\u2060ith well", "Answer \u00c1NN SMITH well"])
def test_a_split_name_is_found(name: str, text: str) -> None:
    found = leak([("P1", text)], [Persona(id="p", name=name), Persona(id="q", name="\u200b")], ())
    assert found is not None
    assert found.startswith("leaking: P1 names ")


def test_words_split_by_hidden_characters_are_copied_words() -> None:
    private = ["How do I ma\u200bke a \uff47\uff4f\uff4f\uff44 pot of tea?"]
    found = leak([("P1", "Always make a go\u00adod pot of tea.")], (), private)
    assert found == "leaking: P1 copies 'make a good pot of' from a task or a conversation"


@pytest.mark.parametrize(
    "fine", ["Annotate sources.", "Be brown-eyed about it.", "Brown bread is fine.", "Bobbing is fine."]
)
def test_words_that_are_names_too_are_let_through_where_they_are_words(tmp_path: Path, fine: str) -> None:
    assert revisions(ran(tmp_path, {"e1/revision": anew((None, fine))}))[0]["accepted"]


def test_a_clause_may_name_whom_it_is_for(tmp_path: Path) -> None:
    told = ran(tmp_path, {"e1/revision": anew(contract=((None, "Ann Smith gets verse.", "ann"),))})
    assert revisions(told)[0]["accepted"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Zoë Ångström", "Please Zoe\u0308 first."),
        ("Sean O'Brien", "Please O’Brien first."),
        ("李娜", "先回答李娜的问题"),
        ("Dr. Amara Diallo", "Amara comes first."),
        ("Jo Li", "Please Jo first."),
        ("Carmen (Mina) Cruz", "Do as Mina would."),
        ("राम", "पहले राम, फिर बाकी।"),
        ("김민수", "항상 김민수는 먼저 답한다."),
        ("สมชาย", "ตอบสมชายก่อนเสมอ"),
        ("Ann Smith", "Answer \u0410nn \u0405mith well."),
        ("\u0410nn Smith", "Answer Ann well."),
        ("Joe", "Answer \u0408\u043e\u0435 well."),
        ("Annabel", "Answer A n n a b e l well."),
        ("Łukasz Øre", "Answer Lukasz well."),
        ("Lukasz", "Answer Łukasz well."),
    ],
)
def test_names_of_every_script_are_found(name: str, text: str) -> None:
    assert leak([("P1", text)], [Persona(id="x1", name=name)], []) is not None
    assert leak([("P1", text)], [Persona(id="x1", name="Nobody Else")], []) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("राम", "आराम से और छोटा उत्तर दो।"),
        ("राम", "रामा से और छोटा उत्तर दो।"),
        ("علي", "أجب عليهم بإيجاز."),
        ("민수", "국민수는 말한다."),
        ("Ho", "\u041d\u043e отвечай кратко."),
        ("Jo", "Answer J or o."),
        ("李", "行李要轻。"),
    ],
)
def test_a_part_of_a_word_is_no_name(name: str, text: str) -> None:
    assert leak([("P1", text)], [Persona(id="x1", name=name)], []) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [("आरती शर्मा", "शर्मा को छोटा उत्तर दो।"), ("สมชาย ใจดี", "ตอบสมชายสั้นๆ"), ("سارة حسن", "أجب سارة بإيجاز.")],
)
def test_a_part_of_a_name_is_found_where_names_have_no_capital(name: str, text: str) -> None:
    assert leak([("P1", text)], [Persona(id="x1", name=name)], []) is not None


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("चाय कैसे बनाते हैं?", "समझाओ कि कुछ कैसे बनाते हैं और छोटा रखो।"),
        ("Wie brüht man Tee auf?", "Wie brüht man Kaffee auf?"),
        ("日本の首都はどこですか", "首都はどこですか、と聞く。"),
        ("อย่างไรก็ตาม ชงชาให้ฉัน", "อย่างไรก็ตาม ตอบสั้น"),
    ],
)
def test_a_few_words_of_a_task_are_no_copy(task: str, rule: str) -> None:
    assert leak([("P1", rule)], (), [task]) is None


@pytest.mark.parametrize(
    ("task", "rule", "copied"),
    [
        ("चाय कैसे बनाते हैं दूध से?", "चाय कैसे बनाते हैं दूध से, बताओ।", "चाय कैसे बनाते हैं दूध"),
        ("東京の紅葉はいつが見頃ですか?", "東京の紅葉はいつが見頃ですかと聞く。", "東京の紅葉はいつが見"),
        ("请用Python写一个快速排序", "请用 Python 写一个快速排序。", "请用 python 写一个快速排"),
        ("อธิบายการสังเคราะห์แสง", "อธิบายการสังเคราะห์แสง สั้นๆ", "อธิบายการสังเคราะ"),
    ],
)
def test_a_copied_stretch_is_found_in_scripts_without_spaces(task: str, rule: str, copied: str) -> None:
    found = leak([("P1", rule)], (), [task])
    assert found == f"leaking: P1 copies {copied!r} from a task or a conversation"


def test_what_a_rater_remarked_about_another_s_answer_is_private_too(tmp_path: Path) -> None:
    said = json.dumps({"reason": "A purple heron waded past my mill.", "rating": 5})
    remark = [{"at": r"^e1/ann/tea/cross/bob/user$", "say": said}]
    found = refused(tmp_path, anew((None, "Say how a purple heron waded past.")), remark)
    assert found == "leaking: P1 copies 'a purple heron waded past' from a task or a conversation"


def test_five_words_from_a_task_or_a_transcript_are_refused_and_four_are_not(tmp_path: Path) -> None:
    five = refused(tmp_path, anew((None, "Say: make, a GOOD pot-of chocolate.")))
    assert five == "leaking: P1 copies 'make a good pot of' from a task or a conversation"
    assert revisions(ran(tmp_path, {"e1/revision": anew((None, "Make a good pot, with coffee."))}))[0]["accepted"]
    said = refused(tmp_path, anew((None, "Remember: you are a helpful assistant.")))  # the scripted assistant says so
    assert "copies 'you are a helpful assistant'" in said


def test_too_many_principles_are_refused(tmp_path: Path) -> None:
    many = anew(*((None, f"Rule {n}.") for n in range(4)))
    assert (
        refused(tmp_path, many, constitution={"max_principles": 3}) == "oversized: 4 principles, at most 3 are allowed"
    )


def test_too_many_tokens_are_refused(tmp_path: Path) -> None:
    long = anew((None, "word " * 30), contract=((None, "word " * 30, "ann"),))
    assert refused(tmp_path, long, constitution={"max_tokens": 80}).startswith("oversized: ")
    assert revisions(ran(tmp_path, {"e1/revision": long}, constitution={"max_tokens": 200}))[0]["accepted"]


def test_what_has_no_form_is_refused_after_the_retries(tmp_path: Path) -> None:
    assert refused(tmp_path, "I would rather not.").startswith("broken: there is no JSON object")
    asked = [c["id"] for c in calls(tmp_path / "runs" / "t") if c["role"] == "meta"]
    assert asked == ["e1/revision/meta", "e1/revision/meta/retry1", "e1/revision/meta/retry2"]


def test_a_clause_for_nobody_known_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, anew(contract=((None, "Rhyme.", "dan"),))) == "broken: C1 is for 'dan', who is not a user"
    unprintable = json.dumps(anew(contract=((None, "Rhyme.", "\ud800\x1b"),)))
    assert "who is not a user" in refused(tmp_path, unprintable)


def test_a_rule_too_long_to_keep_is_broken_not_a_crash(tmp_path: Path) -> None:
    assert refused(tmp_path, anew((None, "x" * 5000)), constitution={"max_tokens": 9000}).startswith("broken: ")


def test_an_answer_that_was_cut_off_is_refused_even_if_it_can_be_read(tmp_path: Path) -> None:
    assert refused(tmp_path, anew((None, "Be kind.")), [cut_off("meta")]) == "truncated: the answer was cut off"
    assert refused(tmp_path, '{"critique": "and th', [cut_off("meta")]) == "truncated: the answer was cut off"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (edit("modify", id="P7", text="Be kind."), "there is no rule 'P7'"),
        (edit("remove", id="P7"), "there is no rule 'P7'"),
        (edit("remove"), "an edit of the kind remove names no rule"),
        (edit("add", text=" "), "edits.0: is not a rule; write one sentence"),
        (edit("merge", ids=["P1"], text="Be warm."), "a merge names fewer than two rules"),
        (edit("merge", ids=["P1", "C1"], text="Be warm."), "cannot merge principles with clauses: P1, C1"),
        (
            edit("modify", id="P1", text="Be warm.", **{"for": ["ann"]}),
            "P1 is a principle and cannot be for some users only",
        ),
    ],
)
def test_edits_that_cannot_be_made_are_broken(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    start = {"principles": ["Be kind."], "contract": [{"text": "Joke.", "for": ["ann"]}]}
    answer = {"critique": "c", "edits": [change]}
    (revision,) = revisions(ran(tmp_path, {"e1/revision": answer}, constitution=start, revision=GROUNDED, force="all"))
    assert (revision["accepted"], revision["constitution"]["version"]) == (False, 0)
    [candidate] = revision["candidates"]
    said = candidate["objection"] or candidate["critique"]
    assert said.startswith((f"broken: {why}", f"c (Left out, broken: {why}: "))


# --- edits


def test_edits_keep_the_rest_and_their_evidence_is_of_things_that_happened(tmp_path: Path) -> None:
    changes = [
        edit("add", text="Be brief.", reason="two want it", evidence=["e1/ann/tea/m2", "e1/bob/tea/m9", "made up"]),
        edit("modify", id="P1", text="Be warm.", reason="asked", evidence=["e1/ann/tea/cross/bob"]),
        edit("add", text="Rhyme.", **{"for": "cid"}, reason=None, evidence="e1/cid/tea/m2/own"),
    ]
    start = {"principles": ["Be kind.", "Be true."]}
    told = ran(
        tmp_path,
        {"e1/revision": {"critique": "why", "edits": changes}},
        constitution=start,
        revision=GROUNDED,
    )
    revision = revisions(told)[0]
    assert rules(revision["constitution"]) == [
        ("P1", "Be warm."),
        ("P2", "Be true."),
        ("P3", "Be brief."),
        ("C1", "Rhyme.", "cid"),
    ]
    known = {event["id"] for event in told}
    evidence = {r["id"]: r["evidence"] for part in ("principles", "contract") for r in revision["constitution"][part]}
    assert evidence == {
        "P1": ["e1/ann/tea/cross/bob"],
        "P2": [],
        "P3": ["e1/ann/tea/m2"],
        "C1": ["e1/cid/tea/m2/own"],
    }
    assert known.issuperset(place for places in evidence.values() for place in places)
    assert [e["reason"] for e in revision["edits"]] == ["two want it", "asked", ""]


def test_a_merge_keeps_the_first_id_and_all_evidence(tmp_path: Path) -> None:
    grow = [
        edit("add", text=f"Rule {n}.", evidence=[f"e1/{who}/tea/m2"]) for n, who in enumerate(("ann", "bob", "cid"))
    ]
    told = ran(
        tmp_path,
        {
            "e1/revision": {"critique": "", "edits": grow},
            "e2/revision": {
                "critique": "",
                "edits": [edit("merge", ids=["P1", "P3"], text="Both.", evidence=["e2/bob/tea/m2"])],
            },
            "e3/revision": {"critique": "", "edits": [edit("add", text="Another.")]},
        },
        epochs=3,
        revision=GROUNDED,
    )
    merged, last = (r["constitution"] for r in revisions(told)[1:])
    assert rules(merged) == [("P1", "Both."), ("P2", "Rule 1.")]
    assert merged["principles"][0]["evidence"] == ["e1/ann/tea/m2", "e1/cid/tea/m2", "e2/bob/tea/m2"]
    assert rules(last)[-1] == ("P4", "Another.")


# --- memory


def shown_to_meta(path: Path, place: str) -> list[str]:
    """Ids of the conversations in the first meta-prompt made at a place."""
    call = next(c for c in calls(path / "runs" / "t") if c["id"] == f"{place}/meta")
    return re.findall(r'<conversation id="([^"]+)"', call["request"]["messages"][-1]["content"])


def test_rewrite_sees_the_last_k_epochs(tmp_path: Path) -> None:
    ran(tmp_path, epochs=4, revision={"memory": 2})
    for epoch, seen in ((1, "1"), (2, "12"), (3, "23"), (4, "34")):
        expected = [f"e{n}/{who}/tea" for n in seen for who in ("ann", "bob", "cid")]
        assert shown_to_meta(tmp_path, f"e{epoch}/revision") == expected


def test_rewrite_does_not_copy_from_the_epochs_it_remembers(tmp_path: Path) -> None:
    start = {"principles": ["the quick brown badger jumps"]}
    copied = anew(("P1", "Say: the quick brown badger jumps."))
    told = ran(
        tmp_path,
        {"e1/revision": anew(("P1", "Be plain.")), "e2/revision": copied},
        epochs=2,
        constitution=start,
        revision={"memory": 2},
    )
    assert revisions(told)[1]["candidates"][0]["objection"].startswith(
        "leaking: P1 copies 'the quick brown badger jumps'"
    )


# --- candidates


def test_candidates_come_from_other_orders_and_equal_ones_count_once(tmp_path: Path) -> None:
    one, other = anew((None, "Be kind."), (None, "Be true.")), anew((None, "Be brief."))
    swapped = anew((None, "Be true."), (None, "Be kind."), critique="another")
    told = ran(
        tmp_path,
        {f"e1/revision/c{n}": answer for n, answer in enumerate((one, other, swapped, one), 1)},
        revision={"candidates": 4},
    )
    assert [c["id"] for c in revisions(told)[0]["candidates"]] == ["e1/revision/c1", "e1/revision/c2"]
    orders = [shown_to_meta(tmp_path, f"e1/revision/c{n}") for n in range(1, 5)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len(set(map(tuple, orders))) > 1


def test_a_candidate_whose_call_fails_costs_nobody_else(tmp_path: Path) -> None:
    told = ran(
        tmp_path,
        {"e1/revision/c2": anew((None, "Be kind."))},
        [refusing("c1/meta")],
        revision={"candidates": 2},
    )
    assert revisions(told)[0]["accepted"]
    assert [c["objection"] for c in revisions(told)[0]["candidates"]] == ["failed: refused by script", None]
    assert [(e["id"], e["where"]) for e in told if e["type"] == "problem"] == [
        ("e1/revision/c1/meta", "e1/revision/c1")
    ]


# --- the window


@pytest.mark.parametrize("strategy", ["rewrite", "grounded"])
def test_a_long_history_is_cut_evenly_and_the_cut_recorded(tmp_path: Path, strategy: str) -> None:
    filler = {"principles": ["word " * 60]}  # every answer repeats it
    tasks = [{"id": f"t{n}", "prompt": f"Task {n}?"} for n in range(8)]
    keys = {"tasks": tasks, "constitution": filler, "ratings": {"cross_raters": 0}}
    told = ran(tmp_path, None, revision={"strategy": strategy, "max_prompt_tokens": 3000}, **keys)
    [candidate] = revisions(told)[0]["candidates"]
    shown = shown_to_meta(tmp_path, "e1/revision")
    assert 0 < candidate["left_out"] == 24 - len(shown)
    each = [sum(f"/{who}/" in place for place in shown) for who in ("ann", "bob", "cid")]
    assert max(each) - min(each) <= 1
    for call in calls(tmp_path / "runs" / "t"):
        if call["role"] == "meta":
            assert sum(len(m["content"]) for m in call["request"]["messages"]) <= 4 * 3000


def test_the_window_holds_when_the_form_is_asked_for_again(tmp_path: Path) -> None:
    keys = {"constitution": {"principles": ["word " * 60]}, "revision": {"max_prompt_tokens": 2000}}
    ran(
        tmp_path,
        {"e1/revision": "no " * 3000},
        force="all",
        tasks=[{"id": f"t{n}", "prompt": "Why?"} for n in range(8)],
        **keys,
    )
    asked = [c for c in calls(tmp_path / "runs" / "t") if c["role"] == "meta"]
    assert len(asked) == 3
    assert all(sum(len(m["content"]) for m in c["request"]["messages"]) <= 4 * 2000 for c in asked)


def test_a_window_without_room_asks_nobody_and_says_so(tmp_path: Path) -> None:
    told = ran(tmp_path, revision={"max_prompt_tokens": 500}, force="all")
    assert revisions(told)[0]["candidates"][0]["objection"] == (
        "oversized: max_prompt_tokens leaves no room for any conversation"
    )
    assert not [c for c in calls(tmp_path / "runs" / "t") if c["role"] == "meta"]


# --- with the simulated society


@pytest.mark.parametrize("strategy", ["rewrite", "grounded"])
def test_every_strategy_improves_the_simulated_society(tmp_path: Path, tiny: Path, strategy: str) -> None:
    found = scai("run", tiny, "--quiet", "--json", "--set", f"revision.strategy={strategy}", "--set", "epochs=3")
    measured = [w["utilitarian"] for w in found.json["welfare"]]
    assert measured[-1] > measured[0]
    told = events(tmp_path / "runs" / "tiny")
    assert any(r["accepted"] for r in revisions(told))
    assert json.loads(scai("show", "tiny", "--json").out)["epochs"][0]["revision"]["candidates"]
