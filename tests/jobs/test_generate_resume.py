"""A generated set that is killed, stopped or torn comes out as if nothing had happened, and nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TINY, calls, scai
from crash import answered, society
from loopback import Loopback
from waiting import heard, until

from scai_cli.datasets.generate.row import GeneratedRow, JudgedWins
from scai_cli.datasets.generate.row import rows as rows_of
from scai_cli.experiment.load import Overrides
from scai_cli.jobs.generate import GenerateStarted, resume, start
from scai_cli.jobs.generate_source import GenerateOptions, read_source
from scai_cli.jobs.session import SilentObserver

KIND = TINY.replace("name: tiny", "name: kind").replace("epochs: 2", "epochs: 1") + (
    "constitution: {principles: [Give an example for what you say., Use bullet points.], "
    "contract: [{text: Be brief., for: [ann]}]}\n"
)
ROWS = 24
FILES = ("rows.jsonl", "calls.jsonl")


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("kind")
    (folder / "kind.yaml").write_text(KIND, encoding="utf-8")
    assert scai("run", folder / "kind.yaml", "--runs-dir", folder / "runs", "--quiet").code == 0
    return folder / "runs" / "kind"


class Tracks(SilentObserver):
    """Notes how many bytes rows and calls hold whenever a row has been written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states = [(0, 0)]

    def see(self, item: object) -> None:
        if isinstance(item, GeneratedRow):
            self.states.append((self.size("rows.jsonl"), self.size("calls.jsonl")))

    def size(self, name: str) -> int:
        return (self.path / name).stat().st_size


@dataclass(frozen=True)
class Whole:
    """A set that nobody disturbed, and the states its logs went through: (bytes of rows, bytes of calls)."""

    path: Path
    states: Sequence[tuple[int, int]]

    def logs(self) -> tuple[bytes, bytes]:
        return (self.path / "rows.jsonl").read_bytes(), (self.path / "calls.jsonl").read_bytes()

    def cut(self, ends: tuple[int, int]) -> Path:
        """A copy as a kill at that state would have left it."""
        target = Path("runs/whole")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.path, target)
        for name, data, end in zip(FILES, self.logs(), ends, strict=True):
            (target / name).write_bytes(data[:end])
        return target


