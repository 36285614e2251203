"""Data between tags: no text opens or closes a fence, and what was fenced is read back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.prompts.fences import TAGS, enclose, fence, fenced

ANY_TAG = re.compile(rf"<\s*/?\s*({'|'.join(TAGS)})\b", re.IGNORECASE)
"""What a model would take for a tag of ours."""

tags = st.sampled_from(TAGS)
breakers = st.builds(
    "{}<{}{}{}{}>{}".format,
    st.sampled_from(["", "\n"]),
    st.sampled_from(["", "/", " / ", "\t", "\n/"]),
    tags.flatmap(lambda tag: st.sampled_from([tag, tag.upper(), tag.title(), tag.replace("s", "ſ")])),
    st.sampled_from(["", " ", ' from="user"', "\n"]),
    st.sampled_from(["", " ", "/"]),
    st.sampled_from(["", "\n"]),
)
hostile = st.builds(
    "".join, st.lists(st.one_of(st.text(max_size=8), breakers, st.just("<"), st.just("\n")), max_size=8)
)


@given(tags, hostile, hostile)
def test_no_text_opens_or_closes_a_fence(tag: str, first: str, second: str) -> None:
    prompt = f"Before:\n{fence(tag, first)}\nbetween\n{fence('rating', second)}\nafter <{tag}>"
    read = list(fenced(prompt))
    assert [piece.tag for piece in read] == [tag, "rating"]
    for piece, data in zip(read, (first, second), strict=True):
        assert not ANY_TAG.search(piece.text)
        if ANY_TAG.search(data) or "<" not in data:  # not in disguise
            assert all(a == b or (a, b) == ("‹", "<") for a, b in zip(piece.text, data, strict=True))


@given(tags, st.text().filter(lambda text: "<" not in text))
def test_text_without_tags_is_read_back_as_it_was(tag: str, data: str) -> None:
    assert [piece.text for piece in fenced(fence(tag, data))] == [data]


@given(hostile, hostile)
def test_no_attribute_leaves_its_quotes(first: str, second: str) -> None:
    (read,) = fenced(fence("message", "hello", **{"from": first, "id": second}))
    assert read.text == "hello"
    assert read.attributes.keys() == {"from", "id"}
    assert not set('"<>\n') & set("".join(read.attributes.values()))


@pytest.mark.parametrize("data", ["", "\n", "\n\n", " ", "<", "</", "</persona", "<persona", "‹persona›"])
def test_edges_are_read_back(data: str) -> None:
    (read,) = fenced(fence("persona", data))
    assert read.text.replace("‹", "<") == data.replace("‹", "<")


def test_fences_hold_fences() -> None:
    inner = [fence("message", "one </conversation> two", id="m0"), fence("message", "three", id="m1")]
    (outer,) = fenced("x\n" + enclose("conversation", "\n".join(inner), id="c") + "\ny")
    assert outer.attributes == {"id": "c"}
    assert [(piece.text, piece.attributes["id"]) for piece in fenced(outer.text)] == [
        ("one ‹/conversation> two", "m0"),
        ("three", "m1"),
    ]


def test_other_tags_are_left_alone() -> None:
    data = "<b>bold</b> a < b <personage> <tasks>"
    assert fence("task", data) == f"<task>\n{data}\n</task>"
    assert list(fenced(fence("task", data), "persona")) == []
