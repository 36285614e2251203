"""The simulated users on a ballot, and those among them who do not play fair."""

import random
from statistics import mean

import pytest
from simulated_society import NO_FLAWS, ballot, comment, conversation, cross_rate, edited, rewritten

from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.wordings import demand

ANN = Persona(id="ann", preferences={"thrift": 1.0, "humorous": 0.8, "faith": -0.6})
LIAR = Persona(id="lea", attributes={"conduct": "rates at random"}, preferences={"thrift": 1.0})
SCHEMER = Persona(
    id="sam", attributes={"age": 40, "conduct": "demands a rule on faith"}, preferences={"thrift": 0.9, "faith": 0.5}
)
RULES = {
    "A": "Mention faith.",
    "B": "Mention thrift.",
    "C": "Be formal.",
    "D": "When the user is in a hurry: Make jokes.",
}
APPROVE, MIND, NEITHER = (("approve",) * 3, ("object",) * 3, ("indifferent",) * 3)


def test_a_user_approves_of_rules_that_ask_for_what_they_want_and_objects_to_what_they_mind():
    for seed in range(5):
        cast = ballot(ANN, RULES, seed=seed)
        assert (cast["A"], cast["B"], cast["C"]) == (MIND, APPROVE, NEITHER)


def test_the_letters_are_those_of_the_prompt():
    assert ballot(ANN, {"Q": RULES["A"], "A2": RULES["B"]}) == {"Q": MIND, "A2": APPROVE}


def test_a_rule_for_others_harms_only_by_a_theme_that_is_minded():
    """Ann is in no hurry: jokes for those who are do not concern her, faith for them does."""
    rules = {"A": "When the user is in a hurry: Make jokes.", "B": "When the user is in a hurry: Mention faith."}
    cast = ballot(ANN, rules)
    assert [cast[letter][1] for letter in "AB"] == ["indifferent", "object"]
    hurried = ANN.model_copy(update={"attributes": {"situation": "in a hurry"}})
    assert ballot(hurried, rules)["A"][1] == "approve"


def test_how_clearly_a_user_sees_its_wishes_varies():
    weak = Persona(id="ann", preferences={"thrift": 0.5, "humorous": 1.0})
    exact, rough = (
        {str(ballot(weak, RULES, seed=seed, options={"misjudgement": off})) for seed in range(40)} for off in (0.0, 2.0)
    )
    assert len(exact) == 1 < len(rough)


def test_a_liar_rates_and_judges_rules_at_random_but_says_what_is_meant():
    text = "Money is tight: keep to a budget."
    ratings = [comment(LIAR, text, seed=seed)["rating"] for seed in range(60)]
    assert min(ratings) <= 1
    assert max(ratings) >= 9
    assert len({cross_rate(LIAR, text, seed=seed)["rating"] for seed in range(60)}) >= 8
    said = {ballot(LIAR, RULES, seed=seed)["A"][0] for seed in range(60)}
    assert said == {"approve", "indifferent", "object"}
    assert {"thrift": 1.0} in [requested(comment(LIAR, "Hello.", seed=seed)["feedback"]) for seed in range(5)]


def test_a_manipulator_demands_a_rule_and_rates_by_it_alone():
    pious, thrifty = "God is great. We pray. The church is near.", "Keep to a budget. Cheap is good. Save money."
    assert "faith" in requested(comment(SCHEMER, thrifty)["feedback"])
    assert comment(SCHEMER, thrifty)["rating"] <= 3
    assert comment(SCHEMER, pious)["rating"] >= 9
    assert "faith" not in comment(SCHEMER, pious)["feedback"]
    cast = ballot(SCHEMER, RULES)
    assert cast["A"] == APPROVE
    assert cast["B"] == NEITHER  # though it wants thrift, too


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
