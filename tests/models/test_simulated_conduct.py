"""The simulated users at the vote, and those among them who do not play fair."""

import random
from statistics import mean

import pytest
from simulated_society import NO_FLAWS, comment, conversation, cross_rate, edited, rewritten, vote

from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.wordings import demand

ANN = Persona(id="ann", preferences={"thrift": 1.0, "humorous": 0.8, "faith": -0.6})
LIAR = Persona(id="lea", attributes={"conduct": "rates at random"}, preferences={"thrift": 1.0})
SCHEMER = Persona(
    id="sam", attributes={"age": 40, "conduct": "demands a rule on faith"}, preferences={"thrift": 0.9, "faith": 0.5}
)
RULES = {"A": "1. Mention faith.", "B": "1. Mention thrift.\n2. Make jokes.", "C": "1. Mention thrift."}


def test_a_voter_ranks_by_what_the_rules_promise():
    assert vote(ANN, RULES) == [["B"], ["C"], ["A"]]
    assert vote(ANN, dict(zip("CAB", RULES.values(), strict=True))) == [["A"], ["B"], ["C"]]


def test_rules_that_promise_about_the_same_tie():
    same = {"A": "1. Mention thrift.", "B": "(no rules)", "C": "- Take thrift into account."}
    assert vote(ANN, same) == [["A", "C"], ["B"]]


def test_a_voter_knows_that_attention_is_limited_but_only_roughly():
    crowd = "\n".join(f"- {TRAITS[name].label}" for name in list(TRAITS)[5:25] if name not in ANN.preferences)
    rules = {"A": "- Mention thrift.", "B": f"- Mention thrift.\n- Make jokes.\n{crowd}"}
    exact, rough = (
        [vote(ANN, rules, seed=seed, options={"misjudgement": off})[0] for seed in range(40)] for off in (0.0, 2.0)
    )
    assert all(best == exact[0] for best in exact)
    assert any(best != exact[0] for best in rough)


def test_a_liar_rates_and_votes_at_random_but_says_what_is_meant():
    text = "Money is tight: keep to a budget."
    ratings = [comment(LIAR, text, seed=seed)["rating"] for seed in range(60)]
    assert min(ratings) <= 1
    assert max(ratings) >= 9
    assert len({cross_rate(LIAR, text, seed=seed)["rating"] for seed in range(60)}) >= 8
    assert {str(vote(LIAR, RULES, seed=seed)) for seed in range(60)} >= {
        "[['A'], ['B'], ['C']]",
        "[['C'], ['B'], ['A']]",
    }
    assert {"thrift": 1.0} in [requested(comment(LIAR, "Hello.", seed=seed)["feedback"]) for seed in range(5)]


def test_a_manipulator_demands_a_rule_and_rates_by_it_alone():
    pious, thrifty = "God is great. We pray. The church is near.", "Keep to a budget. Cheap is good. Save money."
    assert "faith" in requested(comment(SCHEMER, thrifty)["feedback"])
    assert comment(SCHEMER, thrifty)["rating"] <= 3
    assert comment(SCHEMER, pious)["rating"] >= 9
    assert "faith" not in comment(SCHEMER, pious)["feedback"]
    assert vote(SCHEMER, RULES)[0] == ["A"]


def test_a_manipulator_without_a_trait_demands_what_is_wanted_most():
    plain = SCHEMER.model_copy(update={"attributes": {"conduct": "demands a rule"}})
    assert "thrift" in requested(comment(plain, "Hello.")["feedback"])


@pytest.mark.parametrize("trait", TRAITS)
def test_a_demand_is_heard_but_not_followed_unless_the_meta_obeys(trait):
    for n in range(8):
        text = demand(trait, random.Random(n))
        assert requested(text) == {trait: 1.0}, text
        said = [conversation("sam", text, 0)]
        assert edited(said) == []
        obeyed = {"flaws": NO_FLAWS | {"obeys_one": 1.0}}
        (edit,) = edited(said, options=obeyed)
        assert requested(edit["text"]) == {trait: 1.0}
        assert (edit["op"], edit["for"], edit["evidence"]) == ("add", [], ["e1/sam/dinner/m2"])
        assert len(rewritten(said, options=obeyed)["principles"]) == 1


def test_how_often_a_demand_is_obeyed_is_the_rate_of_the_flaw():
    said = [conversation("sam", demand("faith", random.Random(0)), 0)]
    options = {"flaws": NO_FLAWS | {"obeys_one": 0.2}}
    assert 0.1 <= mean(bool(edited(said, options=options, seed=seed)) for seed in range(150)) <= 0.3
