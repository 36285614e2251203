"""Hints at the end of an import: what a user perhaps wants to say in a column map."""

from collections import Counter

from scai_cli.populations.account import Account
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.profile import NOT_KNOWN, ColumnProfile
from scai_cli.populations.reading import Reading


def add_hints(account: Account, reading: Reading, columns: ColumnMap | None, repeated: int, is_open: bool) -> None:
    """Add the hints to an account; `repeated` is the number of ids that an earlier row has.

    `is_open` is whether columns that nobody named become attributes.
    """
    names = {name.lower(): name for name in account.fields}
    profiles = {names[column]: profile for column, profile in reading.profiles.items() if column in names}
    ids = [name for name, one in account.fields.items() if "id" in one.into]
    account.repeated_ids = repeated if ids else 0
    account.codes = tuple(name for name, p in profiles.items() if name.lower() not in reading.labels and p.are_labelled)
    if columns is None or columns.missing is None:
        account.answers = _answers(profiles)
    if columns is None or not columns.person:
        keys = ids if is_open and account.repeated_ids else [name for name, p in profiles.items() if p.repeats_people]
        account.person = next(iter(keys), "")


def _answers(profiles: dict[str, ColumnProfile]) -> dict[str, Counter[str]]:
    """Return the fields with words, as answers, that are not known among the numbers of other fields."""
    words = {word for profile in profiles.values() if profile.are_numbers for word in profile.unlike}
    words = {word for word in words if word.lower() not in NOT_KNOWN}
    others = {name: profile.unlike for name, profile in profiles.items() if not profile.are_numbers}
    kept = {name: {word: unlike[word] for word in words & unlike.keys()} for name, unlike in others.items()}
    return {name: Counter(counts) for name, counts in kept.items() if counts}
