"""A provider that a test plays by a function, named `played:connect`, and the evaluation of suites with it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Called, scai

from scai_cli.evaluation.results import Evaluation, read_results
from scai_cli.evaluation.suite import MeasureResult, SuiteResult
from scai_cli.evaluation.verdict import Finding
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Message, Usage
from scai_cli.models import simulated
from scai_cli.models.base import ChatModel
from scai_cli.prompts.fences import Fenced, fenced

Said = str | Completion | Exception | ChatRequest | None
Play = Callable[[ChatRequest], Said]
"""What a model answers; None: what the simulated society does; another request: what it would answer to that."""

_PLAYS: list[Play] = []
EXPERIMENT = """\
name: played
seed: 3
turns: 1
model: {provider: "played:connect", name: play}
limits: {max_retries: 0}
personas:
  - {id: ann, name: Ann Smith, description: Ann wants it short., preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, name: Bob Jones, description: Bob wants it long., preferences: {detailed: 1.0, formal: 0.5}}
tasks:
  - {id: tea, prompt: How do I make a pot of tea?}
  - {id: sleep, prompt: What helps against bad sleep?}
"""


@dataclass(frozen=True)
class Played:
    """A model that answers by the play of the test."""

    society: ChatModel

    async def complete(self, request: ChatRequest) -> Completion:
        await asyncio.sleep(0)
        said = _PLAYS[-1](request)
        if said is None or isinstance(said, ChatRequest):
            return await self.society.complete(said or request)
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Completion) else Completion(said, usage=Usage(1, 1), model="played")

    async def aclose(self) -> None:
        await self.society.aclose()


def connect(model: ModelSettings, *, seed: int) -> ChatModel:
    """The provider."""
    return Played(simulated.connect(model.model_copy(update={"options": {}}), seed=seed))


@contextmanager
def playing(play: Play) -> Iterator[list[ChatRequest]]:
    """Answer by a play; the requests that it got."""
    asked: list[ChatRequest] = []

    def noted(request: ChatRequest) -> Said:
        asked.append(request)
        return play(request)

    _PLAYS.append(noted)
    try:
        yield asked
    finally:
        _PLAYS.pop()


@dataclass(frozen=True)
class Shown:
    """An evaluation and the requests that it took."""

    evaluation: Evaluation
    asked: Sequence[ChatRequest]
    called: Called

    def suite(self, name: str = "") -> SuiteResult:
        return next(result for result in self.evaluation.results if not name or result.suite == name)

    def measure(self, name: str, suite: str = "") -> MeasureResult:
        return next(m for m in self.suite(suite).measures if m.measure.name == name)

    def finding(self, name: str = "", suite: str = "") -> Finding:
        return next(
            f
            for f in self.evaluation.findings
            if (not name or (f.measure and f.measure.name == name)) and suite in ("", f.suite)
        )

    def table(self, title: str, suite: str = "") -> list[list[str]]:
        return [list(row) for t in self.suite(suite).tables if t.title.startswith(title) for row in t.rows]


def evaluated(play: Play, *arguments: object, experiment: str = EXPERIMENT) -> Shown:
    """`scai evaluate` with a play, which has to finish."""
    Path("played.yaml").write_text(experiment, encoding="utf-8")
    with playing(play) as asked:
        called = scai("evaluate", *arguments, "--config", "played.yaml", "--quiet")
    assert called.code == 0, called.err
    return Shown(read_results(Path("runs") / called.out.strip(), trust=True), asked, called)


def candidates(request: ChatRequest) -> dict[str, str]:
    """The letters of a request to choose, with their options."""
    return {piece.attributes["letter"]: piece.text for piece in pieces(request, "candidate")}


def pieces(request: ChatRequest, tag: str) -> list[Fenced]:
    return list(fenced(request.messages[-1].content, tag))


def system(request: ChatRequest) -> str:
    """The text of a request's system message."""
    return "".join(message.content for message in request.messages if message.role == "system")


def without_rule(request: ChatRequest, rule: str) -> ChatRequest:
    """The request without the line of the system message that holds a rule."""

    def dropped(message: Message) -> Message:
        kept = [line for line in message.content.splitlines() if rule not in line]
        return Message(message.role, "\n".join(kept)) if message.role == "system" else message

    return ChatRequest(
        request.id,
        request.role,
        request.purpose,
        request.model,
        tuple(map(dropped, request.messages)),
        request.sampling,
        request.schema,
    )


def items(path: Path, suite: str, rows: Iterable[dict[str, Any]]) -> Path:
    """A file of items in our own format."""
    lines = [
        json.dumps(
            {"id": f"i{n}", "suite": suite, "cluster": f"c{n}", "source": "the test", "licence": "MIT", **row},
            ensure_ascii=True,
        )
        for n, row in enumerate(rows)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def number_in(text: str) -> int:
    """The first number in a text."""
    found = re.search(r"\d+", text)
    assert found is not None
    return int(found[0])
