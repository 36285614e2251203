"""A provider with a script, named `scripted:connect` in an experiment.

`options.script` is a list of lines `{at: REGEX of call ids, say: TEXT, fail: TEXT, refuse: TEXT, too_long: TEXT,
stop: TEXT, finish: REASON, while_there: FILE}`. All lines that match a call, and whose file is there if they name one,
count together; what several of them have is the first one's. `say: "@name"` says one of `TEXTS`, which no YAML file
could hold.

What the script leaves open is answered by the simulated society, or with `options.literal` by one whose every rating is
known. There the assistant answers with its rules; a rule that holds `ann=9` makes ann rate such an answer 9 (`~ann=3`:
her cross rating is 3), `all=9` makes everybody rate it 9, and without one she rates 5. `options.literal` holds who
rates how much higher in each epoch, and `options.luck` by how much an own rating is higher or lower by the luck of its
seed, as far as the scale goes. On a ballot they approve of a rule that promises them more than 5, and object to less;
`options.ballots` says otherwise: words of a rule -> voter -> `a`, `i` or `o` (approve, indifferent, object) for all
three questions, or three of these letters for "me", "condition" and "everyone". The meta model proposes no change. The
rater check is passed.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hostile_texts import TEXTS

from scai_cli.errors import CallFailed, EndpointFailed, PromptRefused, PromptTooLong
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.models import simulated
from scai_cli.models.base import ChatModel
from scai_cli.prompts.fences import fenced

Line = Mapping[str, str]


def connect(model: ModelSettings, *, seed: int) -> ChatModel:
    """The provider."""
    literal = model.options.get("literal")
    society = simulated.connect(model.model_copy(update={"options": {}}), seed=seed)
    options = model.options.get("luck", 0), model.options.get("ballots", {})
    known = _Literal(literal, *options) if literal is not None else society
    return Scripted(known, model.options.get("script", ()))


@dataclass(frozen=True)
class Scripted:
    """Answers by the script, and where it is silent as a society does."""

    society: ChatModel
    script: list[Line]

    async def complete(self, request: ChatRequest) -> Completion:
        line = ChainMap(*(dict(line) for line in self.script if _counts(line, request)))
        if "fail" in line:
            raise CallFailed(line["fail"])
        if "refuse" in line:
            raise PromptRefused(line["refuse"])
        if "too_long" in line:
            raise PromptTooLong(line["too_long"])
        if "stop" in line:
            raise EndpointFailed(line["stop"])
        answer = await self.society.complete(request)
        if (text := line.get("say")) is not None:
            answer = replace(answer, text=TEXTS[text[1:]] if text.startswith("@") else text)
        return replace(answer, finish_reason=line.get("finish", answer.finish_reason))

    async def aclose(self) -> None:
        await self.society.aclose()


def _counts(line: Line, request: ChatRequest) -> bool:
    there = "while_there" not in line or Path(line["while_there"]).exists()
    return there and re.search(line["at"], request.id) is not None


def script(*lines: Line) -> tuple[str, str, str, str]:
    """Options of `scai run` that play a script to the simulated society."""
    text = re.sub("[\x7f-\x9f\u2028\u2029]", lambda c: f"\\u{ord(c[0]):04x}", json.dumps(lines, ensure_ascii=False))
    return ("--set", "model.provider=scripted:connect", "--set", f"model.options.script={text}")


def no_form(at: str) -> Line:
    """A line by which calls are answered without the form that they ask for."""
    return {"at": at, "say": "no form"}


def failing(at: str, while_there: Path | None = None) -> Line:
    """A line by which calls fail, as long as there is a certain file if one is named."""
    return {"at": at, "fail": "no answer by script"} | (
        {} if while_there is None else {"while_there": str(while_there)}
    )


def refusing(at: str, while_there: Path | None = None) -> Line:
    """A line by which prompts are refused, as long as there is a certain file if one is named."""
    return {"at": at, "refuse": "refused by script"} | (
        {} if while_there is None else {"while_there": str(while_there)}
    )


def cut_off(at: str) -> Line:
    """A line by which answers end by their length."""
    return {"at": at, "finish": "length"}


@dataclass(frozen=True)
class _Literal:
    """The society whose every rating is known."""

    inflation: Mapping[str, float]
    luck: float
    ballots: Mapping[str, Mapping[str, str]]

    async def complete(self, request: ChatRequest) -> Completion:
        await asyncio.sleep(0)
        return Completion(self._answer(request), "stop", Usage(1, 1), model="scripted")

    async def aclose(self) -> None:
        """Nothing to give back."""

    def _answer(self, request: ChatRequest) -> str:
        if request.role == "assistant":
            return f"Rules: {request.messages[0].content}"
        if request.role == "meta":
            return json.dumps({"critique": "", "no_change": True, "principles": [], "contract": [], "edits": []})
        if request.purpose == "rater_check":
            return json.dumps({"feedback": "so it is", "rating": 9 if "/good/" in request.id else 1})
        who = rater(request.id)
        if request.purpose == "opening":
            return next(fenced(request.messages[1].content, "task")).text
        prompt = request.messages[-1].content if "/retry" not in request.id else request.messages[1].content
        if request.purpose == "ballot":
            rules = fenced(prompt, "candidate")
            return json.dumps(
                {"ballot": [{"rule": r.attributes["letter"], **self._opinion(who, r.text)} for r in rules]}
            )
        if request.purpose == "cross_rating":
            return json.dumps({"reason": "so it is", "rating": _level(f"~{who}", prompt)})
        last = list(fenced(prompt, "message"))[-1].text
        inflated = self.inflation.get(who, 0) * int(re.match(r"e(\d+)|", request.id)[1] or 0)
        rating = _level(who, last) + inflated
        if self.luck:
            luck = self.luck * random.Random(f"{request.sampling.seed}/{last}").uniform(-1, 1)
            rating = min(10.0, max(0.0, rating + luck))
        return json.dumps({"feedback": f"{who} says so", "rating": rating})

    def _opinion(self, who: str, rule: str) -> dict[str, str]:
        said = next((cast[who] for words, cast in self.ballots.items() if words in rule and who in cast), None)
        if said is None:
            level = _level(who, rule)
            said = "a" if level > 5 else "o" if level < 5 else "i"
        words = {"a": "approve", "i": "indifferent", "o": "object"}
        return {case: words[letter] for case, letter in zip(("me", "condition", "everyone"), said * 3, strict=False)}


def rater(call: str) -> str:
    """Who answers a call of the user's: `e1/ann/tea/m2/user`, `.../cross/bob/user`, `.../ballot/bob/user`."""
    parts = re.sub(r"/user(/retry\d+)?$", "", call).split("/")
    return parts[-3] if re.fullmatch(r"m\d+", parts[-1]) else parts[-1]


def _level(who: str, text: str) -> float:
    found = re.search(rf"(?<![~\w])(?:{re.escape(who)}|all)=(\d+)", text)
    return float(found[1]) if found else 5.0
