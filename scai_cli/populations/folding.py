"""Fold rows of one person into one persona: values that are equal in all rows are the person's."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.account import Account
from scai_cli.populations.drafts import Drafted, PersonaDraft
from scai_cli.populations.table_rows import TableRow

_DIFFERS: Final = "different in the rows of one person"
_OTHER: Final = "other than in an earlier row of the person"


def fold_people(drafted: Iterable[Drafted], account: Account) -> Iterator[Drafted]:
    """Merge the drafts with the same key, in the order of their first rows; all of them are kept in memory.

    Name, weight, split and preferences are those of the first row that has them; others are entered as left out.
    Different texts of the description
    are joined, stances are collected, and attributes that differ in the rows of any person are left out.
    """
    people: dict[str, list[PersonaDraft]] = {}
    first: dict[str, TableRow] = {}
    for draft, row in drafted:
        if isinstance(draft, PersonaDraft):
            people.setdefault(draft.key, []).append(draft)
            first.setdefault(draft.key, row)
    differing = {name for drafts in people.values() for name in _differing(drafts)}
    for name in differing:
        account.withdraw(f"attributes.{name}", _DIFFERS)
    account.merged += sum(map(len, people.values())) - len(people)
    merged = {key: _merged(drafts, differing) for key, drafts in people.items()}
    others = Counter(into for key, drafts in people.items() for draft in drafts for into in _others(draft, merged[key]))
    for into, count in others.items():
        account.withdraw(into, _OTHER, count)
    for key, person in merged.items():
        yield person, first[key]


def _differing(drafts: list[PersonaDraft]) -> Iterator[str]:
    """Yield the attributes with more than one value."""
    values: dict[str, Scalar] = {}
    for draft in drafts:
        for name, value in draft.attributes.items():
            if values.setdefault(name, value) != value:
                yield name


def _others(draft: PersonaDraft, person: PersonaDraft) -> Iterator[str]:
    """Yield the destinations of the values that a row has and its person has not."""
    for into in ("name", "weight", "split"):
        if getattr(draft, into) not in ("", None, getattr(person, into)):
            yield into
    yield from (f"preferences.{key}" for key, value in draft.preferences.items() if value != person.preferences[key])


def _merged(drafts: list[PersonaDraft], differing: set[str]) -> PersonaDraft:
    attributes = {name: value for draft in drafts for name, value in draft.attributes.items() if name not in differing}
    stances: dict[str, dict[str, None]] = {}
    for draft in drafts:
        for topic, text in draft.stances.items():
            stances.setdefault(topic, {})[text] = None
    return replace(
        drafts[0],
        name=next((draft.name for draft in drafts if draft.name), ""),
        weight=next((draft.weight for draft in drafts if draft.weight is not None), None),
        split=next((draft.split for draft in drafts if draft.split), None),
        description=" ".join(dict.fromkeys(draft.description for draft in drafts if draft.description)),
        attributes=attributes,
        stances={topic: "; ".join(said) for topic, said in stances.items()},
        preferences={key: weight for draft in reversed(drafts) for key, weight in draft.preferences.items()},
    )
