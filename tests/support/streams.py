"""`scai` in processes whose stdout and stderr are full, closed, or without a reader.

Each command runs in a child that is forked when everything is imported, so that hundreds of them take seconds.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

STATES: Final[Mapping[str, Mapping[int, str]]] = {
    "as ever": {},
    "stderr without a reader": {2: "gone"},
    "stderr full": {2: "full"},
    "stderr closed": {2: "closed"},
    "stdout without a reader": {1: "gone"},
    "stdout full": {1: "full"},
    "stdout closed": {1: "closed"},
    "both without a reader": {1: "gone", 2: "gone"},
    "both full": {1: "full", 2: "full"},
    "all closed": {0: "closed", 1: "closed", 2: "closed"},
}


@dataclass(frozen=True, slots=True)
class Streamed:
    """How a command ended: its exit code, what it wrote, and the statuses in the `outcome.json` files."""

    code: int
    out: str
    err: str
    statuses: list[str]


def streamed(folder: Path, cases: Sequence[tuple[str, str, str]]) -> list[Streamed]:
    """Run each (command, stdin, state) in a copy of a folder of its own."""
    order = json.dumps([str(folder), cases])
    called = subprocess.run([sys.executable, __file__], input=order, capture_output=True, text=True, check=False)
    assert called.returncode == 0, called.stderr
    return [Streamed(*ended) for ended in json.loads(called.stdout)]


def _closed(name: str, number: int) -> None:
    """Put a stream into a state; a closed one is None, as in a process that started with it closed."""
    if name == "gone":
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, number)
        os.close(writing)
    elif name == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), number)
    else:
        os.close(number)
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)


def _child(command: str, state: str, files: Sequence[int], report: Path | None) -> None:
    """Become the command: returns or raises as `scai` does, with Python's own end after it."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    for number, name in STATES[state].items():
        _closed(name, number)
    sys.argv = ["scai", *command.split()]
    from scai_cli.cli import main

    try:
        main()
    finally:
        if report is not None:
            report.write_text(json.dumps(list(sys.modules)), encoding="utf-8")


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode("utf-8", "replace"))


def _main() -> None:
    """A child leaves through here as `scai` does, so nothing here may catch what it raises, or clean up."""
    source, cases = json.load(sys.stdin)
    ended: list[Any] = []
    known: set[str] = set()
    for command, typed, state in cases:
        kept = Path(tempfile.mkdtemp())
        place, report = shutil.copytree(source, kept / "place"), None if command in known else kept / "modules"
        known.add(command)
        (kept / "0").write_text(typed, encoding="utf-8")
        streams = [(kept / str(number)).open("a+b" if number else "rb") for number in range(3)]
        if (pid := os.fork()) == 0:
            os.chdir(place)
            _child(command, state, [file.fileno() for file in streams], report)
            return
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        outcomes = [json.loads(path.read_bytes())["status"] for path in place.rglob("outcome.json")]
        ended.append([code, *(_text(file) for file in streams[1:]), sorted(outcomes)])
        if report is not None and report.exists():
            for name in json.loads(report.read_text(encoding="utf-8")):  # once, and not in every child
                with suppress(Exception):
                    importlib.import_module(name)
        for file in streams:
            file.close()
        shutil.rmtree(kept)
    print(json.dumps(ended))


if __name__ == "__main__":
    _main()
