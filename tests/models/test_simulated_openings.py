"""The simulated user's openings, and how the simulated assistant recognises conditions in them."""

import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_society import answer, ask, ballot, system

from scai_cli.errors import ConfigError
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.starter import shipped
from scai_cli.experiment.tasks import Task, is_document
from scai_cli.measures.conditions import CONDITIONS, shown
from scai_cli.measures.observed import observe
from scai_cli.messages import Completion
from scai_cli.models.simulated.attention import demands, task_requests
from scai_cli.models.simulated.openings import opening
from scai_cli.models.simulated.options import read_options
from scai_cli.models.simulated.portrait import person
from scai_cli.models.simulated.recognition import known_to, recognised_in
from scai_cli.models.simulated.sentences import GENERAL, bank_for
from scai_cli.models.simulated.topics import topics
from scai_cli.simulation.opening import checked
from scai_cli.simulation.prompts import Prompts
from scai_cli.text.data_files import read_lists

FOLDER = shipped() / "configs" / "tasks"
TASKS = {
    task["id"]: task["prompt"] for file in sorted(FOLDER.rglob("*.yaml")) for task in read_lists(file).get("tasks", ())
}
WRITTEN = [entry["prompt"] for file in (FOLDER / "sentences").glob("*.yaml") for entry in read_lists(file).values()]
LIBRARY = [task["prompt"] for file in (FOLDER / "library").glob("*.yaml") for task in read_lists(file)["tasks"]]
HURRIED = Persona(id="ann", name="Ann", attributes={"situation": "in a hurry"}, preferences={"warm": 1.0})
RULE = "1. When the user is in a hurry: Use bullet points.\n"


def opened(task, condition, seed, shows=1.0):
    return opening(task, frozenset({condition} if condition else ()), shows, random.Random(f"{seed}/{condition}"))


@pytest.mark.parametrize("name", TASKS)
def test_an_opening_keeps_the_task_its_traits_and_its_topics_and_shows_the_condition(name):
    task = TASKS[name]
    texts = set()
    for seed in range(3):
        for condition in (None, *CONDITIONS):
            text = opened(task, condition, f"{name}/{seed}")
            assert checked(Completion(text), task) == text
            assert shown(text) == {condition} - {None}, text
            assert task_requests(text) == task_requests(task), text
            assert set(topics(text)) == set(topics(task)), text
            assert text != " ".join(task.split())
            texts.add(text)
    assert len(texts) > 20


@pytest.mark.parametrize("task", WRITTEN)
def test_the_sentences_of_a_task_are_found_from_any_opening(task):
    assert bank_for(task) is not GENERAL
    for seed in range(8):
        for condition in CONDITIONS:
            assert bank_for(opened(task, condition, seed)) is bank_for(task)


def test_the_sentences_of_a_task_are_found_from_other_words_and_not_for_other_tasks():
    sleep, budget = (next(task for task in WRITTEN if word in task) for word in ("asleep", "pay at the end"))
    other = "I keep waking at 4 in the morning these weeks and just cannot fall back asleep. Where would you start?"
    assert bank_for(other) is bank_for(sleep)
    assert bank_for(f"{sleep} {budget}") is GENERAL
    assert [task for task in LIBRARY if bank_for(task) is not GENERAL] == []
    assert [task for task in LIBRARY if bank_for(opened(task, "student", 1)) is not GENERAL] == []


@given(st.text(min_size=1) | st.text(alphabet='Ann Bo?. "I am\n4eight<{', min_size=1, max_size=80), st.integers(0, 99))
def test_an_opening_of_any_task_passes_the_check(task, seed):
    if not task.strip():
        return
    text = opened(task, "worried", seed)
    assert checked(Completion(text), task) == text
    if is_document(task):
        assert task not in text or len(task) < 30


def test_the_chance_to_show_a_condition_is_an_option_and_of_nothing_nothing_shows():
    shares = {
        shows: mean(bool(shown(opened("Plan a dinner.", "student", n, shows))) for n in range(400))
        for shows in (0.0, 0.7, 1.0)
    }
    assert shares[0.0] == 0
    assert 0.62 < shares[0.7] < 0.78
    assert shares[1.0] == 1
    assert not any(shown(opened("Plan a dinner.", None, n)) for n in range(50))


@pytest.mark.parametrize("option", ["shows", "recognition"])
def test_the_chances_are_from_0_to_1(option):
    assert getattr(read_options({option: 0}), option) == 0
    with pytest.raises(ConfigError, match=f"options.{option}: 1.5 is not a number from 0 to 1"):
        read_options({option: 1.5})


