"""What a shell offers at the cursor, asked as bash, zsh and fish ask, and that nothing else reaches the line typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Called, scai

from scai_cli.experiment.yaml_text import yaml_text

PEOPLE = ["ann", "bob", "cid"]


@pytest.fixture
def runs(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that may be changed."""
    monkeypatch.setenv("COLUMNS", "80")  # so that it is put back
    shutil.copytree(finished, "runs/tiny")
    return Path("runs")


def complete(monkeypatch: pytest.MonkeyPatch, line: str, shell: str = "bash") -> Called:
    """What the shell gets for a line with the cursor at its end."""
    words = line.split(" ")
    monkeypatch.setenv("_SCAI_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    return scai()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("show ", ["e", "s", "newest", "tiny", "latest"]),
        ("show --runs-dir elsewhere ", ["other", "latest"]),
        ("chat ", ["newest", "tiny", "latest"]),
        ("resume ", ["e", "g", "newest", "tiny", "latest"]),
        ("export ", ["e", "g", "s", "newest", "tiny", "latest"]),
        ("export g tiny --format sft", ["sft", "sft-prompt-completion"]),
        ("export e --format sc", ["scores"]),
        ("export tiny --for ", ["everyone", "members", *PEOPLE]),
        ("evaluate tiny ", ["newest", "tiny", "latest", "none", "bare"]),
        ("evaluate tiny --suite society,pa", ["society,pairs"]),
        ("show tiny --persona ", PEOPLE),
        ("show --persona=e", ["eve"]),  # of the newest run, where none is named yet
        ("show --runs-dir elsewhere other --persona=b", ["bob"]),
        ("show tiny --task ", ["tea", "sleep"]),
        ("chat nowhere --persona ", []),
        ("explain tiny --users ann b", ["bob"]),
        ("run ", ["mine.yaml", "configs/one.yaml"]),
        ("check configs/", ["configs/one.yaml"]),
        ("run ./runs/", []),  # then the shell completes files
        ("personas import x --as per", ["personahub"]),
        ("tasks import x --as h", ["habermas"]),
        ("sh", ["show"]),
    ],
)
def test_what_can_stand_at_the_cursor_is_offered(
    runs: Path, monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    for age, (name, sign) in enumerate((("s", "sweep"), ("g", "generation"), ("e", "evaluation")), 1):
        (runs / name).mkdir()
        (runs / name / f"{sign}.yaml").touch()
        os.utime(runs / name / f"{sign}.yaml", (age, age))
    shutil.copytree(runs / "tiny", "elsewhere/other")
    (runs / "newest").mkdir()
    (runs / "newest/config.yaml").write_text("personas:\n  inline:\n  - id: eve\n", encoding="utf-8")
    Path("configs").mkdir()
    for name in ("mine.yaml", "configs/one.yaml", "notes.txt"):
        Path(name).touch()
    called = complete(monkeypatch, f"scai {line}")
    assert (called.code, called.err) == (0, "")
    assert sorted(called.out.split()) == sorted(offered)


def test_each_shell_gets_its_form_with_names_beside_ids(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAI_RUNS_DIR", str(runs))
    line = "scai chat tiny --persona "
    assert complete(monkeypatch, line, "bash").out == "ann\nbob\ncid\n"
    assert complete(monkeypatch, line, "fish").out == "ann\tAnn Smith\nbob\tBob Jones\ncid\tCid Brown\n"
    zsh = complete(monkeypatch, line, "zsh").out
    assert zsh == """_arguments '*: :(("ann":"Ann Smith"\n"bob":"Bob Jones"\n"cid":"Cid Brown"))'\n"""
    options = complete(monkeypatch, "scai export --", "fish").out.splitlines()
    assert all(option.startswith("--") for option in options)  # a long description stays on its line
    assert len(options) > 20


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_strange_folders_neither_speak_nor_run_in_the_shell(
    runs: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    loud = "\\$(touch pwned) `touch pwned` \"; touch pwned; ' [/bold] \x1b[31m *"
    config = runs / "tiny/config.yaml"
    for name in (loud.replace("/", ""), "two words", "line\nbreak", "-rf", "*"):
        (runs / name).mkdir()
        (runs / name / "config.yaml").touch()
    people = [{"id": "fine", "name": loud}, {"id": "fine2", "name": 7}, {"id": loud, "name": "Eve"}]
    config.write_text(yaml_text({"personas": {"inline": people}}), encoding="utf-8")
    shown = [complete(monkeypatch, "scai show ", shell), complete(monkeypatch, "scai show tiny --persona ", shell)]
    assert "fine2" in shown[1].out
    for damaged in (b"\xff\xfe", b"", b"personas:\n  inline:\n  - id:\n"):
        config.write_bytes(damaged)
        shown.append(complete(monkeypatch, "scai show tiny --persona ", shell))
    config.unlink()
    os.mkfifo(config)
    shown.append(complete(monkeypatch, "scai show tiny --persona ", shell))
    Path("mine.txt").touch()
    for line in ("--runs-dir mine.txt ", "--bogus ", "../" * 99, "--runs-dir '\" "):
        shown.append(complete(monkeypatch, f"scai show {line}", shell))
    for called in shown:
        assert (called.code, called.err) == (0, "")
        assert not re.search(r"pwned\)|[$`\\;*\x1b](?!: :)|\[", called.out.removesuffix("))'\n"))


@pytest.mark.slow
def test_one_option_installs_it(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    env = {**os.environ, "HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = "scai --install-completion && source ~/.bash_completions/scai.sh && complete -p scai"
    found = subprocess.run([bash, "--norc", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert "completion installed in " in found.stdout, found.stderr
    assert found.stdout.endswith("complete -o default -F _scai_completion scai\n")
