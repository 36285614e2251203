"""What `--human` reads: who the people are, what they rated, answered and wrote, and what is left out."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import TEXTS

from scai_cli.errors import ConfigError
from scai_cli.messages import Message
from scai_cli.populations.human.reading import read_human
from scai_cli.populations.human.record import HumanData

Row = dict[str, Any]


def lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def table(path: Path, rows: Sequence[Mapping[str, Any]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def said(text: str) -> list[tuple[str, str]]:
    """`user: Hi / assistant: Hello` as (role, text)."""
    return [(role, said) for role, _, said in (part.partition(": ") for part in text.split(" / "))]


def spoken(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


def rated(data: HumanData) -> dict[tuple[str, str], float]:
    return {(rating.person, rating.answer): rating.value for rating in data.ratings}


def test_a_population_of_scai_describes_the_people_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("personas: [{id: ann, description: Ann likes tea., weight: 2}]\n")
    (tmp_path / "experiment.yaml").write_text("seed: 3\n")
    table(tmp_path / "r.csv", [{"person": "ann", "prompt": "Tea?", "answer": "Yes.", "rating": n} for n in (1, 5)])
    found = read_human([tmp_path])
    assert (found.people["ann"].description, found.people["ann"].weight) == ("Ann likes tea.", 2)
    assert any("1 file with nothing to read: experiment.yaml" in note for note in found.notes)


# PRISM


def survey(user: str, **other: Any) -> Row:
    return {
        "user_id": user,
        "survey_only": False,
        "self_description": f"I am {user} and grow tea.",
        "system_string": "Be brief.",
        "stated_prefs": {"values": 50, "safety": 80},
        "age": "25-34 years old",
        "location": {"reside_country": "Chile"},
        **other,
    }


def utterance(user: str, chat: str, turn: int, within: int, prompt: str, answer: str, score: Any, chosen: bool) -> Row:
    return {
        "utterance_id": f"ut-{chat}-{turn}-{within}",
        "interaction_id": f"int-{chat}-{turn}",
        "conversation_id": chat,
        "user_id": user,
        "turn": turn,
        "within_turn_id": within,
        "conversation_type": "unguided",
        "user_prompt": prompt,
        "model_response": answer,
        "model_name": "some-model",
        "model_provider": "someone",
        "score": score,
        "if_chosen": chosen,
    }


UTTERANCES = [
    utterance("u1", "c1", 1, 0, "And green tea?", "Greener.", 100, True),
    utterance("u1", "c1", 0, 1, "Is tea good?", "No.", 1, False),
    utterance("u1", "c1", 0, 0, "Is tea good?", "Yes.", 67, True),
    utterance("u2", "c2", 0, 0, "Is tea good?", "Yes.", 50.5, False),
]


def conversation(user: str, chat: str, rows: Sequence[Row]) -> Row:
    """The row of `conversations.jsonl` with these utterances."""
    history: list[Row] = []
    for row in rows:
        asked = {"turn": row["turn"], "role": "user", "content": row["user_prompt"]}
        history += [] if asked in history else [asked]
        kept = ("turn", "within_turn_id", "model_name", "score", "if_chosen")
        history.append({"role": "model", "content": row["model_response"], **{key: row[key] for key in kept}})
    return {
        "conversation_id": chat,
        "user_id": user,
        "conversation_turns": 2,
        "conversation_history": history,
        "open_feedback": "My doctor said no.",
    }


CONVERSATIONS = [conversation("u1", "c1", UTTERANCES[:3]), conversation("u2", "c2", UTTERANCES[3:])]


@pytest.mark.parametrize("files", ["utterances", "conversations", "both"])
def test_prism_has_a_rating_of_each_answer_after_the_chosen_ones(tmp_path: Path, files: str) -> None:
    lines(tmp_path / "survey.jsonl", [survey("u1"), survey("u3", survey_only=True)])
    if files != "conversations":
        lines(tmp_path / "utterances.jsonl", UTTERANCES)
    if files != "utterances":
        lines(tmp_path / "conversations.jsonl", CONVERSATIONS)
    data = read_human([tmp_path])
    assert rated(data) == {
        ("u1", "Yes."): pytest.approx(2 / 3),
        ("u1", "No."): 0,
        ("u1", "Greener."): 1,
        ("u2", "Yes."): 0.5,
    }
    last = next(rating for rating in data.ratings if rating.answer == "Greener.")
    assert spoken(last.conversation) == said("user: Is tea good? / assistant: Yes. / user: And green tea?")
    first, other = (rating.item for rating in data.ratings if rating.answer == "Yes.")
    assert first == other
    assert [(chat.person, chat.id, len(chat.messages)) for chat in data.conversations] == [
        ("u1", "c1", 4),
        ("u2", "c2", 1),
    ]
    assert data.people["u1"].attributes == {"age": "25-34 years old", "country": "Chile"}
    assert data.people["u2"].attributes == {}
    assert set(data.people) == {"u1", "u2", "u3"}
    assert "no description of 1 person: they have an id alone" in data.notes
    assert data.source.startswith("PRISM (")
    assert "CC BY 4.0" in data.licence
    assert "doctor" not in repr(data)


def test_prism_counts_what_it_leaves_out(tmp_path: Path) -> None:
    rows = [
        utterance("u1", "c1", 0, 0, "Hi", "Hello", None, False),
        utterance("u1", "c1", 0, 1, "Hi", "", 40, False),
        utterance("u1", "c1", 0, 2, "Hi", "Good day", 30, False),
        utterance("u1", "c1", 1, 0, "Bye", "Goodbye", 30, True),
        utterance("u2", "c2", 0, 0, "Hi", "long " * 9_000, 30, True),
    ]
    data = read_human([lines(tmp_path / "any name", rows)])
    assert rated(data) == {("u1", "Good day"): pytest.approx(29 / 99)}
    assert [note for note in data.notes if note.startswith("left out")] == [
        "left out, answers without a text: 1",
        "left out, answers with a text of more than 20,000 characters: 1",
        "left out, answers without a score: 1",
        "left out, answers after a turn without a message or without a chosen answer: 1",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"score": 101}, "has the score 101, not a number from 1 to 100"),
        ({"score": "good"}, "has a score that is not a number"),
        ({"turn": "first"}, "has no whole number in turn"),
        ({"user_id": ""}, "has no user_id"),
        ({"user_id": "u9"}, "the conversation 'c1' is of another user_id in an earlier row"),
    ],
)
def test_a_bad_utterance_is_one_line_with_its_place(tmp_path: Path, change: Row, problem: str) -> None:
    path = lines(tmp_path / "utterances.jsonl", [UTTERANCES[0], {**UTTERANCES[1], **change}])
    with pytest.raises(ConfigError) as error:
        read_human([path])
    assert str(error.value) == f"{path}:2: row 2: {problem}; correct it"


# OpinionQA

QUESTIONS = [
    {
        "key": "SAFE_W26",
        "option_mapping": "{1.0: 'Very safe', 2.0: 'Not safe', 99.0: 'Refused'}",
        "question": "How safe is your town?",
        "references": "['Very safe', 'Not safe', 'Refused']",
        "option_ordinal": "[1.0, 2.0]",
    },
    {
        "key": "WORLD_W26",
        "option_mapping": "{1.0: 'Safer', 2.0: \"Isn't safer\", 3.0: 'Neither', 99.0: 'Refused'}",
        "question": "How is the world?",
        "references": "['Safer', \"Isn't safer\", 'Neither', 'Refused']",
        "option_ordinal": "[1.0, 2.0, 1.5]",
    },
    {
        "key": "WHY_W26",
        "option_mapping": "",
        "question": "How is the world?",
        "references": "['For tea', 'For work', 'Refused']",
        "option_ordinal": "[1, 1]",
    },
]


def respondent(key: str, safe: str, world: str, why: str, weight: str = "1.5") -> Row:
    return {
        "QKEY": key, "CREGION": "West", "SEX": "Female", "AGE": "30-49", "SAFE_W26": safe, "WORLD_W26": world,
        "WHY_W26": why, "WEIGHT_W26": weight,
    }  # fmt: skip


def test_opinionqa_has_answers_in_the_order_of_the_scale_and_weights(tmp_path: Path) -> None:
    table(tmp_path / "info.csv", QUESTIONS)
    rows = [
        respondent("100197", "Not safe", "Neither", "For work"),
        respondent("100260", "Refused", "2.0", "", "0.4"),
        respondent("100314", "Never asked", "nan", "For tea"),
    ]
    table(tmp_path / "responses.csv", rows)
    data = read_human([tmp_path])
    assert [
        (answer.person, answer.question, answer.options[answer.answer], answer.answer) for answer in data.answers
    ] == [
        ("respondent-100197", "How safe is your town?", "Not safe", 1),
        ("respondent-100197", "How is the world?", "Neither", 1),
        ("respondent-100197", "How is the world? (WHY_W26)", "For work", 1),
        ("respondent-100260", "How is the world?", "Isn't safer", 2),
        ("respondent-100314", "How is the world? (WHY_W26)", "For tea", 0),
    ]
    assert [answer.ordered for answer in data.answers] == [True, True, False, True, False]  # WHY_W26 is nominal
    assert [person.weight for person in data.people.values()] == [1.5, 0.4, 1.5]
    assert [note for note in data.notes if "left out" in note] == [
        "left out, refused answers: 1",
        "left out, answers that are none of the options of their question: 1",
    ]
    with pytest.raises(
        ConfigError, match="has no rating, answer or conversation of its 3 people; name the files with those"
    ):
        read_human([tmp_path / "responses.csv"])


def test_a_bad_question_is_one_line_with_its_place(tmp_path: Path) -> None:
    path = table(tmp_path / "info.csv", [QUESTIONS[0], {**QUESTIONS[1], "references": "__import__('os').getcwd()"}])
    with pytest.raises(ConfigError, match=r"info\.csv:3: row 2: has no list in references; correct it"):
        read_human([path])


# Tables of ratings


def rating(person: str, answer: str, value: Any, **other: Any) -> Row:
    return {"person": person, "prompt": "Is tea good?", "answer": answer, "rating": value, **other}


def test_a_table_has_ratings_and_facts_of_people_but_not_of_rows(tmp_path: Path) -> None:
    rows = [
        rating("ann", "Yes.", 5, age=31, model="a", remark="I live here"),
        rating("ann", "No.", 1, age=31, model="b", remark="No"),
        rating("bo", "Yes.", 3, age=62, model="a", remark="Fine"),
        rating("bo", "Yes.", "", age=62, model="a", remark="Again"),
    ]
    data = read_human([table(tmp_path / "ours.csv", rows)])
    assert rated(data) == {("ann", "Yes."): 1, ("ann", "No."): 0, ("bo", "Yes."): 0.5}
    assert {name: person.attributes for name, person in data.people.items()} == {"ann": {"age": 31}, "bo": {"age": 62}}
    assert spoken(data.ratings[0].conversation) == said("user: Is tea good?")
    assert data.notes == (
        "ours.csv: its ratings are read as 1 to 5; a column `scale` states another",
        "left out, answers without a rating: 1",
    )
    assert (data.source, data.licence) == ("ours.csv", "not stated")


def test_a_person_with_one_row_has_only_facts_that_are_of_people_by_their_names(tmp_path: Path) -> None:
    rows = [
        rating("ann", "Yes.", 5, Country="Peru", remark="liked it"),
        rating("bo", "No.", 1, Country="Chile", remark="no"),
    ]
    data = read_human([table(tmp_path / "ours.csv", rows)])
    assert {name: person.attributes for name, person in data.people.items()} == {
        "ann": {"Country": "Peru"},
        "bo": {"Country": "Chile"},
    }


def test_a_stated_scale_counts_and_a_rating_outside_it_is_an_error(tmp_path: Path) -> None:
    rows = [rating("ann", "Yes.", 4, scale="1-9"), rating("bo", "Yes.", "0,25", scale="0 to 1")]
    path = table(tmp_path / "ours.csv", rows, delimiter=";", encoding="cp1252")
    assert sorted(rated(read_human([path])).values()) == [0.25, 0.375]
    for value, scale, problem in (
        (12, "1-9", "has the rating 12, not a number from 1 to 9"),
        ("good", "1-9", "the column 'rating' has no number"),
        (5, "high", "the column 'scale' has no scale; write its ends, such as 1-5"),
    ):
        path = table(tmp_path / "bad.csv", [rows[0], rating("cy", "Yes.", value, scale=scale)])
        with pytest.raises(ConfigError) as error:
            read_human([path])
        assert str(error.value) == f"{path}:3: row 2: {problem}; correct it"


def test_a_scale_that_cannot_be_seen_has_to_be_stated(tmp_path: Path) -> None:
    for values in ([3, 3], [-40, 60]):
        path = table(tmp_path / "ours.csv", [rating("ann", f"Yes {n}.", value) for n, value in enumerate(values)])
        with pytest.raises(ConfigError, match="state their scale in a column `scale`, such as 1-5"):
            read_human([path])


def test_ratings_without_a_person_are_an_error(tmp_path: Path) -> None:
    path = table(tmp_path / "ours.csv", [{"prompt": "Tea?", "answer": "Yes.", "rating": 3}])
    with pytest.raises(ConfigError, match="has ratings, but no column that says whose; name it `person`"):
        read_human([path])


def test_an_answer_can_be_the_last_message_of_a_chat(tmp_path: Path) -> None:
    chat = [{"role": role, "content": text} for role, text in said("system: Be kind / user: Hi / assistant: Hello")]
    rows = [
        {"user_id": "ann", "messages": chat, "score": 0.5},
        {"user_id": "ann", "messages": json.dumps(chat), "score": 1},
        {"user_id": "bo", "messages": chat[:2], "score": 0},
    ]
    data = read_human([lines(tmp_path / "ours.jsonl", rows)])
    assert [(spoken(one.conversation), one.answer, one.value) for one in data.ratings] == [
        (said("user: Hi"), "Hello", 0.5),
        (said("user: Hi"), "Hello", 1),
    ]
    assert len({one.item for one in data.ratings}) == 1


def test_ratings_and_descriptions_of_several_files_join_by_id(tmp_path: Path) -> None:
    ratings = lines(tmp_path / "r.jsonl", [rating("7", "Yes.", 1), rating("7", "No.", 5), rating("Ann Lee", "No.", 4)])
    people = lines(
        tmp_path / "p.jsonl",
        [
            {"participant": 7, "description": "A grower of tea.", "weight": 2, "mail": "seven@example.org"},
            {"participant": "Ann Lee", "description": "A nurse.", "age": 40},
        ],
    )
    data = read_human([ratings, people])
    assert {rating.person for rating in data.ratings} == {"7", "ann-lee"} == set(data.people)
    seven, ann = data.people["7"], data.people["ann-lee"]
    assert (seven.description, seven.weight, seven.attributes) == ("A grower of tea.", 2, {})
    assert (ann.description, ann.attributes) == ("A nurse.", {"age": 40})


# Chats


def test_chats_are_conversations_of_their_people(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"user": "ann", "conversation_id": "x", "conversation": "Human: Hi\n\nAssistant: Hello\n\nHuman: Bye"},
        {
            "user": "ann",
            "conversation_id": "y",
            "conversation": [{"from": "human", "value": "Tea?"}, {"from": "gpt", "value": ""}],
        },
        {"user": "bo", "conversation_id": "z", "conversation": [{"role": "assistant", "content": "Alone"}]},
    ]
    data = read_human([lines(tmp_path / "chats.jsonl", rows)])
    assert [(chat.person, chat.id, spoken(chat.messages)) for chat in data.conversations] == [
        ("ann", "x", said("user: Hi / assistant: Hello / user: Bye")),
        ("ann", "y", said("user: Tea?")),
    ]
    assert "left out, rows of chats.jsonl (no message of a user): 1" in data.notes


def test_chats_without_people_are_each_of_a_new_person(tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": text}]} for text in ("Hi", "Ho")]
    data = read_human([lines(tmp_path / "chats.jsonl", rows)])
    assert [(chat.person, chat.id) for chat in data.conversations] == [("chat-1", "chat-1"), ("chat-2", "chat-2")]
    assert any("no column says whose a chat is" in note for note in data.notes)


# Any file


def test_hostile_texts_pass_without_control_characters(tmp_path: Path) -> None:
    rows = [rating(text + str(n), text, 1 + n % 5) for n, text in enumerate(TEXTS.values()) if len(text) < 20_000]
    data = read_human([lines(tmp_path / "ours.jsonl", rows)])
    texts = [rating.answer for rating in data.ratings]
    assert len(data.people) == len(rows)
    assert len(texts) > len(rows) / 2
    assert not any(set(text) & set(map(chr, [*range(9), *range(11, 32), 127, 0x202E])) for text in texts)


def test_a_file_that_has_none_of_it_is_an_error_and_in_a_folder_a_note(tmp_path: Path) -> None:
    other = table(tmp_path / "prices.csv", [{"fruit": "fig", "price": 3}])
    with pytest.raises(ConfigError, match=r"prices\.csv: is none of ratings .* it has the columns fruit, price"):
        read_human([other])
    (tmp_path / "README.md").write_text("# Read me\n\nWords, and more words.\n", encoding="utf-8")
    table(tmp_path / "ours.csv", [rating("ann", "Yes.", 1), rating("ann", "No.", 2)])
    data = read_human([tmp_path])
    assert len(data.ratings) == 2
    assert any("2 files with nothing to read: README.md, prices.csv" in note for note in data.notes)
    with pytest.raises(ConfigError, match="there is no such file"):
        read_human([tmp_path / "none.csv"])
