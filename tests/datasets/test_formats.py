"""Every row format over hand-made samples: its shape, and each trap of its readers (facts seen, decoded tokens)."""

from __future__ import annotations

import json
from itertools import pairwise, takewhile
from typing import Any

import pytest
from format_samples import (
    DROP,
    FORMATS,
    IMITATING,
    KEEP,
    LABELLED,
    LONG,
    OTHER,
    PREFERRING,
    RULES,
    a_pair,
    a_rating,
    a_sample,
    a_trace,
    an_answer,
    made,
    turns,
)
from hypothesis import given
from hypothesis import strategies as st
from openai_rules import is_legal_dpo, is_legal_sft

from scai_cli.datasets.formats.format import Layout, Row, find_format
from scai_cli.datasets.samples.sample import Sample, Trace, Turn


def said(*texts: str, system: str | None = None) -> list[dict[str, str]]:
    start = [] if system is None else [{"role": "system", "content": system}]
    return [*start, *({"role": turn.role, "content": turn.content} for turn in turns(*texts))]


def one(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def human(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[n % 2], "value": text} for n, text in enumerate(texts)]


ASKED, TALK = "How do I make tea?", ("How do I make tea?", "Boil water.", "And then?")
SHAPES: list[tuple[str, Sample, Row]] = [
    ("sft", an_answer(LONG, "Pour."), {"messages": said(*TALK, "Pour.")}),
    ("sft-prompt-completion", an_answer(LONG, "Pour."), {"prompt": said(*TALK), "completion": one("Pour.")}),
    ("dpo", a_pair(LONG), {"prompt": said(*TALK), "chosen": one("Boil water."), "rejected": one("Go away.")}),
    ("kto", an_answer(), {"prompt": said(ASKED), "completion": one("Boil water."), "label": True}),
    ("reward", a_pair(LONG), {"chosen": said(*TALK, "Boil water."), "rejected": said(*TALK, "Go away.")}),
    (
        "hh",
        a_pair(LONG),
        {
            side: f"\n\nHuman: {ASKED}\n\nAssistant: Boil water.\n\nHuman: And then?\n\nAssistant: {text}"
            for side, text in (("chosen", "Boil water."), ("rejected", "Go away."))
        },
    ),
    ("openai-sft", an_answer(LONG, "Pour."), {"messages": said(*TALK, "Pour.")}),
    (
        "openai-dpo",
        a_pair(LONG),
        {
            "input": {"messages": said(*TALK)},
            "preferred_output": one("Boil water."),
            "non_preferred_output": one("Go away."),
        },
    ),
    ("sharegpt", an_answer(LONG, "Pour."), {"conversations": human(*TALK, "Pour.")}),
    (
        "sharegpt-dpo",
        a_pair(LONG),
        {
            "conversations": human(*TALK),
            "chosen": {"from": "gpt", "value": "Boil water."},
            "rejected": {"from": "gpt", "value": "Go away."},
        },
    ),
    ("sharegpt-kto", an_answer(LONG, "Pour."), {"conversations": human(*TALK, "Pour."), "kto_tag": True}),
    (
        "alpaca",
        an_answer(LONG, "Pour."),
        {"instruction": "And then?", "input": "", "output": "Pour.", "history": [[ASKED, "Boil water."]]},
    ),
    (
        "ratings",
        a_rating(),
        {
            "rater": "bob",
            "kind": "cross",
            "metric": "harmlessness",
            "value": 8.0,
            "comment": "=fine",
            "answer_id": "e1/ann/tea/m3",
            "answer": "Boil water.",
            "prompt": ASKED,
            "persona": "ann",
            "task": "tea",
        },
    ),
]


@pytest.mark.parametrize(("name", "sample", "row"), SHAPES, ids=[name for name, *_ in SHAPES])
def test_the_shape_of_a_row(name: str, sample: Sample, row: Row) -> None:
    assert made(name, sample) == [row]


def test_the_table_holds_every_format_of_the_design() -> None:
    assert {*FORMATS} == {*(name for name, *_ in SHAPES), "constitutional"}


