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
    assert named("the user is past seventy or worried") == {"past_seventy", "worried"}
    assert named("the user writes in verse") == set()


@pytest.mark.parametrize(
    "text",
    [
        "I am seventy percent sure.",
        "I am 75% sure.",
        "I am eighty-five kilos.",
        "I will be eighty minutes late.",
        "I am over seventy pages in already.",
        "The oven is at eighty. At seventy-one degrees it is done.",
        "The nearest shop is closed.",
        "The nearest bus stop is in front of the house.",
        "Which phone has a small screen?",
        "What does a semester abroad cost?",
        "Explain chemotherapy and chronic pain to a child.",
    ],
)
def test_a_message_about_something_else_shows_no_condition(text):
    assert shown(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "I'm seventy-one now.",
        "I am 75.",
        "I am eighty, and slow.",
        "I will be seventy next year",
        "I am seventy years old",
    ],
)
def test_an_age_is_past_seventy(text):
    assert shown(text) == {"past_seventy"}


@pytest.mark.parametrize(
    "condition",
    [
        "the user asks about children",
        "the user teaches children",
        "the user asks how to talk to kids",
        "the user asks about life with children",
        "the user mentions an illness",
        "the user is patient",
        "the user asks about their manager",
        "the user has trouble with their strict boss",
        "the user wants to buy a phone",
        "the user writes to a senior engineer",
        "the user asks for the best food in the country",
        "the user complains of poor sleep",
        "the user wants to be left alone",
    ],
)
def test_a_condition_about_something_else_names_none(condition):
    assert named(condition) == set()


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        ("the user has small children", "looks_after_children"),
        ("the user is a parent with kids at home", "looks_after_children"),
        ("the user types on their phone", "writes_from_a_phone"),
        ("users are elderly", "past_seventy"),
        ("the user is ill", "lives_with_an_illness"),
        ("the user is a manager", "leads_a_team"),
        ("the user is broke", "short_of_money"),
        ("the user is from a village", "lives_in_the_country"),
        ("the user is worried about their children", "worried"),
    ],
)
def test_other_words_for_a_condition_name_it(condition, name):
    assert named(condition) == {name}


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
