"""Kill a run at random moments (SIGKILL), resume it until it is done, and compare it with one that nobody disturbed.

    python tests/support/crash.py --kills 100 --seed 1      # or `make crash-test`

The run talks over HTTP with the simulated society, which stands behind a loopback endpoint of some latency. A quarter
of the kills come at any time from the start of the process on (imports, config, mending, replay), the others some
calls later, so that they are spread over the whole run. When a run is done before all kills are, another one begins.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from loopback import Body, Loopback

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Message, Sampling
from scai_cli.models.simulated import connect

T = TypeVar("T")

EXPERIMENT = """\
name: crash
seed: 5
epochs: 4
turns: 2
personas:
  - {id: ann, name: Ann Smith, description: Ann wants it short., preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, name: Bob Jones, description: Bob wants it long., preferences: {detailed: 1.0, formal: 0.5}}
  - {id: cid, name: Cid Brown, description: Cid wants sources., preferences: {names_source: 1.0}}
  - {id: dan, name: Dan Green, description: Dan is thrifty., preferences: {thrift: 1.0, plain_words: 0.5}}
tasks:
  - {id: tea, prompt: How do I make a pot of tea?}
  - {id: sleep, prompt: What helps against bad sleep?}
  - {id: gift, prompt: What gift suits a neighbour?}
model: {provider: openai, name: society, base_url: "URL"}
limits: {concurrency: 8}
"""


@dataclass(frozen=True)
class Result:
    """What came of a crash test: `repeated` calls were answered twice, `asked` is how many requests were sent for
    the `calls` that the runs needed, `different` names the runs whose events differ from the undisturbed one's."""

    kills: int
    runs: int
    calls: int
    asked: int
    repeated: int
    different: list[str]
    torn: int


def society(seed: int = 0) -> Callable[[Body], str]:
    """The simulated society as a loopback server's answers."""
    model = connect(ModelSettings(), seed=seed)

    def answer(asked: Body) -> str:
        messages = tuple(Message(m["role"], m["content"]) for m in asked["messages"])
        request = ChatRequest("", "user", "", asked["model"], messages, Sampling(seed=asked.get("seed")))
        return _driven(model.complete(request)).text

    return answer


def _driven(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that only ever yields, where a loop runs already."""
    while True:
        try:
            work.send(None)
        except StopIteration as done:
            return done.value


def comparable(run: Path) -> list[tuple[str, str, str]]:
    """A run's events in a fixed order, without what differs from run to run: seq, time and the run's id."""
    found = []
    with (run / "events.jsonl").open(encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            del event["seq"], event["time"]
            event.pop("run_id", None)
            found.append((event["type"], event["id"], json.dumps(event, sort_keys=True)))
    return sorted(found)


def answered(run: Path) -> Counter[str]:
    """Call id -> how often it was answered by the model."""
    with (run / "calls.jsonl").open(encoding="utf-8") as file:
        calls = [json.loads(line) for line in file]
    return Counter(call["id"] for call in calls if call.get("source") == "model")


def start(run: Path, config: Path) -> subprocess.Popen[bytes]:
    """`scai run`, or `scai resume` if there is something to go on with."""
    go_on = ["resume", str(run)] if (run / "config.yaml").exists() else ["run", str(config), "--run-id", run.name]
    return subprocess.Popen(
        [sys.executable, "-m", "scai_cli", *go_on, "--runs-dir", str(run.parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def crash_test(kills: int, seed: int, folder: Path, latency: float = 0.02) -> Result:
    """Kill so often, then let the run that was killed last come to its end; raises when `scai` fails by itself."""
    rng = random.Random(seed)
    done: list[Path] = []
    left, torn = kills, 0
    with Loopback(latency=latency, answer=society()) as server:
        config = folder / "crash.yaml"
        config.write_text(EXPERIMENT.replace("URL", server.base_url), encoding="utf-8")
        _finish(start(folder / "undisturbed" / "crash-0", config))
        first = len(server.requests)
        while left or not done or not _is_done(done[-1]):
            if not done or _is_done(done[-1]):
                done.append(folder / "disturbed" / f"crash-{len(done)}")
            process = start(done[-1], config)
            if not left:
                _finish(process)
            elif _kill(process, server, rng, latency):
                left -= 1
                torn += _is_torn(done[-1])
        asked = len(server.requests) - first
    return _judged(folder, done, kills, asked, torn)


def _kill(process: subprocess.Popen[bytes], server: Loopback, rng: random.Random, latency: float) -> bool:
    """Kill the process at a random moment; False if it was done before."""
    deadline = time.monotonic() + rng.uniform(0, 1.5) if rng.random() < 0.25 else float("inf")
    goal = len(server.requests) + rng.randint(1, 30)
    while process.poll() is None and time.monotonic() < deadline and len(server.requests) < goal:
        time.sleep(0.0005)
    time.sleep(rng.uniform(0, 2 * latency))
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    output = process.communicate()[0].decode()
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"scai failed by itself ({process.returncode}): {output}")
    return process.returncode != 0


def _finish(process: subprocess.Popen[bytes]) -> None:
    output = process.communicate(timeout=120)[0].decode()
    if process.returncode:
        raise RuntimeError(f"scai failed ({process.returncode}): {output}")


def _is_done(run: Path) -> bool:
    events = run / "events.jsonl"
    return events.exists() and b'"type":"run_finished"' in events.read_bytes()


def _is_torn(run: Path) -> bool:
    files = [run / name for name in ("events.jsonl", "calls.jsonl")]
    return any(file.exists() and file.read_bytes()[-1:] not in (b"\n", b"") for file in files)


def _judged(folder: Path, runs: list[Path], kills: int, asked: int, torn: int) -> Result:
    undisturbed = folder / "undisturbed" / "crash-0"
    wanted, needed = comparable(undisturbed), answered(undisturbed)
    repeated, different = 0, []
    for run in runs:
        found = answered(run)
        repeated += sum(times - 1 for times in found.values())
        if comparable(run) != wanted or found.keys() != needed.keys():
            different.append(run.name)
    return Result(kills, len(runs), len(needed) * len(runs), asked, repeated, different, torn)


def main() -> int:
    parser = argparse.ArgumentParser(description="kill runs at random moments and resume them")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = crash_test(args.kills, args.seed, Path(folder))
    print(
        f"{result.kills} kills (seed {args.seed}) in {result.runs} runs of {result.calls // result.runs} calls, "
        f"{time.monotonic() - began:.0f} s; {result.torn} left a torn line"
    )
    print(f"answered calls that were made again: {result.repeated}")
    print(f"calls in flight that a kill cost: {result.asked - result.calls}")
    same = not result.different
    print(f"events equal those of the undisturbed run: {'yes' if same else f'NO: {result.different}'}")
    return 0 if same and result.repeated == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