def test_a_constitutional_row_has_the_columns_of_cai_conversation_harmless() -> None:
    (row,) = made("constitutional", a_trace(steps=2))
    assert {key: row[key] for key in ("init_prompt", "init_response")} == {
        "init_prompt": ASKED,
        "init_response": "Go away.",
    }
    assert (row["critic_prompt"], row["critic_response"]) == ("critic 0?", "too curt 0")
    assert (row["revision_prompt"], row["revision_response"]) == ("revise 0!", "Boil water 0.")
    assert [step["principle"] for step in row["steps"]] == ["P0", "P1"]
    assert row["messages"] == row["chosen"] == said(ASKED, "Boil water.")
    assert row["rejected"] == said(ASKED, "Go away.")
    assert "prompt" not in row  # with one, DPO would take the conversations for completions
    assert made("constitutional", a_trace(steps=0)) == []
    form = find_format("constitutional")
    assert form.parts == ("_sft", "_prefs")


@pytest.mark.parametrize("name", [*IMITATING, *PREFERRING, *LABELLED, "constitutional"])
def test_the_system_message_is_dropped_kept_or_replaced(name: str) -> None:
    form = find_format(name)
    dropped, kept, other = (json.dumps(made(name, a_sample(form), layout)) for layout in (DROP, KEEP, OTHER))
    assert RULES[:20] not in dropped
    assert "Be kind." not in dropped
    assert json.dumps(RULES)[1:-1] in kept
    assert "Be kind." in other
    assert RULES[:20] not in other
    assert min(len(json.loads(rows)) for rows in (dropped, kept, other)) == 1


def test_a_kept_system_message_stands_where_each_reader_looks_for_it() -> None:
    first = {"role": "system", "content": RULES}
    assert made("sft", an_answer(), KEEP)[0]["messages"][0] == first
    assert made("dpo", a_pair(), KEEP)[0]["prompt"][0] == first
    assert made("reward", a_pair(), KEEP)[0]["rejected"][0] == first
    assert made("openai-dpo", a_pair(), KEEP)[0]["input"]["messages"][0] == first
    assert made("sharegpt", an_answer(), KEEP)[0]["system"] == RULES
    assert made("alpaca", an_answer(), KEEP)[0]["system"] == RULES
    assert made("hh", a_pair(), KEEP)[0]["chosen"].startswith(f"{RULES}\n\nHuman: ")


# The traps, one by one.

TWICE = (Turn("user", "Tea?"), Turn("user", "Green tea."), Turn("assistant", "Yes."), Turn("user", "How?"))


@pytest.mark.parametrize("name", [*IMITATING, *PREFERRING, *LABELLED, "constitutional"])
def test_turns_of_one_role_that_follow_each_other_are_one(name: str) -> None:
    form = find_format(name)
    (row,) = made(name, a_sample(form, TWICE))
    assert "Tea?\\n\\nGreen tea." in json.dumps(row)
    for messages in lists_of_messages(row):
        roles = [message.get("role", message.get("from")) for message in messages]
        assert all(one != two for one, two in pairwise(roles)), roles


@pytest.mark.parametrize("name", [*IMITATING, *PREFERRING, *LABELLED, "constitutional"])
@pytest.mark.parametrize("empty", ["", " \n\t", "\u2028"])
def test_no_content_is_empty(name: str, empty: str) -> None:
    form = find_format(name)
    assert made(name, a_sample(form, text=empty)) == []
    assert made(name, a_sample(form, turns("Tea?", empty, "How?"))) == []
    assert made(name, a_sample(form, turns(empty))) == []


@pytest.mark.parametrize("name", [*IMITATING, *PREFERRING, *LABELLED, "constitutional"])
@pytest.mark.parametrize("prompt", [(), turns("Tea?", "Yes."), (Turn("assistant", "Hello."), Turn("user", "Tea?"))])
def test_a_prompt_begins_and_ends_with_a_user(name: str, prompt: tuple[Turn, ...]) -> None:
    form = find_format(name)
    assert made(name, a_sample(form, prompt)) == []


