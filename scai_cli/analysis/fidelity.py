"""Measure in a finished run whether the simulated users stay in character."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scai_cli.measures.requested import requested
from scai_cli.runs.history.history import History
from scai_cli.simulation.utilities import mean
from scai_cli.stats.variance import Variances, one_way

_NEAR_NULL: Final = 1.5
"""A persona is flagged if its distance is at most this multiple of the distance from its own second rating."""
_NO_DISTANCE: Final = 0.02
"""The largest distance, as a share of the scale, that counts as zero."""

_ENOUGH: Final = 2
"""The minimal number of ratings of both kinds to flag a persona."""


@dataclass(frozen=True, slots=True)
class PersonaFidelity:
    """The fidelity of one persona; a value is None without data.

    `from_null`, `from_swapped`, `from_itself`: mean distance, as a share of the scale, of the persona's ratings from
    the ratings of the null persona, of another persona and of itself, for the same answers. `as_null`: it is hardly
    farther from the null persona than from itself. `adherence`: the share, in [0, 1], of the requests in its comments
    that agree with its stated preferences. `judged`: the judge's rating, from 0 to 10.
    """

    from_null: float | None
    from_swapped: float | None
    from_itself: float | None
    as_null: bool | None
    adherence: float | None
    judged: float | None


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The fidelity of the group: the variance of ratings by rater, and every persona."""

    own: Variances | None
    """Final own ratings, grouped by persona."""
    cross: Variances | None
    """Ratings of the others' answers, grouped by rater."""
    personas: Mapping[str, PersonaFidelity]

    def as_object(self) -> dict[str, Any]:
        """Return the object that `scai show RUN --fidelity --json` prints."""
        return {
            "own": asdict(self.own) if self.own else None,
            "cross": asdict(self.cross) if self.cross else None,
            "personas": {name: asdict(persona) for name, persona in self.personas.items()},
            "flagged": [name for name, persona in self.personas.items() if persona.as_null],
        }


def fidelity(history: History) -> Fidelity:
    """Measure the fidelity in a history with messages."""
    groups: dict[str, dict[str, list[float]]] = {"own": defaultdict(list), "cross": defaultdict(list)}
    own: dict[str, float] = {}
    for rating in (rating for epoch in history.epochs for rating in epoch.ratings):
        if rating.final and rating.value is not None:
            groups[rating.kind][rating.rater].append(rating.value)
            if rating.kind == "own":
                own[rating.conversation] = rating.value
    distances = _distances(history, own)
    comments = _comments(history)
    preferences = {persona.id: persona.preferences for persona in history.config.personas.inline}
    judged = {event.persona: event.value for event in history.judged}
    personas = {}
    for name in dict.fromkeys(name for epoch in history.epochs for name in epoch.personas):
        null, swapped, retest = (distances[name, kind] for kind in ("null", "swapped", "retest"))
        means = mean(null), mean(swapped), mean(retest)
        adhered = adherence(preferences.get(name, {}), comments[name])
        personas[name] = PersonaFidelity(*means, _as_null(null, retest), adhered, judged.get(name))
    return Fidelity(one_way(list(groups["own"].values())), one_way(list(groups["cross"].values())), personas)


def adherence(preferences: Mapping[str, float], comments: Iterable[str]) -> float | None:
    """Return the share of requests in comments that agree with the preferences, or None without requests."""
    requests = [request for comment in comments for request in requested(comment).items()]
    kept = sum(preferences.get(trait, 0.0) * sign > 0 for trait, sign in requests)
    return kept / len(requests) if requests and preferences else None


def _comments(history: History) -> dict[str, list[str]]:
    """Return persona -> its messages after the opening of each conversation."""
    comments: dict[str, list[str]] = defaultdict(list)
    for messages in (messages for epoch in history.epochs for messages in epoch.conversations.values()):
        for message in messages[1:]:
            if message.role == "user":
                comments[message.persona].append(message.content)
    return comments


def _distances(history: History, own: Mapping[str, float]) -> dict[tuple[str, str], list[float]]:
    """Return (persona, kind of control) -> distances of its ratings from the control's, as shares of the scale."""
    low, high = history.config.ratings.scale
    distances: dict[tuple[str, str], list[float]] = defaultdict(list)
    for control in history.controls:
        if control.value is not None and control.conversation in own:
            distance = abs(own[control.conversation] - control.value) / (high - low)
            distances[control.persona, control.kind].append(distance)
    return distances


def _as_null(null: Sequence[float], retest: Sequence[float]) -> bool | None:
    from_null, from_itself = mean(null), mean(retest)
    if from_null is None or from_itself is None or len(null) < _ENOUGH:
        return None
    return from_null <= max(_NO_DISTANCE, _NEAR_NULL * from_itself)
