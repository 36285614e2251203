"""A pipe, a folder, a link to nothing or a file in a place for something else ends each command in one line."""

from __future__ import annotations

import io
import os
import shutil
import signal
from pathlib import Path

import pytest
from conftest import TINY, scai

from scai_cli.runs.locks import take_lock

COMMANDS = (
    "run PATH",
    "check PATH",
    "run tiny.yaml --quiet --runs-dir PATH",
    "list --runs-dir PATH",
    "show latest --runs-dir PATH",
    "show ./PATH",
    "resume ./PATH",
    "report ./PATH",
    "explain ./PATH",
    "compare ./PATH tiny",
    "chat ./PATH",
    "export ./PATH --format dpo",
    "generate PATH.md --model simulated --tasks t.yaml",
    "generate tiny --tasks PATH",
    "generate tiny --personas PATH",
    "generate c.md --config PATH",
    "evaluate none ./PATH",
    "evaluate none PATH.md --model simulated --suite choice",
    "evaluate none tiny --config PATH",
    "evaluate none tiny --suite choice=PATH.jsonl",
    "evaluate none tiny --suite refusal --gold PATH.csv",
    "personas sample PATH.yaml --n 1 -o o.jsonl",
    "personas sample PATH --n 1 -o o.jsonl",
    "personas weigh PATH -o o.jsonl --quota side=a,b",
    "personas import PATH.csv --as table -o o.jsonl",
    "personas import PATH --as polis -o o.jsonl",
    "personas import PATH.json --as tinytroupe -o o.jsonl",
    "personas import ok.csv --as table --map PATH -o o.jsonl",
    "personas generate --n 1 -o o.jsonl --tasks PATH",
    "tasks generate --n 1 -o o.jsonl --like PATH",
    "dataset describe PATH.jsonl",
    "dataset describe PATH",
    "export tiny --format sft --decontaminate PATH",
    "export tiny --format sft --decontaminate PATH.csv",
)
OUTPUTS = (
    "report tiny -o PATH",
    "export tiny --format system -o PATH",
    "export tiny --format dpo -o PATH.jsonl",
    "export tiny --format dpo -o PATH/",
    "personas import ok.csv --as table -o PATH.jsonl",
    "personas sample p.yaml --n 1 -o PATH.yaml",
    "init PATH",
)
KINDS = ("nothing", "pipe", "folder", "link to nothing", "link to itself", "device", "name in a file", "long name")


def make(kind: str, name: str) -> str:
    """Make a path of this kind and return the name for the command line."""
    path = Path(name)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind in ("link to nothing", "link to itself", "device"):
        path.symlink_to({"link to nothing": "gone/x", "link to itself": name, "device": "/dev/zero"}[kind])
    elif kind == "name in a file":
        Path("file").write_text("x", encoding="utf-8")
        return f"file/{name}"
    elif kind == "long name":
        return "x" * 300 + name
    return name


@pytest.mark.slow
@pytest.mark.rotating
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_odd_path_is_one_line(command: str, kind: str, finished: Path) -> None:
    check(command, kind, finished)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["list --runs-dir PATH", "personas import PATH.csv --as table -o o.jsonl"])
def test_an_odd_path_of_two_commands_is_one_line(command: str, kind: str, finished: Path) -> None:
    check(command, kind, finished)


@pytest.mark.parametrize("kind", ["name in a file", "long name"])
@pytest.mark.parametrize("command", OUTPUTS)
def test_an_output_that_cannot_be_written_is_one_line(command: str, kind: str, finished: Path) -> None:
    check(command, kind, finished)


