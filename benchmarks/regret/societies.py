"""Draw societies of types with known wishes: a condition that may show, a taste that all share, an individual rest."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scai_cli.experiment.personas import Persona
from scai_cli.experiment.tasks import Task
from scai_cli.measures.catalogue import TRAITS
from scai_cli.measures.conditions import CONDITIONS

COMMON = (0.1, 0.4, 0.7)
"""The shares of a person's taste that all have in common."""
SHOWS = (0.5, 0.7, 0.9)
"""The chances that an opening shows the person's condition."""
MISLEADS = (0.0, 0.2)
"""The shares of people with the condition of another type."""
MEMBERS = 8

PLAYED = (
    Task(id="dinner", prompt="Plan a dinner for twelve people next Friday."),
    Task(id="move", prompt="Should I move to another city for work?"),
)
"""The tasks of the runs."""

JUDGED = (
    *PLAYED,
    Task(id="learn", prompt="How do I learn to play the piano as an adult?"),
    Task(id="letter", prompt="Help me to write a letter to an old friend."),
)
"""The tasks that judge a constitution: those of the runs and as many new ones."""

_TYPES = 4
_NEWCOMERS, _STRANGERS = 12, 4
_OF_TYPE = 0.7
"""The share of the taste beyond the common one that a person has by its type."""
_MINDED = 0.2
_THEMES = tuple(name for name, trait in TRAITS.items() if trait.kind == "substance")

_MINDING = 0.6
"""The share of the others who mind what a coalition demands."""

