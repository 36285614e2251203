"""The files of `scai export`: whole or not at all, the same bytes again, harmless in a spreadsheet, typed."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import scai, scai_process
from pyarrow import parquet

from scai_cli.datasets.export.parquet import ParquetRows
from scai_cli.text.characters import visible

ROOT = Path(__file__).parents[2]
HOSTILE = {
    "formula": '=HYPERLINK("http://x")',
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(A1)",
    "tab": "\t=1+1",
    "cr": "\r=1+1",
    "spaces": "   =1+1",
    "lines": 'one\r\ntwo\n"three", four',
    "marks": "a\u2028b\u0085c\x1bd\x7fe\u202ef",
    "plain": "plain, and = in the middle",
}


@pytest.fixture
def hostile(finished: Path, tmp_path: Path) -> Path:
    """The finished run with other answers: one text each."""
    run = tmp_path / "runs" / "tiny"
    run.mkdir(parents=True)
    (run / "config.yaml").write_bytes((finished / "config.yaml").read_bytes())
    texts = [*HOSTILE.values()]
    with (run / "events.jsonl").open("w", encoding="utf-8") as file:
        for line in (finished / "events.jsonl").read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["type"] == "message" and event["role"] == "assistant" and texts:
                event["content"] = texts.pop(0)
            file.write(json.dumps(event, separators=(",", ":")) + "\n")
    assert not texts
    return run


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file() and "runs" not in path.parts}


def jsonl(path: str) -> list[dict[str, Any]]:
    with Path(path).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("form", ["alpaca", "ratings"])
def test_no_cell_is_a_formula_and_all_come_back(hostile: Path, form: str) -> None:
    assert scai("export", "tiny", "--format", form, "-o", "x.csv").code == 0
    assert scai("export", "tiny", "--format", form, "-o", "x.jsonl").code == 0
    with Path("x.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    rows = jsonl("x.jsonl")
    assert len(cells) == len(rows) > 3
    guarded = 0
    for cell, row in zip(cells, rows, strict=True):
        for name, value in cell.items():
            assert not value.strip().startswith(("=", "+", "@", "-"))
            assert not value.startswith(("\t", "\r"))
            if isinstance(row.get(name), str) and name != "provenance":
                shown = visible(row[name])
                guarded += value != shown
                assert value in (shown, f"'{shown}")
        assert json.loads(cell["provenance"])["run"] == "tiny"
    assert guarded >= 1


def test_a_line_is_a_line_for_every_reader(hostile: Path) -> None:
    assert scai("export", "tiny", "--format", "openai-sft", "-o", "x.jsonl", "--system", "keep").code == 0
    for name in ("x.jsonl", "x.meta.jsonl"):
        text = Path(name).read_bytes().decode()
        assert text.splitlines() == text.split("\n")[:-1]
        assert not set(text) & set("\x1b\x7f\x85\u2028\u202e")
    said = {row["messages"][-1]["content"] for row in jsonl("x.jsonl")}
    assert said >= {HOSTILE["marks"], HOSTILE["lines"]}


@pytest.mark.parametrize("form", ["openai-sft", "openai-dpo", "sharegpt"])
def test_a_side_car_tells_of_every_line_where_it_came_from(finished: Path, form: str) -> None:
    called = scai("export", finished, "--format", form, "-o", "x.jsonl", "--system", "keep")
    rows, beside = jsonl("x.jsonl"), jsonl("x.meta.jsonl")
    assert called.code == 0
    assert len(rows) == len(beside) > 5
    said = {
        event["id"]: event["content"]
        for line in (finished / "events.jsonl").read_text(encoding="utf-8").splitlines()
        if (event := json.loads(line))["type"] == "message"
    }
    for row, origin in zip(rows, beside, strict=True):
        assert all(
            json.dumps(said[message], ensure_ascii=False) in json.dumps(row, ensure_ascii=False)
            for message in origin["messages"]
        )
        assert {"run", "conversation", "rules", "version", "models", "raters", "licences"} <= origin.keys()
    on_stdout = scai("export", finished, "--format", form, "--system", "keep")
    assert on_stdout.out == Path("x.jsonl").read_text(encoding="utf-8")


def test_parquet_holds_the_same_rows_with_types_that_stay(finished: Path) -> None:
    schemas = []
    for form in ("dpo", "openai-dpo"):
        for further in ((), ("--persona", "ann"), ("--max-rows", "1")):
            options = ("--system", "keep", *further)
            assert scai("export", finished, "--format", form, "-o", "x.parquet", *options).code == 0
            table = parquet.read_table("x.parquet")
            schemas.append((form, table.schema))
            assert scai("export", finished, "--format", form, "-o", "x.jsonl", *options).code == 0
            rows = jsonl("x.jsonl")
            for found, row in zip(table.to_pylist(), rows, strict=True):
                provenance = found.pop("provenance")
                assert provenance["run"] == "tiny"
                row.pop("provenance", None)
                assert found == row
    assert all(schema.equals(other) for form, schema in schemas for also, other in schemas if form == also)
    assert str(schemas[0][1].field("provenance").type.field("p").type) == "double"


def test_a_column_that_is_empty_everywhere_has_the_type_it_has_elsewhere() -> None:
    empty = {"history": [], "epoch": None, "margin": None, "persona": None, "raters": []}
    full = {"history": [["Tea?", "Yes."]], "epoch": 1, "margin": 0.5, "persona": "ann", "raters": ["ann"]}
    schemas = []
    for row in (empty, full):
        with Path("x.parquet").open("wb") as file:
            rows = ParquetRows(file, {"history": list[list[str]], "epoch": int, "margin": float | None})
            rows.write(row, None)
            rows.close()
        schemas.append(parquet.read_schema("x.parquet"))
    assert schemas[0].equals(schemas[1])


@pytest.mark.slow
def test_columns_widen_as_values_come(finished: Path) -> None:
    Path("late.py").write_text(
        "from scai_cli.datasets.formats.format import Format\n"
        "def rows(run, layout):\n"
        "    for n in range(5000):\n"
        "        late = n >= 4000\n"
        "        yield {'a': 'x' if late else None, 'b': 0.5 if late else n, 'c': [{'k': 1}] if late else []}\n"
        "late = Format('runs', rows)\n"
    )
    called = scai_process("export", finished, "--format", "late:late", "-o", "x.parquet", PYTHONPATH=f".:{ROOT}")
    assert called.code == 0, called.err
    rows = parquet.read_table("x.parquet").to_pylist()
    assert rows[0] == {"a": None, "b": 0.0, "c": []}
    assert rows[-1] == {"a": "x", "b": 0.5, "c": [{"k": 1}]}


def test_without_pyarrow_it_is_said_how_to_get_it(finished: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None; from scai_cli.cli import main; main()"
    called = subprocess.run(
        [sys.executable, "-c", code, "export", finished, "--format", "dpo", "-o", "x.parquet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert called.returncode == 2
    assert called.stderr == "scai: to write .parquet, install pyarrow: pip install pyarrow\n"
    assert not files()


@pytest.mark.slow
@pytest.mark.parametrize(("form", "name"), [("openai-dpo", "x.jsonl"), ("sft", "x.parquet"), ("dpo", "x/")])
def test_the_same_input_gives_the_same_bytes(finished: Path, form: str, name: str) -> None:
    found = []
    for seed in ("1", "2"):
        options = ("--split", "train=0.5,test=0.5", "--split-by", "task", "--dedupe", "exact")
        called = scai_process("export", finished, "--format", form, "-o", name, *options, PYTHONHASHSEED=seed)
        assert called.code == 0, called.err
        found.append({file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files()})
    assert found[0] == found[1]
    assert len(found[0]) >= 2


def test_a_folder_is_whole_and_replaced_as_a_whole(finished: Path) -> None:
    assert scai("export", finished, "--format", "sharegpt", "-o", "data/").code == 0
    first = files()
    assert first == {
        f"data/{n}" for n in ("train.jsonl", "train.meta.jsonl", "README.md", "manifest.json", "dataset_info.json")
    }
    manifest = json.loads(Path("data/manifest.json").read_text(encoding="utf-8"))
    for file in (*manifest["files"], *manifest["provenance"]):
        assert hashlib.sha256(Path("data", file["name"]).read_bytes()).hexdigest() == file["sha256"]
        assert file["rows"] == len(jsonl(f"data/{file['name']}"))
    events = (finished / "events.jsonl").read_bytes()
    assert manifest["sources"][0]["sha256"] == hashlib.sha256(events).hexdigest()
    assert "scai export" in manifest["command"]
    assert scai("export", finished, "--format", "dpo", "-o", "data", "--min-margin", "1").code == 0
    assert files() == {"data/train.jsonl", "data/README.md", "data/manifest.json"}
    assert json.loads(Path("data/manifest.json").read_text(encoding="utf-8"))["settings"] == {"min-margin": 1.0}
    assert [path.name for path in Path().iterdir()] == ["data"]


def test_a_folder_of_somebody_else_s_is_left_alone(finished: Path) -> None:
    Path("mine").mkdir()
    Path("mine/letter.txt").write_text("dear")
    called = scai("export", finished, "--format", "sft", "-o", "mine/")
    assert (called.code, called.err) == (2, "scai: mine: has files that are not part of an export; name a new folder\n")
    assert files() == {"mine/letter.txt"}
    Path("empty").mkdir()
    assert scai("export", finished, "--format", "sft", "-o", "empty").code == 0
    assert Path("empty/train.jsonl").exists()


FULL = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); from scai_cli.cli import main; main()"
)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "name"), [(10, "x.jsonl"), (9000, "x.jsonl"), (3000, "x.parquet"), (3000, "x/")])
def test_a_full_disk_is_one_line_and_leaves_the_old_as_it_was(finished: Path, size: int, name: str) -> None:
    assert scai("export", finished, "--format", "openai-dpo", "-o", name, "--epoch", "1").code == 0
    keep = ("--system", "keep")
    before = {file: Path(file).read_bytes() for file in files()}
    called = subprocess.run(
        [sys.executable, "-c", FULL.format(size), "export", finished, "--format", "openai-dpo", "-o", name, *keep],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (called.returncode, called.stdout) == (4, "")
    assert "cannot be written: File too large" in called.stderr
    assert called.stderr.count("\n") == 1
    assert {file: Path(file).read_bytes() for file in files()} == before
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


WAITING = """
import time, scai_cli.cli
from scai_cli.datasets.export.output_files import OutputFiles
written = OutputFiles.write
def write(files, *row):
    written(files, *row)
    print("waiting", flush=True)
    time.sleep(60)
