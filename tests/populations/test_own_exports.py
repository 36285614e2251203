"""What scai exports, scai reads: the prompts of every export format come back as tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import TINY, scai

FORMATS = [
    *("sft", "sft-prompt-completion", "dpo", "kto", "reward", "hh", "openai-sft", "openai-dpo", "sharegpt"),
    *("sharegpt-dpo", "sharegpt-kto", "alpaca", "constitutional", "eval"),
]
PROMPTS = {"How do I make a pot of tea?", "What helps against bad sleep?"}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated set, whose rows have pairs and critiques."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        start = "epochs: 1\nopening: task\nconstitution: {principles: [Say it in few words.]}"
        Path("x.yaml").write_text(TINY.replace("epochs: 2", start), encoding="utf-8")
        assert scai("run", "x.yaml", "--run-id", "x", "--quiet").code == 0
        assert scai("generate", "x", "--n", 6, "--run-id", "rows", "--quiet").code == 0
    return folder / "runs"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["jsonl", pytest.param("csv", marks=pytest.mark.slow)])
def test_the_prompts_of_an_export_come_back_as_tasks(generated: Path, form: str, kind: str) -> None:
    run = generated / ("x" if form == "eval" else "rows")
    exported = scai("export", run, "--format", form, "-o", f"rows.{kind}")
    if exported.code == 2 and kind == "csv":
        assert "csv" in exported.err.lower()
        return
    assert exported.code == 0, exported.err
    (file, *_) = sorted(path for path in Path().glob(f"rows*.{kind}") if ".meta." not in path.name)
    called = scai("tasks", "import", file, "--as", "table", "-o", "-", "-q")
    assert called.code == 0, called.err
    assert {json.loads(line)["prompt"] for line in called.out.splitlines()} <= PROMPTS


def test_people_that_scai_wrote_are_imported_as_they_are() -> None:
    person = {
        "id": "ama", "name": "Ama", "description": "She drives.", "attributes": {"age": 34, "zip": "01234"},
        "stances": {"buses": "Free."}, "preferences": {"concise": 0.8}, "weight": 2.0, "split": "dev",
        "source": {"name": "PRISM", "row": 7}, "model": {"name": "m"},
    }  # fmt: skip
    Path("p.jsonl").write_text(f"{json.dumps(person)}\n", encoding="utf-8")
    called = scai("personas", "import", "p.jsonl", "--as", "table", "-o", "out.jsonl", "--json")
    (again,) = map(json.loads, Path("out.jsonl").read_text(encoding="utf-8").splitlines())
    del person["model"]
    assert again == {**person, "source": {"name": "p.jsonl", "row": 1}}
    assert called.json["fields"]["source"]["left_out"] == {"the source and the model of a persona of scai": 2}
