"""Fold rows of one person into one persona: what is equal in all rows is the person's."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from scai_cli.populations.account import Account
from scai_cli.populations.drafts import Drafted, PersonaDraft
from scai_cli.populations.table_rows import TableRow

_DIFFERS: Final = "different in the rows of one person"


def fold_people(drafted: Iterable[Drafted], account: Account) -> Iterator[Drafted]:
    """Merge the drafts with the same key, in the order of their first rows; all of them are kept in memory.

    Name, weight, split and preferences are those of the first row that has them. Different texts of the description
    are joined, stances are collected, and attributes that differ are left out.
    """
    people: dict[str, list[PersonaDraft]] = {}
    first: dict[str, TableRow] = {}
    for draft, row in drafted:
        if isinstance(draft, PersonaDraft):
            people.setdefault(draft.key, []).append(draft)
            first.setdefault(draft.key, row)
    for key, drafts in people.items():
        account.merged += len(drafts) - 1
        yield _merged(drafts, account), first[key]


def _merged(drafts: list[PersonaDraft], account: Account) -> PersonaDraft:
    names = dict.fromkeys(name for draft in drafts for name in draft.attributes)
    found = {name: [draft.attributes[name] for draft in drafts if name in draft.attributes] for name in names}
    for name, values in found.items():
        if len(set(values)) > 1:
            account.withdraw(f"attributes.{name}", len(values), _DIFFERS)
    texts = " ".join(dict.fromkeys(draft.description for draft in drafts if draft.description))
    stances: dict[str, list[str]] = {}
    for draft in drafts:
        for topic, text in draft.stances.items():
            stances.setdefault(topic, []).append(text)
    return replace(
        drafts[0],
        name=next((draft.name for draft in drafts if draft.name), ""),
        description=texts,
        attributes={name: values[0] for name, values in found.items() if len(set(values)) == 1},
        stances={topic: "; ".join(dict.fromkeys(said)) for topic, said in stances.items()},
        preferences={key: weight for draft in reversed(drafts) for key, weight in draft.preferences.items()},
    )