OutputFiles.write = write
scai_cli.cli.main()
"""
"""A program that waits after its first row: it is in the middle for sure."""


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [
        (signal.SIGINT, 130, "x/"),
        (signal.SIGKILL, -9, "x.jsonl"),
        pytest.param(signal.SIGTERM, 130, "x.jsonl", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, -9, "x/", marks=pytest.mark.slow),
    ],
)
def test_an_export_that_is_ended_in_the_middle_leaves_the_old_as_it_was(
    finished: Path, number: signal.Signals, code: int, name: str
) -> None:
    assert scai("export", finished, "--format", "openai-sft", "-o", name).code == 0
    before = {file: Path(file).read_bytes() for file in files()}
    command = [sys.executable, "-c", WAITING, "export", str(finished), "--format", "openai-sft", "-o", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        assert [path for path in Path().iterdir() if path.name.endswith(".part") or ".part." in path.name]
        process.send_signal(number)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == code
    assert {file: Path(file).read_bytes() for file in before} == before
    left = [path.name for path in Path().iterdir() if path.name.startswith(".")]
    if number != signal.SIGKILL:
        assert not left
        assert said.count("\n") == 1


def test_a_pipe_gets_the_rows_and_no_side_car(finished: Path) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        called = scai("export", finished, "--format", "openai-sft", "-o", "pipe", "--system", "keep")
        rows, _ = reader.communicate(timeout=60)
    assert called.code == 0
    assert len(rows.splitlines()) == 18
    assert not list(Path().glob("*.meta.jsonl"))
