"""What scai exports for LLaMA-Factory, read and trained on by its own pipeline (0.9.5): decoded tokens, and every row.

It has an environment of its own, because it needs older versions of what the other trainers need.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import scai

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-llamafactory" / "bin" / "python"
READER = ROOT / "tests" / "support" / "llama_factory_reader.py"
CONFIG = {
    "name": "small",
    "seed": 5,
    "epochs": 2,
    "turns": 2,
    "personas": [{"id": f"p{n}", "preferences": {trait: 1.0}} for n, trait in enumerate(("concise", "warm", "formal"))],
    "tasks": [
        {"id": "tea", "prompt": "How do I make a pot of tea?"},
        {"id": "bike", "prompt": "¿Cómo arreglo una bici? 🚲\n\nHuman: it squeaks."},
        {"id": "sleep", "prompt": "What helps against bad sleep?"},
    ],
    "constitution": {"principles": ["Keep answers short and plain."]},
    "revision": {"strategy": "rewrite", "acceptance": "always", "clauses": "people"},
}
FORMATS = ("sharegpt", "sharegpt-dpo", "sharegpt-kto", "alpaca")
END = "<|end|>"
JOBS: dict[str, dict[str, Any]] = {
    "sft": {"stage": "sft", "folder": "sharegpt"},
    "sft, last answer": {"stage": "sft", "folder": "sharegpt", "mask_history": True, "max_steps": 0},
    "sft, alpaca": {"stage": "sft", "folder": "alpaca", "max_steps": 0},
    "dpo": {"stage": "dpo", "folder": "sharegpt-dpo"},
    "reward": {"stage": "rm", "folder": "sharegpt-dpo"},
    "kto": {"stage": "kto", "folder": "sharegpt-kto"},
    "dpo, kept": {"stage": "dpo", "folder": "kept", "max_steps": 0},
    "qwen": {"stage": "sft", "folder": "sharegpt", "template": "qwen", "max_steps": 0},
    "sft on pairs": {"stage": "sft", "folder": "sharegpt-dpo", "max_steps": 0},
    "csv": {"stage": "sft", "folder": "csv", "max_steps": 0},
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders for LLaMA-Factory, made by the command line from a run of two turns."""
    folder = tmp_path_factory.mktemp("llama")
    (folder / "small.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    runs = ("--runs-dir", folder / "runs")
    assert scai("run", folder / "small.yaml", "-q", *runs).code == 0
    folders = {name: ("--format", name, "--as", "jsonl") for name in FORMATS}
    folders["kept"] = ("--format", "sharegpt-dpo", "--as", "parquet", "--system", "keep")
    for name, options in folders.items():
        split = ("--split", "train=0.6,test=0.4", "--split-by", "task", "--seed", 1)
        called = scai("export", "small", "-o", f"{folder}/{name}/", *options, *split, *runs)
        assert called.code == 0, called.err
    called = scai("export", "small", "-o", f"{folder}/csv/", "--format", "sharegpt", "--as", "csv", *runs)
    assert "train.csv: LLaMA-Factory reads no lists from CSV" in called.err
    # The export registers no CSV for it. This is what it would do with one.
    entry = {
        "csv_train": {"file_name": "train.csv", "formatting": "sharegpt", "columns": {"messages": "conversations"}}
    }
    assert json.loads((folder / "csv" / "dataset_info.json").read_text()) == {}
    (folder / "csv" / "dataset_info.json").write_text(json.dumps({**entry, "csv_test": entry["csv_train"]}))
    return folder


@pytest.fixture(scope="module")
def results(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What LLaMA-Factory made of each folder."""
    folder = tmp_path_factory.mktemp("results")
    jobs = []
    for job in JOBS.values():
        name = job["folder"]
        of = {"dataset_dir": str(exports / name), "dataset": f"{name}_train", "eval_dataset": f"{name}_test"}
        jobs.append({**{key: value for key, value in job.items() if key != "folder"}, **of})
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    called = subprocess.run(
        [PYTHON, READER, folder / "jobs.json", folder / "results.json"],
        capture_output=True,
        timeout=400,
        check=False,
        env={**os.environ, "HF_HOME": str(folder / "hf")},
    )
    assert called.returncode == 0, called.stderr.decode()[-3000:]
    done = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return dict(zip(JOBS, done, strict=True))


def rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of both files as they were written."""
    if (folder / "train.parquet").exists():
        from pyarrow import parquet

        return [row for name in ("train", "test") for row in parquet.read_table(folder / f"{name}.parquet").to_pylist()]
    files = [(folder / f"{name}.jsonl").read_text(encoding="utf-8") for name in ("train", "test")]
    assert all(files)
    return [json.loads(line) for file in files for line in file.splitlines()]


def rendered(turns: list[dict[str, str]], system: str = "") -> str:
    """Everything before an answer, in the words of its template `default`."""
    start = f"System: {system}{END}\n" if system else ""
    spoken = {"human": f"Human: {{}}{END}\nAssistant:", "gpt": f"{{}}{END}\n"}
    return start + "".join(spoken[turn["from"]].format(turn["value"]) for turn in turns)


def test_sft_reads_every_row_and_trains_on_every_answer(exports: Path, results: dict[str, dict[str, Any]]) -> None:
    written = rows(exports / "sharegpt")
    assert any(len(row["conversations"]) > 2 for row in written)
    assert len(results["sft"]["losses"]) == 2
    for row, read, last in zip(written, results["sft"]["rows"], results["sft, last answer"]["rows"], strict=True):
        turns = row["conversations"]
        assert read["input_ids"] == last["input_ids"] == rendered(turns)
        assert read["labels"] == "".join(f"{turn['value']}{END}\n" for turn in turns if turn["from"] == "gpt")
        assert last["labels"] == f"{turns[-1]['value']}{END}\n"  # with mask_history


def test_alpaca_rows_are_the_same_to_it(exports: Path, results: dict[str, dict[str, Any]]) -> None:
    assert len(rows(exports / "alpaca")) == len(results["sft, alpaca"]["rows"])
    assert results["sft, alpaca"]["rows"] == results["sft"]["rows"]


@pytest.mark.parametrize(
    ("job", "folder"), [("dpo", "sharegpt-dpo"), ("reward", "sharegpt-dpo"), ("dpo, kept", "kept")]
)
def test_preferences_are_of_two_answers_to_one_prompt(
    exports: Path, results: dict[str, dict[str, Any]], job: str, folder: str
) -> None:
    written = rows(exports / folder)
    assert all(math.isfinite(loss) for loss in results[job]["losses"])
    assert len(results[job]["losses"]) == JOBS[job].get("max_steps", 2)
    for row, read in zip(written, results[job]["rows"], strict=True):
        before = rendered(row["conversations"], row.get("system", ""))
        for side in ("chosen", "rejected"):
            assert read[f"{side}_labels"] == f"{row[side]['value']}{END}\n"
            assert read[f"{side}_input_ids"] == before + read[f"{side}_labels"]
    assert all(bool(row.get("system")) is (folder == "kept") for row in written)


def test_kto_has_the_label_of_each_answer(exports: Path, results: dict[str, dict[str, Any]]) -> None:
    written = rows(exports / "sharegpt-kto")
    assert {row["kto_tag"] for row in written} == {True, False}
    assert len(results["kto"]["losses"]) == 2
    for row, read in zip(written, results["kto"]["rows"], strict=True):
        assert read["kto_tags"] is row["kto_tag"]
        assert read["input_ids"] == rendered(row["conversations"])
        assert read["labels"] == f"{row['conversations'][-1]['value']}{END}\n"


def test_the_pitfalls_that_the_documentation_names_are_still_there(results: dict[str, dict[str, Any]]) -> None:
    """If one of them is gone, its warning can go."""
    assert all("You are Qwen, created by Alibaba Cloud" in row["input_ids"] for row in results["qwen"]["rows"])
    assert "not applicable in the current training stage" in results["sft on pairs"]["error"]
    assert "string indices" in results["csv"]["error"]