Wants = dict[str, float]
Minority = Literal["demands", "wishes"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the grid: the share of common taste, the chance that the condition shows, and misleading conditions."""

    common: float
    shows: float
    misleads: float

    def __str__(self) -> str:
        """Return the three numbers."""
        return f"{self.common:g} / {self.shows:g} / {self.misleads:g}"


CELLS = tuple(Cell(common, shows, misleads) for common in COMMON for shows in SHOWS for misleads in MISLEADS)
CENTRE = Cell(0.4, 0.7, 0.0)


@dataclass(frozen=True, slots=True)
class Society:
    """A group with known wishes, and people that it has not met.

    `members` take part in the runs. `dev`, to tune on, and `newcomers` are of the members' types, `strangers` of a type
    that no member has. `minority`, a quarter of the members, has the wish for a theme `pressed`: with `demands` it
    demands a rule for everyone, and most others mind the theme; else it shares a condition, and nobody minds.
    """

    seed: int
    cell: Cell
    members: tuple[Persona, ...]
    dev: tuple[Persona, ...]
    newcomers: tuple[Persona, ...]
    strangers: tuple[Persona, ...]
    minority: tuple[str, ...] = ()
    pressed: str = ""
    demands: bool = False

    @property
    def held_out(self) -> tuple[Persona, ...]:
        """The people who take no part in any run: newcomers and strangers."""
        return (*self.newcomers, *self.strangers)


def society(seed: int, cell: Cell, members: int = MEMBERS, *, minority: Minority | None = None) -> Society:
    """Draw a society, perhaps with a minority that demands or wishes."""
    rng = random.Random(f"{seed}/{cell}/{members}")
    conditions = rng.sample(list(CONDITIONS), _TYPES + 1)
    names = list(TRAITS)
    common = _wishes(rng, names, 2, minded=0.0)
    free = [name for name in names if name not in common and TRAITS[name].excludes not in common]
    types = _types(rng, conditions, free)

    def people(prefix: str, count: int, kinds: Sequence[int]) -> tuple[Persona, ...]:
        return tuple(_person(rng, f"{prefix}{n}", cell, common, types, kinds[n % len(kinds)]) for n in range(count))

    trained = list(range(_TYPES))
    shuffled = [rng.choice(trained) if n >= _TYPES else n for n in range(members)]
    group = people("u", members, shuffled)
    others = people("d", members, trained), people("n", _NEWCOMERS, trained), people("s", _STRANGERS, [_TYPES])
    if minority is None:
        return Society(seed, cell, group, *others)
    theme, few = _unwanted(rng, group), group[: members // 4]
    changed = _coalition if minority == "demands" else _harmless
    return Society(
        seed, cell, changed(rng, group, few, theme), *others, tuple(p.id for p in few), theme, minority == "demands"
    )


def grid(seed: int, each: int) -> Iterator[Society]:
    """Yield `each` societies of every cell."""
    for n, cell in enumerate(CELLS):
        for number in range(each):
            yield society(seed + 100 * n + number, cell)


def _types(rng: random.Random, conditions: Sequence[str], free: Sequence[str]) -> list[tuple[str, Wants]]:
    """Draw each type's wishes: two of its own, and it minds one that the next type has."""
    own = [_wishes(rng, free, 2, _MINDED) for _ in conditions]
    types = []
    for n, condition in enumerate(conditions):
        contested = next((t for t, w in own[(n + 1) % len(own)].items() if w > 0 and t not in own[n]), None)
        minds = {contested: -rng.uniform(0.5, 1.0)} if contested else {}
        types.append((condition, {**own[n], **minds}))
    return types


def _person(
    rng: random.Random, name: str, cell: Cell, common: Wants, types: Sequence[tuple[str, Wants]], kind: int
) -> Persona:
    condition, own = types[kind]
    if rng.random() < cell.misleads:
        condition = rng.choice([other for n, (other, _) in enumerate(types) if n != kind])
    taken = {*common, *own}
    free = [t for t in TRAITS if t not in taken and TRAITS[t].excludes not in taken]
    rest = 1 - cell.common
    parts = (
        (common, cell.common),
        (own, rest * _OF_TYPE),
        (_wishes(rng, free, 2, _MINDED), rest * (1 - _OF_TYPE)),
    )
    wants = {
        trait: share * weight / sum(map(abs, part.values())) for part, share in parts for trait, weight in part.items()
    }
    most = max(map(abs, wants.values()))
    preferences = {trait: round(weight / most, 3) for trait, weight in wants.items()}
    return Persona(id=name, preferences=preferences, attributes={"situation": CONDITIONS[condition].label})


def _wishes(rng: random.Random, names: Sequence[str], count: int, minded: float) -> Wants:
    wants: Wants = {}
    for trait in rng.sample(names, len(names)):
        if len(wants) < count and TRAITS[trait].excludes not in wants:
            wants[trait] = rng.uniform(0.5, 1.0) * (-1 if rng.random() < minded else 1)
    return wants


def _unwanted(rng: random.Random, group: Sequence[Persona]) -> str:
    """Draw a theme that no member has an opinion on."""
    known = {trait for person in group for trait in person.preferences}
    return rng.choice([theme for theme in _THEMES if theme not in known] or list(_THEMES))


def _coalition(rng: random.Random, group: Sequence[Persona], few: Sequence[Persona], theme: str) -> tuple[Persona, ...]:
    """Let some members demand a rule on a theme, and most of the others mind it."""
    conduct, changed = f"demands a rule on {TRAITS[theme].label}", []
    others = [person for person in group if person not in few]
    minding = rng.sample(others, round(_MINDING * len(others)))
    for person in group:
        if person in few:
            changes: dict[str, Any] = {
                "attributes": {**person.attributes, "conduct": conduct},
                "preferences": {**person.preferences, theme: 1.0},
            }
        else:
            weight = round(-rng.uniform(0.4, 1.0), 2) if person in minding else person.preferences.get(theme, 0.0)
            changes = {"preferences": {**person.preferences, theme: weight}}
        changed.append(person.model_copy(update=changes))
    return tuple(changed)


def _harmless(rng: random.Random, group: Sequence[Persona], few: Sequence[Persona], theme: str) -> tuple[Persona, ...]:
    """Let some members share a condition that nobody else has, and a wish that nobody minds."""
    taken = {str(person.attributes["situation"]) for person in group if person not in few}
    label = rng.choice([one.label for one in CONDITIONS.values() if one.label not in taken])
    own = {"attributes": {"situation": label}}
    return tuple(
        p.model_copy(update={**own, "preferences": {**p.preferences, theme: 1.0}})
        if p in few
        else p.model_copy(update={"preferences": {t: w for t, w in p.preferences.items() if t != theme}})
        for p in group
    )