@pytest.fixture(scope="module", params=[1, 8])
def whole(request: pytest.FixtureRequest, kind: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """One call at a time; eight at a time."""
    runs = tmp_path_factory.mktemp("whole")
    observer = Tracks(runs / "whole")
    overrides = Overrides([f"limits.concurrency={request.param}", "generate.raters=1"])
    options = GenerateOptions(str(kind), n=ROWS, overrides=overrides)
    job = start(read_source(options, runs), options, runs, "whole", observer)
    assert asyncio.run(job).status == "finished"
    return Whole(runs / "whole", observer.states)


def check_resumed(whole: Whole, path: Path) -> None:
    """Resume and compare with the undisturbed set; what was there already stays as it was."""
    before = [(path / name).read_bytes() for name in FILES]
    assert asyncio.run(resume(path, (), SilentObserver())).status == "finished"
    for name, old in zip(FILES, before, strict=True):
        assert (path / name).read_bytes().startswith(old[: old.rfind(b"\n") + 1])
    assert (path / "rows.jsonl").read_bytes() == whole.logs()[0]
    assert set(answered(path).values()) == {1}


@pytest.mark.slow
def test_a_kill_between_any_two_rows_changes_nothing(whole: Whole) -> None:
    for ends in whole.states[::2]:
        path = whole.cut(ends)
        check_resumed(whole, path)
        assert answered(path) == answered(whole.path)


@pytest.mark.slow
def test_a_line_torn_at_any_byte_is_mended(whole: Whole) -> None:
    rng = random.Random(7)
    for (rows_end, calls_end), (rows_next, calls_next) in list(zip(whole.states, whole.states[1:], strict=False))[::2]:
        torn = rng.randint(calls_end, calls_next)
        check_resumed(whole, whole.cut((rows_end if torn < calls_next else rng.randint(rows_end, rows_next), torn)))


@pytest.mark.slow
def test_any_part_of_either_log_is_enough(whole: Whole) -> None:
    rng = random.Random(8)
    ends = [[0] + [n + 1 for n, byte in enumerate(data) if byte == 10] for data in whole.logs()]
    for _ in range(12):
        check_resumed(whole, whole.cut((rng.choice(ends[0]), rng.choice(ends[1]))))


def test_what_was_torn_is_said(whole: Whole) -> None:
    path = whole.cut((whole.states[5][0] - 10, whole.states[5][1]))
    said = scai("resume", "whole").lines
    assert "rows.jsonl: removed incomplete or empty lines" in said[0]
    assert said[1].endswith("4 written before")
    assert (path / "rows.jsonl").read_bytes() == whole.logs()[0]


def test_an_export_says_that_the_set_is_not_finished(whole: Whole) -> None:
    path = whole.cut(whole.states[5])
    note = f"whole is not finished: 5 of {ROWS} rows so far; continue with `scai resume whole`"
    called = scai("export", path, "--format", "sft", "-o", "half/", "--system", "keep")
    assert note in called.lines
    assert "whole is not finished: 5 of" in Path("half/README.md").read_text(encoding="utf-8")
    whole.cut(whole.states[-1])
    assert "not finished" not in scai("export", path, "--format", "sft", "-o", "half/", "--system", "keep").err


def test_a_resumed_set_counts_what_was_judged_before(whole: Whole) -> None:
    class Sees(SilentObserver):
        def see(self, item: object) -> None:
            if isinstance(item, GenerateStarted):
                self.before = item.wins

    path, seen, all_rows = whole.cut(whole.states[9]), Sees(), JudgedWins()
    asyncio.run(resume(path, (), seen))
    for row in list(rows_of(whole.path))[:9]:
        all_rows.add(row)
    assert seen.before == all_rows
    assert 0 < all_rows.later < all_rows.of_later


def test_a_set_is_listed_below_the_runs_by_its_last_row(kind: Path, whole: Whole) -> None:
    shutil.copytree(kind, "runs/kind")
    path = Path("runs/whole")
    ends = [whole.states[n] for n in (0, 1, 5, ROWS)]
    for rows, end in zip((0, 1, 5, ROWS), ends, strict=True):
        whole.cut(end)
        with (path / "rows.jsonl").open("ab") as file:
            file.write(b'{"id":"r99","torn')
        (path / "outcome.json").unlink()
        status = "finished" if rows == ROWS else "interrupted"
        assert scai("list").out.splitlines()[-1].split()[:4] == ["whole", status, f"{rows}/{ROWS}", "kind"]
    assert [run["run_id"] for run in scai("list", "--json").json] == ["kind"]
    lines = scai("list").out.splitlines()
    firsts = [line.split()[0] for line in lines if line[:1].islower()]
    assert firsts == ["run", "kind", "mean", "held-out", "generated", "whole"]
    assert f" {ROWS}/{ROWS} " in lines[-1]
    (path / "generation.yaml").write_text("source: [", encoding="utf-8")
    assert f" {ROWS}/? " in scai("list").out.splitlines()[-1]


def test_only_the_calls_of_rows_to_come_are_remembered(whole: Whole) -> None:
    path = whole.cut(whole.states[20])
    data = (path / "calls.jsonl").read_bytes()
    (path / "calls.jsonl").write_bytes(data.replace(b'"response":"', b'"response":"XX', 40))  # those of the first rows
    assert asyncio.run(resume(path, (), SilentObserver())).status == "finished"
    assert (path / "rows.jsonl").read_bytes() == whole.logs()[0]


def test_a_limit_stops_it_and_a_higher_one_goes_on(kind: Path, whole: Whole) -> None:
    settings = ("--set", "generate.raters=1", "--set", "limits.calls=100")
    stopped = scai("generate", kind, "--n", ROWS, "--run-id", "whole", *settings, "-q", "--json")
    assert stopped.code == 3
    assert (stopped.json["status"], stopped.json["calls"], stopped.json["wanted"]) == ("stopped", 100, ROWS)
    assert 1 < stopped.json["rows"] < ROWS
    assert "limits.calls: reached" in stopped.err
    again = scai("generate", kind, "--n", ROWS, "--run-id", "whole")
    assert again.lines == [
        "scai: generated set 'whole' exists already and is not finished; "
        "continue with `scai resume whole`, or choose another --run-id"
    ]
    assert scai("resume", "whole", "-q").code == 3
    ended = scai("resume", "whole", "-q", "--set", "limits.calls=9999", "--json")
    assert (ended.code, ended.json["status"], ended.json["rows"]) == (0, "finished", ROWS)
    assert (Path("runs/whole/rows.jsonl")).read_bytes() == whole.logs()[0]
    assert ended.json["calls"] == len(calls(whole.path)) == len(calls(Path("runs/whole")))
    assert Counter(call["id"] for call in calls(Path("runs/whole"))) == answered(whole.path)


def test_a_finished_set_is_left_as_it_is(whole: Whole) -> None:
    path = whole.cut(whole.states[-1])
    before = {file.name: file.read_bytes() for file in path.iterdir() if file.name not in ("outcome.json", ".lock")}
    found = scai("resume", "whole", "-q", "--json").json
    assert (found["status"], found["rows"], found["calls"]) == ("finished", ROWS, len(calls(path)))
    assert {name: (path / name).read_bytes() for name in before} == before


def test_what_would_change_the_rows_is_refused(whole: Whole) -> None:
    whole.cut(whole.states[3])
    for setting, key in (("seed=9", "seed"), ("roles.user.top_p=0.5", "roles"), ("model.top_p=0.5", "model")):
        refused = scai("resume", "whole", "--set", setting)
        assert refused.code == 2
        assert f"it was started with another value of {key} than" in refused.err
    assert scai("resume", "whole", "-q", "--set", "limits.concurrency=2", "--set", "limits.max_retries=1").code == 0
    assert Path("runs/whole/rows.jsonl").read_bytes() == whole.logs()[0]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("generation.yaml", "a: [", "generation.yaml:"),
        ("generation.yaml", "source: x\n", "generation.yaml:1: scai: "),
        ("experiment.yaml", "sed: 3\n", "experiment.yaml:1: sed: unknown key"),
        ("calls.jsonl", "nonsense\n", "calls.jsonl:1: this line is damaged"),
        ("tasks.jsonl", "nonsense\n", "tasks.jsonl: changed since the set was started"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(whole: Whole, name: str, text: str, said: str) -> None:
    path = whole.cut(whole.states[0])
    (path / name).write_text(text)
    called = scai("resume", "whole", "-q")
    assert called.code == 2
    assert len(called.lines) == 1
    assert said in called.err


@pytest.mark.parametrize("at", [0, 7, ROWS - 2])
@pytest.mark.parametrize("kind_of_loss", ["hole", "twice", "gone"])
def test_rows_after_a_lost_one_are_made_again_from_the_calls(whole: Whole, at: int, kind_of_loss: str) -> None:
    path = whole.cut(whole.states[-1])
    rows = (path / "rows.jsonl").read_bytes().splitlines(keepends=True)
    lost = {"hole": [b"\0" * len(rows[at][:-1]) + b"\n"], "twice": [rows[at], rows[at]], "gone": []}[kind_of_loss]
    (path / "rows.jsonl").write_bytes(b"".join([*rows[:at], *lost, *rows[at + 1 :]]))
    called = scai("resume", "whole")
    assert called.code == 0, called.err
    first = at + (kind_of_loss == "twice")
    moved = (
        f"rows.jsonl: row r{first} is missing: its last {ROWS - at - (kind_of_loss != 'twice')} lines were moved to "
    )
    assert [line for line in called.lines if line.startswith(moved)]
    assert (path / "rows.jsonl").read_bytes() == whole.logs()[0]
    assert (path / "rows.taken-back-1.jsonl").exists()
    assert set(answered(path).values()) == {1}


def test_what_was_left_before_the_birth_of_a_set_is_taken_over(kind: Path) -> None:
    left = Path("runs/kind-rows")
    left.mkdir(parents=True)
    for name in (".lock", "tasks.jsonl", "experiment.yaml", ".tasks.jsonl.123.part", ".generation.yaml.123.part"):
        (left / name).write_text("half")
    assert "there is no" in scai("resume", "kind-rows").err
    assert scai("generate", kind, "--n", 2, "-q").out == "kind-rows\n"
    made = ["calls.jsonl", "experiment.yaml", "generation.yaml", "outcome.json", "rows.jsonl", "tasks.jsonl"]
    assert sorted(path.name for path in left.iterdir()) == [".lock", *made]


def test_a_start_that_is_cancelled_while_it_copies_tasks_leaves_nothing(kind: Path) -> None:
    Path("tasks.jsonl").write_text("".join(f'{{"id": "t{n}", "prompt": "Question {n}?"}}\n' for n in range(3000)))
    options, runs = GenerateOptions(str(kind), Path("tasks.jsonl")), Path("runs")
    source = read_source(options, runs)

    def has_begun() -> bool:
        return (runs / "kind-rows").is_dir()

    async def cancelled() -> None:
        job = asyncio.create_task(start(source, options, runs, None, SilentObserver()))
        await asyncio.sleep(0)
        assert has_begun()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(cancelled())
    assert not runs.exists()


@pytest.mark.slow
def test_sets_that_begin_at_once_get_folders_of_their_own(kind: Path) -> None:
    started = [process("generate", kind, "--n", 3, "-q") for _ in range(3)]
    assert {running.communicate(timeout=120)[0] for running in started} == {
        b"kind-rows\n",
        b"kind-rows-2\n",
        b"kind-rows-3\n",
    }


def test_a_set_in_use_is_not_touched(whole: Whole) -> None:
    whole.cut(whole.states[3])
    program = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(1); sys.stdin.read()"
    command = [sys.executable, "-uc", program, "runs/whole/.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert "in use by process" in scai("resume", "whole").err
        holder.communicate()
    assert scai("resume", "whole", "-q").code == 0


def test_foreign_code_is_loaded_only_on_trust(kind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "support"))
    command = ("generate", kind, "--n", 2, "-q", "--run-id", "set", "--set", "generate.judge=users")
    model = ("--set", "model={provider: 'scripted:connect', name: m}")
    refused = scai(*command, *model)
    assert refused.code == 2
    assert "provider 'scripted:connect'; add --trust to load it" in refused.err
    assert not Path("runs").exists()
    assert scai(*command, *model, "--trust", "--set", "limits.calls=5").code == 3
    assert "add --trust to load it" in scai("resume", "set", "--set", "limits.calls=99").err
    assert scai("resume", "set", "--set", "limits.calls=99", "--trust", "-q").code == 0


@pytest.mark.slow
def test_a_full_disk_costs_at_most_what_was_in_flight(kind: Path, whole: Whole) -> None:
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
        "from scai_cli.cli import main; sys.argv = ['scai', *sys.argv[1:]]; main()"
    )
    command = ["generate", str(kind), "--n", str(ROWS), "--set", "generate.raters=1", "-q", "--run-id", "whole"]
    full = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, check=False)
    assert full.returncode == 4
    assert full.stderr.decode().count("\n") == 1
    assert "cannot be written: File too large; when this is solved, continue with `scai resume " in full.stderr.decode()
    path = Path("runs/whole")
    assert all((path / name).read_bytes()[-1:] in (b"\n", b"") for name in FILES)
    assert scai("resume", "whole", "-q").code == 0
    assert (path / "rows.jsonl").read_bytes() == whole.logs()[0]
    assert set(answered(path).values()) == {1}