@pytest.mark.parametrize("name", PREFERRING)
@pytest.mark.parametrize("rejected", ["Boil water.", " Boil  water.\n", "", " "])
def test_no_pair_without_a_choice(name: str, rejected: str) -> None:
    assert made(name, a_pair(rejected=rejected)) == []


def test_no_trace_without_a_choice() -> None:
    assert made("constitutional", a_trace(chosen="Go away.")) == []


def test_dpo_holds_completions_only() -> None:
    (row,) = made("dpo", a_pair(LONG), KEEP)
    assert [len(row[side]) for side in ("chosen", "rejected")] == [1, 1]
    assert [row[side][0]["role"] for side in ("chosen", "rejected")] == ["assistant", "assistant"]
    assert row["prompt"][-1]["role"] == "user"


def test_reward_and_constitutional_differ_in_the_last_message_alone() -> None:
    for name, sample in (("reward", a_pair(LONG)), ("constitutional", a_trace())):
        (row,) = made(name, sample, KEEP)
        assert row["chosen"][:-1] == row["rejected"][:-1]
        assert row["chosen"][-1] != row["rejected"][-1]


def test_hh_is_cut_at_the_last_mark_whatever_the_answers_begin_with() -> None:
    (row,) = made("hh", a_pair(LONG, "I think yes", "I think no"))
    same = takewhile(lambda pair: pair[0] == pair[1], zip(*row.values(), strict=False))
    assert "".join(one for one, _ in same).endswith("Assistant: I think ")  # the trap: this would be the prompt
    assert [row[side].rpartition("\n\nAssistant: ")[2] for side in row] == ["I think yes", "I think no"]


@pytest.mark.parametrize("text", ["Yes.\n\nHuman: No.", "Human: No.", "\n\nAssistant: me", "Well.\n\nAssistant:"])
def test_hh_has_no_turn_that_nobody_took(text: str) -> None:
    assert made("hh", a_pair(chosen=text)) == []
    assert made("hh", a_pair(rejected=text)) == []
    assert made("hh", a_pair(turns(text))) == []
    assert made("hh", a_pair(system=text), KEEP) == []
    assert len(made("hh", a_pair(chosen="A human: no. Assistant: yes."))) == 1


@pytest.mark.parametrize("name", ["sharegpt", "sharegpt-dpo", "sharegpt-kto", "alpaca"])
def test_llama_factory_gets_no_empty_system_message_to_replace(name: str) -> None:
    form = find_format(name)
    assert made(name, a_sample(form, system=" "), KEEP) == []
    assert "system" not in made(name, a_sample(form, system=""), DROP)[0]
    assert made(name, a_sample(form), KEEP)[0]["system"] == RULES
    assert len(made("sft", an_answer(system=""), KEEP)) == 1  # a chat template gets no system message at all


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("ratings", "constitutional")])
def test_no_row_weighs_its_messages(name: str) -> None:
    form = find_format(name)
    assert "weight" not in json.dumps(made(name, a_sample(form, LONG), KEEP))


@pytest.mark.parametrize(("name", "bears"), [("hh", False), ("openai-sft", False), ("openai-dpo", False),
    ("sharegpt", False), ("sharegpt-dpo", False), ("sharegpt-kto", False), ("alpaca", False),
    ("sft", True), ("dpo", True), ("kto", True), ("reward", True),
    ("sft-prompt-completion", True), ("constitutional", True), ("ratings", True)])  # fmt: skip
def test_provenance_stands_in_columns_only_where_readers_bear_them(name: str, bears: bool) -> None:
    assert find_format(name).extra_columns is bears


@pytest.mark.parametrize("good", [True, False])
def test_kto_rows_have_the_label_of_their_answer(good: bool) -> None:
    assert [row["label"] for row in made("kto", an_answer(good=good))] == [good]
    assert [row["kto_tag"] for row in made("sharegpt-kto", an_answer(good=good))] == [good]


def test_kto_leaves_out_answers_without_a_label() -> None:
    assert made("kto", an_answer(good=None)) == made("sharegpt-kto", an_answer(good=None)) == []
    assert len(made("sft", an_answer(good=None))) == 1


