"""Signals against real processes: the first stops in good order, nothing is torn (test_interruption.py: when)."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading

import pytest
from conftest import SIGNALS, calls, scai
from crash import EXPERIMENT, answered, comparable, society
from loopback import Loopback
from terminal import Terminal
from waiting import heard, until

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
FIRST = [SIGNALS[0], *(pytest.param(number, marks=pytest.mark.slow) for number in SIGNALS[1:])]
NAMES = {number: number.name for number in SIGNALS} | {signal.SIGINT: "Ctrl-C"}
SHORT = EXPERIMENT.replace("epochs: 4", "epochs: 2")


def start(*arguments, **streams):
    command = [sys.executable, "-m", "scai_cli", *map(str, arguments)]
    return subprocess.Popen(command, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams})


def write(tmp_path, server, text=SHORT):
    config = tmp_path / "crash.yaml"
    config.write_text(text.replace("URL", server.base_url))
    return config


def is_whole(run):
    return all((run / name).read_bytes()[-1:] in (b"\n", b"") for name in ("events.jsonl", "calls.jsonl"))


@pytest.mark.slow
@BOTH
def test_the_first_signal_lets_calls_in_flight_end_and_takes_no_more(tmp_path, number):
    with Loopback(script=["ok"] * 16 + ["hold"] * 8, answer=society()) as server:
        process = start("run", write(tmp_path, server), "-q")
        until(lambda: len(server.requests) == 24)  # the third round of eight is in flight
        process.send_signal(number)
        until(lambda: heard(process))
        server.release()
        out, err = process.communicate(timeout=120)
        assert len(server.requests) == 24
        assert process.returncode == 130
        assert out == b"crash\n"
        said = f"scai: interrupted by {NAMES[number]}; continue with `scai resume crash`\n"
        assert err.decode() == said
        run = tmp_path / "runs" / "crash"
        assert sum(answered(run).values()) == 24  # every answer that was paid for is written
        assert is_whole(run)
        assert scai("list", "--json").json[0]["status"] == "interrupted"
        assert scai("resume", "crash", "-q").code == 0
        assert scai("run", tmp_path / "crash.yaml", "-q", "--runs-dir", "clean").code == 0
    assert comparable(run) == comparable(tmp_path / "clean" / "crash")
    assert set(answered(run).values()) == {1}


@pytest.mark.slow
def test_calls_in_flight_that_do_not_end_are_left_after_a_grace(tmp_path):
    with Loopback(script=["ok"] * 8 + ["hang"] * 99, answer=society()) as server:
        process = start("run", write(tmp_path, server), "-q")
        until(lambda: len(server.requests) == 16)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=120)[1].decode()
    assert len(server.requests) == 16
    assert process.returncode == 130
    assert err == "scai: interrupted by Ctrl-C; continue with `scai resume crash`\n"
    assert len(answered(tmp_path / "runs" / "crash")) == 8


@pytest.mark.slow
@BOTH
def test_the_second_signal_ends_without_waiting_and_leaves_whole_lines(tmp_path, number):
    with Loopback(script=["ok"] * 8 + ["hang"] * 99, answer=society()) as server:
        process = start("run", write(tmp_path, server), "-q")
        until(lambda: len(server.requests) == 16)
        process.send_signal(signal.SIGINT)
        until(lambda: heard(process))
        process.send_signal(number)
        err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 130
    assert err == "scai: interrupted by Ctrl-C; continue with `scai resume crash`\n"
    run = tmp_path / "runs" / "crash"
    assert is_whole(run)
    with Loopback(answer=society()) as well:
        again = ["--set", f"model.base_url={well.base_url}"]
        assert scai("resume", "crash", "-q", *again).code == 0
        assert scai("run", tmp_path / "crash.yaml", "-q", "--runs-dir", "clean", *again).code == 0
    assert comparable(run) == comparable(tmp_path / "clean" / "crash")


@pytest.mark.slow
def test_no_call_that_waits_for_another_attempt_makes_it_after_a_signal(tmp_path):
    with Loopback(odds={"429-after-minute": 1.0}) as server:
        process = start("run", write(tmp_path, server), "-q")
        until(lambda: len(server.requests) == 8)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
        assert len(server.requests) == 8
    assert process.returncode == 130


LONG = """\
name: long
seed: 5
epochs: 500
turns: 2
personas:
  - {id: ann, name: Ann Smith, description: Ann wants it short., preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, name: Bob Jones, description: Bob wants it long., preferences: {detailed: 1.0, formal: 0.5}}
