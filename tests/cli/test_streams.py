"""Every command with a full disk behind its output, readers that have gone, and closed streams: no traceback, the right
code, and a run that goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from conftest import TINY, scai
from crash import EXPERIMENT, answered, society
from loopback import Loopback
from streams import STATES, streamed

from scai_cli.cli import app

COMMANDS = """\
--help
--version
nonsense
init demo
check tiny.yaml
check missing.yaml
plan tiny.yaml --json --prompts --probe
run tiny.yaml
run tiny.yaml --set limits.calls=20 --json
resume part
sweep study.yaml --at-once 2
sweep study.yaml --dry-run
list
list --json
show tiny --follow
show tiny --follow --json
show tiny --json
show nothing
chat tiny
chat tiny --json
report tiny
report tiny -o -
compare tiny part
explain tiny
export tiny --format sft
export tiny --format sft -o out.jsonl
export tiny --format system
generate tiny --set generate.k=0 --set generate.judge=users
generate tiny --set generate.k=0 --set generate.judge=users --dry-run
evaluate none tiny --suite choice --n 4
evaluate none tiny --suite choice --n 4 --dry-run
evaluate none tiny --suite choice,refusal --n 4 --json
evaluate tiny --suite realism --n 2
evaluate tiny --suite calibration --human rated.csv
serve nothing
view --port nothing
dataset describe rows.jsonl
personas describe people.jsonl
personas sample people.jsonl --n 5 -o -
personas weigh people.jsonl --quota side=a,b -o -
personas import people.jsonl --as table -o -
personas generate --n 3 -o made.jsonl
tasks generate --n 3 --like examples.yaml -o tasks.jsonl
tasks import lines.txt --as lines -o -
tasks import lines.txt --as lines -o tasks.jsonl
trust
trust AN_UNKNOWN_KEY not-an-origin
""".splitlines()
PEOPLE = "".join(
    f'{{"id": "p{n}", "name": "P{n} X", "description": "Likes {n}.", "attributes": {{"side": "{"ab"[n % 2]}"}}}}\n'
    for n in range(20)
)
FULL = "scai: stdout: cannot be written: No space left on device\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, one that a limit stopped, and the files that the commands name."""
    place = tmp_path_factory.mktemp("streams")
    files = {
        "tiny.yaml": TINY,
        "study.yaml": "experiment: tiny.yaml\neach: {epochs: 1}\ngrid: {seed: [1, 2]}\n",
        "people.jsonl": PEOPLE,
        "examples.yaml": "- {id: buses, prompt: Should the buses be free?}\n",
        "rated.csv": "person,prompt,answer,rating,scale\nann,Tea?,Yes.,4,1-5\nbob,Tea?,Yes.,1,1-5\n",
        "lines.txt": "How do I make tea?\nWhat helps against bad sleep?\n",
    }
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
    runs = ("--runs-dir", place / "runs")
    assert scai("run", place / "tiny.yaml", "-q", *runs).code == 0
    assert scai("run", place / "tiny.yaml", "-q", *runs, "--run-id", "part", "--set", "limits.calls=30").code == 3
    assert scai("export", "tiny", *runs, "--format", "sft", "-o", place / "rows.jsonl").code == 0
    return place


def check(folder: Path, commands: list[str], states: list[str]) -> None:
    cases = [(command, "Hello\n" * command.startswith("chat"), s) for command in commands for s in ("as ever", *states)]
    ended = dict(zip(cases, streamed(folder, cases), strict=True))
    for case, found in ended.items():
        command, typed, state = case
        usual, lost = ended[command, typed, "as ever"], STATES[state]
        code = 4 if lost.get(1) == "full" and usual.out and not usual.code else usual.code
        assert found.code == code, (case, found, usual)
        assert not any(word in found.err for word in ("Traceback", "Exception ignored", "Error: [Errno")), (case, found)
        assert found.statuses == usual.statuses, (case, found)
        assert "running" not in found.statuses, (case, found)
        shows_times = command.startswith(("run", "chat", "evaluate")) and "--json" in command
        if 1 not in lost and not shows_times:
            assert found.out == usual.out, (case, found)
        if lost == {1: "full"} and code == 4 != usual.code:
            assert found.err.partition("scai: ")[1:] == ("scai: ", FULL.removeprefix("scai: ")), (case, found)


