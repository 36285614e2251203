"""The simulated meta: what it makes of remarks and ratings, and its flaws."""

import json

import pytest
from simulated_society import NO_FLAWS, conversation, rewrite, rewritten

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.requested import requested


def asks(rules):
    return [requested(entry["text"]) for entry in rules]


def test_what_several_want_becomes_a_principle_and_what_one_wants_a_clause_for_them():
    said = [conversation(user, "I missed a word on thrift.", 2) for user in ("ann", "bob", "cat", "dan")]
    said += [conversation("eve", "Please give me humour.", 3)]
    revision = rewritten(said)
    assert asks(revision["principles"]) == [{"thrift": 1.0}]
    assert [(requested(c["text"]), c["for"]) for c in revision["contract"]] == [({"humorous": 1.0}, ["eve"])]
    assert revision["no_change"] is False
    assert "serve" in revision["critique"]


def test_what_is_contested_goes_into_the_contract():
    said = [conversation(user, "I want short answers.", 2) for user in ("ann", "bob", "cat")]
    said += [conversation(user, "I want detailed answers.", 2) for user in ("dan", "eve", "fay")]
    revision = rewritten(said)
    assert revision["principles"] == []
    assert {(*requested(c["text"]), *c["for"]) for c in revision["contract"]} == {
        ("concise", "ann", "bob", "cat"),
        ("detailed", "dan", "eve", "fay"),
    }


def test_a_rule_that_several_mind_goes_and_good_rules_keep_their_ids():
    said = [conversation(user, "I am tired of humour.", 2) for user in ("ann", "bob", "cat")]
    revision = rewritten(said, "P2: Make jokes.\nP5: Name your sources.\nC1 (for ann): Be warm.")
    assert [p["id"] for p in revision["principles"]][:1] == ["P5"]
    assert {"humorous": 1.0} not in asks(revision["principles"])
    assert revision["contract"][0] == {"id": "C1", "text": "Be warm.", "for": ["ann"], "reason": "", "evidence": []}
    assert "P2" in revision["critique"]


def test_cross_ratings_speak_too():
    minded = ("bob", 0, "There was too much about faith."), ("cat", 0, "I do not want to hear about faith.")
    revision = rewritten([conversation("ann", "Go on like this.", 9, minded)], "P1: Mention faith.")
    assert {"faith": 1.0} not in asks(revision["principles"])


def test_no_change_when_nothing_speaks_for_one():
    revision = rewritten([conversation("ann", "Go on like this.", 10)], "P1: Be warm.")
    assert revision["no_change"] is True
    assert [p["id"] for p in revision["principles"]] == ["P1"]


def test_the_limits_are_kept():
    themes = [name for name in TRAITS if TRAITS[name].kind == "substance"]
    said = [conversation(u, " ".join(f"I missed {TRAITS[t].label}." for t in themes), 1) for u in ("ann", "bob")]
    full = "P1: Be warm.\nP2: Cite sources."
    for seed in range(10):
        assert len(rewritten(said, full, principles=2, seed=seed)["principles"]) == 2
        revision = rewritten(said, full, tokens=20, seed=seed)
        assert sum(-(-len(entry["text"]) // 4) for entry in revision["principles"] + revision["contract"]) <= 20
        assert len(rewritten(said, seed=seed)["principles"]) in (2, 3)


@pytest.mark.parametrize(
    ("flaw", "seen"),
    [
        ("forgets", lambda r: len(r["principles"]) + len(r["contract"]) == 1),
        ("invents", lambda r: len(r["principles"]) == 2),
        ("obeys_one", lambda r: {"humorous": 1.0} in asks(r["principles"])),
        ("over_generalises", lambda r: {"faith": 1.0} in asks(r["principles"])),
    ],
)
def test_each_flaw_happens_at_its_rate(flaw, seen):
    said = [conversation("eve", "Please give me humour.", 3)] if flaw == "obeys_one" else []
    rules = "P1: Be warm.\nC1 (for eve): Mention faith."
    always = {"flaws": NO_FLAWS | {flaw: 1.0}}
    assert all(seen(rewritten(said, rules, options=always, seed=seed)) for seed in range(8))
    assert not any(seen(rewritten(said, rules, seed=seed)) for seed in range(8))
    sometimes = {"flaws": NO_FLAWS | {flaw: 0.3}}
    assert 20 <= sum(seen(rewritten(said, rules, options=sometimes, seed=seed)) for seed in range(100)) <= 40


def test_an_answer_can_be_cut_off_in_the_middle():
    cut = rewrite([], "P1: Be warm.", options={"flaws": {"truncates": 1.0}})
    assert cut.finish_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.text)
