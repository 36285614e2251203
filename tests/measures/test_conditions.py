"""Conditions: every sentence of the catalogue shows its own one alone, and every label is named back."""

import pytest

from scai_cli.experiment.starter import shipped
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import CONDITIONS, named, shown, split_rule
from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested
from scai_cli.text.data_files import read_lists

FOLDER = shipped() / "configs" / "tasks"
TASKS = {
    task["id"]: task["prompt"] for file in sorted(FOLDER.rglob("*.yaml")) for task in read_lists(file).get("tasks", ())
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_an_opening_sentence_shows_its_condition_alone_and_no_trait(name):
    sentences = CONDITIONS[name].openings
    assert len(set(sentences)) >= 5
    for sentence in sentences:
        assert shown(sentence) == {name}, sentence
        assert shown(sentence.replace("I am", "I’m").replace("I have", "I've")) == {name}, sentence
        assert requested(sentence) == {}, sentence
        themes = {t for t, strength in observe(sentence).items() if strength and TRAITS[t].kind == "substance"}
        assert themes == set(), sentence


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_label_names_its_condition_alone(name):
    condition = CONDITIONS[name]
    assert named(f"the user {condition.label}") == {name}
    assert named(condition.label) == named(name) == {name}
    assert split_rule(f"When the user {condition.label}: Be brief.") == (f"the user {condition.label}", "Be brief.")


def test_no_shipped_task_shows_a_condition():
    assert len(TASKS) > 90
    assert {task: shown(prompt) for task, prompt in TASKS.items() if shown(prompt)} == {}


def test_two_sentences_show_both_conditions_and_a_negation_takes_one_back():
    assert shown("My bus leaves in five minutes. I live alone.") == {"in_a_hurry", "lives_alone"}
    assert shown("I'm not in a hurry, and I don't live alone.") == set()
    assert named("the user is not in a hurry") == set()
    assert named("the user is worried or in a hurry") == {"worried", "in_a_hurry"}
    assert named("the user writes in verse") == set()


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("When the user is worried: Be kind.", ("the user is worried", "Be kind.")),
        ("- When you talk with Ann and Bob: Use lists.", ("you talk with Ann and Bob", "Use lists.")),
        ("12. When the user is a student: Say: read on.", ("the user is a student", "Say: read on.")),
        ("  * When users write in verse:  Rhyme.", ("users write in verse", "Rhyme.")),
        ("If the user is ill: Be kind.", ("the user is ill", "Be kind.")),
        ("When a hurried user writes: Be brief.", ("a hurried user writes", "Be brief.")),
        ("1. When you give advice: Use lists.", (None, "1. When you give advice: Use lists.")),
        ("When it rains: Stay in.", (None, "When it rains: Stay in.")),
        ("When you explain an illness: Say why.", (None, "When you explain an illness: Say why.")),
        ("When in doubt, ask.", (None, "When in doubt, ask.")),
        ("1. Whenever it rains: stay.", (None, "1. Whenever it rains: stay.")),
        ("Say when: now.", (None, "Say when: now.")),
        ("When the user is ill:", (None, "When the user is ill:")),
        ("", (None, "")),
    ],
)
def test_a_rule_is_split_from_its_condition(line, parts):
    assert split_rule(line) == parts
