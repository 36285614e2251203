"""What the meta-prompt decides from: one epoch as it was played."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from scai_cli.constitution import Constitution
from scai_cli.events import Candidate
from scai_cli.simulation.stage import Company
from scai_cli.simulation.transcript import Conversation


@dataclass(frozen=True, slots=True)
class Occasion:
    """The end of an epoch: the constitution that was in force and what happened under it."""

    company: Company
    place: str
    epoch: int
    constitution: Constitution
    conversations: Sequence[Conversation]
    utilities: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an acceptance rule decided: the candidate to adopt, or None to keep what is."""

    adopted: Candidate | None
    reason: str
    scores: Mapping[str, Mapping[str, float | None]]
    """Candidate id -> what was measured."""


Strategy = Callable[[Occasion], Awaitable[Sequence[Candidate]]]
Acceptance = Callable[[Occasion, Sequence[Candidate]], Awaitable[Verdict]]
