"""The observers of docs/extending.md, as they are printed there, log to wandb and mlflow what the run measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import events
from documents import blocks

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of mlflow
BLOCK, HEADER = 32768, 7


def records(log: Path) -> Iterator[bytes]:
    """The records of wandb's log, which has the format of LevelDB's: blocks of fragments, each with a header."""
    data, at, record = log.read_bytes(), HEADER, b""
    while at + HEADER <= len(data):
        if (left := BLOCK - at % BLOCK) < HEADER:
            at += left
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        record += data[at + HEADER : at + HEADER + size]
        at += HEADER + size
        if kind in (1, 4):  # a whole record, or its last fragment
            yield record
            record = b""


def test_the_examples_log_the_welfare_of_each_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient
    from wandb.proto.wandb_internal_pb2 import Record

    for block in blocks("docs/extending.md"):
        if block.file in ("house.yaml", "to_wandb.py", "to_mlflow.py"):
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in (("WANDB_MODE", "offline"), ("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", ".")
    observers = "observers=[to_wandb:Wandb, to_mlflow:Mlflow]"
    command = [sys.executable, "-m", "scai_cli", "run", "house.yaml", "--run-id", "logged", "--set", observers]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "sees no more" not in ended.stderr
    measured = [event for event in events(Path("runs", "logged")) if event["type"] == "welfare"]
    welfare = {event["epoch"]: event["values"][event["declared"]] for event in measured}
    assert len(welfare) == 2

    client = MlflowClient("sqlite:///mlflow.db")
    (run,) = client.search_runs(["0"])
    assert run.info.run_name == "logged"
    history = client.get_metric_history(run.info.run_id, "welfare")
    assert {metric.step: metric.value for metric in history} == pytest.approx(welfare)

    (log,) = Path("wandb").glob("offline-run-*/*.wandb")
    logged = {}
    for line in map(Record.FromString, records(log)):
        if line.WhichOneof("record_type") == "history":
            items = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in line.history.item}
            logged[line.history.step.num] = items
    assert {step: items["welfare"] for step, items in logged.items()} == pytest.approx(welfare)
    assert [items["ana"] for items in logged.values()] == pytest.approx([e["satisfaction"]["ana"] for e in measured])
