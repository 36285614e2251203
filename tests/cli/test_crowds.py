"""Many commands at once on the same folders and files: nothing fails, nothing is lost, and the second one is told."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY, scai
from crash import EXPERIMENT, answered, comparable, society
from loopback import Loopback
from waiting import until


def start(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scai_cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 50])
def test_a_crowd_of_runs_with_one_name_and_one_cache_is_read_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setenv("SCAI_CACHE", str(tmp_path / "cache.sqlite3"))
    config = tmp_path / "tiny.yaml"
    config.write_text(f"{TINY}cache: true\n".replace("epochs: 2", "epochs: 1"), encoding="utf-8")
    processes = [start("run", config, "-q") for _ in range(count)]
    while any(process.poll() is None for process in processes):
        assert scai("list", "--json").code == 0
        shown = scai("show", "latest")
        assert shown.code == 0 or "there is no run in runs" in shown.err, shown
    ended = [(*process.communicate(), process.returncode) for process in processes]
    assert {(err, code) for _, err, code in ended} == {(b"", 0)}
    ids = sorted(out.decode().strip() for out, _, _ in ended)
    assert ids == sorted(["tiny", *(f"tiny-{n}" for n in range(2, count + 1))])
    listed = scai("list", "--json").json
    assert sorted(run["run_id"] for run in listed) == ids
    assert {run["status"] for run in listed} == {"finished"}
    assert len({str(comparable(tmp_path / "runs" / name)) for name in ids}) == 1


@pytest.mark.slow
def test_the_second_of_two_resumes_is_told_in_one_line(tmp_path: Path) -> None:
    with Loopback(script=["ok"] * 8 + ["hold"] * 8, answer=society()) as server:
        config = tmp_path / "crash.yaml"
        config.write_text(EXPERIMENT.replace("URL", server.base_url).replace("epochs: 4", "epochs: 1"))
        assert scai("run", config, "-q", "--set", "limits.calls=8").code == 3
        first = start("resume", "crash", "-q", "--set", "limits.calls=null")
        until(lambda: len(server.requests) > 8)
        second = scai("resume", "crash", "-q")
        assert (second.code, second.out) == (2, "")
        assert second.err == f"scai: runs/crash: in use by process {first.pid}; wait until it ends, or stop it\n"
        server.release()
        assert (first.communicate(timeout=120)[0], first.returncode) == (b"crash\n", 0)
    assert set(answered(tmp_path / "runs" / "crash").values()) == {1}


@pytest.mark.slow
def test_runs_are_listed_while_they_come_and_go(tmp_path: Path, finished: Path) -> None:
    """A process moves runs in and out, so that one is gone between any two looks at it."""
    program = """
import os, sys
while True:
    for name in ("a", "b"):
        os.rename(f"kept/{name}", f"runs/{name}")
        os.rename(f"runs/{name}", f"kept/{name}")
"""
    (tmp_path / "runs" / "new").mkdir(parents=True)  # as a run that has no config yet
    for name in ("a", "b"):
        shutil.copytree(finished, tmp_path / "kept" / name)
    mover = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path)
    try:
        for _ in range(40):
            assert (scai("list").code, scai("list", "--json").code) == (0, 0)
            shown = scai("show", "latest")
            assert shown.code == 0 or shown.err.count("\n") == 1, shown
    finally:
        mover.send_signal(signal.SIGKILL)
        mover.wait()


@pytest.mark.slow
def test_of_two_that_write_one_folder_or_file_one_is_told_or_both_are_whole(tmp_path: Path, finished: Path) -> None:
    inits = [start("init", "demo") for _ in range(2)]
    exports = [start("export", finished, "--format", "sft", "-o", "rows.jsonl") for _ in range(2)]
    ended = [(process.communicate()[1].decode(), process.returncode) for process in inits]
    assert 0 in [code for _, code in ended]
    assert all(code == 0 or err.endswith("exists already; name another folder\n") for err, code in ended), ended
    assert scai("check", "demo/configs/quickstart.yaml").code == 0
    assert [process.wait() for process in exports] == [0, 0]
    both = Path("rows.jsonl").read_bytes()
    assert scai("export", finished, "--format", "sft", "-o", "alone.jsonl").code == 0
    assert Path("alone.jsonl").read_bytes() == both
    assert not list(tmp_path.glob(".*.part"))
    for process in exports:
        process.communicate()
