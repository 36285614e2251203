"""Kill `scai generate` while it asks in batches (SIGKILL), resume it, and count what the server was paid twice.

    python tests/support/batch_kills.py --rows 3000 --kills 20 --seed 1

The moments are drawn: before and after the upload, before and after the batch is made, while it is in flight, while
its results are downloaded, and while they arrive in the call log. A work that is done before all kills are is followed
by the same work in another folder.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from batch_server import BatchServer

EXPERIMENT = """\
name: kills
personas:
  - {id: ann, description: Ann wants it short., preferences: {concise: 1}}
  - {id: bob, description: Bob wants every step., preferences: {detailed: 1}}
tasks:
  - {id: stain, prompt: How do I get a stain out?}
  - {id: plant, prompt: Why does my plant die?}
  - {id: soup, prompt: What goes into a soup?}
"""
STEPS = (
    "before POST files",
    "after POST files",
    "before POST batches",
    "after POST batches",
    "before GET batches/ID",
    "after GET batches/ID",
    "before GET files/ID/content",
    "after GET files/ID/content",
    "results",
    "results",
)
"""The moments of kills; `results` is while the answers arrive in the call log."""


@dataclass
class Found:
    """What came of the kills."""

    kills: Counter[str] = field(default_factory=Counter)
    works: int = 0
    calls: int = 0
    """The calls of one work."""
    twice: list[str] = field(default_factory=list)
    """The requests that the server was paid for more than once."""
    different: list[str] = field(default_factory=list)
    """The works whose rows are not those of the work that nobody disturbed."""


@dataclass
class Session:
    """One process, killed at a moment."""

    command: list[str]
    log: Path
    moment: str | None
    draw: random.Random
    rows: int
    killed: bool = False
    process: subprocess.Popen[bytes] | None = None
    seen: int = 0

    def run(self) -> int:
        """Run until the end or the kill; return the exit code."""
        before = _lines(self.log)
        with subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as self.process:
            if self.moment == "results":
                wanted = before + self.draw.randint(1, self.rows)
                threading.Thread(target=self._kill_at, args=(wanted,), daemon=True).start()
            said = self.process.stderr.read().decode()  # type: ignore[union-attr]
        if self.process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(said)
        return self.process.returncode

    def at(self, step: str) -> None:
        """Called for every step of the server."""
        if step == self.moment:
            self.kill()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.killed = True

    def _kill_at(self, wanted: int) -> None:
        assert self.process is not None
        while self.process.poll() is None:
            if _lines(self.log) >= wanted:
                self.kill()
                return


def kill(rows: int, kills: int, seed: int, python: str = sys.executable) -> Found:
    """Make works of some rows and kill their sessions until so many kills are made."""
    draw, found = random.Random(seed), Found()
    moments = [STEPS[number % len(STEPS)] for number in range(kills)]
    draw.shuffle(moments)
    with tempfile.TemporaryDirectory() as folder, BatchServer(delay=0.1) as server:
        os.environ["PYTHONPATH"] = os.pathsep.join((str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")))
        there = Path(folder)
        (there / "kills.yaml").write_text(EXPERIMENT, encoding="utf-8")
        (there / "rules.md").write_text("- Be brief.\n- Be kind.\n", encoding="utf-8")
        whole = _work(there, server, rows, [], draw, python, found)
        found.calls = len(server.paid)
        while moments:
            server.paid.clear()
            run = _work(there, server, rows, moments, draw, python, found)
            found.works += 1
            found.twice += [key for key, times in server.paid.items() if times > 1]
            if (run / "rows.jsonl").read_bytes() != (whole / "rows.jsonl").read_bytes():
                found.different.append(run.name)
    return found


def _work(
    folder: Path, server: BatchServer, rows: int, moments: list[str], draw: random.Random, python: str, found: Found
) -> Path:
    """Make one set; take the moments of kills from the list until it is done."""
    runs = folder / f"runs{found.works}-{bool(moments)}"
    run = runs / "rows"
    scai = [python, "-m", "scai_cli"]
    start = [*scai, "generate", str(folder / "rules.md"), "--config", str(folder / "kills.yaml"), "--n", str(rows)]
    start += ["--run-id", "rows", "--runs-dir", str(runs), "--model", "openai:m", "--set", "generate.judge=none"]
    start += ["--set", f"model.base_url={server.base_url}", "--set", "model.batch=openai"]
    resume = [*scai, "resume", str(run)]
    while True:
        moment = moments.pop() if moments else None
        session = Session(resume if (run / "rows.jsonl").exists() else start, run / "calls.jsonl", moment, draw, rows)
        server.moment = session.at
        code = session.run()
        server.moment = lambda step: None
        if session.killed:
            found.kills[str(moment)] += 1
        elif moment is not None:
            moments.append(moment)  # the work was done before
        if code == 0:
            return run


def _lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = kill(options.rows, options.kills, options.seed)
    print(f"{sum(found.kills.values())} kills in {found.works} works of {found.calls:,} calls: {dict(found.kills)}")
    print(f"paid twice: {len(found.twice)}; different rows: {found.different or 0}")
    sys.exit(bool(found.twice or found.different))


if __name__ == "__main__":
    main()