@pytest.mark.parametrize("name", ["events.jsonl", "calls.jsonl", "outcome.json", ".lock", "constitution/e1.md"])
@pytest.mark.parametrize("command", ["show tiny", "report tiny -o r.html", "export tiny --format sft", "resume tiny"])
def test_a_pipe_in_the_folder_of_a_run_is_one_line(command: str, name: str, finished: Path) -> None:
    shutil.copytree(finished, "runs/tiny")
    Path("runs/tiny", name).unlink(missing_ok=True)
    os.mkfifo(f"runs/tiny/{name}")
    signal.alarm(60)
    called, listed = scai(*command.split()), scai("list", "--json")
    signal.alarm(0)
    assert called.code == 2
    assert called.err.endswith(f"{name}: is a pipe or a device, not a file; restore it from a copy, or remove it\n")
    assert [entry["status"] for entry in listed.json] == ["failed"]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (".lock", "resume tiny -q"),
        ("calls.jsonl", "resume tiny -q"),
        ("events.jsonl", "resume tiny -q"),
        ("constitution", "resume tiny -q"),
        ("explain", "explain tiny"),
        ("explain/calls.jsonl", "explain tiny"),
        ("chats", "chat tiny"),
    ],
)
def test_a_link_in_the_folder_of_a_run_is_not_written_through(
    name: str, command: str, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished, "runs/tiny")
    link, mine = Path("runs/tiny", name), Path("mine").resolve()
    link.parent.mkdir(exist_ok=True)
    if name in ("constitution", "explain", "chats"):
        mine.mkdir()
    else:
        mine.write_text("mine", encoding="utf-8")
    shutil.rmtree(link, ignore_errors=True)
    link.unlink(missing_ok=True)
    link.symlink_to(mine)
    Path("runs/tiny/outcome.json").unlink()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Hello\n")))
    called = scai(*command.split())
    assert called.code == 2
    assert called.err.endswith(
        f"{name}: is a symbolic link, which is not written through; replace it by the file itself\n"
    )
    assert called.err.count("\n") == 1
    assert not list(mine.iterdir()) if mine.is_dir() else mine.read_text(encoding="utf-8") == "mine"


def test_a_folder_with_a_link_is_not_reused_for_a_new_run(tiny: Path) -> None:
    Path("runs/tiny").mkdir(parents=True)
    Path("mine").write_text("mine", encoding="utf-8")
    Path("runs/tiny/.lock").symlink_to(Path("mine").resolve())
    assert scai("run", tiny, "-q", "--set", "epochs=1").out == "tiny-2\n"
    assert Path("mine").read_text(encoding="utf-8") == "mine"


def test_a_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic links"):
        take_lock(tmp_path)
    assert not (tmp_path / "mine").exists()


def test_a_link_that_waits_for_an_output_is_not_followed(finished: Path) -> None:
    shutil.copytree(finished, "runs/tiny")
    Path("mine").write_text("mine", encoding="utf-8")
    Path(f".out.html.{os.getpid()}.part").symlink_to("mine")
    assert scai("report", "tiny", "-o", "out.html").code == 0
    assert Path("mine").read_text(encoding="utf-8") == "mine"
    assert not Path("out.html").is_symlink()


def check(command: str, kind: str, finished: Path) -> None:
    """Run a command with an odd path and compare its exit code and stderr."""
    shutil.copytree(finished, "runs/tiny")
    for name, text in {
        "tiny.yaml": TINY,
        "ok.csv": "name,description\nAnn,She likes tea\n",
        "c.md": "- Be brief.\n",
        "p.yaml": "personas: [{id: ann, name: Ann}]\n",
        "t.yaml": "tasks: [{id: tea, prompt: How?}]\n",
    }.items():
        Path(name).write_text(text, encoding="utf-8")
    place = next(word for word in command.split() if "PATH" in word)
    name = place.removeprefix("./").replace("PATH", "odd")
    path = make(kind, name)
    before = sorted(Path().rglob("*"))
    signal.alarm(60)  # it ends the tests if a pipe is waited for
    called = scai(
        *(word if word != place else place.replace(place.removeprefix("./"), path) for word in command.split())
    )
    signal.alarm(0)
    if called.code == 0:  # a folder without runs, or a new one
        assert kind in ("folder", "nothing", "link to nothing")
        assert "--runs-dir" in command
        return
    assert called.code in (2, 4), called
    assert len(called.errors) == 1, called.err
    assert called.errors[0].startswith("scai: ")
    assert sorted(Path().rglob("*")) == before
