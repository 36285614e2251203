"""Measure the CPU of one call: the openai provider behind its gate, against the plain official client.

    python benchmarks/call_path.py [--calls 3000] [--in-flight 32] [--repeats 3]

A loopback endpoint answers in a process of its own. Every way runs in a fresh process, takes turns with the others, and
reports its user and system time per call after a warm-up; the figure is the median of the repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = "Which dinner would please all of us, and why? " * 24  # about 1.1 kB, as a message in a conversation
Call = Callable[[int], Awaitable[object]]


async def plain(url: str) -> Call:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    messages = [{"role": "system", "content": TEXT}, {"role": "user", "content": TEXT}]

    async def call(number: int) -> object:
        answer = await client.chat.completions.create(model="m", messages=messages, max_tokens=400, seed=number)
        return answer.choices[0].message.content

    return call


async def scai(url: str, transport: str) -> Call:
    from scai_cli.experiment.model_settings import ModelSettings
    from scai_cli.messages import ChatRequest, Message, Sampling
    from scai_cli.models.gate import Gate, GateSettings
    from scai_cli.models.openai import connect

    config = ModelSettings(provider="openai", name="m", base_url=url, options={"transport": transport})
    gate = Gate(connect(config, seed=0), GateSettings(concurrency=256))
    messages = (Message("system", TEXT), Message("user", TEXT))

    async def call(number: int) -> object:
        sampling = Sampling(max_tokens=400, seed=number)
        return await gate.complete(ChatRequest(f"c{number}", "user", "bench", "m", messages, sampling))

    return call


async def gate_alone(_url: str) -> Call:
    from scai_cli.messages import ChatRequest, Completion, Message, Sampling
    from scai_cli.models.gate import Gate, GateSettings

    class Instant:
        async def complete(self, _request: ChatRequest) -> Completion:
            return Completion("yes")

        async def aclose(self) -> None: ...

    gate, messages = Gate(Instant(), GateSettings(concurrency=256)), (Message("system", TEXT), Message("user", TEXT))

    async def call(number: int) -> object:
        sampling = Sampling(max_tokens=400, seed=number)
        return await gate.complete(ChatRequest(f"c{number}", "user", "bench", "m", messages, sampling))

    return call


WAYS: dict[str, tuple[Callable[[str], Awaitable[Call]], bool]] = {  # how to open it, and whether on uvloop
    "official create (plain)": (plain, False),
    "official create (plain), uvloop": (plain, True),
    "scai: gate + httpx2": (lambda url: scai(url, "plain"), False),
    "scai: gate + aiohttp": (lambda url: scai(url, "aiohttp"), False),
    "scai: gate + aiohttp, uvloop": (lambda url: scai(url, "aiohttp"), True),
    "gate alone": (gate_alone, False),
}


async def measure(way: str, url: str, calls: int, in_flight: int) -> tuple[float, float]:
    call = await WAYS[way][0](url)

    async def work(numbers: range) -> None:
        queue = iter(numbers)

        async def worker() -> None:
            for number in queue:
                await call(number)

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(worker())

    await work(range(200))
    cpu, wall = time.process_time(), time.perf_counter()
    await work(range(calls))
    return (time.process_time() - cpu) / calls, (time.perf_counter() - wall) / calls


def child(way: str, url: str, calls: int, in_flight: int) -> None:
    factory = None
    if WAYS[way][1]:
        import uvloop

        factory = uvloop.new_event_loop
    if way.startswith("scai"):
        from scai_cli.concurrency import collect_seldom

        collect_seldom()  # as all commands of scai do
    with asyncio.Runner(loop_factory=factory) as runner:
        cpu, wall = runner.run(measure(way, url, calls, in_flight))
    print(cpu, wall, flush=True)
    os._exit(0)  # connections need not be said goodbye to


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--child", nargs=2, metavar=("WAY", "URL"))
    args = parser.parse_args()
    if args.child:
        child(*args.child, args.calls, args.in_flight)
    server = subprocess.Popen(
        [sys.executable, ROOT / "tests" / "support" / "loopback.py", "--latency", str(args.latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    url, found = server.stdout.readline().strip(), {way: [] for way in WAYS}
    command = [sys.executable, __file__, "--calls", str(args.calls), "--in-flight", str(args.in_flight)]
    for _ in range(args.repeats):
        for way, times in found.items():
            out = subprocess.run([*command, "--child", way, url], check=True, capture_output=True, text=True)
            times.append(float(out.stdout.split()[0]) * 1000)
    server.kill()
    base = statistics.median(found["official create (plain)"])
    print(f"{'CPU per call, ms':34} median   min   max  of plain")
    for way, times in found.items():
        middle = statistics.median(times)
        print(f"{way:34} {middle:6.3f} {min(times):5.3f} {max(times):5.3f} {middle / base:9.2f}")


if __name__ == "__main__":
    main()
