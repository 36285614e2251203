"""A sweep on Ray: its driver and a worker are killed and it continues; calls from actors of a program's own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from crash import comparable
from waiting import until

import scai_cli as scai
from scai_cli.errors import ConfigError
from scai_cli.jobs.sweep_engines.ray import RayEngine

RUNS = Path("runs")


def start(engine: str, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scai_cli", "sweep", "study.yaml", "--engine", engine, "--at-once", "2", "--json"]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, list[str], str]:
    out, err = process.communicate(timeout=240)
    cells: list[dict[str, Any]] = json.loads(out)["cells"]  # which is all of stdout
    return process.returncode, [cell["status"] for cell in cells], err.decode()


def write(epochs: int, seeds: int) -> None:
    Path("tiny.yaml").write_text(TINY)
    cells = f"each: {{epochs: {epochs}}}\ngrid: {{seed: {list(range(seeds))}}}\n"
    Path("study.yaml").write_text(f"experiment: tiny.yaml\n{cells}")


def logged() -> list[dict[str, Any]]:
    """What the sweep's log has, without a torn last line."""
    file = RUNS / "study" / "sweep.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def finished() -> set[str]:
    return {line["run_id"] for line in logged() if line["status"] == "finished"}


def written(run: str) -> dict[str, tuple[int, bytes]]:
    """The files of a run with their dates."""
    files = sorted(file for file in (RUNS / run).rglob("*") if file.is_file())
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


@pytest.mark.integration
def test_a_sweep_whose_driver_and_worker_are_killed_continues() -> None:
    write(epochs=20, seeds=10)
    driver = start("ray")
    until(lambda: len(finished()) >= 2, 120)
    running = [line["run_id"] for line in logged() if line["status"] == "running" and line["run_id"] not in finished()]
    until((RUNS / running[-1] / ".lock").exists)
    worker = int((RUNS / running[-1] / ".lock").read_text())
    os.kill(worker, signal.SIGKILL)
    until(lambda: running[-1] in finished(), 120)
    driver.kill()
    driver.communicate()
    done = finished()
    assert 3 <= len(done) < 10
    before = {run: written(run) for run in done}
    code, statuses, _ = finish(start("ray"))
    assert (code, statuses) == (0, ["finished"] * 10)
    assert {run: written(run) for run in done} == before
    assert [len([line for line in logged() if line["run_id"] == run]) for run in done] == [2] * len(done)
    on_ray = {run.name: comparable(run) for run in RUNS.glob("study-*")}
    RUNS.rename("ray")
    code, statuses, _ = finish(start("local"))
    assert (code, statuses) == (0, ["finished"] * 10)
    assert {run.name: comparable(run) for run in RUNS.glob("study-*")} == on_ray


@pytest.mark.integration
def test_a_signal_ends_the_cells_in_good_order() -> None:
    write(epochs=60, seeds=3)
    driver = start("ray")
    until(lambda: any(run.stat().st_size > 10_000 for run in RUNS.glob("study-*/events.jsonl")), 120)
    driver.send_signal(signal.SIGTERM)
    code, statuses, err = finish(driver)
    assert (code, "Traceback" in err) == (130, False), err
    assert err.splitlines()[-1] == "scai: interrupted by SIGTERM; continue with `scai sweep study.yaml`"
    assert set(statuses) <= {"interrupted", "waiting"}
    for run in RUNS.glob("study-*"):
        assert scai.load(run).status == "interrupted"


@pytest.mark.integration
def test_actors_of_a_program_run_experiments(tmp_path: Path) -> None:
    import ray

    Path("tiny.yaml").write_text(TINY)
    config, runs = scai.load_experiment("tiny.yaml", ["epochs=1"]), tmp_path / "runs"

    class Sync:
        def play(self, run_id: str) -> str:
            return asyncio.run(scai.run(config, runs, run_id)).status

    class Async:
        async def play(self, run_id: str) -> str:
            return (await scai.run(config, runs, run_id)).status

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        actors = [ray.remote(kind).remote() for kind in (Sync, Async)]
        jobs = [actor.play.remote(f"{n}-{k}") for n, actor in enumerate(actors) for k in range(2)]
        assert ray.get(jobs) == ["finished"] * 4
    finally:
        ray.shutdown()
    assert len({json.dumps(comparable(run)) for run in runs.iterdir()}) == 1


def test_without_ray_or_its_cluster_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def enter() -> None:
        async with RayEngine(2):
            pass

    try:
        import ray  # noqa: F401
    except ModuleNotFoundError:
        remedy = r"needs another package: pip install ray"
    else:
        remedy = "cannot reach 127.0.0.1:1: "
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ConfigError, match=remedy):
        asyncio.run(enter())