def test_the_table_has_every_command() -> None:
    def leaves(command: object, name: str = "") -> list[str]:
        below = getattr(command, "commands", {})
        shown = [(f"{name}{key}", each) for key, each in below.items() if not each.hidden]
        return [leaf for key, each in shown for leaf in leaves(each, f"{key} ")] or [name]

    for leaf in leaves(typer.main.get_command(app)):
        assert any(f"{command} ".startswith(leaf) for command in COMMANDS), leaf


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_every_command_ends_well(folder: Path, part: int) -> None:
    check(folder, COMMANDS[part::4], [state for state in STATES if state != "as ever"])


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    line = line.replace("scai ", f"{sys.executable} -m scai_cli ")
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, env=os.environ | env, timeout=60
    )


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_run_without_a_reader_of_its_progress_finishes(tiny: Path, unbuffered: str) -> None:
    found = shell(f"scai run {tiny} 2>&1 >id | head -1", PYTHONUNBUFFERED=unbuffered)
    assert found.stdout == "run tiny: 3 simulated people, 2 tasks, 2 epochs\n"
    assert Path("id").read_text(encoding="utf-8") == "tiny\n"
    assert scai("list", "--json").json[0]["status"] == "finished"


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_a_closed_stream_gets_no_other_files_number(tiny: Path, closed: str) -> None:
    assert shell(f"scai run {tiny} -q {closed}").returncode == 0
    assert scai("list", "--json").json[0]["status"] == "finished"


FEW = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0})); from scai_cli.cli import main; main()"


@pytest.mark.slow
@pytest.mark.parametrize(("files", "code"), [(64, 0), (24, 4)])
def test_few_open_files_are_enough_or_one_line_and_a_resume(tmp_path: Path, files: int, code: int) -> None:
    with Loopback(latency=0.05, answer=society()) as server:
        text = EXPERIMENT.replace("URL", server.base_url).replace("epochs: 4", "epochs: 1")
        (tmp_path / "crash.yaml").write_text(text.replace("concurrency: 8", "concurrency: 32"), encoding="utf-8")
        command = [sys.executable, "-c", FEW.format(files), "run", "crash.yaml", "-q"]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert (found.returncode, found.stdout) == (code, "crash\n")
        lines = [line for line in found.stderr.splitlines() if not line.startswith("warning: ")]
        assert len(lines) == bool(code)
        assert all(line.endswith("; when this is solved, continue with `scai resume crash`") for line in lines)
        assert scai("resume", "crash", "-q").code == 0
    assert set(answered(tmp_path / "runs" / "crash").values()) == {1}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("report RUN -o WHERE.html", 4),
        ("export RUN --format sft -o WHERE.jsonl", 4),
        ("export RUN --format sft -o WHERE/", 4),
        ("personas generate --n 2 -o WHERE.jsonl", 4),
        ("init WHERE", 4),
        ("run tiny.yaml --runs-dir WHERE", 2),
        ("show ./LONG", 2),
        ("list --runs-dir LONG", 2),
        ("personas describe LONG", 2),
    ],
)
def test_a_place_that_cannot_be_written_or_named_is_one_line(
    tiny: Path, finished: Path, command: str, code: int
) -> None:
    words = command.replace("RUN", str(finished)).replace("WHERE", "/proc/self/here").replace("LONG", "x" * 300)
    found = scai(*words.split(), *["-q"] * command.startswith("run"))
    assert (found.code, found.out, len(found.errors)) == (code, "", 1), found


def test_an_init_that_fails_can_be_repeated() -> None:
    program = FEW.replace("NOFILE, ({0}, {0})", "FSIZE, (3000, 3000)")
    found = subprocess.run([sys.executable, "-c", program, "init", "demo"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr.count("\n")) == (4, 1)
    assert scai("init", "demo").code == 0


INTERRUPTED_WRITE = """
import sys
from scai_cli.cli.streams import _Output, prepare_streams

def interrupt(frame, event, called):
    if event == "c_return" and frame.f_code is _Output.write.__code__ and called.__name__ == "write":
        sys.setprofile(None)
        raise KeyboardInterrupt

prepare_streams()
sys.setprofile(interrupt)
try:
    sys.stderr.write("once\\n")
    sys.stderr.flush()
except KeyboardInterrupt:
    sys.stderr.write("interrupted\\n")
"""


def test_a_signal_at_the_end_of_a_write_makes_nothing_appear_twice() -> None:
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED_WRITE], capture_output=True, text=True, check=True)
    assert ended.stderr == "once\ninterrupted\n"
