"""The constitution: ids for life, edits that apply or say why not, and how it reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Merge, Modify, Remove

THREE = Constitution().apply(
    [Add(text="Be brief."), Add(text="Be kind."), Add(text="Name sources.", users=("cid",), evidence=("e1/a/t/m2",))],
    epoch=1,
)


def test_new_rules_take_the_next_number_of_their_kind() -> None:
    assert [rule.id for rule in THREE.rules] == ["P1", "P2", "C1"]
    assert [rule.since for rule in THREE.rules] == [1, 1, 1]
    assert THREE.version == 1


def test_no_edits_are_no_new_version() -> None:
    assert THREE.apply([], epoch=2) is THREE


def test_a_modified_rule_keeps_its_id_its_place_and_its_first_epoch() -> None:
    after = THREE.apply([Modify(id="P1", text="Be very brief.", evidence=("x",))], epoch=5)
    assert [(rule.id, rule.text, rule.since) for rule in after.principles] == [
        ("P1", "Be very brief.", 1),
        ("P2", "Be kind.", 1),
    ]
    assert after.principles[0].evidence == ("x",)
    assert after.version == 2
    assert THREE.principles[0].text == "Be brief."


def test_a_clause_keeps_its_users_unless_others_are_named() -> None:
    assert THREE.apply([Modify(id="C1", text="x")], epoch=2).contract[0].users == ("cid",)
    assert THREE.apply([Modify(id="C1", text="x", users=("ann",))], epoch=2).contract[0].users == ("ann",)


def test_the_id_of_a_removed_rule_is_never_used_again() -> None:
    after = THREE.apply(
        [Remove(id="P2"), Remove(id="C1"), Add(text="New."), Add(text="For you.", users=("a",))], epoch=2
    )
    assert [rule.id for rule in after.rules] == ["P1", "P3", "C2"]
    assert [rule.since for rule in after.rules] == [1, 2, 2]
    emptied = after.apply([Remove(id=rule.id) for rule in after.rules], epoch=3)
    assert emptied.rules == ()
    assert [rule.id for rule in emptied.apply([Add(text="Again.")], epoch=4).rules] == ["P4"]


def test_merged_rules_become_the_first_with_everything_they_rest_on() -> None:
    two = THREE.apply([Add(text="No jargon.", users=("bob", "cid"), evidence=("e2/b/t/m2",))], epoch=2)
    after = two.apply([Merge(ids=("C2", "C1"), text="Sources, no jargon.")], epoch=3)
    (clause,) = after.contract
    assert (clause.id, clause.text, clause.users) == ("C2", "Sources, no jargon.", ("bob", "cid"))
    assert clause.evidence == ("e2/b/t/m2", "e1/a/t/m2")
    assert after.apply([Add(text="x", users=("a",))], epoch=4).contract[-1].id == "C3"


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (Remove(id="P9"), "there is no rule 'P9'"),
        (Modify(id="nonsense" * 9, text="x"), "there is no rule 'nonsensenonsensenons'"),
        (Modify(id="P1", text="x", users=("ann",)), "P1 is a principle and cannot be for some users only"),
        (Merge(ids=("P1", "C1"), text="x"), "cannot merge principles with clauses: P1, C1"),
        (Merge(ids=("P1", "P7"), text="x"), "there is no rule 'P7'"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(edit: Edit, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        THREE.apply([Add(text="fine"), edit], epoch=2)


def test_edits_apply_in_order() -> None:
    with pytest.raises(ValueError, match="there is no rule 'P1'"):
        THREE.apply([Remove(id="P1"), Modify(id="P1", text="x")], epoch=2)
    assert THREE.apply([Add(text="x"), Modify(id="P3", text="y")], epoch=2).principles[-1].text == "y"


def test_it_reads_as_a_system_message() -> None:
    assert Constitution().render() == Constitution().render(user="cid") == ""
    assert THREE.render() == THREE.render(user="ann")
    assert THREE.render(names={}) == (
        "Follow these principles with everyone:\n1. Be brief.\n2. Be kind.\n\n"
        "For some people only, within these principles:\n- When you talk with cid: Name sources."
    )
    assert THREE.render() == "Follow these principles with everyone:\n1. Be brief.\n2. Be kind."
    assert THREE.render(user="ann") == "Follow these principles with everyone:\n1. Be brief.\n2. Be kind."
    assert THREE.render(user="cid").endswith(
        "For the person you are talking with now, within these principles:\n- Name sources."
    )
    many = Constitution().apply([Add(text="Hush.", users=("a", "b", "c"))], epoch=1)
    assert many.render(names={"a": "Ann", "b": "Bob"}).endswith("- When you talk with Ann, Bob and c: Hush.")


def test_clauses_with_conditions_and_questions_are_read_by_anyone() -> None:
    edits = [
        Add(text="Be brief.", when="the user is in a hurry"),
        Add(text="Ask for the budget.", when="the user plans a purchase", kind="ask"),
        Add(text="Ask how long it may be.", kind="ask"),
    ]
    constitution = THREE.apply(edits, epoch=2)
    assert [rule.id for rule in constitution.contract] == ["C1", "C2", "C3", "C4"]
    assert constitution.render() == (
        "Follow these principles with everyone:\n1. Be brief.\n2. Be kind.\n\n"
        "Follow each of these only where its condition is met, within these principles:\n"
        "- When the user is in a hurry: Be brief.\n\n"
        "Ask these questions, one at most in a conversation:\n"
        "- When the user plans a purchase: Ask for the budget.\n- Ask how long it may be."
    )
    assert constitution.render(user="cid").startswith(constitution.render())
    assert constitution.size == len(constitution.render(names={}))
    moved = constitution.apply([Modify(id="C2", text="Be brief.", when="When the user is tired:")], epoch=3)
    assert moved.contract[1].line == "When the user is tired: Be brief."
    with pytest.raises(ValueError, match="P1 is a principle and cannot be for some users only"):
        constitution.apply([Modify(id="P1", text="x", when="the user is tired")], epoch=3)


@pytest.mark.parametrize(
    ("bound", "problem"),
    [
        ({}, "needs `when:`, a condition, or `for:`"),
        ({"when": "When:"}, "needs `when:`, a condition, or `for:`"),
        ({"when": "the user is tired", "for": ["ann"]}, "has a condition .`when`. and users .`for`."),
        ({"kind": "ask"}, None),
        ({"for": ["ann"]}, None),
        ({"when": "the user is tired", "kind": "ask"}, None),
    ],
)
def test_a_clause_is_bound_to_one_thing(bound: dict[str, object], problem: str | None) -> None:
    data = {"id": "C1", "text": "Be brief.", **bound}
    if problem is None:
        assert Clause.model_validate(data).model_dump(by_alias=True, exclude_defaults=True).keys() >= data.keys()
        return
    with pytest.raises(ValidationError, match=problem):
        Clause.model_validate(data)


@pytest.mark.parametrize("text", ["", "x" * 4001])
def test_a_rule_is_neither_empty_nor_endless(text: str) -> None:
    with pytest.raises(ValidationError):
        Add(text=text)


def test_a_rule_holds_no_control_characters() -> None:  # hidden ones are refused elsewhere
    assert Add(text="a\x1b[31mb\x9bc\u2028d\u202ee\ud800f\tg\n").text == "a [31mb c d\u202ee\ufffdf\tg\n"


edits = st.lists(
    st.one_of(
        st.builds(lambda text, users: Add(text=text, users=users), st.text(min_size=1, max_size=9), st.just(())),
        st.builds(lambda text: Add(text=text, users=("a",)), st.text(min_size=1, max_size=9)),
        st.builds(lambda kind, n: Remove(id=f"{kind}{n}"), st.sampled_from("PC"), st.integers(1, 6)),
        st.builds(lambda kind, n: Modify(id=f"{kind}{n}", text="m"), st.sampled_from("PC"), st.integers(1, 6)),
        st.builds(lambda kind, a, b: Merge(ids=(f"{kind}{a}", f"{kind}{b}"), text="merged"),
                  st.sampled_from("PC"), st.integers(1, 6), st.integers(1, 6)),
    ),
    max_size=12,
)  # fmt: skip


@given(st.lists(edits, max_size=6))
def test_an_id_means_one_rule_for_ever(epochs: list[list[Edit]]) -> None:
    constitution, gone, version = Constitution(), set[str](), 0
    for epoch, changes in enumerate(epochs, 1):
        for edit in changes:
            before = {rule.id for rule in constitution.rules}
            try:
                constitution = constitution.apply([edit], epoch=epoch)
            except ValueError:
                continue
            version += 1
            after = [rule.id for rule in constitution.rules]
            assert len(set(after)) == len(after)
            assert not gone & set(after)
            gone |= before - set(after)
    assert constitution.version == version
    assert Constitution.model_validate_json(constitution.model_dump_json(by_alias=True)) == constitution


def test_a_question_does_not_become_one_for_single_users() -> None:
    asking = Constitution(contract=(Clause(id="C1", text="Ask for the aim.", kind="ask"),))
    with pytest.raises(ValueError, match="C1"):
        asking.apply([Modify(id="C1", text="Ask for the aim.", users=("ann",))], epoch=1)