def test_a_missing_rating_is_a_row_without_a_value() -> None:
    assert made("ratings", a_rating(None))[0]["value"] is None


# The published rules of the fine-tuning API.

GOOD_SFT = {"messages": said("Tea?", "Yes.", system="S")}
GOOD_DPO = {"input": {"messages": said("Tea?")}, "preferred_output": one("Yes."), "non_preferred_output": one("No.")}
BAD_SFT: list[Any] = [
    [], {}, {"messages": []}, {"messages": "Tea?"}, {**GOOD_SFT, "id": 1}, {"messages": said("Tea?")},
    {"messages": said("Tea?", "")}, {"messages": said("Tea?", " ")},
    {"messages": [{"role": "user", "content": None}, *one("Yes.")]},
    {"messages": [{"role": "human", "content": "Tea?"}, *one("Yes.")]},
    {"messages": [{"role": "user", "content": "Tea?"}, {"role": "assistant", "content": "Yes.", "weight": 0}]},
    {"messages": [*said("Tea?"), *said("Tea?", "Yes.")]},
    {"messages": [*said("Tea?", "Yes."), {"role": "system", "content": "S"}]},
    {"messages": one("Yes.")}, {"messages": [{"role": "system", "content": "S"}]}, {"messages": ["Tea?", "Yes."]},
]  # fmt: skip
BAD_DPO: list[Any] = [
    GOOD_SFT, {**GOOD_DPO, "id": 1}, {**GOOD_DPO, "input": []}, {**GOOD_DPO, "input": {"messages": []}},
    {**GOOD_DPO, "input": {"messages": said("Tea?", "Yes.")}},
    {**GOOD_DPO, "preferred_output": []}, {**GOOD_DPO, "preferred_output": [*one("Yes."), *one("Yes!")]},
    {**GOOD_DPO, "preferred_output": said("Yes.")}, {**GOOD_DPO, "non_preferred_output": one("")},
    {**GOOD_DPO, "non_preferred_output": one("Yes.")}, {**GOOD_DPO, "non_preferred_output": "No."},
]  # fmt: skip


@pytest.mark.parametrize("row", BAD_SFT)
def test_the_rules_of_supervised_fine_tuning(row: Any) -> None:
    assert is_legal_sft(GOOD_SFT)
    assert not is_legal_sft(row)


@pytest.mark.parametrize("row", BAD_DPO)
def test_the_rules_of_preference_fine_tuning(row: Any) -> None:
    assert is_legal_dpo(GOOD_DPO)
    assert not is_legal_dpo(row)


WORDS = st.text(max_size=12)
PROMPTS = st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), WORDS), max_size=5).map(tuple)
LAYOUTS = st.sampled_from([DROP, KEEP, OTHER])


@pytest.mark.slow
@given(PROMPTS, WORDS, WORDS, WORDS, LAYOUTS)
def test_whatever_was_said_a_row_is_legal_or_there_is_none(
    prompt: tuple[Turn, ...], one_text: str, other: str, system: str, layout: Layout
) -> None:
    pair, answered = a_pair(prompt, one_text, other, system=system), an_answer(prompt, one_text, system=system)
    for row in made("openai-sft", answered, layout):
        assert is_legal_sft(row)
    for row in made("openai-dpo", pair, layout):
        assert is_legal_dpo(row)
    for name in FORMATS:
        kind = find_format(name).kind
        sample: Sample = {"pairs": pair, "traces": Trace(pair, a_trace().steps, one_text)}.get(kind, answered)
        for row in made(name, sample, layout) if kind != "ratings" else []:
            for messages in lists_of_messages(row):
                texts = [message.get("content", message.get("value", "")) for message in messages]
                assert all(text.strip() for text in texts)
            json.dumps(row)


def lists_of_messages(value: Any) -> list[list[dict[str, str]]]:
    """Every list of messages in a row."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "principle" not in item for item in value):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for item in inner for found in lists_of_messages(item)]