tasks: [{id: tea, prompt: How do I make a pot of tea?}, {id: bed, prompt: What helps against bad sleep?}]
"""


@pytest.fixture
def long(tmp_path):
    (tmp_path / "long.yaml").write_text(LONG)
    return tmp_path / "long.yaml"


@pytest.mark.parametrize("number", FIRST)
def test_a_run_that_never_waits_hears_the_signal(tmp_path, long, number):
    process = start("run", long, "-q")
    log = tmp_path / "runs" / "long" / "calls.jsonl"
    until(lambda: log.exists() and log.stat().st_size > 200_000)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, b"long\n")
    assert err.decode() == f"scai: interrupted by {NAMES[number]}; continue with `scai resume long`\n"
    assert json.loads((log.parent / "outcome.json").read_bytes())["status"] == "interrupted"
    assert is_whole(log.parent)
    before = len(calls(log.parent))
    resumed = scai("resume", "long", "-q", "--json", "--set", f"limits.calls={before + 10}")
    assert resumed.code == 3
    assert resumed.json["calls"] == before + 10


@pytest.mark.slow
def test_a_replay_hears_the_signal(tmp_path, long):
    assert scai("run", long, "-q", "--set", "limits.calls=8000").code == 3
    run = tmp_path / "runs" / "long"
    before = (run / "calls.jsonl").read_bytes()
    process = start("resume", "long", "-q")
    until(lambda: b'"running"' in (run / "outcome.json").read_bytes())  # the index is read, the replay begins
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 130
    assert err == "scai: interrupted by Ctrl-C; continue with `scai resume long`\n"
    assert (run / "calls.jsonl").read_bytes() == before


@pytest.mark.slow
@BOTH
def test_a_signal_while_the_live_view_is_on_a_terminal(tmp_path, number):
    leader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    shown = bytearray()
    with Loopback(script=["ok"] * 30 + ["hold"] * 8, answer=society()) as server:
        process = start("run", write(tmp_path, server), stderr=terminal, stdin=terminal, start_new_session=True)
        os.close(terminal)
        reader = threading.Thread(target=_read, args=(leader, shown))
        reader.start()
        until(lambda: len(server.requests) > 30 and b"in flight" in shown)
        process.send_signal(number)
        until(lambda: heard(process))
        server.release()
        out = process.communicate(timeout=120)[0]
        reader.join(10)
        os.close(leader)
    assert (process.returncode, out) == (130, b"crash\n")
    text = shown.decode()
    last = text[text.rindex("\x1b[?25h") :]  # the cursor is shown again, then comes the one line
    assert f"scai: interrupted by {NAMES[number]}; continue with `scai resume crash`\r\n" in last
    assert "Traceback" not in text
    assert is_whole(tmp_path / "runs" / "crash")


@pytest.mark.slow
def test_a_connection_that_drops_ends_the_run_in_good_order_though_the_terminal_is_gone(tmp_path):
    run = tmp_path / "runs" / "crash"
    with Loopback(script=["ok"] * 30 + ["hold"] * 8, answer=society()) as server:
        with Terminal("run", write(tmp_path, server)) as terminal:
            terminal.sees("in flight")
            until(lambda: len(server.requests) > 30)
            os.set_blocking(terminal.leader, True)
            os.close(terminal.leader)  # the kernel sends SIGHUP
            until(lambda: heard(terminal.process))
            os.kill(terminal.process.pid, signal.SIGHUP)  # as the shell does, too
            until(lambda: heard(terminal.process))
            server.release()
            assert terminal.process.wait(60) == 130
            terminal.leader = os.open(os.devnull, os.O_RDONLY)
        paid = answered(run)
        assert sum(paid.values()) == len(server.requests)  # the second SIGHUP has cut nothing off
        assert json.loads((run / "outcome.json").read_bytes())["status"] == "interrupted"
        assert scai("resume", "crash", "-q").code == 0
        assert set(answered(run).values()) == {1}


@pytest.mark.slow
def test_nohup_runs_on(tmp_path, long):
    long.write_text(LONG.replace("epochs: 500", "epochs: 40"))
    shell = ["nohup", sys.executable, "-m", "scai_cli", "run", str(long), "-q"]
    process = subprocess.Popen(shell, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = tmp_path / "runs" / "long" / "calls.jsonl"
    until(lambda: log.exists() and log.stat().st_size)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (0, b"long\n", b"")


def _read(leader, shown):
    try:
        while data := os.read(leader, 65536):
            shown += data
    except OSError:  # the other side is closed
        return
