"""A start that fails at any moment leaves nothing: no empty folder of a run, nor the folder of all runs."""

import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import pytest
from conftest import scai

from scai_cli.errors import RunError
from scai_cli.runs.chat_directory import ChatDirectory
from scai_cli.runs.file_names import ROWS
from scai_cli.runs.locked_folder import CALLS, LockedFolder
from scai_cli.runs.locks import take_lock
from scai_cli.runs.row_directory import GENERATED, TASKS, RowDirectory
from scai_cli.runs.run_directory import RunDirectory

RUNS = Path("some/runs")
_PLACES = ("/pathlib.py", *(f"/scai_cli/runs/{name}.py" for name in ("locked_folder", "locks", "jsonl")))


def _run() -> LockedFolder:
    return RunDirectory.create(RUNS, None, "r", "name: r\n").folder


def _set() -> LockedFolder:
    directory = RowDirectory.create(RUNS, "set", "r", GENERATED)
    with directory.folder.discarded_on_failure(*GENERATED.names, CALLS, ROWS):
        with suppress(StopIteration):  # an event loop would need free files, too
            directory.write_source(TASKS, [b"{}"]).send(None)
        directory.complete("name: r\n", "rows: 1\n")
    return directory.folder


def _chat() -> LockedFolder:
    return ChatDirectory.create(RUNS / "r").folder


def _explanation() -> LockedFolder:
    return LockedFolder.open(RUNS / "r" / "explanation", CALLS)


STARTS = {"run": _run, "set": _set, "chat": _chat, "explanation": _explanation}


@contextmanager
def _interrupted_at(moment: int) -> Iterator[None]:
    """Raise KeyboardInterrupt after the Nth call of the system or of Python's own, where Ctrl-C is noticed."""
    now = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal now
        if event == "c_return" and frame.f_code.co_filename.endswith(_PLACES):
            now += 1
            if now == moment:
                raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files that Ctrl-C left to Python
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_ctrl_c_at_any_moment_of_a_start_leaves_nothing(start: Callable[[], LockedFolder]) -> None:
    for moment in range(1, 1000):
        try:
            with _interrupted_at(moment):
                folder = start()
        except KeyboardInterrupt:
            assert not Path("some").exists(), (moment, list(Path("some").rglob("*")))
        else:
            assert moment > 10
            folder.close()
            return
    raise AssertionError("it never starts")


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_start_without_a_free_file_leaves_nothing(start: Callable[[], LockedFolder]) -> None:
    start().close()
    for file in sorted(Path("some").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    Path("some").rmdir()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = os.dup(0)  # the lowest number that is free
    os.close(used)
    failed = 0
    for free in range(12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + free, before[1]))
        try:
            start().close()
            break
        except RunError:
            failed += 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert not Path("some").exists(), (free, list(Path("some").rglob("*")))
    assert failed


def test_the_folders_of_others_stay() -> None:
    other = RunDirectory.create(RUNS, "other", "r", "name: r\n").folder
    folder = RunDirectory.create(RUNS, None, "r", "name: r\n").folder
    folder.discard("config.yaml", "constitution")
    assert [path.name for path in RUNS.iterdir()] == ["other"]
    with pytest.raises(RunError, match="in use"):
        take_lock(other.path)
    other.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "tiny.yaml", "--run-id", "../x"),
        ("run", "tiny.yaml", "--model", "openai:m", "--set", "model.api_key_env=NO_SUCH_KEY"),
        ("run", "tiny.yaml", "--set", "model.provider=nowhere:connect"),
        ("generate", "rules.md", "--model", "simulated", "--tasks", "missing.yaml"),
        ("generate", "rules.md", "--model", "simulated", "--tasks", "broken.jsonl"),
        ("evaluate", "none", "rules.md", "--model", "simulated", "--suite", "choice=missing.jsonl"),
        ("evaluate", "none", "rules.md", "--model", "openai:m", "--set", "model.api_key_env=NO_SUCH_KEY"),
    ],
)
def test_a_command_that_cannot_start_leaves_no_folder(tiny: Path, arguments: tuple[str, ...]) -> None:
    Path("rules.md").write_text("- Be brief.\n")
    Path("broken.jsonl").write_text('{"id": "a", "prompt": "Hi"}\n{"id": \n')
    before = set(Path.cwd().iterdir())
    called = scai(*("tiny.yaml" if a == "tiny.yaml" else a for a in arguments), "--quiet")
    assert called.code == 2, called.err
    assert set(Path.cwd().iterdir()) == before
