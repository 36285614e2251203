"""The real inspect_ai reads an exported file and evaluates a constitution through `scai serve`, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, scai
from serving import serving

pytestmark = pytest.mark.integration

TASK = """\
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import Score, accuracy, scorer


@scorer(metrics=[accuracy()])
def bulleted():
    async def score(state, target):
        return Score(value="C" if "\\n- " in state.output.completion else "I")

    return score


@task
def bullets():
    return Task(dataset=json_dataset("eval.jsonl"), scorer=bulleted())
"""


def evaluated(base_url: str, *more: str) -> dict[str, Any]:
    """The log of `inspect eval`."""
    command = [sys.executable, "-m", "inspect_ai", "eval", "task.py", "--model", "openai-api/scai/rules"]
    command += ["--model-base-url", base_url, "--log-format", "json", "--display", "none", "--temperature", "0.7"]
    environment = {**os.environ, "SCAI_API_KEY": "none", "INSPECT_LOG_DIR": "logs"}
    ended = subprocess.run([*command, *more], env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (log,) = Path("logs").glob("*.json")
    return json.loads(log.read_text())


@pytest.mark.parametrize("more", [(), ("-M", "stream=true")], ids=["whole", "stream"])
def test_inspect_evaluates_a_constitution_on_the_openings_of_a_run(tiny: Path, more: tuple[str, ...]) -> None:
    assert scai("run", tiny, "--quiet").code == 0
    assert scai("export", "tiny", "--format", "eval", "-o", "eval.jsonl").code == 0
    rows = [json.loads(line) for line in Path("eval.jsonl").read_text().splitlines()]
    Path("rules.md").write_text("- Answer with a bulleted list.\n")
    Path("task.py").write_text(TASK)
    with serving("rules.md", "--model", "simulated") as server:
        log = evaluated(server.base_url, *more)
    assert (log["status"], log["results"]["completed_samples"]) == ("success", len(rows))
    assert log["results"]["scores"][0]["metrics"]["accuracy"]["value"] == 1.0
    assert {
        sample["id"]: (sample["input"][0]["content"], sample["input"][1]["content"]) for sample in log["samples"]
    } == {row["id"]: (row["input"][0]["content"], row["input"][1]["content"]) for row in rows}
    logged = calls(Path("runs/rules-serve/1"))
    assert len(logged) == len(rows)
    assert {call["request"]["messages"][1]["content"] for call in logged} == {
        row["input"][1]["content"] for row in rows
    }
    for call in logged:
        system = call["request"]["messages"][0]["content"]
        assert system.index("bulleted list") < system.rindex(rows[0]["input"][0]["content"])
        assert call["request"]["temperature"] == 0.7
