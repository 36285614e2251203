"""CSV for people, whose spreadsheets run formulas, and for trainers, who read every character."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from conftest import scai
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from scai_cli.datasets.export.row_writers import CsvRows, guarded, row_writer, unguarded
from scai_cli.datasets.formats.format import FileKind, Format
from scai_cli.text.characters import visible

TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("=+-@'\"\t\r\n\0\u200b\x1b\u2028 ＝1")))
PLAIN = Format("answers", lambda sample, layout: [])
FORMULAS = ["=1+1", " -2 or so?", "@home", "'=quoted", "＝1", "- milk"]


def written(kind: FileKind, rows: list[dict[str, str]], *, guards: bool) -> tuple[bytes, list[str]]:
    with NamedTemporaryFile() as file:
        writer = row_writer(kind, PLAIN, file, guards=guards)  # type: ignore[arg-type]
        for row in rows:
            writer.write(dict(row), None)
        writer.close()
        file.seek(0)
        return file.read(), [*writer.notes()] if isinstance(writer, CsvRows) else []


def cells(data: bytes) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(data.decode(), newline=""))]


@given(st.lists(st.fixed_dictionaries({"prompt": TEXTS, "completion": TEXTS}), min_size=1, max_size=4))
@example([{"prompt": "a\r\nb\rc\nd", "completion": "'=1\0\x1b\u200b\u2028\ufeff"}])
def test_without_guards_all_kinds_of_files_have_the_same_texts(rows: list[dict[str, str]]) -> None:
    data, _ = written("csv", rows, guards=False)
    assert cells(data) == rows
    lines, _ = written("jsonl", rows, guards=True)
    assert [json.loads(line) for line in lines.decode().split("\n")[:-1]] == rows
    table, notes = written("parquet", rows, guards=True)
    assert parquet.read_table(io.BytesIO(table)).to_pylist() == rows
    assert notes == []


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_with_guards_every_visible_text_comes_back_and_the_changes_are_counted(texts: list[str]) -> None:
    data, notes = written("csv", [{"a": text, "b": "x"} for text in texts], guards=True)
    found = [cell["a"] for cell in cells(data)]
    assert [unguarded(cell) for cell in found] == [visible(text) for text in texts]
    for number, what in (
        (sum(guarded(visible(text)) != visible(text) for text in texts), "like a formula"),
        (sum(visible(text) != text for text in texts), "control or hidden characters"),
    ):
        said = [note for note in notes if what in note]
        assert len(said) == bool(number)
        assert not number or said[0].startswith(f"{number} cell")


@given(TEXTS)
def test_a_guard_is_taken_off_again(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.fixture
def made() -> None:
    """A run whose users say the tasks themselves."""
    tasks = "".join(f"  - {json.dumps({'id': f't{n}', 'prompt': text})}\n" for n, text in enumerate(FORMULAS))
    Path("x.yaml").write_text(f"epochs: 1\nturns: 1\nopening: task\npersonas: [{{id: ann}}]\ntasks:\n{tasks}")
    assert scai("run", "x.yaml", "--run-id", "made", "-q").code == 0


def prompts(file: str) -> set[str]:
    return {row["instruction"] for row in cells(Path(file).read_bytes())}


def test_a_file_is_guarded_a_folder_is_not_and_both_say_so(made: None) -> None:
    file = scai("export", "made", "--format", "alpaca", "-o", "x.csv")
    assert file.code == 0
    assert "x.csv: 6 cells begin like a formula: an apostrophe precedes each; without it: --guard off" in file.lines
    assert prompts("x.csv") == {f"'{text}" for text in FORMULAS}
    folder = scai("export", "made", "--format", "alpaca", "-o", "d/", "--as", "csv")
    said = (
        "train.csv: 6 cells begin like a formula, which a spreadsheet runs; with an apostrophe before each: --guard on"
    )
    assert said in folder.lines
    assert prompts("d/train.csv") == {*FORMULAS}
    assert said in Path("d/README.md").read_text(encoding="utf-8")
    assert said in json.loads(Path("d/manifest.json").read_text(encoding="utf-8"))["notes"]


def test_the_guard_can_be_chosen(made: None) -> None:
    assert scai("export", "made", "--format", "alpaca", "-o", "x.csv", "--guard", "off").code == 0
    assert prompts("x.csv") == {*FORMULAS}
    assert scai("export", "made", "--format", "alpaca", "-o", "d/", "--as", "csv", "--guard", "on").code == 0
    assert prompts("d/train.csv") == {f"'{text}" for text in FORMULAS}
    assert "an apostrophe precedes each" in Path("d/README.md").read_text(encoding="utf-8")
    assert json.loads(Path("d/manifest.json").read_text(encoding="utf-8"))["settings"]["guard"] == "on"
    for name in ("x.jsonl", "x.parquet"):
        called = scai("export", "made", "--format", "alpaca", "-o", name, "--guard", "on")
        assert (called.code, len(called.lines)) == (2, 1)
        assert not Path(name).exists()
        called = scai("export", "made", "--format", "alpaca", "-o", name)
        assert not [line for line in called.lines if "formula" in line]
