"""The simulated meta where it is asked for edits: the same judgement, with evidence."""

import pytest
from simulated_society import EDITS, NO_FLAWS, conversation, edited, revise, rewrite, rewritten

from scai_cli.experiment.constitution import Clause, Constitution, Principle
from scai_cli.measures.requested import requested
from scai_cli.simulation.answer_forms import Edits, Rewrite
from scai_cli.simulation.form_reader import read_form
from scai_cli.simulation.strategies.grounded import _edit
from scai_cli.simulation.strategies.rewrite import edits_to

FOUR = ("ann", "bob", "cat", "dan")


def thrifty(users=FOUR, **how):
    return [conversation(user, "I missed a word on thrift.", 2, **how) for user in users]


def test_an_edit_names_the_messages_and_ratings_that_it_rests_on():
    minded = ("eve", 1, "There was too much about faith."), ("bob", 0, "I do not want to hear about faith.")
    said = [*thrifty(FOUR[:3]), conversation("dan", "Go on like this.", 9, minded)]
    thrift, faith = sorted(edited(said), key=lambda edit: "faith" in edit["text"])
    assert thrift["op"] == "add"
    assert thrift["for"] == []
    assert thrift["evidence"] == [f"e1/{user}/dinner/m2" for user in ("ann", "bob", "cat")]
    assert "ann, bob and cat ask for thrift" in thrift["reason"]
    assert requested(faith["text"]) == {"faith": -1.0}
    assert set(faith["evidence"]) == {"e1/dan/dinner/cross/eve", "e1/dan/dinner/cross/bob"}


def test_rules_that_ask_for_the_same_are_merged_in_both_forms():
    rules = "P1: Be warm.\nP4: Show warmth.\nC1 (for ann): Make jokes.\nC2 (for bob): Add some humour."
    assert [(e["op"], e["ids"]) for e in edited([], rules)] == [("merge", ["P1", "P4"]), ("merge", ["C1", "C2"])]
    whole = rewritten([], rules)
    assert [p["id"] for p in whole["principles"]] == ["P1"]
    assert [(c["id"], c["for"]) for c in whole["contract"]] == [("C1", ["ann", "bob"])]
    assert whole["no_change"] is False


def test_a_clause_for_what_a_principle_asks_of_everybody_goes():
    assert [(e["op"], e["id"]) for e in edited([], "P1: Be warm.\nC1 (for ann): Show warmth.")] == [("remove", "C1")]


def test_nothing_to_change_is_no_edit():
    assert edited([conversation("ann", "Go on like this.", 10)], "P1: Be warm.") == []


OLD = Constitution(
    principles=(Principle(id="P1", text="Make jokes."), Principle(id="P2", text="Mention faith.")),
    contract=(
        Clause(id="C1", text="Mention thrift.", users=("ann",)),
        Clause(id="C2", text="Take thrift into account.", users=("bob",)),
        Clause(id="C3", text="Use bullet points.", users=("eve",)),
    ),
)
AS_SHOWN = "\n".join(f"{r.id}{f' (for {r.users[0]})' if r.id[0] == 'C' else ''}: {r.text}" for r in OLD.rules)


@pytest.mark.parametrize("flaws", [{}, {"obeys_one": 1.0}])
def test_edits_lead_where_the_rewrite_leads(flaws):
    said = [conversation(user, "I am tired of humour. Please use bullet points.", 2) for user in FOUR[:2]]
    options = {"flaws": NO_FLAWS | flaws}
    for seed in range(8):
        edits = read_form(revise("edits", EDITS, said, AS_SHOWN, seed=seed, options=options).text, Edits, "people")[
            0
        ].edits
        whole = read_form(rewrite(said, AS_SHOWN, seed=seed, options=options).text, Rewrite, "people")[0]
        assert {edit.op for edit in edits} >= {"add", "merge", "remove"}
        step_by_step, at_once = [_edit(edit, {}, OLD) for edit in edits], edits_to(OLD, whole, {})
        one, other = (OLD.apply(changes, epoch=1) for changes in (step_by_step, at_once))
        assert meaning(one) == meaning(other)


def meaning(constitution):
    return {(str(requested(rule.text)), frozenset(getattr(rule, "users", ()))) for rule in constitution.rules}


def test_edits_can_be_cut_off():
    cut = revise("edits", EDITS, [], options={"flaws": {"truncates": 1.0}})
    assert cut.finish_reason == "length"


def test_a_rewrite_weighs_the_last_epoch_most():
    early = [conversation(user, "I missed thrift.", 2, epoch=1) for user in FOUR]
    late = [conversation(user, "There was too much about thrift.", 2, epoch=2) for user in FOUR]
    for said, sign in (([*early, *late], -1.0), ([*late, *early], -1.0), (early, 1.0)):
        whole = read_form(rewrite(said).text, Rewrite, "people")[0]
        assert [requested(p.text) for p in whole.principles] == [{"thrift": sign}]