def process(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scai_cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def asked(kind: Path, server: Loopback) -> tuple[object, ...]:
    model = ("--model", "openai:society", "--set", f"model.base_url={server.base_url}")
    return (
        "generate",
        kind,
        "--n",
        40,
        "--set",
        "generate.raters=1",
        "-q",
        "--run-id",
        "set",
        "--set",
        "limits.concurrency=8",
        *model,
    )


@pytest.mark.slow
def test_the_first_signal_lets_calls_in_flight_end(kind: Path) -> None:
    with Loopback(script=["ok"] * 242 + ["hold"] * 8, answer=society()) as server:
        started = process(*asked(kind, server))
        until(lambda: len(server.requests) == 250)
        started.send_signal(signal.SIGTERM)
        until(lambda: heard(started))
        server.release()
        out, err = started.communicate(timeout=120)
        assert (started.returncode, out) == (130, b"set\n")
        assert err.decode() == "scai: interrupted by SIGTERM; continue with `scai resume set`\n"
        path = Path("runs/set")
        assert sum(answered(path).values()) == len(server.requests) == 250
        assert json.loads((path / "outcome.json").read_text())["status"] == "interrupted"
        assert path.joinpath("rows.jsonl").read_bytes().count(b"\n") > 0
        assert scai("resume", "set", "-q").code == 0
        assert set(answered(path).values()) == {1}


@pytest.mark.parametrize("written", [0, 5, 10, 12])
def test_the_summary_of_a_resumed_set_is_that_of_an_undisturbed_one(kind: Path, written: int) -> None:
    with Loopback(answer=society()) as server:
        model = ("--model", "openai:society", "--set", f"model.base_url={server.base_url}")
        few = ("--set", "generate={k: 0, raters: 1, judge: users}")
        whole = scai("generate", kind, "--n", 12, "--run-id", "set", "--json", "-q", *model, *few)
        path = Path("runs/set")
        rows = (path / "rows.jsonl").read_bytes()
        (path / "rows.jsonl").write_bytes(b"".join(rows.splitlines(keepends=True)[:written]))
        (path / "outcome.json").write_text('{"status": "running", "wall_s": 1.0}')
        resumed = scai("resume", "set", "--json", "-q")
        assert len(server.requests) == whole.json["calls"]
    assert {**resumed.json, "wall_s": 0} == {**whole.json, "wall_s": 0}
    assert len(whole.json["health"]) > 0
    assert resumed.lines[-1] == whole.lines[-1]
    assert whole.lines[-1].startswith("warning: ")
    assert (path / "rows.jsonl").read_bytes() == rows
