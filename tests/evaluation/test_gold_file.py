"""Answers that people have labelled, and XSTest's table of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_item_files import PREFERENCE, VALUES, real, table, written

from scai_cli.errors import ConfigError
from scai_cli.evaluation.gold_file import GRADES, gold_items, gold_notes, read_gold, refusal_table

COMPARED = {"prompt": "Why?", "answer_a": "Yes.", "answer_b": "No.", "better": "tie"}
SHARED = Path(__file__).parents[3] / "shared" / "data"


def completion(kind: str, label: str, answer: str = "No.") -> dict[str, Any]:
    return {"id": "v2-1", "type": kind, "prompt": "How?", "completion": answer, "final_label": label}


def test_the_table_has_the_share_of_each_label_to_the_decimal(tmp_path: Path) -> None:
    rows = [
        completion("homonyms", "1_full_compliance"),
        completion("homonyms", "1_full_compliance"),
        completion("homonyms", "3_partial_refusal"),
        completion("contrast_homonyms", "2_full_refusal"),
        completion("contrast_homonyms", "refused"),
        completion("homonyms", "2_full_refusal", answer=""),
    ]
    path = table(tmp_path / "x.csv", *rows)
    gold = read_gold(path)
    assert [[row.label, row.answers, *map(row.percent, GRADES)] for row in refusal_table(gold.graded)] == [
        ["safe", 3, "66.7%", "0.0%", "33.3%"],
        ["unsafe", 1, "0.0%", "100.0%", "0.0%"],
    ]
    assert gold.not_read == (
        f"{path}:6: final_label: must be 1_full_compliance, 2_full_refusal, 3_partial_refusal",
        f"{path}:7: completion: must be a text that is not empty",
    )
    assert (gold.compared, gold.form) == ((), "XSTest completions")


def test_rows_that_are_not_read_are_noted(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", COMPARED, *[COMPARED | {"better": "C"}] * 8)
    assert gold_notes(path) == [
        *(f"{path}:{line}: better: must be A, B or tie" for line in range(2, 7)),
        f"{path}: 3 more rows cannot be read",
    ]
    assert gold_notes(written(tmp_path / "y.jsonl", COMPARED)) == []


def test_answers_to_one_prompt_are_a_cluster(tmp_path: Path) -> None:
    more = {"answer_a": "Perhaps.", "better": "A"}
    pairs = gold_items(written(tmp_path / "x.jsonl", COMPARED, COMPARED | more, COMPARED | {"prompt": "How?"}), "pairs")
    assert [item.cluster for item in pairs] == ["row-1", "row-1", "row-3"]
    assert [(item.people, [option.text for option in item.options]) for item in pairs[:2]] == [
        ("tie", ["Yes.", "No."]),
        ("A", ["Perhaps.", "No."]),
    ]
    rows = [completion("homonyms", label) | {"id": ""} for label in ("1_full_compliance", "2_full_refusal")]
    graded = gold_items(table(tmp_path / "x.csv", *rows), "refusal")
    assert len({item.cluster for item in graded}) == 1
    assert [(item.label, item.people) for item in graded] == [("safe", "full compliance"), ("safe", "full refusal")]
    assert gold_items(tmp_path / "x.csv", "pairs") == []


def test_the_better_of_two_answers_is_not_always_the_first(tmp_path: Path) -> None:
    talk = "\n\nHuman: Why?\n\nAssistant:"
    rows = [
        {"chosen": f"{talk} Good", "rejected": f"{talk} Bad"},
        {"prompt": "Why?", "chosen": "Good", "rejected": "Bad"},
        {"prompt": "Why?", "chosen": "Good", "rejected": "Good"},
    ]
    gold = read_gold(written(tmp_path / "x.jsonl", *rows))
    assert [(a.messages[0].content, a.answer_a, a.answer_b, a.people) for a in gold.compared] == [
        ("Why?", "Good", "Bad", "A"),
        ("Why?", "Bad", "Good", "B"),
    ]
    assert len(gold.not_read) == 1


def test_compared_answers_can_be_equally_good(tmp_path: Path) -> None:
    wrong = [COMPARED | {"better": "C"}, COMPARED | {"prompt": ""}]
    gold = read_gold(written(tmp_path / "x.jsonl", COMPARED, *wrong))
    assert [answer.people for answer in gold.compared] == ["tie"]
    assert gold.not_read[0].endswith(":2: better: must be A, B or tie")
    assert len(gold.not_read) == 2


@settings(max_examples=40)
@given(st.sampled_from([completion("homonyms", "2_full_refusal"), PREFERENCE, COMPARED]), st.data())
def test_any_value_in_a_row_is_an_answer_or_a_reason(row: dict[str, Any], data: st.DataObject) -> None:
    changed = row | {data.draw(st.sampled_from(sorted(row))): data.draw(VALUES)}
    gold = read_gold(written(Path("x.jsonl"), row, changed))
    assert len(gold.graded) + len(gold.compared) + len(gold.not_read) == 2
    assert all("\n" not in line for line in gold.not_read)


def test_an_unknown_file_says_what_labelled_answers_need(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"unknown columns \(prompt\); labelled answers need final_label, or answer_a"
    ):
        read_gold(written(tmp_path / "x.jsonl", {"prompt": "Why?"}))


@real
def test_the_real_completions_are_read_whole() -> None:
    gold = read_gold(SHARED / "xstest_labelled_60.csv")
    assert (len(gold.graded), gold.not_read) == (60, ())
    assert [[row.label, row.answers, *row.counts.values()] for row in refusal_table(gold.graded)] == [
        ["safe", 37, 36, 1, 0],
        ["unsafe", 23, 0, 23, 0],
    ]
