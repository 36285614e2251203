"""Run a workload as a peer does, in the peers' environment.

python benchmarks/peers.py {sockets,official,langchain,langchain-sync,inspect} {W1,W2,W3} URL
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from measuring import Measured
from workloads import IN_FLIGHT, WORKLOADS, Ask, Message, Workload, check_rater, converse, experiment, perform

MODEL = "bench"
KEY = "none"


@dataclass
class Counted:
    """Sends requests one by one or with a limit of parallel ones, and counts them."""

    ask: Ask
    calls: int = 0

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(IN_FLIGHT)

    async def __call__(self, messages: list[Message]) -> str:
        async with self._slots:
            answer = await self.ask(messages)
        self.calls += 1
        return answer


def sockets(url: str) -> Ask:
    """Send ready HTTP over bare connections, without a client, to show the maximum of the endpoint and the loop."""
    address = urlsplit(url)
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: ".encode()

    async def ask(messages: list[Message]) -> str:
        body = json.dumps({"model": MODEL, "messages": messages}).encode()
        reader, writer = idle.pop() if idle else await asyncio.open_connection(address.hostname, address.port)
        writer.write(b"%s%d\r\n\r\n%s" % (head, len(body), body))
        size = int((await reader.readuntil(b"\r\n\r\n")).rpartition(b": ")[2])
        data = await reader.readexactly(size)
        idle.append((reader, writer))
        return json.loads(data)["choices"][0]["message"]["content"]

    return ask


def official(url: str) -> Ask:
    """Use the official client as its manual says, behind a semaphore."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0)

    async def ask(messages: list[Message]) -> str:
        answer = await client.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]
        return answer.choices[0].message.content or ""

    return ask


def official_aiohttp(url: str) -> Ask:
    """Use the official client with its aiohttp transport."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    client = AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0, http_client=DefaultAioHttpClient())

    async def ask(messages: list[Message]) -> str:
        answer = await client.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]
        return answer.choices[0].message.content or ""

    return ask


def langchain(url: str) -> Ask:
    """Use LangChain's chat model, with many calls at a time."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model=MODEL, base_url=url, api_key=KEY, max_retries=0)  # type: ignore[arg-type]

    async def ask(messages: list[Message]) -> str:
        return str((await model.ainvoke(messages)).content)

    return ask


def langchain_sync(url: str) -> Ask:
    """Use LangChain's chat model, one call after the other, as the original SCAI does."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model=MODEL, base_url=url, api_key=KEY, max_retries=0)  # type: ignore[arg-type]

    async def ask(messages: list[Message]) -> str:
        return str(model.invoke(messages).content)  # holds up the loop, and with it every other conversation

    return ask


CLIENTS: dict[str, tuple[Callable[[str], Ask], bool]] = {  # and whether on uvloop
    "sockets": (sockets, True),
    "official": (official, False),
    "official-aiohttp": (official_aiohttp, False),
    "langchain": (langchain, False),
    "langchain-sync": (langchain_sync, False),
}


def with_client(name: str, load: Workload, url: str) -> None:
    """Run the workload through a client's plain calls."""
    connect, on_uvloop = CLIENTS[name]

    async def once(load: Workload) -> int:
        ask = Counted(connect(url))
        await perform(ask, load)
        return ask.calls

    factory = importlib.import_module("uvloop").new_event_loop if on_uvloop else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(once(load.smaller()))
        measured = Measured(url)
        with measured:
            calls = runner.run(once(load))
        measured.report(calls)


def with_inspect(load: Workload, url: str) -> None:
    """Run the workload as an inspect_ai evaluation: a sample is an experiment, or in W3 a conversation."""
    from inspect_ai import Task, task
    from inspect_ai import eval as evaluate
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, get_model
    from inspect_ai.solver import Generate, TaskState, solver

    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
    calls = 0

    async def ask(messages: list[Message]) -> str:
        nonlocal calls
        typed: list[ChatMessage] = [kinds[m["role"]](content=m["content"]) for m in messages]
        answer = await get_model().generate(typed)
        calls += 1
        return answer.completion

    @solver
    def play(load: Workload):
        async def solve(state: TaskState, _generate: Generate) -> TaskState:
            if load.experiments == 1 and not load.revise:
                number = int(state.sample_id)
                if number == 0:
                    await check_rater(ask)
                user, question = divmod(number, load.tasks)
                await converse(ask, "You are a helpful assistant.", user, question, load.turns)
            else:
                await experiment(ask, load)
            return state

        return solve

    @task
    def society(load: Workload) -> Task:
        samples = load.pairs if load.experiments == 1 and not load.revise else load.experiments
        return Task(dataset=[Sample(id=number, input="begin") for number in range(samples)], solver=play(load))

    def run(load: Workload) -> None:
        with tempfile.TemporaryDirectory() as logs:
            done = evaluate(
                society(load),
                model=f"openai-api/bench/{MODEL}",
                model_base_url=url,
                model_args={"api_key": KEY},
                log_dir=logs,
                display="none",
                max_connections=IN_FLIGHT,
                max_samples=IN_FLIGHT,
                max_retries=0,
            )
            if any(log.status != "success" for log in done):
                raise SystemExit(f"inspect_ai: {done[0].error}")

    run(load.smaller())
    calls = 0
    measured = Measured(url)
    with measured:
        run(load)
    measured.report(calls)


def main() -> None:
    name, load, url = sys.argv[1:]
    if name == "inspect":
        with_inspect(WORKLOADS[load], url)
    else:
        with_client(name, WORKLOADS[load], url)


if __name__ == "__main__":
    main()
