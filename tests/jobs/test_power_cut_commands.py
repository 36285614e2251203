"""The work of other commands survives a power cut as runs do: they continue what it left, and repeat nothing of it.

With those of `test_power_cut.py`, the slow tests cut the power 200 times.
"""

from __future__ import annotations

import json
import os
import random
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Called, scai
from crash import EXPERIMENT, society
from crash_commands import COMMANDS, Command
from loopback import Loopback
from power import Disk

from scai_cli.runs.jsonl import lines

SEED = int(os.environ.get("CRASH_SEED", "1"))
SMALLER = {
    "generate": ("--n 12", "--n 6"),
    "evaluate": ("society,adherence,choice,refusal,pairs --n 6", "society,refusal --n 2"),
    "explain": ("limits.calls=160", "limits.calls=60"),
    "personas generate": ("--n 80", "--n 6"),
    "tasks generate": ("--n 150", "--n 20"),
}
"""The commands, and what makes them small enough for many power cuts."""


def call(line: str) -> Called:
    called = scai(*shlex.split(line))
    assert called.code == 0, called.err
    return called


def logged(command: Command, folder: Path) -> list[bytes]:
    return [line for log in folder.glob(command.log) for *_, line in lines(log)]


def result(command: Command, folder: Path, called: Called) -> dict[str, object]:
    """The files that it makes, and what it prints without times and paths.

    A generated set has the rows that were written also when their calls are lost: it then counts fewer calls.
    """
    varying = ("wall_s", "path", *(("calls", "usage") if command.once else ()))
    files = {path.name: path.read_bytes() for pattern in command.results for path in folder.glob(pattern)}
    printed = json.loads(called.out) if called.out.startswith("{") else called.errors[-1]
    if isinstance(printed, dict):
        printed = {key: value for key, value in printed.items() if key not in varying}
    return {**files, "printed": printed}


@pytest.fixture(scope="module", params=SMALLER)
def worked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Command, Disk, dict[str, object], Loopback]]:
    """A command, the disk of its undisturbed work, its result, and its server."""
    row, folder = COMMANDS[request.param], tmp_path_factory.mktemp("worked")
    command = replace(row, start=row.start.replace(*SMALLER[request.param]))
    with Loopback(answer=society()) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        (folder / "crash.yaml").write_text(EXPERIMENT.replace("URL", server.base_url), encoding="utf-8")
        for line in command.prepared:
            call(line)
        with Disk(folder) as disk:
            found = result(command, folder, call(command.start))
        yield command, disk, found, server


def cut(worked: tuple[Command, Disk, dict[str, object], Loopback], rng: random.Random, folder: Path) -> None:
    command, disk, wanted, server = worked
    disk.after_cut(rng.randint(0, len(disk.notes)), rng, folder)
    before, asked = logged(command, folder), len(server.requests)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        begun = command.once and (folder / command.once).exists()
        found = result(command, folder, call(command.resume if begun else command.start))
    after = logged(command, folder)
    assert set(before) <= set(after)
    assert len(after) - len(before) == len(server.requests) - asked
    names = [(line["id"], line["digest"]) for line in map(json.loads, after)]
    assert len(set(names)) == len(names)
    assert found == wanted


@pytest.mark.parametrize("number", range(2))
def test_other_work_survives_a_power_cut(
    worked: tuple[Command, Disk, dict[str, object], Loopback], number: int, tmp_path: Path
) -> None:
    print(f"CRASH_SEED={SEED}, number {number}")
    cut(worked, random.Random(f"{SEED}/{number}"), tmp_path / "cut")


@pytest.mark.slow
def test_other_work_survives_many_power_cuts(
    worked: tuple[Command, Disk, dict[str, object], Loopback], tmp_path: Path
) -> None:
    print(f"CRASH_SEED={SEED}")
    rng = random.Random(f"{SEED}/many")
    for number in range(27):
        cut(worked, rng, tmp_path / str(number))


def test_a_log_that_was_closed_is_on_the_disk(
    worked: tuple[Command, Disk, dict[str, object], Loopback], tmp_path: Path
) -> None:
    command, disk, _, _ = worked
    for number in range(10):
        disk.after_cut(len(disk.notes), random.Random(number), tmp_path / str(number))
        assert logged(command, tmp_path / str(number)) == logged(command, disk.root)
