"""A provider: the simulated society's assistant with one rule that it does not read, or reads as its contrary.

`benchmarks.evaluate.deaf:connect:without-2` leaves out the second rule of the system message;
`...:against-2` puts its contrary in its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.measures.conditions import split_rule
from scai_cli.measures.requested import requested
from scai_cli.messages import ChatRequest, Completion
from scai_cli.models import simulated
from scai_cli.models.base import ChatModel
from scai_cli.models.simulated.portrait import draws
from scai_cli.models.simulated.wordings import rule

_RULE = re.compile(r"(?:\d+\.|-) ")


def connect(model: ModelSettings, *, seed: int) -> ChatModel:
    """Return the assistant that the model's name describes."""
    kind, _, number = (model.name or "").partition("-")
    return _Deaf(simulated.connect(model, seed=seed), kind, int(number))


def changed(system: str, kind: str, number: int) -> str:
    """Return a system message without its rule of this number, from 1, or with the contrary."""
    lines = system.splitlines()
    at = [n for n, line in enumerate(lines) if _RULE.match(line)][number - 1]
    lines[at : at + 1] = [] if kind == "without" else [contrary(lines[at])]
    return "\n".join(lines)


def contrary(line: str) -> str:
    """Return the line of a rule with the contrary of what it asks for, under the same condition."""
    condition, asked = split_rule(line)
    against = " ".join(rule(trait, sign < 0, draws("contrary", line)) for trait, sign in requested(asked).items())
    return f"- When {condition}: {against}" if condition else f"- {against}"


@dataclass(frozen=True, slots=True)
class _Deaf:
    model: ChatModel
    kind: str
    number: int

    async def complete(self, request: ChatRequest) -> Completion:
        """Answer to a changed system message."""
        messages = tuple(
            replace(m, content=changed(m.content, self.kind, self.number)) if m.role == "system" else m
            for m in request.messages
        )
        return await self.model.complete(replace(request, messages=messages))

    async def aclose(self) -> None:
        """Close the assistant."""
        await self.model.aclose()
