"""The run directory: found, listed and locked; read whatever a crash left; a full disk is one line."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from conftest import calls, events, scai
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.errors import OutputError, RunError
from scai_cli.runs import jsonl
from scai_cli.runs.events import Problem
from scai_cli.runs.find import all_runs, find_run, newest_first
from scai_cli.runs.history.event_lines import read_calls, read_events
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.jsonl import lines, lines_backwards, mend, whole_file, write_whole
from scai_cli.runs.locked_folder import CreationFiles, LockedFolder
from scai_cli.runs.locks import is_locked
from scai_cli.runs.run_directory import RunDirectory

HOLD_THE_LOCK = """
import sys, pathlib
from scai_cli.runs.run_directory import RunDirectory
run = RunDirectory.reopen(pathlib.Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def begin(runs: Path) -> LockedFolder:
    """A new folder with the next name, incomplete and locked."""
    folder = LockedFolder.create(runs, None, "tea", CreationFiles(earlier=(), last="config.yaml"))
    assert folder is not None
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run that a test may damage."""
    return shutil.copytree(finished, tmp_path / "runs" / "tiny")


def make(name: str | Path, made: int = 0) -> Path:
    path = Path("runs") / name
    path.mkdir(parents=True)
    (path / "config.yaml").touch()
    os.utime(path / "config.yaml", (made, made))
    return path


@pytest.mark.parametrize(("used", "new"), [
    ((), "tea"), ((1,), "tea-2"), (range(1, 8), "tea-8"), (range(1, 9), "tea-9"),
    ((2, 3), "tea"), ((1, 3, 4), "tea-2"), ((1, 2, 4, 5), "tea-6"),
])  # fmt: skip
def test_a_new_run_has_a_free_name(tmp_path: Path, used: Sequence[int], new: str) -> None:
    for number in used:
        make(tmp_path / ("tea" if number == 1 else f"tea-{number}"))
    with closing(begin(tmp_path)) as folder:
        assert folder.run_id == new


def test_the_name_of_an_interrupted_creation_is_used_again(tmp_path: Path) -> None:
    for name in ("tea", "tea-2", "tea-3", "tea-4", "tea-5"):
        make(tmp_path / name)
    (tmp_path / "tea-6").mkdir()
    begin(tmp_path).close()
    with closing(begin(tmp_path)) as folder:
        assert folder.run_id == "tea-6"


def test_processes_that_start_at_the_same_time_have_their_own_names(tmp_path: Path) -> None:
    with ExitStack() as stack:  # all locked, as by other processes, and not yet complete
        folders = [stack.enter_context(closing(begin(tmp_path))) for _ in range(9)]
        assert len({folder.path for folder in folders}) == 9


def test_the_directory_holds_what_the_design_says(finished: Path) -> None:
    assert {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()} == {
        ".lock", "config.yaml", "events.jsonl", "calls.jsonl", "outcome.json", "system_message.txt",
        "constitution/e0.md", "constitution/e1.md", "constitution/e2.md",
    }  # fmt: skip
    first = events(finished)[0]
    assert list(first)[:4] == ["seq", "time", "id", "type"]
    assert len(first["time"]) == len("2026-01-31T12:00:00.000Z")
    assert first["time"].endswith("Z")
    call = calls(finished)[0]
    assert {
        "id",
        "role",
        "purpose",
        "model",
        "request",
        "response",
        "usage",
        "finish_reason",
        "latency_s",
        "retries",
    } <= set(call)
    assert {"messages", "seed"} <= set(call["request"])


def test_runs_of_one_name_are_numbered(tiny: Path) -> None:
    ids = [scai("run", tiny, "-q", "--set", "epochs=1").out.strip() for _ in range(3)]
    assert ids == ["tiny", "tiny-2", "tiny-3"]
    assert scai("run", tiny, "-q", "--set", "epochs=1", "--run-id", "My.run_1").out == "My.run_1\n"


@pytest.mark.parametrize("run_id", ["../x", "", "a/b", "con", "x" * 65, "latest", "a b", ".", ".."])
def test_an_unsafe_run_id_is_refused_and_nothing_is_written(tiny: Path, run_id: str) -> None:
    called = scai("run", tiny, "-q", "--run-id", run_id)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert "--run-id" in called.err
    assert not Path("runs").exists()


def test_a_run_is_found_by_id_prefix_path_and_as_the_latest() -> None:
    runs = Path("runs")
    one, two, three = make("tea", 100), make("tea-2", 300), make("toast", 200)
    assert find_run(runs, "tea") == one
    assert find_run(runs, "to") == three
    assert find_run(runs, "latest") == two
    assert find_run(Path("elsewhere"), "runs/toast") == three.resolve()
    assert find_run(runs, str(three.resolve())) == three.resolve()
    assert newest_first(all_runs(runs)) == [two, three, one]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("t", "is ambiguous; choose one of tea, tea-2, toast"),
        ("te", "is ambiguous"),
        ("taest", "did you mean 'toast'?"),
        ("x", "there is no run, evaluation or sweep 'x' in runs"),
        ("", "there is no run, evaluation or sweep ''"),
        ("./nowhere", "not a run directory"),
        ("runs/", "not a run directory"),
    ],
)
def test_what_is_no_run_is_said_in_one_line(wanted: str, said: str) -> None:
    for name in ("tea", "tea-2", "toast"):
        make(name)
    called = scai("show", wanted)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert said in called.err


def test_without_any_run_there_is_a_remedy() -> None:
    assert scai("show", "latest").err == (
        "scai: there is no run in runs; start one with `scai run CONFIG`, or give another --runs-dir\n"
    )
    assert scai("list").out.startswith("There are no runs yet")
    assert scai("list", "--json").json == []


def test_a_second_process_is_refused_and_a_dead_one_leaves_no_lock(run: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "locked\n"
        assert is_locked(run)
        with pytest.raises(RunError, match=f"in use by process {holder.pid}"):
            RunDirectory.reopen(run)
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    assert not is_locked(run)


def test_who_only_looks_whether_a_run_is_in_use_stands_in_nobody_s_way(run: Path) -> None:
    with (run / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        looked = threading.Timer(0.03, fcntl.flock, (lock, fcntl.LOCK_UN))
        looked.start()
        RunDirectory.reopen(run).folder.close()
        looked.join()
    RunDirectory.reopen(run).folder.close()


def test_a_run_torn_at_any_byte_of_its_last_line_is_read_up_to_it(run: Path) -> None:
    whole = (run / "events.jsonl").read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    before = len(list(read_events(run)))
    for end in range(last, len(whole)):
        (run / "events.jsonl").write_bytes(whole[:end])
        assert len(list(read_events(run))) == before - 1
    assert read_history(run).status == "interrupted"
    assert (
        scai("show", "tiny").code == scai("show", "tiny", "--json").code == scai("show", "tiny", "--follow").code == 0
    )


@pytest.mark.parametrize("damage", [b'{"seq":3,"type":"nonsense"}', b'{"seq":3', b"\xff\xfe", b"[]", b"9" * 5000])
def test_a_damaged_line_is_named(run: Path, damage: bytes) -> None:
    lines = (run / "events.jsonl").read_bytes().split(b"\n")
    lines[3] = damage
    (run / "events.jsonl").write_bytes(b"\n".join(lines))
    for view in ((), ("--json",), ("--epoch", "1"), ("--follow",), ("--constitution",), ("--ratings",)):
        called = scai("show", "tiny", *view)
        assert called.code == 2, view
        assert called.err.startswith(f"scai: {Path('runs/tiny/events.jsonl')}:4: this line is damaged"), view
        assert called.err.count("\n") == 1, view
    assert scai("export", "tiny", "--format", "sft", "-o", "rows.jsonl").code == 2
    assert not Path("rows.jsonl").exists()


def test_a_damaged_call_is_named(run: Path) -> None:
    lines = (run / "calls.jsonl").read_bytes().split(b"\n")
    lines[1] = b"{"
    (run / "calls.jsonl").write_bytes(b"\n".join(lines))
    with pytest.raises(RunError, match=r"calls.jsonl:2: this line is damaged"):
        list(read_calls(run))
    assert scai("show", "tiny", "--prompts", "e1").code == 2


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_events_that_begin_in_the_middle_are_one_line(run: Path, lost: int) -> None:
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    (run / "events.jsonl").write_bytes(b"".join(lines[lost:]))
    for view in ((), ("--json",), ("--follow",)):
        called = scai("show", "tiny", *view)
        assert (called.code, called.err.count("\n")) == (2, 1)
    assert scai("list", "--json").json[0]["run_id"] == "tiny"


def test_a_damaged_run_is_listed_all_the_same(run: Path) -> None:
    lines = (run / "events.jsonl").read_bytes().split(b"\n")
    lines[0] = lines[0][:200] + b"}"
    (run / "events.jsonl").write_bytes(b"\n".join(lines))
    make("empty")
    listed = scai("list", "--json").json
    assert {(entry["run_id"], entry["name"]) for entry in listed} == {("tiny", None), ("empty", None)}
    assert scai("list").code == 0


def test_a_run_without_events_is_shown_as_such() -> None:
    make("empty")
    for view in ((), ("--follow",), ("--constitution",), ("--ratings",)):
        called = scai("show", "empty", *view)
        assert (called.code, called.err) == (0, "")
    assert "It has no events yet." in scai("show", "empty").out
    called = scai("export", "empty", "--format", "system")
    assert (called.code, called.err.count("\n")) == (2, 1)


FULL = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); from scai_cli.cli import main; main()"
)


@pytest.mark.parametrize(
    "size", [pytest.param(200, marks=pytest.mark.slow), 3000, pytest.param(20_000, marks=pytest.mark.slow)]
)
def test_a_full_disk_is_one_line_and_leaves_whole_lines(tiny: Path, size: int) -> None:
    called = subprocess.run(
        [sys.executable, "-c", FULL.format(size), "run", tiny, "--quiet"], capture_output=True, text=True, check=False
    )
    assert (called.returncode, called.stdout) == (4, "tiny\n" * Path("runs/tiny/config.yaml").exists())
    assert "cannot be written: File too large" in called.stderr
    assert called.stderr.count("\n") == 1
    for log in Path("runs").rglob("*.jsonl"):
        text = log.read_text(encoding="utf-8")
        assert text == "" or text.endswith("\n")
        assert all(json.loads(line) for line in text.splitlines())


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    write_whole(target, "old\ud800")

    def half_written() -> None:
        with whole_file(target) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_written()
    assert target.read_text(encoding="utf-8") == "old\ufffd"
    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path / "no" / "folder", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_what_is_no_line_is_skipped_from_both_ends_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    pieces = [
        b"\xef\xbb\xbf",
        b'{"n":1}\n',
        b"\n",
        b" \r\n",
        b"\0" * 50 + b"\n",
        b"x" * 99 + b"\n",
        b'{"n":2}\r\n',
        b"\n",
    ]
    sound = [b'{"n":1}\n', b'{"n":2}\r\n']
    for block in (1, 7, 64, 2**20):
        monkeypatch.setattr(jsonl, "_BLOCK", block)
        monkeypatch.setattr(jsonl, "_LONGEST", 60)
        for end, more in ((b"", []), (b'{"n":', []), (b"\0" * 90, []), (b'{"n":3}', [b'{"n":3}\n'])):
            log.write_bytes(whole := b"".join([*pieces, end]))
            assert [(number, line) for number, _, line in lines(log)] == [(1, sound[0]), (6, sound[1])]
            assert all(whole[offset:].startswith(line) for _, offset, line in lines(log))
            assert list(lines_backwards(log)) == sound[::-1]
            assert mend(log) == len(whole) - sum(map(len, [*sound, *more])) + len(more)
            assert log.read_bytes() == b"".join([*sound, *more])
            assert mend(log) == 0


@pytest.mark.parametrize("tail", [b"\0", b"x"])
def test_a_long_damaged_tail_takes_little_memory(tmp_path: Path, tail: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"n":1}\n' + tail * 20 * 2**20)
    monkeypatch.setattr(jsonl, "_LONGEST", 2**20)
    tracemalloc.start()
    assert [*lines_backwards(log)] == [line for *_, line in lines(log)] == [b'{"n":1}\n']
    assert mend(log) == 20 * 2**20
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_a_pipe_is_written_to_not_replaced(finished: Path, tmp_path: Path) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        called = scai("export", finished, "--format", "sft", "-o", "pipe", "--system", "keep")
        rows, _ = reader.communicate(timeout=60)
    assert called.code == 0
    assert len(rows.splitlines()) == 18
    assert not Path("pipe").is_file()


@given(st.lists(st.text(), max_size=5))
def test_any_text_is_one_line_of_json_and_read_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    run = RunDirectory.create(tmp_path_factory.mktemp("runs"), None, "any", "")
    problems = [Problem(id=f"e1/{n}", epoch=1, where="x", problem=text) for n, text in enumerate(texts)]
    assert all(run.append(problem) for problem in problems)
    run.folder.log_call(json.dumps({"id": "a", "response": "\u2028".join(texts)}, ensure_ascii=False).encode())
    run.folder.close()
    assert [event.problem for event in read_events(run.folder.path) if isinstance(event, Problem)] == texts
    for log in ("events.jsonl", "calls.jsonl"):
        text = (run.folder.path / log).read_bytes().decode()
        assert text.splitlines() == text.split("\n")[:-1]
    again = RunDirectory.reopen(run.folder.path)
    assert not any(again.append(problem) for problem in problems)
    again.folder.close()
