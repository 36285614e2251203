"""Kill commands at random moments (SIGKILL), resume them until they are done, and compare with undisturbed ones.

    python tests/support/crash.py --kills 100 --seed 1      # or `make crash-test`
    python tests/support/crash.py --kills 20 --seed 1 --command explain --differing

The commands (`crash_commands.py`) talk over HTTP with the simulated society, behind a loopback endpoint of some
latency. Some kills come at any time from the start of the process on (imports, config, mending, replay), some when the
first file is created, some around the last answer; most come some calls later, so that they are spread over the whole
work. Work that is done before all kills are is followed by the same work in another folder.

With `--differing` the endpoint answers a request differently each time. Then there is nothing undisturbed to compare
with; but results that are made again from the call log alone have to be equal.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from crash_commands import COMMANDS, CONCURRENCY, EXPERIMENT, Command
from loopback import Body, Loopback
from waiting import until

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Message, Sampling
from scai_cli.models.simulated import connect

T = TypeVar("T")
LATENCY = 0.02
Results = dict[str, object]


@dataclass
class Result:
    """What came of a crash test; each list names the works where it was so."""

    command: str
    kills: int = 0
    works: int = 0
    calls: int = 0
    """The calls that an undisturbed work needs."""
    lost: int = 0
    """Calls in flight at a kill."""
    different: list[str] = field(default_factory=list)
    """Results that are not those of the undisturbed work, or not those made again from the call log."""
    repeated: list[str] = field(default_factory=list)
    """Calls answered and logged before a kill that were asked again, or logged twice."""
    excess: list[str] = field(default_factory=list)
    """More calls than could be in flight that a kill cost."""

    @property
    def faults(self) -> list[str]:
        return [*self.different[:5], *self.repeated[:5], *self.excess[:5]]


def society(seed: int = 0) -> Callable[[Body], str]:
    """The simulated society as a loopback server's answers."""
    model = connect(ModelSettings(), seed=seed)

    def answer(asked: Body) -> str:
        messages = tuple(Message(m["role"], m["content"]) for m in asked["messages"])
        request = ChatRequest("", "user", "", asked["model"], messages, Sampling(seed=asked.get("seed")))
        return _driven(model.complete(request)).text

    return answer


def fickle_society() -> Callable[[Body], str]:
    """A society that answers a request differently each time; each prose has a number of its own."""
    steady, numbers = society(), count(1)

    def answer(asked: Body) -> str:
        number = next(numbers)
        text = steady({**asked, "seed": (asked.get("seed") or 0) + number})
        try:
            form = json.loads(text)
        except ValueError:
            return f"{text} (answer {number})" if len(text) > 1 else text
        if not isinstance(form, dict):
            return text
        return json.dumps({k: f"{v} (answer {number})" if isinstance(v, str) else v for k, v in form.items()})

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
    return Counter(call["id"] for call in _calls(run / "calls.jsonl"))


def _calls(log: Path) -> Iterator[Body]:
    """The calls in a log that the model answered, without a torn last line."""
    with log.open("rb") as file:
        calls = [json.loads(line) for line in file if line.endswith(b"\n")]
    return (call for call in calls if call.get("source") == "model")


def _key(request: Body) -> str:
    """What determines the answer to a request, equal in the call log and at the server."""
    return json.dumps([request["messages"], request.get("seed")])


