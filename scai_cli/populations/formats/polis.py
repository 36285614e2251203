"""Polis exports (comments.csv, participants-votes.csv): a persona for each opinion group, stances from its votes."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.populations.clean_text import BadRow, one_line, sentence
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.table_rows import Notify, TableRow, csv_rows

VOTES, COMMENTS = "participants-votes.csv", "comments.csv"

_VOTES: Final = {"1": 1, "1.0": 1, "-1": -1, "-1.0": -1, "0": 0, "0.0": 0}
_REJECTED: Final = ("-1", "-1.0")
_CLEAR: Final = 0.6
"""The least share of a group's votes that counts as its stance."""
_TELLING: Final = 3
"""The number of statements of each kind in the biography."""
_FEWEST: Final = 3
"""The fewest votes of a group on a statement that count."""


@dataclass(slots=True)
class OpinionGroup:
    """An opinion group: its members, and its votes on each statement (1 agree, -1 disagree, 0 pass)."""

    number: str
    members: int = 0
    votes: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group, the other groups, and the statements by number."""

    group: OpinionGroup
    others: tuple[OpinionGroup, ...]
    statements: Mapping[str, str]


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the groups of a conversation; the file is the folder of an export, or its participants-votes.csv."""
    folder = Path(file) if os.path.isdir(file) else Path(file).parent
    votes = folder / VOTES if os.path.isdir(file) else Path(file)
    statements = _statements(folder / COMMENTS, notify)
    groups: dict[str, OpinionGroup] = {}
    without_group = 0
    for row in csv_rows(str(votes), notify):
        try:
            counted = _count(row, statements, groups)
        except BadRow as error:
            yield TableRow(row.number, None, row.line, str(error), str(votes))
            continue
        without_group += not counted
    if without_group:
        notify(f"{votes}: {without_group} participants belong to no opinion group and are left out")
    if not groups:
        raise ConfigError(f"{votes}: no participant belongs to an opinion group (column group-id)")
    ordered = sorted(groups.values(), key=lambda group: (len(group.number), group.number))
    for number, group in enumerate(ordered, 1):
        yield TableRow(number, GroupRow(group, tuple(other for other in ordered if other is not group), statements))


def drafts(row: Any) -> Iterator[PersonaDraft]:
    """Turn a group into one persona, with the number of its members as the weight."""
    conversation: GroupRow = row
    group, letter = conversation.group, _letter(conversation.group.number)
    agreed, disagreed = (_telling(conversation, vote) for vote in (1, -1))
    sentences = [f"Stands for the {group.members} members of opinion group {letter} in a public deliberation."]
    sentences += [f"More than others they agree that {_quoted(agreed)}."] if agreed else []
    sentences += [f"More than others they disagree that {_quoted(disagreed)}."] if disagreed else []
    yield PersonaDraft(
        key=f"group-{letter.lower()}",
        name=f"Group {letter}",
        description=" ".join(sentences),
        attributes={"opinion_group": letter, "members": group.members},
        stances={
            f"statement-{number}": _stance(group.votes[number], text)
            for number, text in conversation.statements.items()
            if sum(group.votes[number].values()) >= _FEWEST
        },
        weight=float(group.members),
    )


def _statements(file: Path, notify: Notify) -> dict[str, str]:
    """Return the texts of the statements that the moderators accepted, by number."""
    statements = {}
    for row in csv_rows(str(file), notify):
        if row.value is None:
            raise ConfigError.at(str(file), row.line, None, f"row {row.number}: {row.problem}")
        number, text = row.value.get("comment-id", ""), one_line(row.value.get("comment-body"), "comment-body")
        if number.isdigit() and text and row.value.get("moderated") not in _REJECTED:
            statements[str(int(number))] = text
    if not statements:
        raise ConfigError(f"{file}: has no statements (columns comment-id, comment-body)")
    return statements


def _count(row: TableRow, statements: Mapping[str, str], groups: dict[str, OpinionGroup]) -> bool:
    """Count a participant's votes for the group; return False if there are none."""
    if row.value is None:
        raise BadRow(row.problem)
    number = str(row.value.get("group-id", "")).strip().removesuffix(".0")
    if not number:
        return False
    if not number.isdigit():
        raise BadRow(f"group-id {number[:40]!r} is not a number")
    votes = {}
    for statement in statements:
        given = (row.value.get(statement) or "").strip()
        if given and given not in _VOTES:
            raise BadRow(f"the vote on statement {statement} is {given[:40]!r}, not -1, 0 or 1")
        if given:
            votes[statement] = _VOTES[given]
    group = groups.setdefault(number, OpinionGroup(number))
    group.members += 1
    for statement, vote in votes.items():
        group.votes[statement][vote] += 1
    return True


def _telling(row: GroupRow, vote: int) -> list[str]:
    """Return the statements with a clear share of this vote that distinguish the group most from the others."""
    lead = {}
    for number in row.statements:
        own = row.group.votes[number]
        others = sum((other.votes[number] for other in row.others), Counter[int]())
        if sum(own.values()) >= _FEWEST and own[vote] / sum(own.values()) >= _CLEAR:
            lead[number] = _share(own, vote) - _share(others, vote)
    best = sorted((number for number in lead if lead[number] > 0), key=lambda number: -lead[number])
    return [row.statements[number] for number in best[:_TELLING]]


def _share(votes: Counter[int], vote: int) -> float:
    """Return the share of a vote, moved towards 1/2 for few votes, as Polis does."""
    return (votes[vote] + 1) / (sum(votes.values()) + 2)


def _stance(votes: Counter[int], text: str) -> str:
    total = sum(votes.values())
    for vote, word in ((1, "Agrees"), (-1, "Disagrees")):
        if votes[vote] / total >= _CLEAR:
            return f"{word} ({votes[vote]} of {total}) that {sentence(f'“{text}”')}"
    return f"Is divided ({votes[1]} for, {votes[-1]} against, {votes[0]} undecided) on “{text}”"


def _quoted(texts: list[str]) -> str:
    return ", ".join(f"“{text.rstrip('.')}”" for text in texts)


def _letter(number: str) -> str:
    """Return the letter of a group as Polis shows it: A for 0, B for 1."""
    return chr(ord("A") + int(number)) if int(number) < 26 else number


PERSONAS: Final = PopulationFormat(drafts, "Polis", any_value=True, rows=rows)
