"""A sweep with `command: generate`: its cells are generated sets, or shards of one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import scai

from scai_cli.errors import ConfigError, RunError
from scai_cli.experiment.sweep_file import read_sweep
from scai_cli.jobs.sweep_cell import CellOrder, CellResult, run_cell
from scai_cli.jobs.sweep_jobs import load_cells, states

RUNS = Path("runs")
EACH = {
    "source": "rules.md",
    "tasks": "tasks.jsonl",
    "personas": "people.yaml",
    "model": "simulated",
    "generate": {"judge": "users", "raters": 1},
    "n": 8,
}


@pytest.fixture(autouse=True)
def files() -> None:
    Path("rules.md").write_text("- Use plain words.\n- Give an example.\n", encoding="utf-8")
    Path("people.yaml").write_text("[{id: ann}, {id: bob}]", encoding="utf-8")
    write_tasks("Question {}?")


def write_tasks(wording: str) -> None:
    tasks = [{"id": f"t{n}", "prompt": wording.format(n)} for n in range(3)]
    Path("tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks), encoding="utf-8")


def write(each: Any = EACH, **keys: Any) -> Path:
    """Write a sweep file; JSON is YAML."""
    path = Path("many.yaml")
    path.write_text(json.dumps({"command": "generate", "each": each, **(keys or {"shards": 3})}), encoding="utf-8")
    return path


def orders(each: Any = EACH, **keys: Any) -> list[CellOrder]:
    return load_cells(read_sweep(write(each, **keys)), RUNS)


def play(order: CellOrder) -> CellResult:
    return asyncio.run(run_cell(order))


def joined(paths: list[Path]) -> bytes:
    return b"".join((path / "rows.jsonl").read_bytes() for path in paths)


@pytest.fixture
def made() -> list[CellOrder]:
    """The finished cells of a sweep over three shards."""
    cells = orders()
    assert [play(order).record.made for order in cells] == [2, 3, 3]
    return cells


def test_its_shards_joined_in_order_are_the_whole_set(made: list[CellOrder]) -> None:
    assert [order.path.name for order in made] == ["many-rows-0-2", "many-rows-2-5", "many-rows-5-8"]
    options = ("--model", "simulated", "--personas", "people.yaml", "--set", "generate={judge: users, raters: 1}")
    called = scai("generate", "rules.md", "--tasks", "tasks.jsonl", "--n", 8, *options, "-q", "--run-id", "whole")
    assert called.code == 0
    assert joined([order.path for order in made]) == Path("runs/whole/rows.jsonl").read_bytes()


@pytest.mark.slow
def test_the_command_makes_them_and_export_joins_them() -> None:
    called = scai("sweep", write(), "-q")
    assert called.code == 0, called.err
    lines = called.out.splitlines()
    assert lines[0].split() == ["rows", "status", "made", "calls"]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["0:2", "finished", "2"],
        ["2:5", "finished", "3"],
        ["5:8", "finished", "3"],
    ]
    assert lines[-1] == "export the rows of all cells, in this order: `scai export many --format F -o FILE`"
    exported = scai("export", "many", "--format", "ratings").out
    paths = sorted(RUNS.glob("many-*"))
    assert exported == scai("export", *(path.name for path in paths), "--format", "ratings").out
    assert scai("export", "runs/many", "--format", "ratings").out == exported
    assert len(exported.splitlines()) > 8
    before = {path: path.stat().st_mtime_ns for path in RUNS.glob("many-*/*")}
    assert scai("sweep", "many.yaml", "-q", "--csv").out.splitlines()[1].startswith("many-rows-0-2,0:2,finished,,2,")
    assert {path: path.stat().st_mtime_ns for path in RUNS.glob("many-*/*")} == before
    assert scai("sweep", "many.yaml", "-q", "--json").json["cells"][2]["made"] == 3


def test_a_cell_that_a_limit_has_stopped_continues(made: list[CellOrder]) -> None:
    whole = joined([made[1].path])
    rows = whole.splitlines(keepends=True)
    (made[1].path / "rows.jsonl").write_bytes(rows[0])
    (made[1].path / "calls.jsonl").write_bytes(b"")
    (made[1].path / "outcome.json").unlink()
    order = orders()[1]
    assert order.job.state(order.path) == "unfinished"
    stopped = play(CellOrder(order.path, order.values, order.job.limited({"calls": 9, "concurrency": 1})))
    assert (stopped.record.status, stopped.record.calls, stopped.exit_code) == ("stopped", 9, 3)
    assert play(order).record.status == "finished"
    assert joined([order.path]) == whole
    assert [cell.state for cell in states(read_sweep(Path("many.yaml")), orders())] == ["finished"] * 3


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"generate": {"judge": "none"}}, "generate"),
        ({"seed": 5}, "seed"),
        ({"source": "other.md"}, "source"),
        ({"n": 9}, "n"),
        ({"personas": "few.yaml"}, "personas"),
    ],
)
def test_a_cell_with_other_rows_is_refused_by_key(made: list[CellOrder], changes: dict[str, Any], keys: str) -> None:
    Path("other.md").write_text("- Be brief.\n", encoding="utf-8")
    Path("few.yaml").write_text("[{id: ann}]", encoding="utf-8")
    one = {"list": [{"rows": "0:2"}]}
    with pytest.raises(RunError, match=f"'many-rows-0-2' exists already, with other values of {keys};") as refused:
        states(read_sweep(write({**EACH, **changes}, **one)), orders({**EACH, **changes}, **one))
    assert str(refused.value).startswith("many.yaml: cell many-rows-0-2: generated set ")


def test_other_tasks_in_the_same_file_are_refused(made: list[CellOrder]) -> None:
    write_tasks("Is it {}?")
    with pytest.raises(RunError, match=r"with other values of tasks .and 2 more cells.;"):
        states(read_sweep(write()), orders())
    write_tasks("Question {}?")
    assert len(states(read_sweep(write()), orders())) == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": None}, "source: is missing; name a run, a constitution file or none"),
        ({"source": "lost"}, "there is no run in runs"),
        ({"source": "lost.md"}, "lost.md: there is no such file"),
        ({"tasks": None}, "there is no task; give a task file with --tasks"),
        ({"n": 0}, "n: 0 is not a number of rows; write at least 1"),
        ({"n": True}, "n: true is not a number of rows"),
        ({"rows": 5}, "rows: 5 is not a text; write 'A:B' in quotes"),
        ({"rows": "5"}, "--rows 5: write it as A:B"),
        ({"rows": "5:99"}, "--rows 5:99: the whole set has 8 rows (--n)"),
        ({"model": "openai"}, "model openai: write `simulated` or PROVIDER:NAME"),
        ({"judgee": 1}, "judgee: unknown key"),
        ({"generate": {"k": -1}}, "generate.k: must be"),
        ({"config": "lost.yaml"}, "lost.yaml: there is no such file"),
    ],
)
def test_wrong_keys_are_one_line_with_file_and_cell(changes: dict[str, Any], said: str) -> None:
    each = {key: value for key, value in {**EACH, **changes}.items() if value is not None}
    with pytest.raises((ConfigError, RunError)) as raised:
        orders(each, grid={"seed": [1]})
    message = str(raised.value)
    assert message.startswith("many.yaml: cell many-seed-1: ")
    assert said in message
    assert "\n" not in message
    assert message.count("many.yaml: cell") == 1


def test_a_recipe_in_a_cell_gives_its_defaults_to_a_runs_settings() -> None:
    experiment = "epochs: 1\npersonas: [{id: ann}]\ntasks: [{id: a, prompt: A?}]\nrevision: {acceptance: always}\n"
    Path("x.yaml").write_text(f"{experiment}constitution: {{principles: [Be brief.]}}\n", encoding="utf-8")
    assert scai("run", "x.yaml", "-q", "--run-id", "r", "--force").code == 0
    for cell in ({"generate.recipe": "rl-cai"}, {"generate": {"recipe": "rl-cai"}}):
        (order,) = orders({"source": "r"}, list=[cell])
        assert (order.job.config.generate.samples, order.job.config.generate.final) == (2, False)


def test_its_plan_counts_the_calls_of_each_shard(made: list[CellOrder]) -> None:
    plan = scai("sweep", write(), "--dry-run", "--json").json
    assert [cell["state"] for cell in plan["cells"]] == ["finished"] * 3
    spent = [json.loads((order.path / "outcome.json").read_text(encoding="utf-8"))["calls"] for order in made]
    assert [cell["calls"] for cell in plan["cells"]] == spent


def test_an_export_of_a_sweep_that_has_not_played_all_cells_says_which() -> None:
    from scai_cli.runs.sweep_directory import SweepDirectory

    SweepDirectory.open(RUNS, read_sweep(write())).folder.close()
    called = scai("export", "many", "--format", "sft")
    assert (called.code, called.lines) == (
        2,
        ["scai: cell 'many-rows-0-2' of sweep 'many' has not started; continue the sweep first"],
    )
