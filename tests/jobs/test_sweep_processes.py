"""A sweep on worker processes that are signalled, killed, or run into a bug: no answer is lost or paid twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, calls, scai_process
from crash import comparable, society
from loopback import Loopback
from waiting import until

from scai_cli.runs.sweep_directory import read_sweep_directory

pytestmark = [pytest.mark.slow, pytest.mark.rotating]

RUNS = Path("runs")
SWEEP = "experiment: tiny.yaml\neach: {limits.concurrency: 2}\ngrid: {seed: [1, 2, 3, 4]}\n"


def write(server: Loopback | None = None, text: str = SWEEP, more: str = "") -> None:
    model = "" if server is None else f"model: {{provider: openai, name: x, base_url: '{server.base_url}'}}\n"
    Path("tiny.yaml").write_text(TINY + model + more, encoding="utf-8")
    Path("study.yaml").write_text(text, encoding="utf-8")


STARTED: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    while STARTED:
        with STARTED.pop() as process:
            process.kill()


def start(*options: str, **how: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scai_cli", "sweep", "study.yaml", "--at-once", "4", "--json", *options]
    STARTED.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how))
    return STARTED[-1]


def finish(process: subprocess.Popen[bytes]) -> tuple[int, Any, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, json.loads(out) if out else None, err.decode()


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(child) for child in children.split()]


def statuses(found: Any) -> list[str]:
    return [cell["status"] for cell in found["cells"]]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def asked_once(server: Loopback) -> bool:
    """Whether no request that was answered was made again."""
    bodies = [json.dumps(request.body, sort_keys=True) for request in server.requests]
    return len(bodies) == len(set(bodies))


def as_alone() -> None:
    """The cells are what runs without a sweep are."""
    for seed in (1, 4):
        found = scai_process("run", "tiny.yaml", "--seed", seed, "--run-id", f"alone-{seed}", "--quiet")
        assert found.code == 0, found.err
        assert comparable(RUNS / f"study-seed-{seed}") == comparable(RUNS / f"alone-{seed}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_calls_in_flight_end_and_the_same_command_continues(number: signal.Signals) -> None:
    with Loopback(latency=0.05, answer=society()) as server:
        write(server)
        process = start()
        until(lambda: len(server.requests) >= 20)
        process.send_signal(number)
        code, found, err = finish(process)
        assert code == 130
        assert err.splitlines()[-1].startswith("scai: interrupted by ")
        assert err.splitlines()[-1].endswith("; continue with `scai sweep study.yaml`")
        assert set(statuses(found)) == {"interrupted"}
        assert len(server.requests) == sum(cell["calls"] for cell in found["cells"])
        code, found, _ = finish(start())
        assert (code, statuses(found)) == (0, ["finished"] * 4)
        assert asked_once(server)
        assert len(server.requests) == sum(cell["calls"] for cell in found["cells"])
        as_alone()


def test_a_signal_to_the_whole_group_as_a_terminal_sends_it() -> None:
    with Loopback(latency=0.05, answer=society()) as server:
        write(server)
        process = start("--quiet", process_group=0)
        until(lambda: len(server.requests) >= 20)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err.decode().count("\n") == 1
        assert len(server.requests) == sum(len(calls(run)) for run in RUNS.glob("study-*"))


def test_the_second_signal_ends_at_once() -> None:
    with Loopback(latency=60, answer=society()) as server:
        write(server)
        process = start("--quiet")
        until(lambda: len(server.requests) >= 8)
        process.send_signal(signal.SIGINT)
        until(lambda: not read_sweep_directory(RUNS / "study").is_running or process.poll() is None)
        process.send_signal(signal.SIGINT)
        code, found, _ = finish(process)
        assert (code, set(statuses(found))) == (130, {"interrupted"})
        assert len(server.requests) == 8  # none was waited for, and none came after it


def test_a_killed_worker_is_replaced_and_its_cells_continue() -> None:
    with Loopback(latency=0.02, answer=society()) as server:
        write(server)
        process = start()
        until(lambda: len(server.requests) >= 20)
        os.kill(workers(process)[0], signal.SIGKILL)
        code, found, err = finish(process)
        assert (code, statuses(found)) == (0, ["finished"] * 4)
        assert "its process has died (signal 9); another one continues the work" in err
        as_alone()


def test_a_signal_to_a_worker_alone_gives_its_cells_to_another_one() -> None:
    with Loopback(latency=0.02, answer=society()) as server:
        write(server)
        process = start("--at-once", "2")
        until(lambda: len(server.requests) >= 20)
        os.kill(workers(process)[0], signal.SIGTERM)
        code, found, err = finish(process)
        assert (code, statuses(found)) == (0, ["finished"] * 4)
        assert "its process has died (exit code 143); another one continues the work" in err
        assert asked_once(server)
        as_alone()


def test_cells_whose_worker_dies_twice_have_failed() -> None:
    with Loopback(latency=0.02, answer=society()) as server:
        write(server)
        process = start()
        for _ in range(2):
            first = len(server.requests)
            until(lambda first=first: len(server.requests) >= first + 10)
            for worker in workers(process):
                os.kill(worker, signal.SIGKILL)
        code, found, err = finish(process)
        assert (code, set(statuses(found))) == (4, {"failed"})
        assert "its process has died twice, the last time by signal 9" in found["cells"][0]["problem"]
        assert err.splitlines()[-1].startswith("scai: 4 of 4 cells failed; the first: study-seed-1: its process")
        assert finish(start())[0] == 0


def test_the_workers_of_a_killed_sweep_end_and_the_next_one_waits_for_them() -> None:
    with Loopback(latency=0.5, answer=society()) as server:
        write(server)
        process = start()
        until(lambda: len(server.requests) >= 20)
        left = workers(process)
        process.kill()
        process.communicate(timeout=60)
        server.latency = 0.02
        code, found, _ = finish(start())
        assert (code, statuses(found)) == (0, ["finished"] * 4)
        assert not any(map(is_alive, left))
        assert asked_once(server)
        as_alone()


def test_a_second_sweep_meanwhile_is_refused() -> None:
    with Loopback(latency=60, answer=society()) as server:
        write(server)
        process = start("--quiet")
        until(lambda: len(server.requests) >= 8)
        found = scai_process("sweep", "study.yaml", "--quiet")
        assert (found.code, len(found.lines)) == (2, 1)
        assert "this sweep is in progress; wait until it ends" in found.err
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        finish(process)


def test_a_bug_in_one_cell_stops_no_other() -> None:
    Path("broken.py").write_text("async def revise(context):\n    print('on stdout')\n    return 1 / 0\n")
    text = "experiment: tiny.yaml\ngrid: {revision.strategy: ['broken:revise', rewrite]}\n"
    write(text=text)
    found = scai_process("sweep", "study.yaml", "--json", PYTHONPATH=os.pathsep.join([str(Path.cwd()), *sys.path]))
    assert found.code == 4
    assert statuses(found.json) == ["failed", "finished"]
    assert found.json["cells"][0]["problem"] == "a bug: ZeroDivisionError: division by zero"
    assert "Traceback" in found.err
    assert "on stdout" in found.err
