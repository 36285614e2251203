"""Characters that break lines or that terminals obey: in none of the forms that scai writes or prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

from conftest import scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.text.characters import (
    as_json,
    clean,
    escape_json,
    escape_line_ends,
    json_bytes,
    json_line,
    one_line,
    printable,
    visible,
)

HOSTILE = "a\x1b[2J\x85b\x9bc\u2028d\u2029e\u202ef\u2066g\x7fh"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=())) | st.just(HOSTILE)  # lone surrogates too


@given(ANY_TEXT)
def test_no_form_holds_what_a_terminal_obeys(text: str) -> None:
    forms = [visible(text), printable(text), one_line(text), json_line(text), json_bytes(text).decode()]
    assert not [form for form in forms if OBEYED.search(form)]
    assert "\n" not in one_line(text)
    visible(text).encode()  # no lone surrogate either


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
    assert printable("a\x1bb\u202ec\n\t") == "a b c\n\t"
    assert clean("a\ud800b\U0001f600") == "a\ufffdb\U0001f600"
    assert (one_line(" a\n b "), one_line("abcdef", 4)) == ("a b", "abc…")
    assert escape_line_ends('"\x85\u202e"'.encode()) == '"\\u0085\u202e"'.encode()


def test_people_on_stdout_turn_no_text_round(tmp_path: Path) -> None:
    people = tmp_path / "people.jsonl"
    people.write_text(json.dumps({"id": "ann", "name": "Ann", "description": f"Ann {HOSTILE}"}) + "\n")
    shown = scai("personas", "sample", people, "--n", 1, "-o", "-")
    assert shown.code == 0, shown.err
    assert not OBEYED.search(shown.out.rstrip("\n"))
    assert json.loads(shown.out)["description"] == f"Ann {HOSTILE}"
