"""`examples/real/`, a run on a small trained model, is read and resumed without a network, by anyone who has a clone.

If a test fails after a change of prompts, forms or events, make the folder again: `make example-real` (minutes).
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import calls, scai

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples/real"


@pytest.fixture(autouse=True)
def run(tmp_path: Path) -> Path:
    """A copy among the runs of this folder."""
    return Path(shutil.copytree(FOLDER, tmp_path / "runs" / "real", ignore=shutil.ignore_patterns(".lock")))


def stored(path: Path) -> dict[str, dict[str, Any]]:
    """The events by id, without when they were written and what 0.7 leaves out of the welfare.

    Cross ratings are without what 0.5 observes in another way.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        f"{row['type']} {row['id']}": {
            **{key: value for key, value in row.items() if key not in ("drift", "corrected")},
            "seq": 0, "time": "", **({"observed": 0} if row.get("kind") == "cross" else {}),
        }
        for row in rows
    }  # fmt: skip


def test_it_is_the_run_of_the_experiment_beside_it(run: Path):
    saved = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    written = yaml.safe_load((ROOT / "examples/small-model.yaml").read_text(encoding="utf-8"))
    for key in ("name", "seed", "epochs", "turns"):
        assert saved[key] == written[key]
    assert written["model"].items() <= saved["model"].items()
    assert saved["force"] in (True, "all")
    assert {call["answered_by"] for call in calls(run)} == {written["model"]["name"]}


def test_it_is_small_and_names_no_path_of_a_machine(run: Path):
    files = [path for path in run.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    for path in files:
        assert re.findall(r"/(?:tmp|home|root|work|Users|var)/\S*", path.read_text(encoding="utf-8")) == [], path


def test_show_says_what_not_to_trust():
    shown = scai("show", "real")
    assert shown.code == 0, shown.err
    assert "Warning:" in shown.out
    data = scai("show", "real", "--json").json
    assert (data["status"], len(data["epochs"])) == ("finished", 2)
    assert [check["passed"] for check in data["rater_check"]] == [False]
    assert data["health"]["warnings"]


@pytest.mark.parametrize("name", ["system", "sft", "ratings"])
def test_it_is_exported(name: str):
    exported = scai("export", "real", "--format", name)
    assert (exported.code, bool(exported.out)) == (0, True), exported.err


@pytest.mark.slow
def test_a_report_is_made_of_it():
    assert scai("report", "real", "-o", "page.html").code == 0
    assert "SmolLM2-135M-Instruct" in Path("page.html").read_text(encoding="utf-8")


def test_a_finished_run_is_resumed_without_a_call(run: Path):
    before = [(run / name).read_bytes() for name in ("events.jsonl", "calls.jsonl")]
    resumed = scai("resume", "real", "--json")
    assert (resumed.code, resumed.json["status"]) == (0, "finished"), resumed.err
    assert [(run / name).read_bytes() for name in ("events.jsonl", "calls.jsonl")] == before


def test_half_a_run_is_completed_from_its_calls(run: Path):
    path = run / "events.jsonl"
    whole = stored(path)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[: len(lines) // 2]) + lines[-1][:20], encoding="utf-8")
    (run / "outcome.json").unlink()
    made = (run / "calls.jsonl").read_bytes()
    resumed = scai("resume", "real", "--force", "--quiet")
    assert resumed.code == 0, resumed.err
    assert (run / "calls.jsonl").read_bytes() == made
    assert stored(path) == whole
