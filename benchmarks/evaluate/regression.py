"""Is a group that a new rule harms named as the one that loses, and none where no rule harms it?"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.evaluate.playing import experiment, library, place
from benchmarks.evaluate.shares import Found, counted
from benchmarks.regret.societies import CENTRE, Society, society
from scai_cli.experiment.personas import Persona
from scai_cli.measures.catalogue import TRAITS
from scai_cli.models.simulated.wordings import rule

ATTRIBUTE, HARMED, OTHER = "region", "north", "south"
GROUP = f"people with {ATTRIBUTE}: {HARMED}"
"""The harmed group in the words of the suite."""
_SHARE = 1 / 3
_MINDED, _WANTED = -1.0, 0.6
_TASKS = 4
_CASES = ("harms", "helps all", "says the same")
"""The second system: a rule that the group minds and the others want; one that all want; no other rule."""


@dataclass(frozen=True, slots=True)
class Losers:
    """Whether the suite names the harmed group; the numbers of groups, of those without a harmed person, and of people.

    All are those that lose, as its notes say.
    """

    harmed: bool
    groups: int
    spared: int
    people: int


def rows(seed: int, societies: int) -> Iterator[Found]:
    """Yield the rows of the table."""
    found = [losers(seed + n) for n in range(societies)]
    harmed, helped, same = ([each[case] for each in found] for case in _CASES)
    wanted = f"at least {round(0.9 * societies)} of {societies}"
    yield Found(
        "a rule that a group minds: it is named as losing", wanted, counted(sum(e.harmed for e in harmed), societies)
    )
    yield Found("– and another one, with some of its people", "", counted(sum(e.groups > 1 for e in harmed), societies))
    yield Found("– and one without any of them", "at most 5 %", counted(sum(e.spared > 0 for e in harmed), societies))
    for title, some in (("a rule that all want", helped), ("the same rules in other words", same)):
        false = sum(e.groups > 0 for e in some)
        yield Found(f"{title}: a group is named", "at most 5 %", counted(false, societies))
        yield Found("– a single person is named", "at most 5 %", counted(sum(e.people > 0 for e in some), societies))


def losers(seed: int) -> dict[str, Losers]:
    """Return case -> who loses with the second system, among the people of a society who are not its members."""
    one = society(seed, CENTRE)
    rng = random.Random(f"{seed}/regression")
    theme, wanted = _themes(one)[:2]
    people = _people(one, theme, wanted, rng)
    rules = [rule(trait, True, rng) for trait in sorted(_common(one) - {theme, wanted})]
    texts = {
        "harms": [*rules, rule(theme, True, rng)],
        "helps all": [*rules, rule(wanted, True, rng)],
        "says the same": [*rules, "Thank you."],
    }
    config = experiment(one, people, rng.sample(library(), _TASKS), seed)
    found = {}
    for case, text in texts.items():
        with place() as here:
            systems = [here.write(f"{name}.md", _text(lines)) for name, lines in (("before", rules), ("after", text))]
            (result,) = here.evaluate(systems, "society", config).results
        found[case] = _losers(result.notes, people)
    return found


def _themes(one: Society) -> list[str]:
    """Return the themes, those first that the fewest people have an opinion on."""
    known = Counter(trait for person in one.held_out for trait in person.preferences)
    return sorted((name for name, trait in TRAITS.items() if trait.kind == "substance"), key=lambda name: known[name])


def _common(one: Society) -> set[str]:
    return set.intersection(*(set(person.preferences) for person in one.held_out))


def _people(one: Society, theme: str, wanted: str, rng: random.Random) -> list[Persona]:
    """Return the people with a region; the north minds a theme that the others want, and all want another one."""
    north = set(rng.sample([p.id for p in one.held_out], round(_SHARE * len(one.held_out))))
    changed = []
    for person in one.held_out:
        region = HARMED if person.id in north else OTHER
        preferences = {
            **person.preferences,
            theme: _MINDED if region == HARMED else _WANTED,
            wanted: _WANTED,
        }
        attributes = {**person.attributes, ATTRIBUTE: region}
        changed.append(person.model_copy(update={"attributes": attributes, "preferences": preferences}))
    return changed


def _text(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _losers(notes: Sequence[str], people: Sequence[Persona]) -> Losers:
    """Read the sentence about those who lose."""
    note = next(note for note in notes if note.startswith("With after"))
    lost = note.removeprefix("With after loses: ").rstrip(".").split(", ") if "loses: " in note else []
    groups = [name for name in lost if name.startswith("people with ")]
    spared = {f"people with {key}: {value}" for p in people for key, value in p.attributes.items()}
    spared -= {
        f"people with {k}: {v}" for p in people if p.attributes[ATTRIBUTE] == HARMED for k, v in p.attributes.items()
    }
    return Losers(GROUP in groups, len(groups), len(spared.intersection(groups)), len(lost) - len(groups))
