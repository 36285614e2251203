"""Do the simulated users stay themselves? What a finished run tells of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scai_cli.measures.requested import requested
from scai_cli.runs.events import ControlRated
from scai_cli.runs.history.event_lines import CompactMessage
from scai_cli.runs.history.history import History
from scai_cli.stats.variance import Variances, one_way

AS_NOBODY: Final = 1.5
"""Who is no farther from the null persona than so many times from itself on a second asking is flagged."""
_AT_LEAST: Final = 0.02
"""A distance, as a share of the scale, that is none."""

_ENOUGH: Final = 2
"""With fewer ratings of both a persona is not flagged."""


@dataclass(frozen=True, slots=True)
class PersonaFidelity:
    """One persona. None where the run holds nothing to tell it by.

    `from_null`, `from_swapped` and `from_itself`: mean distance, as a share of the scale, of the persona's ratings from
    those that the null persona, somebody else and it itself, asked again, gave in its place. `as_null`: it is hardly
    farther from the null persona than from itself. `adherence`: of what
    its comments ask for or against, the share that its stated preferences hold with that sign, in [0, 1]. `judged`: the
    judge's rating, from 0 to 10.
    """

    from_null: float | None
    from_swapped: float | None
    from_itself: float | None
    as_null: bool | None
    adherence: float | None
    judged: float | None


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The whole group: how far ratings differ by rater, and everybody in it."""

    own: Variances | None
    """Final own ratings, grouped by persona."""
    cross: Variances | None
    """Ratings of the others' answers, grouped by rater."""
    personas: Mapping[str, PersonaFidelity]

    def as_object(self) -> dict[str, Any]:
        """What `scai show RUN --fidelity --json` prints."""
        return {
            "own": asdict(self.own) if self.own else None,
            "cross": asdict(self.cross) if self.cross else None,
            "personas": {name: asdict(found) for name, found in self.personas.items()},
            "flagged": [name for name, found in self.personas.items() if found.as_null],
        }


def fidelity(history: History) -> Fidelity:
    """Measure a run that was read with its messages."""
    groups: dict[str, dict[str, list[float]]] = {"own": defaultdict(list), "cross": defaultdict(list)}
    own: dict[str, float] = {}
    for epoch in history.epochs:
        for rating in epoch.ratings:
            if rating.final and rating.value is not None:
                groups[rating.kind][rating.rater].append(rating.value)
                if rating.kind == "own":
                    own[rating.conversation] = rating.value
    said: dict[str, list[CompactMessage]] = defaultdict(list)
    for message in (m for epoch in history.epochs for talk in epoch.conversations.values() for m in talk[1:]):
        if message.role == "user":
            said[message.persona].append(message)
    preferences = {persona.id: persona.preferences for persona in history.config.personas.inline}
    judged = {event.persona: event.value for event in history.judged}
    low, high = history.config.ratings.scale
    apart = _Apart(history.controls, own, high - low)
    people = dict.fromkeys(name for epoch in history.epochs for name in epoch.personas)
    return Fidelity(
        one_way(list(groups["own"].values())),
        one_way(list(groups["cross"].values())),
        {
            name: PersonaFidelity(
                apart.mean(name, "null"),
                apart.mean(name, "swapped"),
                apart.mean(name, "retest"),
                apart.flag(name),
                adherence(preferences.get(name, {}), (message.content for message in said[name])),
                judged.get(name),
            )
            for name in people
        },
    )


def adherence(preferences: Mapping[str, float], comments: Iterable[str]) -> float | None:
    """Of what comments ask for (or against), the share that the preferences hold with that sign; None without any."""
    held = asked = 0
    for comment in comments:
        for trait, sign in requested(comment).items():
            asked += 1
            held += preferences.get(trait, 0.0) * sign > 0
    return held / asked if asked and preferences else None


class _Apart:
    """How far each persona's own ratings are from the controls of the same answers, as shares of the scale."""

    def __init__(self, controls: Sequence[ControlRated], own: Mapping[str, float], span: float) -> None:
        self._found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for control in controls:
            if control.value is not None and control.conversation in own:
                distance = abs(own[control.conversation] - control.value) / span
                self._found[control.persona, control.kind].append(distance)

    def mean(self, persona: str, kind: str) -> float | None:
        found = self._found.get((persona, kind))
        return sum(found) / len(found) if found else None

    def flag(self, persona: str) -> bool | None:
        null, itself = self.mean(persona, "null"), self.mean(persona, "retest")
        if null is None or itself is None or len(self._found[persona, "null"]) < _ENOUGH:
            return None
        return null <= max(_AT_LEAST, AS_NOBODY * itself)
