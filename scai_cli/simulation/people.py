"""The people of an epoch, by place and by name: no look-up for one conversation goes over all of them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from scai_cli.experiment.personas import Persona
from scai_cli.values import draw


@dataclass(frozen=True, slots=True)
class People:
    """The people of an epoch in their order."""

    personas: Sequence[Persona]
    # Both are filled when first asked: many contexts are made and never ask.
    _places: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _named: defaultdict[str, set[str]] = field(
        default_factory=lambda: defaultdict(set), init=False, repr=False, compare=False
    )

    def others(self, persona: Persona | None, count: int | None, seed: str) -> Sequence[Persona]:
        """Return all but this persona in their order, or `count` of them, drawn without replacement with the seed."""
        if not self._places:
            self._places.update({each.id: place for place, each in enumerate(self.personas)})
        own = self._places.get(persona.id if persona else "", len(self.personas))
        drawn = draw(range(len(self.personas) - (own < len(self.personas))), count, seed)
        return [self.personas[place + (place >= own)] for place in drawn]

    def has_other(self, names: Collection[str], persona: Persona) -> bool:
        """Return whether anyone but this persona has one of the names, as `spoken_names` returns them."""
        if names and not self._named:
            for each in self.personas:
                for name in spoken_names(each):
                    self._named[name].add(each.id)
        return any(not self._named.get(name, set()) <= {persona.id} for name in names)


def spoken_names(persona: Persona) -> set[str]:
    """Return the whole and the first name of a persona, in lower case; empty if it has only an id."""
    name = persona.name.lower().replace("’", "'").strip()
    return {name, name.split()[0]} if name else set()
