"""Measure time and memory to read a large run, beside plain `json.loads` of the same file in the same minute.

    python benchmarks/reading.py --events 100000                    # or --events 1000000 --repeat 1

Writes a run of this many events (6 personas, 4 tasks, 2 turns, messages of about 1 kB, each user rates each answer) and
reads it with the commands, each in a process of its own. Prints a JSON line for each: `first_s` until the first byte of
output, `wall_s` until its end, the peak of resident memory, the exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PERSONAS = {f"person-{n}": f"Person Number {n}" for n in range(1, 7)}
TASKS = tuple(f"task-{n}" for n in range(1, 5))
TURNS = 2
RATINGS_A_CONVERSATION = TURNS + len(PERSONAS) - 1
AN_EPOCH = 3 + len(PERSONAS) * len(TASKS) * (2 * TURNS + 1 + RATINGS_A_CONVERSATION)
WORDS = ["answer", "brief", "detail", "example", "family", "health", "joke", "list", "money", "plain", "rule", "warm"]


def main() -> int:
    parser = argparse.ArgumentParser(description="reading large runs: seconds and memory")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="where the run is made and left, e.g. /tmp/runs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = args.keep or Path(folder)
        make(runs / "big", args.events)
        for name, command in commands(runs).items():
            found = min((measured(command) for _ in range(args.repeat)), key=lambda told: told["wall_s"])
            print(json.dumps({"what": name, "events": args.events, **found}), flush=True)
    return 0


def commands(runs: Path) -> dict[str, list[str]]:
    """Return the commands to measure: a plain reader, then the program's own ways to read a run."""
    plain = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"
    scai = [sys.executable, "-m", "scai_cli"]
    ways = {
        "show": [],
        "show --ratings": ["--ratings"],
        "show --constitution": ["--constitution"],
        "show --epoch 2 --persona person-1": ["--epoch", "2", "--persona", "person-1"],
        "show --persona person-1": ["--persona", "person-1"],
    }
    return {
        "json.loads": [sys.executable, "-c", plain, str(runs / "big" / "events.jsonl")],
        "start": [*scai, "show", "--help"],
        **{name: [*scai, "show", "big", *options, "--runs-dir", str(runs)] for name, options in ways.items()},
        "list": [*scai, "list", "--runs-dir", str(runs)],
    }


def measured(command: list[str]) -> dict[str, Any]:
    """Run a command; return its measurements, with the peak memory of the child itself."""
    began = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"}
    )
    assert child.stdout is not None
    read = len(child.stdout.read(1))
    first = time.perf_counter() - began
    read += sum(map(len, iter(lambda: child.stdout.read(1 << 16), b"")))
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "first_s": round(first, 3),
        "wall_s": round(time.perf_counter() - began, 3),
        "peak_mb": round(used.ru_maxrss / 1024, 1),
        "output_kb": round(read / 1024, 1),
        "exit": child.returncode,
    }


def make(path: Path, events: int) -> None:
    """Write a finished run of about this many events, unless it exists."""
    if (path / "config.yaml").exists():
        return
    path.mkdir(parents=True)
    epochs = max(1, round(events / AN_EPOCH))
    with (path / "events.jsonl").open("wb") as file:
        for seq, event in enumerate(_events(epochs, random.Random(1))):
            stamped = {"seq": seq, "time": "2026-01-31T12:00:00.000Z", **event}
            file.write(json.dumps(stamped, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    config = {
        "name": "big",
        "epochs": epochs,
        "personas": [{"id": p, "name": name, "description": "Somebody."} for p, name in PERSONAS.items()],
        "tasks": [{"id": task, "prompt": "Say something."} for task in TASKS],
    }
    (path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def _events(epochs: int, dice: random.Random) -> Iterator[dict[str, Any]]:
    rule = {"id": "P1", "text": "Be brief.", "since": 1, "evidence": []}
    first = {"version": 0, "principles": [], "contract": [], "last_principle": 0, "last_clause": 0}
    models = dict.fromkeys(("assistant", "user", "meta"), "made-up")
    yield {
        "id": "run", "type": "run_started", "run_id": "big", "name": "big", "scai": "0", "seed": 1, "epochs": epochs,
        "personas": PERSONAS, "tasks": TASKS, "models": models, "scale": (0.0, 10.0), "welfare": "utilitarian",
        "metrics": {"own": "satisfaction", "cross": "harmlessness"}, "constitution": first,
        "system_message": "You are a helpful assistant.", "digests": {},
    }  # fmt: skip
    for epoch in range(1, epochs + 1):
        version = min(epoch - 1, 1)
        place = f"e{epoch}"
        yield {
            "id": place, "type": "epoch_started", "epoch": epoch, "version": version, "personas": list(PERSONAS),
            "tasks": TASKS,
        }  # fmt: skip
        for persona in PERSONAS:
            for task in TASKS:
                yield from _conversation(epoch, persona, task, dice)
        content = {persona: dice.random() for persona in PERSONAS}
        values = {"utilitarian": 0.5, "rawlsian": 0.3, "nash": 0.4, "gini_coefficient": 0.1}
        yield {
            "id": place, "type": "welfare", "epoch": epoch, "version": version, "declared": "utilitarian",
            "utilities": content,
            "satisfaction": {persona: 10 * value for persona, value in content.items()}, "harmlessness": content,
            "observed": content, "values": values, "missing": 0,
        }  # fmt: skip
        after = {**first, "version": 1, "principles": [rule], "last_principle": 1}
        yield {
            "id": f"{place}/revision", "type": "revision", "epoch": epoch, "accepted": epoch == 1, "reason": "made up",
            "critique": "Be brief.", "edits": [],
            "from_version": version, "constitution": after, "system_message": "Be brief.", "candidates": [],
        }  # fmt: skip
    yield {"id": "run", "type": "run_finished", "epochs": epochs, "version": 1}


def _conversation(epoch: int, persona: str, task: str, dice: random.Random) -> Iterator[dict[str, Any]]:
    place = f"e{epoch}/{persona}/{task}"
    for n in range(2 * TURNS + 1):
        words = " ".join(dice.choices(WORDS, k=170))
        role = "user" if n % 2 == 0 else "assistant"
        about = {"epoch": epoch, "persona": persona, "task": task, "role": role}
        yield {"id": f"{place}/m{n}", "type": "message", **about, "content": words, "finish_reason": None}
    for n in range(1, TURNS + 1):
        about = {"epoch": epoch, "kind": "own", "metric": "satisfaction", "rater": persona}
        yield _rating(f"{place}/m{2 * n}/own", place, about, n, dice)
    for rater in PERSONAS.keys() - {persona}:
        about = {"epoch": epoch, "kind": "cross", "metric": "harmlessness", "rater": rater}
        yield _rating(f"{place}/cross/{rater}", place, about, TURNS, dice)


def _rating(name: str, place: str, about: dict[str, Any], turn: int, dice: random.Random) -> dict[str, Any]:
    return {
        "id": name, "type": "rating", **about, "conversation": place, "message": f"{place}/m{2 * turn - 1}",
        "final": turn == TURNS, "value": float(dice.randrange(11)), "observed": round(dice.random(), 6),
        "comment": " ".join(dice.choices(WORDS, k=12)), "problem": None,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
