"""The search for unclear words finds a planted one, wherever users read it."""

from pathlib import Path

import pytest
from plain_english import WordList, check_file

WORDS = WordList.read()


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("a.py", '"""Return the run\n\n    that goes\n    on."""\n', 3),
        ("a.py", 'x = f"{file}: this is no experiment"\n', 1),
        ("a.py", 'import typer\n\ntyper.Option("--by", help="Whoever rated the answer.")\n', 3),
        ("a.md", "# Title\n\n```sh\nwhoever\n```\n\nThe rating of `somebody` else, whoever that is.\n", 7),
        ("a.yaml", "a: 1\nb: 2 # for everybody\n", 2),
    ],
)
def test_a_planted_word_is_found(tmp_path: Path, file: str, text: str, line: int) -> None:
    (tmp_path / file).write_text(text)
    (problem,) = check_file(tmp_path / file, file, WORDS)
    assert problem.startswith(f"{file}:{line}: ")
    assert " -> " in problem


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.py", '"""Return held-out tasks, such as `whoever`; there is no other."""\nkey = "goes on"\n'),
        ("a.py", "# a comment is not checked: whoever\n"),
        ("a.md", "```\nwhoever\n```\n<!-- whoever -->\n[the page](whoever)\n"),
        ("a.yaml", "text: whoever\n"),
    ],
)
def test_code_data_and_technical_terms_are_no_problem(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    assert check_file(tmp_path / file, file, WORDS) == []


def test_speech_is_checked_in_its_docstrings_only(tmp_path: Path) -> None:
    file = tmp_path / "speech.py"
    file.write_text('"""Whoever wrote this."""\nREMARKS = ["Whoever wrote this."]\n')
    assert len(check_file(file, "scai_cli/models/simulated/speech.py", WORDS)) == 1
    assert len(check_file(file, "speech.py", WORDS)) == 2


def test_data_files_of_sentences_for_users_are_checked_in_their_values(tmp_path: Path) -> None:
    file = tmp_path / "card.yaml"
    file.write_text("limits:\n  - Whoever wrote this.\n")
    (problem,) = check_file(file, "scai_cli/datasets/export/card.yaml", WORDS)
    assert problem.startswith("scai_cli/datasets/export/card.yaml:2: ")
    assert check_file(file, "card.yaml", WORDS) == []
