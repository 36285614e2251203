"""What README and docs tell a user to do works: every command block runs, every experiment in them is right."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import documents
import pytest
import yaml
from documents import ROOT, Block, Mark, blocks, every
from loopback import Loopback
from model_server import served

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.experiment.sweep_file import SweepKeys
from scai_cli.messages import ChatRequest, Completion, Message
from scai_cli.models.simulated import connect

PAGES = [
    pytest.param(page, marks=pytest.mark.slow)
    for page in documents.PAGES
    if any(block.language == "sh" for block in blocks(page))
]
LINKED = ("personas", "examples", "tests")
SMALL = {
    "turns: 2": "turns: 1",
    "/quickstart.yaml}\nm": "/quickstart.yaml, sample: 1}\nm",
    "/dinner.yaml}\nm": "/dinner.yaml, sample: 1}\nm",
    "/help-desk.yaml}\nm": "/help-desk.yaml, sample: 1}\nm",
}
"""What makes a sixth of the experiments that pages run: one turn, one task. Whole ones are run by test_plan.py."""
MAKE = re.compile(r"^make ([a-z-]+)")


def society(asked: dict[str, Any]) -> str:
    """What an endpoint answers in place of a real model: as the simulated society would."""
    said = tuple(Message(m["role"], m["content"]) for m in asked["messages"])
    request = ChatRequest("e1/a/b/m1/user", "user", "any", "simulated", said)
    return _at_once(_MODEL.complete(request)).text


def _at_once(answer: Coroutine[Any, Any, Completion]) -> Completion:
    """What a coroutine that waits for nothing comes to, within a loop that runs already."""
    while True:
        try:
            answer.send(None)
        except StopIteration as end:
            return end.value


_MODEL = connect(ModelSettings(), seed=0)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with Loopback(answer=society, keep=False) as server:
        yield server.base_url


def is_make(block: Block) -> bool:
    """Whether a block is nothing but calls of `make`, which CI makes itself and a test cannot make again."""
    return all(MAKE.match(line) for line in block.text.strip().splitlines())


def script(page: str, *marks: Mark | None) -> str:
    """A page's commands with these marks as one shell script, with the files that its blocks are."""
    parts = ["set -euo pipefail"]
    for block in blocks(page):
        if block.mark not in (*marks, "not checked"):
            continue
        if block.language in ("yaml", "python") and block.file:
            parts.append(f"cat > {block.file} <<'END OF {block}'\n{block.text}END OF {block}")
        elif block.language == "sh" and not is_make(block):
            parts.append(f'echo "at {block}, after $SECONDS s" >&2\n{filled_in(block.text)}')
    return "\n".join(parts)


def filled_in(text: str) -> str:
    """The commands with a name that has a price in place of `MODEL`, which readers fill in, too."""
    return re.sub(r"(?<![-A-Z])MODEL\b", "gpt-4o-mini", text)


def small(configs: Path) -> None:
    """The shipped experiments, those that pages run made small."""
    shutil.copytree(ROOT / "configs", configs)
    for name in ("quickstart.yaml", "dinner.yaml", "help-desk.yaml"):
        text = (configs / name).read_text(encoding="utf-8")
        for whole, part in SMALL.items():
            text = text.replace(whole, part)
        assert text.count("sample: 1}\n") == text.count("turns: 1") == 1, name
        (configs / name).write_text(text, encoding="utf-8")


def run(text: str, folder: Path, *, timeout_s: int = 300, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a reader would: in a folder with the shipped files, `scai` and `python` on the path."""
    small(folder / "configs")
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "OPENAI_API_KEY": "sk-none", "HF_HUB_OFFLINE": "1", **env}
    return subprocess.run(["bash", "-c", text], cwd=folder, env=env, capture_output=True, text=True, timeout=timeout_s)


def told(ended: subprocess.CompletedProcess[str]) -> str:
    """The end of what a failed script said."""
    return f"{ended.stdout[-1500:]}\n{ended.stderr[-3000:]}"


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(page: str, tmp_path: Path, endpoint: str):
    ended = run(script(page, None), tmp_path, OPENAI_BASE_URL=endpoint)
    assert ended.returncode == 0, told(ended)


@pytest.mark.server
@pytest.mark.parametrize("page", sorted({block.page for block in every("sh") if block.mark == "slow"}))
def test_the_slow_commands_of_a_page_run(page: str, tmp_path: Path, endpoint: str):
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs `pip install -e '.[server]'`")
    ended = run(script(page, None, "slow"), tmp_path, OPENAI_BASE_URL=endpoint)
    assert ended.returncode == 0, told(ended)


@pytest.mark.realmodel
@pytest.mark.parametrize("page", sorted({block.page for block in every("sh") if block.mark == "real model"}))
def test_the_commands_of_a_page_with_a_trained_model_run(page: str, tmp_path: Path):
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs `pip install -e '.[server]'`")
    with served("real_model.py", "--port", "8081"):  # as `make real-model` does in another terminal
        ended = run(script(page, "real model"), tmp_path, timeout_s=1800)
    assert ended.returncode == 0, told(ended)


def test_what_is_not_run_says_why_and_is_little(capsys: pytest.CaptureFixture[str]):
    left_out = [block for block in every("sh") if block.mark or is_make(block)]
    with capsys.disabled():
        for block in left_out:
            print(f"\n  {block}: {block.mark or 'CI runs it'}: {block.reason or 'make'}", end="")
    assert all(block.reason or is_make(block) for block in left_out)
    assert len(left_out) <= len(every("sh")) / 3


@pytest.mark.parametrize("block", [block for block in every("sh") if is_make(block)], ids=str)
def test_what_is_left_to_make_is_a_target(block: Block):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in block.text.strip().splitlines():
        target = MAKE.match(line)
        assert target, line
        assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE), line


def test_no_block_escapes():
    assert [str(block) for block in every("bash", "shell", "console", "zsh", "py", "yml")] == []


EXPERIMENT = {
    "personas": [{"id": "ana", "name": "Ana", "description": "Ana wants it short."}],
    "tasks": [{"id": "tea", "prompt": "How do I make tea?"}],
}


@pytest.mark.parametrize("block", [block for block in every("yaml") if block.mark is None], ids=str)
def test_a_piece_of_an_experiment_is_right(block: Block):
    """A whole experiment, some of its keys, what belongs under `model:`, or a population; or a sweep."""
    found = yaml.load(block.text, yaml.CSafeLoader)
    if {"grid", "list", "shards"} & found.keys():
        SweepKeys.model_validate(found)
        return
    if found.keys() <= ModelSettings.model_fields.keys():
        found = {"model": found}
    ExperimentConfig.model_validate({**EXPERIMENT, **found})


@pytest.mark.parametrize("block", every("python"), ids=str)
def test_a_program_is_run_with_its_page_or_is_an_example(block: Block):
    examples = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "examples").glob("*.py"))
    assert block.file or block.text in examples, "begin it with `# NAME.py`, so that the page runs it"