@dataclass(frozen=True)
class Work:
    """A command at work in a folder of its own."""

    command: Command
    folder: Path
    server: Loopback

    @classmethod
    def prepare(cls, command: Command, folder: Path, server: Loopback) -> Work:
        """A folder with the experiment, after the commands that come before."""
        folder.mkdir(parents=True)
        (folder / "crash.yaml").write_text(EXPERIMENT.replace("URL", server.base_url), encoding="utf-8")
        for name, text in command.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        work = cls(command, folder, server)
        for before in command.prepared:
            work.finish(work.process(before))
        return work

    def copy(self, name: str) -> Work:
        """The same work in another folder, before it starts or as far as it is."""
        shutil.copytree(self.folder, self.folder.with_name(name))
        return replace(self, folder=self.folder.with_name(name))

    def process(self, line: str = "") -> subprocess.Popen[bytes]:
        """The command, or the one that continues it if there is something to continue."""
        born = self.command.once and (self.folder / self.command.once).exists()
        line = line or (born and self.command.resume) or self.command.start
        return subprocess.Popen(
            [sys.executable, "-m", "scai_cli", *shlex.split(line)],
            cwd=self.folder,
            env={**os.environ, "OPENAI_BASE_URL": self.server.base_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[bytes]) -> str | None:
        """What it printed: stdout, else the last line of stderr; None if it was killed."""
        out, err = (text.decode() for text in process.communicate(timeout=300))
        if process.returncode == -signal.SIGKILL:
            return None
        if process.returncode:
            raise RuntimeError(f"{process.args} failed by itself ({process.returncode}): {out}{err}")
        return out or err.splitlines()[-1]

    def logged(self) -> list[Body]:
        """The calls that the model answered, in all logs."""
        return [call for log in self.folder.glob(self.command.log) for call in _calls(log)]

    def results(self, printed: str) -> Results:
        """All that the work has made, without what differs from session to session."""
        found: Results = {"printed": _timeless(printed)}
        for path in (path for pattern in self.command.results for path in self.folder.glob(pattern)):
            events = path.name == "events.jsonl"
            found[str(path.relative_to(self.folder))] = comparable(path.parent) if events else path.read_bytes()
        found["left over"] = sorted(path.name for path in self.folder.rglob("*.part"))
        return found

    def again(self, *, from_calls: bool) -> tuple[Results, int]:
        """The results once more, without the files of the first ones if `from_calls`, and the requests they took."""
        again, asked = self.copy(f"{self.folder.name}-again"), len(self.server.requests)
        for pattern in self.command.results if from_calls else ():
            for path in again.folder.glob(pattern):
                path.unlink()
        printed = again.finish(again.process())
        assert printed is not None
        return again.results(printed), len(self.server.requests) - asked


def _timeless(printed: str) -> object:
    try:
        shown = json.loads(printed)
    except ValueError:
        return printed
    return _without_times(shown)


def _without_times(shown: object) -> object:
    if isinstance(shown, list):
        return [_without_times(each) for each in shown]
    if isinstance(shown, dict):
        return {key: _without_times(value) for key, value in shown.items() if key not in ("wall_s", "time")}
    return shown


@dataclass(frozen=True)
class Session:
    """A session of a work: the requests that the server received and the calls that were logged before."""

    received: Counter[str]
    before: Counter[str]
    after: Counter[str]
    killed: bool

    @property
    def lost(self) -> int:
        """The number of calls in flight at its end."""
        return (self.received - (self.after - self.before)).total()


def crash_test(name: str, kills: int, seed: int, folder: Path, *, differing: bool = False) -> Result:
    """Kill a command so often, then let the work that was killed last come to its end."""
    rng = random.Random(f"{name}/{seed}/{differing}")
    result = Result(name, kills)
    with Loopback(latency=LATENCY, answer=society()) as server:
        start = Work.prepare(COMMANDS[name], folder / "start", server)
        if differing:
            server.answer = fickle_society()
        undisturbed = start.copy("undisturbed")
        printed = undisturbed.finish(undisturbed.process())
        assert printed is not None
        wanted = undisturbed.results(printed)
        result.calls = len(undisturbed.logged())
        _repeat(result, undisturbed, wanted, from_calls=False)
        while kills:
            result.works += 1
            work = start.copy(f"work-{result.works}")
            sessions, printed = [], None
            while printed is None:
                before = _counted(work.logged())
                first, process = len(server.requests), work.process()
                if kills:
                    _kill(process, work, rng, result.calls, before.total())
                printed = work.finish(process)
                until(lambda: not server.connections)
                received = Counter(_key(request.body) for request in server.requests[first:])
                sessions.append(Session(received, before, _counted(work.logged()), printed is None))
                kills -= printed is None
            results = work.results(printed)
            if not differing and results != wanted:
                result.different.append(f"{work.folder.name}: {_where(results, wanted)}")
            _judge(result, work, sessions)
            _repeat(result, work, results, from_calls=True)
    return result


def _repeat(result: Result, work: Work, results: Results, *, from_calls: bool) -> None:
    """Work that is done is done: once more it has the same results, without a request."""
    again, asked = work.again(from_calls=from_calls)
    if again != results:
        result.different.append(f"{work.folder.name}, once more: {_where(again, results)}")
    if asked:
        result.repeated.append(f"{work.folder.name}: {asked} requests for what was done")


def _kill(process: subprocess.Popen[bytes], work: Work, rng: random.Random, needed: int, logged: int) -> None:
    """Kill the process at a random moment, unless it is done before."""
    server, began = work.server, time.monotonic()
    asked, got = len(server.requests), len(server.answered)
    [kind] = rng.choices(["any time", "first file", "end", "calls"], [2, 1, 1, 6])
    after, calls = rng.uniform(0, 1.5), rng.randint(1, max(4, needed // 12))
    files = _files(work.folder)
    come = {
        "any time": lambda: time.monotonic() > began + after,
        "first file": lambda: _files(work.folder) != files,
        "end": lambda: len(server.answered) >= got + needed - logged,
        "calls": lambda: len(server.requests) >= asked + calls,
    }[kind]
    while process.poll() is None and not come():
        time.sleep(0.0005)
    time.sleep(rng.uniform(0, {"calls": 2 * LATENCY, "first file": 0.01, "end": 0.15}.get(kind, 0)))
    workers = _children(process.pid)
    process.kill()
    for worker in workers:  # one that survives ends in good order
        if rng.random() < 0.5:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def _counted(calls: list[Body]) -> Counter[str]:
    return Counter(_key(call["request"]) for call in calls)


def _judge(result: Result, work: Work, sessions: list[Session]) -> None:
    """Count what the kills cost, and look for answers that were logged and asked for again."""
    name, final = work.folder.name, _counted(work.logged())
    for log in work.folder.glob(work.command.log):
        ids = Counter(call["id"] for call in _calls(log))
        result.repeated += [f"{name}: {call} was logged {times} times" for call, times in ids.items() if times > 1]
    for number, session in enumerate(sessions, 1):
        again = session.received - (final - session.before)
        result.repeated += [f"{name}, session {number}: asked again: {request[-200:]}" for request in again]
        result.lost += session.lost
        if session.lost > CONCURRENCY * session.killed:
            result.excess.append(f"{name}, session {number}: {session.lost} calls were lost")


def _where(one: Results, other: Results) -> str:
    """Where two results differ."""
    names = [name for name in one.keys() | other.keys() if one.get(name) != other.get(name)]
    return "; ".join(f"{name}: {str(one.get(name))[:800]} / {str(other.get(name))[:800]}" for name in names)


def main() -> int:
    parser = argparse.ArgumentParser(description="kill commands at random moments and resume them")
    parser.add_argument("--kills", type=int, default=100, help="spread over all commands")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--command", choices=COMMANDS, action="append", help="this one only")
    parser.add_argument("--differing", action="store_true", help="answer each request differently each time")
    args = parser.parse_args()
    names, failed = args.command or list(COMMANDS), False
    for number, name in enumerate(names):
        kills = args.kills // len(names) + (number < args.kills % len(names))
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            result = crash_test(name, kills, args.seed, Path(folder), differing=args.differing)
        print(
            f"{name}: {kills} kills (seed {args.seed}) in {result.works} works of {result.calls} calls, "
            f"{time.monotonic() - began:.0f} s; {result.lost} calls in flight were lost; "
            f"different: {len(result.different)}, asked again: {len(result.repeated)}, too many: {len(result.excess)}"
        )
        print(*result.faults, sep="\n", end="\n" * bool(result.faults), flush=True)
        failed |= bool(result.faults)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
