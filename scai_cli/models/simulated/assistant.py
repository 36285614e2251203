"""The simulated assistant: does what its rules and its user ask, as far as its attention goes."""

from __future__ import annotations

import random

from scai_cli.messages import ChatRequest
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.forms import system_text


def answer(request: ChatRequest, attention: float, rng: random.Random) -> str:
    """The next message of the assistant: the first user message is the task, the later ones are remarks."""
    said = [message.content for message in request.messages if message.role == "user"]
    wanted = demands(system_text(request), said)
    return compose(shared(wanted, attention), said[0] if said else "", rng)
