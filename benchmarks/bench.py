"""`make bench`: measure scai and its peers on the same workloads, against a loopback endpoint of fixed latency.

    python benchmarks/bench.py [--peers PYTHON] [--repeats 3] [--workload W1]... [--latency 0.2]... [--client scai]...

Every measurement is a fresh process; the clients take turns, and the whole round is repeated. A group (a workload at
a latency) is measured completely or not at all. Its figures replace those of the same group in `results.json`, which
is the source of the tables in `docs/benchmarks.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import pty
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import starved
from tables import write_tables
from workloads import WORKLOADS, Workload

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
LATENCIES = (0.2, 0.02)
QUIET = 0.05
"""The highest share of its time that an undisturbed run may wait for a core."""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Client:
    """A client for the workloads: a script of this folder, in scai's environment or in the peers'."""

    name: str
    script: str
    workloads: tuple[str, ...] = ("W1", "W2", "W3")

    def command(self, load: Workload, url: str, peers: str) -> list[str]:
        python = sys.executable if self.script == "society.py" else peers
        return [python, str(HERE / self.script), self.name, load.name, url]


CLIENTS = (
    Client("sockets", "peers.py"),
    Client("scai", "society.py"),
    Client("scai-plain", "society.py"),
    Client("scai-sweep", "society.py", ("W2",)),
    Client("official", "peers.py"),
    Client("official-aiohttp", "peers.py"),
    Client("langchain", "peers.py"),
    Client("inspect", "peers.py"),
    Client("langchain-sync", "peers.py", ("W1",)),
)


@contextmanager
def endpoint(latency: float) -> Iterator[tuple[str, int]]:
    """Start the endpoint in a process of its own; yield its URL and its process."""
    command = [sys.executable, str(HERE / "endpoint.py"), "--latency", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.kill()
        process.wait()


def measure(client: Client, load: Workload, latency: float, peers: str) -> dict[str, Any]:
    """Run one process of one client; stderr is a terminal, as for a user at a shell."""
    with endpoint(latency) as (url, server), terminal() as stderr:
        before, own, began = busy(), used(), time.perf_counter()
        served, waited = cpu_of(server), starved(server)
        done = subprocess.run(
            client.command(load, url, peers), stdout=subprocess.PIPE, stderr=stderr, cwd=HERE, timeout=1800, check=False
        )
        whole = time.perf_counter() - began
        served, own, waited = cpu_of(server) - served, used() - own, starved(server) - waited
        others = (busy() - before - served - own) / whole
        if done.returncode:
            raise SystemExit(f"{client.name} {load.name}: exit {done.returncode}")
    found = json.loads(done.stdout.splitlines()[-1])
    counted = found.pop("endpoint")
    if not load.calls == found["calls"] == counted["requests"]:
        raise SystemExit(f"{client.name} {load.name}: {found['calls']} calls, {counted}, {load.calls} were due")
    found |= {"whole_s": whole, "server_s": served, "others": others, "bytes": counted["bytes"]}
    found["starved"] = (found["starved_s"] + waited) / found["wall_s"]
    return found | {"most": counted["most"], "connections": counted["connections"]}


@contextmanager
def terminal() -> Iterator[int]:
    """Open a terminal of 100 columns and 40 lines, and read it."""
    ours, theirs = pty.openpty()
    subprocess.run(["stty", "cols", "100", "rows", "40"], stdin=theirs, check=True)
    shown = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 65536):
                shown.extend(data)
        except OSError:
            return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield theirs
    except SystemExit:
        sys.stderr.write(shown.decode(errors="replace")[-4000:])
        raise
    finally:
        os.close(theirs)
        reader.join(5)
        os.close(ours)


def busy() -> float:
    """Return the CPU seconds that the machine has spent on all processes."""
    user, nice, system, _idle, _wait, *rest = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / TICK


def used() -> float:
    """Return the CPU seconds of this process and of the child processes that it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def cpu_of(process: int) -> float:
    """Return the CPU seconds of a running process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def versions(peers: str) -> dict[str, str]:
    """Return the versions that the figures depend on."""
    asked = "openai", "langchain-openai", "inspect_ai", "aiohttp", "uvloop"
    code = f"from importlib.metadata import version\nfor n in {asked}: print(n, version(n))"
    told = subprocess.run([peers, "-c", code], capture_output=True, text=True, check=True).stdout
    found = dict(line.split() for line in told.splitlines())
    kernel = ".".join(platform.release().split("-")[0].split(".")[:3])
    return {"cores": str(os.cpu_count()), "Linux": kernel, "Python": platform.python_version()} | found


def group(load: Workload, latency: float, clients: list[Client], args: argparse.Namespace) -> dict[str, Any]:
    """Measure all clients on one workload at one latency, in turns; keep the least disturbed runs of each."""
    runs: dict[str, list[dict[str, Any]]] = {client.name: [] for client in clients if load.name in client.workloads}
    for number in range(args.repeats + args.more):
        for client in clients:
            if load.name not in client.workloads:
                continue
            known = runs[client.name]
            wanted = 1 if client.name in args.once else args.repeats
            if number >= wanted and sum(run["starved"] < QUIET for run in known) >= wanted:
                continue
            found = measure(client, load, latency, args.peers)
            known.append(found)
            known.sort(key=lambda run: run["starved"])
            print(
                f"{load.name} {latency * 1000:3.0f} ms  {client.name:17} wall/limit "
                f"{found['wall_s'] / load.limit(latency):5.2f}  CPU/call {found['cpu_s'] / load.calls * 1000:6.3f} ms  "
                f"peak {found['peak_mb']:4.0f} MB  others {found['others']:4.2f} cores  starved {found['starved']:.2f}",
                flush=True,
            )
            del known[wanted if number + 1 >= wanted else len(known) :]
    due = {"calls": load.calls, "limit": load.limit(latency)}
    return {"workload": load.name, "latency": latency, **due, "date": time.strftime("%Y-%m-%d"), "runs": runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="the Python of the peers' environment")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--more", type=int, default=2, help="so often again, for clients that were disturbed")
    parser.add_argument("--workload", action="append", choices=WORKLOADS)
    parser.add_argument("--latency", action="append", type=float, help="seconds")
    parser.add_argument("--client", action="append", choices=[client.name for client in CLIENTS])
    parser.add_argument("--once", action="append", default=["langchain-sync"], help="clients measured only once")
    parser.add_argument("--dry", action="store_true", help="print only; leave the results and the tables alone")
    args = parser.parse_args()
    args.peers = str(Path(args.peers).absolute())  # not resolved: the link is what makes it an environment
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"groups": []}
    kept["machine"] = versions(args.peers)
    clients = [client for client in CLIENTS if not args.client or client.name in args.client]
    for name in args.workload or WORKLOADS:
        for latency in args.latency or LATENCIES:
            found = group(WORKLOADS[name], latency, clients, args)
            if args.dry:
                continue
            others = [g for g in kept["groups"] if (g["workload"], g["latency"]) != (name, latency)]
            kept["groups"] = sorted([*others, found], key=lambda g: (g["workload"], -g["latency"]))
            RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
            write_tables(kept)


if __name__ == "__main__":
    main()
