"""docs/finetune.md says what is so: its program, its formats, its phrases."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import scai

from scai_cli import plugins
from scai_cli.datasets.describe.description import NEAR_OF
from scai_cli.datasets.formats.format import find_format
from scai_cli.datasets.formats.openai import LEAST_ROWS, MOST_TOKENS
from scai_cli.datasets.samples.text_measures import REFUSALS, SELF_BLEU_OF

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "finetune.md").read_text(encoding="utf-8")
PLAIN = " ".join(TEXT.split())


def test_the_program_is_the_one_in_examples() -> None:
    _, program = (ROOT / "examples" / "finetune.py").read_text(encoding="utf-8").split('"""\n\n', 1)
    assert f"```python\n{program}```" in TEXT


def test_the_table_holds_every_format() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", TEXT, re.MULTILINE)
    named = {name for row in rows for name in re.findall("`([a-z-]+)`", row)}
    assert named - {"--format"} == {*plugins.BUILT_IN["format"]} - {"system"}


def test_the_phrases_of_a_refusal_are_told() -> None:
    assert [phrase for phrase in REFUSALS if f"`{phrase}`" not in PLAIN] == []


def test_the_numbers_are_those_of_the_code() -> None:
    for number in (f"{LEAST_ROWS} rows", f"{MOST_TOKENS:,} tokens", f"of {SELF_BLEU_OF}", f"of {NEAR_OF:,} rows"):
        assert number in PLAIN, number


def test_the_numbers_in_the_guides_are_those_of_the_code() -> None:
    for name in ("openai-sft", "openai-dpo"):
        limits = find_format(name).guide.advice[1]
        assert f"fewer than {LEAST_ROWS} rows" in limits
        assert f"at {MOST_TOKENS:,} tokens" in limits


def test_the_version_of_llama_factory_is_the_one_that_the_tests_install() -> None:
    found = re.findall(r"llamafactory==([\d.]+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert {*re.findall(r"LLaMA-Factory (\d[\d.]*\d)", TEXT)} == {*found}


@pytest.mark.slow
def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    for name in ("configs", "personas"):
        (tmp_path / name).symlink_to(ROOT / name)
    blocks = re.findall("(<!-- not run: [^\n]*-->\n)?```sh\n(.*?)```", TEXT, re.DOTALL)
    said = ""
    for command in (line for mark, block in blocks if not mark for line in block.splitlines()):
        program, *arguments = shlex.split(command)
        called = scai(*arguments)
        assert (program, called.code) == ("scai", 0), called.err
        said += called.err
    marked = "".join(block for mark, block in blocks if mark)
    (published,) = re.findall("^hf upload .*\n", marked, re.MULTILINE)
    assert said.count(published) == 1
    (trained,) = re.findall("^python (.*)\n", marked, re.MULTILINE)  # run by `make test-integration`
    program, _, answers, _, _, pairs = shlex.split(trained)
    assert (ROOT / program).is_file()
    assert all((tmp_path / folder / "train.jsonl").stat().st_size for folder in (answers, pairs))
    (recorded,) = re.findall("```text\n(rows kept by .*\n)```", TEXT)
    assert recorded in said
    assert (tmp_path / "llama" / "dataset_info.json").read_text().startswith('{\n "llama_train": {')
    assert (tmp_path / "api-sft.meta.jsonl").is_file()