@pytest.mark.parametrize(
    ("situation", "conditions"),
    [
        ("in a hurry", {"in_a_hurry"}),
        ("short_of_money", {"short_of_money"}),
        ("is past seventy, lives alone", {"past_seventy", "lives_alone"}),
        ("on the moon", set()),
    ],
)
def test_the_situation_of_a_portrait_is_a_condition_and_no_preference(situation, conditions):
    facts = {"age": 40, "situation": situation, "town": "Leeds"}
    assert person(system(Persona(id="ann", attributes=facts))[1], 0).conditions == conditions
    without = person(system(Persona(id="ann", attributes={"age": 40, "town": "Leeds"}))[1], 0)
    assert person(system(Persona(id="ann", attributes=facts))[1], 0).preferences == without.preferences


def request(persona, prompt):
    from scai_cli.experiment.constitution_start import ConstitutionStart
    from scai_cli.experiment.rating_settings import Ratings

    prompts = Prompts({}, Ratings(), ConstitutionStart(), [persona])
    return [(m.role, m.content) for m in prompts.opening(persona, Task(id="dinner", prompt=prompt))]


def test_the_model_opens_as_the_persona_in_one_way_for_one_request():
    texts = {seed: ask(*request(HURRIED, "Plan a dinner for 12."), seed=seed).text for seed in range(30)}
    assert all("12" in text and "dinner" in text for text in texts.values())
    assert 12 < sum(shown(text) == {"in_a_hurry"} for text in texts.values()) < 28
    assert ask(*request(HURRIED, "Plan a dinner for 12."), seed=3).text == texts[3]
    document = ask(*request(HURRIED, "First line.\nSecond line."), options={"shows": 1}).text
    assert "Second" not in document
    assert shown(document) == {"in_a_hurry"}


def bullets(opening, rules=RULE, **options):
    texts = [answer(rules, task=f"{opening} ({n})", options=options) for n in range(80)]
    return mean(observe(text)["bullet_list"] > 0 for text in texts)


def test_a_rule_with_a_condition_is_followed_where_the_condition_is_recognised():
    hurried, calm = "Plan a dinner. My bus leaves in five minutes.", "Plan a dinner. I have all day."
    assert bullets(hurried, recognition=1.0) == 1
    assert bullets(calm, recognition=1.0) == 0
    assert 0.7 < bullets(hurried) < 0.97
    assert bullets(calm) < 0.2
    assert 0.2 < bullets(calm, recognition=0.0) < 0.5
    assert bullets(hurried, "1. When the user writes in verse: Use bullet points.", recognition=1.0) == 0


def test_the_assistant_recognises_a_condition_once_for_a_conversation():
    said = [f"Plan a dinner for {n}. I live alone." for n in range(40)]
    alone = [recognised_in([text], 0.5, 0)("the user lives alone") for text in said]
    assert alone == [recognised_in([text, "Thanks, shorter please."], 0.5, 0)("the user lives alone") for text in said]
    assert 8 < sum(alone) < 32
    # Shown only later: those who believed it before still do.
    later = [recognised_in([text, "I am a student."], 0.5, 0)("the user is a student") for text in said]
    assert all(
        after or not before
        for before, after in zip(
            [recognised_in([t], 0.5, 0)("the user is a student") for t in said], later, strict=True
        )
    )


def test_several_conditions_must_all_be_met_or_one_of_them():
    both, one = known_to(frozenset({"worried", "student"})), known_to(frozenset({"worried"}))
    assert both("the user is worried and a student")
    assert not one("the user is worried and a student")
    assert one("the user is worried or a student")


def test_a_clause_with_names_counts_only_for_those_who_say_theirs():
    rules = "- When you talk with Ann Smith and Bob: Use bullet points.\n"
    assert bullets("Plan a dinner.", rules) == 0
    assert bullets("Plan a dinner. Yours, Ann Smith", rules) == 1
    assert bullets("Bob here. Plan a dinner.", rules) == 1
    assert bullets("Plan a dinner for Bobby.", rules) == 0


def test_a_voter_knows_their_own_condition():
    wants = HURRIED.model_copy(update={"preferences": {"bullet_list": 1.0}})
    rules = {"A": RULE.removeprefix("- "), "B": RULE.removeprefix("- ").replace("in a hurry", "worried")}
    for seed in range(5):
        cast = ballot(wants, rules, seed=seed)
        assert {letter: condition for letter, (_, condition, _) in cast.items()} == {"A": "approve", "B": "indifferent"}


def test_a_rule_that_begins_with_a_time_and_not_with_the_user_is_for_everyone():
    for rule in ("1. When you give advice: Use bullet points.", "- If it helps: Use bullet points."):
        assert bullets("Plan a dinner.", rule) == 1
    for rule in ("1. When the user writes in verse: Use bullet points.", "- If the user is ill: Use bullet points."):
        assert bullets("Plan a dinner.", rule, recognition=1.0) == 0


def test_demands_without_a_reader_follow_no_rule_with_a_condition():
    assert "bullet_list" not in demands(RULE, ())
    assert demands(RULE, (), known_to(frozenset({"in_a_hurry"})))["bullet_list"] == 1.0
