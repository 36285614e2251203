"""Items that are already part of what wrote the rules."""

from __future__ import annotations

from scai_cli.evaluation.item import Item
from scai_cli.evaluation.seen import seen_items

LONG = "Please explain to my class why the sky is blue and why it turns red when the evening comes"


def item(name: str, *said: str) -> Item:
    messages = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(said)]
    fields = {"id": name, "suite": "pairs", "messages": messages, "cluster": name, "source": "x", "licence": "x"}
    return Item.model_validate(fields)


def test_an_equal_text_is_seen_whatever_its_case_and_spaces() -> None:
    items = [item("same", "why  is the SKY blue"), item("part", "Why is the sky blue in summer?")]
    assert seen_items(items, [("task sky", "Why is the sky blue?")]) == [("same", "task sky")]


def test_thirteen_words_in_a_row_are_seen_in_any_message_of_the_user() -> None:
    cut = " ".join(LONG.split()[3:16])
    items = [
        item("first", f"Hello. {cut}, thanks.", "Yes.", "Go on."),
        item("answer", "Hello.", LONG, "Go on."),
        item("twelve", " ".join(LONG.split()[3:15])),
    ]
    texts = [("persona ann", "Ann likes cats."), ("task blue", LONG)]
    assert seen_items(items, texts) == [("first", "task blue")]


def test_an_equal_text_is_seen_in_any_form_and_script() -> None:
    whole, part = "怎样泡一壶好茶？", "请告诉我的学生为什么天空白天是蓝色的而傍晚太阳落山的时候又会变成红色"
    items = [
        item("nfd", "Cafe\u0301?"),
        item("same", "怎样 泡一壶好茶"),
        item("part", f"老师，{part[:28]}吗"),
        item("few", part[:20]),
    ]
    texts = [("task cafe", "café"), ("task tea", whole), ("task sky", part)]
    assert seen_items(items, texts) == [("nfd", "task cafe"), ("same", "task tea"), ("part", "task sky")]


def test_all_items_of_a_seen_text_are_named() -> None:
    items = [item("a", LONG), item("b", f"{LONG}!")]
    assert seen_items(items, [("t", LONG), ("u", LONG)]) == [("a", "t"), ("b", "t")]
    assert seen_items(items, []) == []
