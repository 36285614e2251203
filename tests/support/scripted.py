"""A provider with a script, named `scripted:connect` in an experiment: what happens is known to the last rating.

The assistant answers with its rules. A rule that holds `ann=9` makes ann rate such an answer 9 (`~ann=3`: her cross
rating is 3); without one she rates 5. At a vote everybody prefers the rules that promise them most. The meta model
answers what `options.meta` has for the call's place: a JSON object, or a text; `no_change` where there is nothing.
`options.broken` and `options.failing` are patterns of call ids that get no JSON, or (as long as there is a file
`options.while_there`, if one is named) no answer at all; `options.cut` ends by `length`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scai_cli.errors import CallFailed
from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.prompts.fences import fenced


@dataclass
class Scripted:
    """Answers by the script."""

    meta: Mapping[str, Any] = field(default_factory=dict)
    broken: str = "(?!)"
    failing: str = "(?!)"
    cut: str = "(?!)"
    while_there: str | None = None
    inflation: Mapping[str, float] = field(default_factory=dict)
    """Who rates everything so much higher in each epoch."""

    async def complete(self, request: ChatRequest) -> Completion:
        await asyncio.sleep(0)
        if self._fails(request):
            raise CallFailed("no answer by script")
        text = "no form" if re.search(self.broken, request.id) else self._answer(request)
        reason = "length" if re.search(self.cut, request.id) else "stop"
        return Completion(text, reason, Usage(1, 1), model="scripted")

    async def aclose(self) -> None:
        """Nothing to give back."""

    def _fails(self, request: ChatRequest) -> bool:
        there = self.while_there is None or Path(self.while_there).exists()
        return there and re.search(self.failing, request.id) is not None

    def _answer(self, request: ChatRequest) -> str:
        if request.role == "assistant":
            return f"Rules: {request.messages[0].content}"
        if request.role == "meta":
            place = re.sub(r"/meta(/retry\d+)?$", "", request.id)
            said = self.meta.get(
                place, {"critique": "", "no_change": True, "principles": [], "contract": [], "edits": []}
            )
            return said if isinstance(said, str) else json.dumps(said)
        who = rater(request.id)
        prompt = request.messages[-1].content if "/retry" not in request.id else request.messages[1].content
        if request.purpose == "vote":
            hopes = {c.attributes["letter"]: _level(who, c.text) for c in fenced(prompt, "candidate")}
            tiers = [
                [name for name in hopes if hopes[name] == level] for level in sorted(set(hopes.values()), reverse=True)
            ]
            return json.dumps({"ranking": tiers})
        if request.purpose == "cross_rating":
            return json.dumps({"reason": "so it is", "rating": _level(f"~{who}", prompt)})
        last = list(fenced(prompt, "message"))[-1].text
        inflated = self.inflation.get(who, 0) * int(re.match(r"e(\d+)|", request.id)[1] or 0)
        return json.dumps({"feedback": f"{who} says so", "rating": _level(who, last) + inflated})


def connect(model: ModelSettings, *, seed: int) -> Scripted:
    """The provider."""
    return Scripted(**model.options)


def rater(call: str) -> str:
    """Who rates or votes in a call of the user's: `e1/ann/tea/m2/user`, `.../cross/bob/user`, `.../vote/bob/user`."""
    parts = re.sub(r"/user(/retry\d+)?$", "", call).split("/")
    return parts[-3] if re.fullmatch(r"m\d+", parts[-1]) else parts[-1]


def _level(who: str, text: str) -> float:
    found = re.search(rf"(?<![~\w]){re.escape(who)}=(\d+)", text)
    return float(found[1]) if found else 5.0
