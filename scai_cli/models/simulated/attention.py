"""The demands on the simulated assistant from rules, remarks, task and habits, under limited attention."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import split_rule
from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.questions import question, without_questions
from scai_cli.models.simulated.recognition import NOTHING, Recognises

HABITS: Final[Mapping[str, float]] = {"detailed": 0.35, "formal": 0.3, "balanced": 0.35, "states_uncertainty": 0.3}
"""Trait -> strength that the assistant shows without a demand."""

RULE: Final = 1.0
REMARK: Final = 0.3
FADING: Final = 0.5
TASK: Final = 0.3


_asked: Final = lru_cache(maxsize=4096)(requested)
"""`requested` with a cache, as the same rules are read before every answer."""


def demands(system: str, user_messages: Sequence[str], recognises: Recognises = NOTHING) -> dict[str, float]:
    """Return how strongly each trait is asked for (> 0) or against (< 0), in [-1, 1], before attention is shared.

    A rule (a line of the system message) counts 1, one with a condition only if the reader `recognises` it. The user's
    last remark counts 0.3, each older one half of the next; what it says of a trait that the assistant was to ask about
    counts 1.
    The opening, which is the first user message, counts 0.3 for each theme and request in it; habits count
    as in `HABITS`, but yield to a demand that excludes them. Of two traits that exclude each other and are both
    asked for, the stronger keeps the difference.
    """
    total: dict[str, float] = {}
    asked = question(system, recognises)
    for line in without_questions(system):
        condition, rule = split_rule(line)
        if condition is None or recognises(condition):
            _add(total, _asked(rule), RULE)
    for age, remark in enumerate(reversed(user_messages[1:])):
        said = requested(remark)
        _add(total, {t: sign for t, sign in said.items() if t != asked}, REMARK * FADING**age)
        _add(total, {t: sign for t, sign in said.items() if t == asked}, RULE)
    if user_messages:
        _add(total, task_requests(user_messages[0]), TASK)
    habits = {name: s for name, s in HABITS.items() if total.get(TRAITS[name].excludes or "", 0.0) <= 0}
    _add(total, habits, 1.0)
    clipped = {name: min(1.0, max(-1.0, total[name])) for name in TRAITS if total.get(name)}
    return {name: weight for name, weight in _resolve_exclusions(clipped).items() if weight}


def shared(wanted: Mapping[str, float], budget: float) -> dict[str, float]:
    """Scale the demands to the available attention, by min(1, budget / sum of |demand|)."""
    total = sum(abs(weight) for weight in wanted.values())
    share = min(1.0, budget / total) if total else 1.0
    return {name: weight * share for name, weight in wanted.items()}


@lru_cache(maxsize=8192)
def task_requests(task: str) -> dict[str, float]:
    """Return the traits that a task or an opening asks for (1.0) or against (-1.0): its themes and its requests."""
    themes = {n: 1.0 for n, shown in observe(task).items() if shown and TRAITS[n].kind == "substance"}
    styles = {name: sign for name, sign in requested(task).items() if TRAITS[name].kind == "style"}
    return themes | styles


def _add(total: dict[str, float], signs: Mapping[str, float], strength: float) -> None:
    for name, sign in signs.items():
        total[name] = total.get(name, 0.0) + strength * sign


def _resolve_exclusions(wanted: Mapping[str, float]) -> dict[str, float]:
    resolved = dict(wanted)
    for name, weight in wanted.items():
        other = max(0.0, wanted.get(TRAITS[name].excludes or "", 0.0))
        if weight > 0:
            resolved[name] = max(0.0, weight - other)
    return resolved
