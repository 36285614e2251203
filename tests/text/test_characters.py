"""Characters that break lines or that terminals obey: in none of the forms that scai writes or prints."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from unicodedata import category

import pytest
from conftest import scai
from hostile_texts import HIDDEN, TEXTS, UNSEEN
from hypothesis import example, given
from hypothesis import strategies as st

from scai_cli.text.characters import (
    as_json,
    clean,
    escape_json,
    escape_line_ends,
    folded,
    hidden,
    json_bytes,
    json_line,
    one_line,
    printable,
    visible,
    without_hidden,
)

HOSTILE = "a\x1b[2J\x85b\x9bc\u2028d\u2029e\u202ef\u2066g\x7fh\u200bi\U000e0061"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
ANY_TEXT = (
    st.text(alphabet=st.characters(exclude_categories=()))  # lone surrogates too
    | st.text("a\u2764\ufe0f\u200d\x1b\u0645\u200c1\u20e3\u1820\u180b\U0001f3f4\U000e0067\n")
    | st.text("a \u0645\u200c\u200b\u0e01\u845b\ufe01\U000e0101\x00\r\n\u061c")
    | st.just(HOSTILE)
)


@given(ANY_TEXT)
@example("0\ufe0f\u20e3")  # a key on a phone's keypad: its accent goes, and the sign before it is then out of place
def test_no_form_holds_what_a_terminal_obeys(text: str) -> None:
    forms = [visible(text), one_line(text), json_line(text), json_bytes(text).decode(), folded(text)]
    assert not [form for form in forms if UNSEEN.search(_without_kept(form))]
    assert not hidden(visible(text))
    assert not CONTROL.search(printable(text))
    assert "\n" not in one_line(text)
    visible(text).encode()  # no lone surrogate either


def _without_kept(text: str) -> str:
    """A text without the characters that `hidden` lets pass, where they stand."""
    kept = r"[\u200b-\u200d\ufe00-\ufe02\ufe0e\ufe0f\u180b-\u180f\U000e0061-\U000e007f\U000e0100-\U000e01ef]"
    return text if hidden(text) else re.sub(kept, "", text)


@given(ANY_TEXT)
def test_json_is_one_line_whose_data_is_equal(text: str) -> None:
    expected = clean(text)
    written = json.dumps(expected, ensure_ascii=False)
    for line in (
        json_line(text),
        json_bytes(text).decode(),
        escape_json(written),
        escape_line_ends(written.encode()).decode(),
    ):
        assert json.loads(line) == expected
        assert len(line.splitlines()) == 1
    assert json.loads(as_json(text)) == expected


def test_what_is_left_of_each_character() -> None:
    assert visible("a\x1b\x9b\r\n\tb\ud800\ufffe") == "a␛�\n\tb��"
    assert visible("a\u200b\U000e0061b\u00ad") == "a‹U+200B›‹U+E0061›b‹U+00AD›"
    assert printable("a\x1bb\u2028c\n\t") == "a b c\n\t"
    assert hidden("a\u200bb\U000e0061\u202e\u2066") == "U+200B, U+E0061, U+202E"
    assert folded("Jos\u00e9 \uff21\u200bn\u0301n\x00") == "Jose Ann"
    assert clean("a\ud800b\U0001f600") == "a\ufffdb\U0001f600"
    assert (one_line(" a\n b "), one_line("abcdef", 4)) == ("a b", "abc…")
    assert escape_line_ends('"\x85\u202e"'.encode()) == '"\\u0085\u202e"'.encode()


def test_people_on_stdout_turn_no_text_round(tmp_path: Path) -> None:
    people = tmp_path / "people.jsonl"
    people.write_text(json.dumps({"id": "ann", "name": "Ann", "description": f"Ann {HOSTILE}"}) + "\n")
    shown = scai("personas", "sample", people, "--n", 1, "-o", "-")
    assert shown.code == 0, shown.err
    assert not UNSEEN.search(shown.out.rstrip("\n"))
    assert json.loads(shown.out)["description"] == f"Ann {HOSTILE}"


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f\u200d\U0001f525", "1\ufe0f\u20e3 #\ufe0f\u20e3",
        "\U0001f469\U0001f3fd\u200d\U0001f4bb",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f.",
        "\u0645\u06cc\u200c\u062e", "\u0915\u094d\u200d\u0937", "\u1820\u180b\u1820",
        "PDF\u200c\u0647\u0627 2020\u200c\u0647\u0627",
        "\u00ab\u06af\u200c\u06af\u00bb\u200c\u0647\u0627 (\u0622)\u200c\u0647",
        "\u0645\u06cc\u200c\u200c\u062e \u0645\u200c\u200c\u062e", "\u1780\u200b\u1781 \u0e01\u0e34\u200b\u0e02",
        "\u0e81\u200b\u0e82 \u1000\u103a\u200b\u1001", "\u9089\U000e0104\u82b1 \u845b\ufe00 \u845b\U000e0100",
        "\u0600\u0605 \u06dd \u070f \u0890 \u08e2 \U000110bd\U000110cd",
        "\u0627\u0654 \u05d0 \uac00 e\u0301",
    ],
)  # fmt: skip
def test_what_stands_where_it_belongs_is_not_hidden(text: str) -> None:
    assert not hidden(text)
    assert visible(text) == text


@pytest.mark.parametrize("name", HIDDEN)
def test_what_does_not_belong_is_hidden(name: str) -> None:
    assert hidden(TEXTS[name])


@pytest.mark.parametrize(
    "text",
    [
        "a\u200cb", "\u200c\u0645", " \u200c\u0645", "\u0645\u200c\u200c\u200c\u062e", "\u061c\u200c",
        "\u0645\u200c\u200c\u061c", "\u0e01\u200b\u17b4", "\u180b\u200d", "a\u200b\u0e01", "\u0e01\u200b",
        "\u0e01\u200b\u200b\u0e01", "a\U000e0100", "\u845b\ufe00\ufe01", "\u845b\ufe03", "\u845b\U000e0061",
        "a\u200db", "a\ufe0f", "\u2764\ufe0f\ufe0f", "\U0001f3f4\U000e0061\U000e007f", "\u0645\u200c\u200c", "\u200d",
    ],
)  # fmt: skip
def test_a_joiner_elsewhere_is_hidden(text: str) -> None:
    assert hidden(text)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\t", "\x1b[0m", "\u2028", ""])
def test_what_follows_takes_nothing_from_its_place(end: str) -> None:
    for text in ("\u2764\ufe0f", "\u0645\u200c", "\u845b\U000e0100"):
        assert not hidden(text + end)
        assert without_hidden(text + end).startswith(text)
        assert visible(f"{text}{end}.").startswith(text)


def test_every_format_character_without_a_picture_is_hidden() -> None:
    seen = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
    formats = {chr(code) for code in range(sys.maxunicode + 1) if category(chr(code)) == "Cf"}
    assert not {character for character in formats if bool(hidden(character)) == (character in seen)}
    assert all(map(hidden, "\u034f\u115f\u17b4\u2065\u3164\ufff0\U00013430\U0001343f\U00016fe4\U0001d159\U000e0fff"))


@pytest.mark.parametrize("character", ["\u200b", "\U000e0061", "\x1b", "\u2764\ufe0f", "\u0300\u0316"])
def test_a_megabyte_is_no_burden(character: str) -> None:
    text = character * (60_000 // len(character))  # what is quadratic takes minutes
    assert len(folded(text)) <= len(visible(text))
