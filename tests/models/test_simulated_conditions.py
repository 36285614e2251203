"""The simulated author of revisions writes rules with conditions that the users' openings show."""

import random

import pytest

from scai_cli.measures.conditions import CONDITIONS, named
from scai_cli.models.simulated.forms import FormRequest
from scai_cli.models.simulated.meta import propose_rules
from scai_cli.models.simulated.options import Flaws
from scai_cli.prompts.fences import enclose, fence

NO_FLAWS = Flaws(*[0.0] * len(Flaws.__slots__))
FORM = {
    "critique": "",
    "no_change": False,
    "principles": [{"id": None, "text": ""}],
    "contract": [{"id": None, "text": "", "when": ""}],
}


def talk(user: str, opening: str, remark: str, rating: float = 2) -> str:
    parts = [
        fence("message", opening, id=f"e1/{user}/t/m0", **{"from": "user"}),
        fence("message", "Well.", id=f"e1/{user}/t/m1", **{"from": "assistant"}),
        fence("message", remark, id=f"e1/{user}/t/m2", **{"from": "user"}),
        fence("rating", "", id=f"e1/{user}/t/m2/own", metric="satisfaction", by=user, value=f"{rating:g}"),
    ]
    return enclose("conversation", "\n".join(parts), id=f"e1/{user}/t", user=user)


def proposed(conversations, rules="(empty)", flaws=NO_FLAWS, seed=0):
    prompt = "\n\n".join(
        ["Rated from 0 to 10. At most 10 principles, at most 400 tokens.", *conversations, fence("constitution", rules)]
    )
    return propose_rules(FormRequest("", prompt, FORM), flaws, random.Random(seed)).as_rewrite()


def people(condition="in_a_hurry", remark="I would have liked a shorter answer."):
    """Two of eight people show a condition and have a wish that no one else has."""
    shown = CONDITIONS[condition].openings
    return [
        talk("ann", f"{shown[0]} What can I cook?", remark),
        talk("bob", f"What can I cook? {shown[1]}", remark),
        *(talk(user, "What can I cook?", "Fine.", 9) for user in ("cid", "dan", "eve", "fay", "gil", "hal")),
    ]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_wish_of_those_who_show_a_condition_becomes_a_rule_for_it(condition):
    written = proposed(people(condition))
    assert written["principles"] == []
    [clause] = written["contract"]
    assert named(clause["when"]) == {condition}
    assert "for" not in clause
    # the words of the wish, and those that show the condition
    assert set(clause["evidence"]) == {f"e1/{user}/t/{message}" for user in ("ann", "bob") for message in ("m0", "m2")}


def test_no_rule_where_the_condition_does_not_tell_who_wants_it():
    hurried = CONDITIONS["in_a_hurry"].openings[0]
    others = [talk(user, f"{hurried} What can I cook?", "Fine.", 9) for user in ("cid", "dan", "eve")]
    assert proposed([*people()[:2], *others])["contract"] == []
    alone = [talk("ann", f"{hurried} What can I cook?", "I would have liked a shorter answer."), *people()[2:]]
    assert proposed(alone)["contract"] == []


def test_no_rule_against_one_who_shows_the_condition_and_minds_it():
    hurried = CONDITIONS["in_a_hurry"].openings[2]
    against = talk("gus", f"{hurried} What can I cook?", "Please give me a more detailed answer.")
    assert proposed([*people(), against])["contract"] == []


def test_a_wish_of_many_is_a_principle_without_a_condition():
    remark = "I would have liked a shorter answer."
    written = proposed([*people()[:2], *(talk(user, "What can I cook?", remark) for user in ("cid", "dan"))])
    assert len(written["principles"]) == 1
    assert written["contract"] == []


def test_a_rule_with_a_condition_is_kept_and_dropped_by_those_who_show_it():
    rule = "C1 (when the user is in a hurry): Keep every answer short."
    kept = proposed([talk("cid", "What can I cook?", "Please give me a more detailed answer.")] * 2, rule)
    assert [(c["id"], c["when"]) for c in kept["contract"]] == [("C1", "the user is in a hurry")]
    minding = [
        talk(u, f"{CONDITIONS['in_a_hurry'].openings[0]} Go?", "It was too short for me.") for u in ("ann", "bob")
    ]
    assert proposed(minding, rule)["contract"] == []


def test_a_rule_with_a_condition_that_nobody_shows_stays_whatever_the_others_want():
    rule = "C1 (when the user is in a hurry): Keep every answer short."
    minding = [talk(user, "What can I cook?", "It was too short for me.") for user in ("ann", "bob")]
    assert [c["id"] for c in proposed(minding, rule)["contract"]] == ["C1"]


def test_a_condition_that_is_too_narrow_has_another_one_more():
    flaws = Flaws(**{**dict.fromkeys(Flaws.__slots__, 0.0), "too_narrow": 1.0})
    for seed in range(60):
        (clause,) = proposed(people(), flaws=flaws, seed=seed)["contract"]
        assert len(named(clause["when"])) == 2, clause


@pytest.mark.parametrize("flaw", ["too_broad", "too_narrow", "unrecognisable"])
def test_each_mistake_about_conditions_happens_at_its_rate(flaw):
    wrong = 0
    for seed in range(100):
        written = proposed(people(), flaws=Flaws(**{**dict.fromkeys(Flaws.__slots__, 0.0), flaw: 0.3}), seed=seed)
        match flaw:
            case "too_broad":
                wrong += bool(written["principles"])
            case "too_narrow":
                wrong += len(named(written["contract"][0]["when"])) > 1
            case "unrecognisable":
                wrong += not named(written["contract"][0]["when"])
    assert 17 <= wrong <= 43, wrong


def test_from_portraits_alone_all_is_written_at_once():
    portraits = [
        fence("persona", f"Name: {who}\nFacts: situation: in a hurry\nWants: {wants}", id=who)
        for who, wants in (("ann", "concise +0.9, warm +0.8"), ("bob", "concise +0.8, warm +0.9"))
    ]
    rest = [fence("persona", f"Name: {who}\nWants: detailed +0.9, science +0.8, health +0.7", id=who) for who in "cdef"]
    written = proposed([*portraits, *rest])
    assert {c["when"] for c in written["contract"]} == {"the user is in a hurry"}
    assert len(written["principles"]) == 3
