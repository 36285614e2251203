"""The simulated assistant's sentences: each shows its trait alone, and shipped tasks have their own."""

import re

import pytest
from simulated_society import answer

from scai_cli.experiment.starter import shipped, write_starter
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.observed import observe
from scai_cli.models.simulated.sentences import GENERAL, bank_for
from scai_cli.text.data_files import read_lists

BY_LAYOUT = {"concise", "detailed", "plain_words", "bullet_list", "step_by_step"}
MEASURED = set(TRAITS) - {"concise", "detailed", "plain_words"}
FOLDER = shipped() / "configs" / "tasks"
TASKS = {
    f"{file.stem}/{task['id']}": task["prompt"]
    for file in sorted((FOLDER / "sentences").glob("*.yaml"))
    for task in read_lists(FOLDER / file.name)["tasks"]
}
BANKS = {"general": GENERAL, **{name: bank_for(prompt) for name, prompt in TASKS.items()}}


@pytest.mark.parametrize("name", BANKS)
def test_a_sentence_shows_its_trait_and_no_other(name):
    bank = BANKS[name]
    listed = [(trait, sentence) for trait, sentences in bank.traits.items() for sentence in sentences]
    fillers = [("", sentence) for sentence in (*bank.plain, *bank.neutral, *bank.steps, *bank.leads)]
    for trait, sentence in (*listed, *fillers):
        seen = {shown for shown, strength in observe(sentence.format(topic="this")).items() if strength} & MEASURED
        assert seen == {trait} - {""}, sentence
        assert sentence.startswith(("{topic}", '"')) or sentence[0].isupper(), sentence


@pytest.mark.parametrize("name", BANKS)
def test_every_trait_can_be_shown_in_answers_of_any_length(name):
    bank = BANKS[name]
    assert set(bank.traits) | BY_LAYOUT == set(TRAITS)
    assert min(len(set(sentences)) for sentences in bank.traits.values()) >= 3
    assert len(set(bank.steps)) >= 3
    assert len(set(bank.leads)) >= 3
    assert sum(len(sentence.split()) for sentence in (*bank.plain, *bank.neutral)) >= 240


def test_the_tasks_of_the_quickstart_and_of_the_help_desk_have_sentences_of_their_own():
    assert len(TASKS) >= 6
    assert [name for name in TASKS if BANKS[name] is GENERAL] == []
    written = [entry["prompt"] for file in (FOLDER / "sentences").glob("*.yaml") for entry in read_lists(file).values()]
    assert sorted(written) == sorted(TASKS.values())


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_is_recognised_by_its_words_wherever_one_is(task, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    said = {sentence for sentences in bank_for(task).traits.values() for sentence in sentences}
    text = answer("1. Mention thrift.\n2. Use plain words.", task=f"  {task.upper()} ".replace(" ", "\n", 1))
    assert any(sentence in text for sentence in said)
    assert bank_for(f"{task} Please.") is bank_for(task)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_actions_keep_their_order(task):
    steps = bank_for(task).steps
    for seed in range(5):
        text = answer("1. Number the steps of a plan.", task=task, seed=seed)
        places = [steps.index(action) for action in re.findall(r"^\d\. (.+)", text, re.MULTILINE)]
        assert len(places) == 3
        assert places == sorted(places)


def test_a_copy_of_the_starter_files_has_no_sentences(tmp_path):
    write_starter(tmp_path)
    assert (tmp_path / "configs" / "tasks" / "quickstart.yaml").is_file()
    assert not list(tmp_path.rglob("sentences"))
