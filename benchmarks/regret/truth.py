"""Compute the true value of a text that anybody could paste: the utility of first answers, without ratings or noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from benchmarks.regret.societies import JUDGED, Society
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import named, split_rule
from scai_cli.measures.observed import observe
from scai_cli.models.simulated.answers import compose
from scai_cli.models.simulated.attention import demands, shared
from scai_cli.models.simulated.openings import opening
from scai_cli.models.simulated.options import SocietyOptions
from scai_cli.models.simulated.portrait import draws
from scai_cli.models.simulated.questions import question, reply
from scai_cli.models.simulated.recognition import recognised_in
from scai_cli.models.simulated.wordings import remark
from scai_cli.simulation.observed import Measures

ANSWERS = range(100, 108)
"""The answer seeds, unknown to the search and the runs."""
OPENINGS = range(6)
_NAMES = list(TRAITS)
_OPTIONS = SocietyOptions()

Openings = tuple[tuple[Task, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Recognition:
    """How often the assistant finds a condition: among those who have it, and among the others by mistake."""

    found: float
    mistaken: float


@dataclass(frozen=True, slots=True)
class Judge:
    """The people of a society with the openings by which every constitution is judged."""

    society: Society
    openings: Mapping[str, Openings]

    @classmethod
    def of(cls, society: Society, tasks: Sequence[Task] = JUDGED) -> Judge:
        """Draw everyone's openings of these tasks."""
        people = (*society.members, *society.held_out)
        return cls(society, {person.id: _openings(society, person, tasks) for person in people})

    def utilities(self, people: Sequence[Persona], text: str) -> list[float]:
        """Return each person's expected utility of the first answer under a pasted text, in [0, 1].

        Where the text tells the assistant to ask something first, of the answer after the reply, less the annoyance.
        """
        return [self._utility(person, text) for person in people]

    def routed(self, constitution: Constitution) -> list[float]:
        """Return the members' expected utilities if each gets the clauses under its id."""
        return [self._utility(person, constitution.render(user=person.id)) for person in self.society.members]

    def asked(self, people: Sequence[Persona]) -> list[float]:
        """Return expected utilities of answers to people who, asked for their wishes, name two, under no rule.

        The question costs nothing here.
        """
        return [self._utility(person, "", _wishes(person)) for person in people]

    def _utility(self, person: Persona, text: str, said: tuple[str, ...] = ()) -> float:
        shown, asked = [], 0
        for task, openings in self.openings[person.id]:
            for number, opening_text in enumerate(openings):
                recognises = recognised_in((opening_text,), _OPTIONS.recognition, number)
                trait, told = question(text, recognises), said
                if trait:
                    asked += 1
                    rng = draws("reply", person.id, number)
                    told = (*said, reply(trait, person.preferences.get(trait, 0.0), rng) or "")
                wanted = demands(text, (opening_text, *told), recognises)
                shown.append(_shown(tuple(wanted.items()), task.prompt))
        return met(person.preferences, np.mean(shown, 0).tolist()) - _OPTIONS.annoyance * asked / len(shown)

    def measured(self, people: Sequence[Persona], text: str, measures: Measures) -> dict[str, float]:
        """Return the mean of each declared measure over first answers to people under a pasted text."""
        values: defaultdict[str, list[float]] = defaultdict(list)
        for person in people:
            for task, openings in self.openings[person.id]:
                for number, opening_text in enumerate(openings):
                    recognises = recognised_in((opening_text,), _OPTIONS.recognition, number)
                    strengths = shared(demands(text, (opening_text,), recognises), _OPTIONS.attention)
                    for seed in ANSWERS:
                        answer = compose(strengths, task.prompt, draws("truth", seed, task.prompt))
                        for name, value in measures.values(person, task, answer, measures.weights).items():
                            values[name] += [] if value is None else [value]
        return {name: fmean(known) for name, known in values.items() if known}

    def recognition(self, people: Sequence[Persona], text: str) -> Recognition | None:
        """Return how often the assistant finds the text's conditions in those with and without them; None for none."""
        conditions = [
            condition for line in text.splitlines() if (condition := split_rule(line)[0]) and named(condition)
        ]
        found: dict[bool, list[bool]] = {True: [], False: []}
        for person in people:
            own = named(str(person.attributes["situation"]))
            for _, openings in self.openings[person.id]:
                for number, opening_text in enumerate(openings):
                    finds = recognised_in((opening_text,), _OPTIONS.recognition, number)
                    for condition in conditions:
                        found[named(condition) <= own].append(finds(condition))
        return Recognition(*(float(np.mean(found[has])) for has in (True, False))) if all(found.values()) else None


def met(preferences: Mapping[str, float], shown: Sequence[float]) -> float:
    """Return `measures.observed.utility` of mean observations; it is linear in them."""
    weights = [preferences.get(name, 0.0) for name in _NAMES]
    total = sum(abs(weight) for weight in weights)
    return sum(w * o if w > 0 else -w * (1 - o) for w, o in zip(weights, shown, strict=True)) / total


def shown_under(rules: str, task: Task, seeds: Sequence[int]) -> NDArray[np.float64]:
    """Return the mean traits of answers under rules that all apply."""
    return _shown(tuple(demands(rules, (task.prompt,)).items()), task.prompt, tuple(seeds))


def _openings(society: Society, person: Persona, tasks: Sequence[Task]) -> Openings:
    conditions = named(str(person.attributes["situation"]))
    return tuple(
        (
            task,
            tuple(
                opening(
                    task.prompt, conditions, society.cell.shows, draws("opens", society.seed, person.id, task.id, n)
                )
                for n in OPENINGS
            ),
        )
        for task in tasks
    )


def _wishes(person: Persona) -> tuple[str, ...]:
    dearest = sorted(person.preferences, key=lambda trait: -abs(person.preferences[trait]))[:2]
    rng = draws("wishes", person.id)
    return (" ".join(remark(t, "wished" if person.preferences[t] > 0 else "minded", rng) for t in dearest),)


@lru_cache(maxsize=100_000)
def _shown(
    wanted: tuple[tuple[str, float], ...], task: str, seeds: tuple[int, ...] = tuple(ANSWERS)
) -> NDArray[np.float64]:
    """Return the mean traits of answers to these demands; the random numbers are the same for all demands."""
    strengths = shared(dict(wanted), _OPTIONS.attention)
    rows: Sequence[list[float]] = [
        list(observe(compose(strengths, task, draws("truth", seed, task))).values()) for seed in seeds
    ]
    shown: NDArray[np.float64] = np.mean(np.array(rows), 0)
    return shown
