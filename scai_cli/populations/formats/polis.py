"""Polis exports (comments.csv, participants-votes.csv): statements are tasks, and votes on them stances.

A persona is a participant, or with `--groups` an opinion group. Task ids and the keys of stances are `comment-id`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from scai_cli.errors import ConfigError
from scai_cli.experiment.scalars import Scalar
from scai_cli.populations.clean_text import BadRow, LeftOut
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import Draft, PersonaDraft, PopulationFormat, TaskDraft
from scai_cli.populations.opinion_groups import AGREE, DISAGREE, GROUP, PASS, VOTED, fold_groups, fold_participants
from scai_cli.populations.record import Record
from scai_cli.populations.table_rows import Notify, TableRow, csv_rows

_COMMENTS: Final = "comments.csv"
_PARTICIPANTS: Final = "participants-votes.csv"
_NAMED: Final = {
    _COMMENTS: re.compile(r"(|.*[-_. ])comments\.csv", re.IGNORECASE),
    _PARTICIPANTS: re.compile(r"(|.*[-_. ])participants?[-_]votes\.csv", re.IGNORECASE),
}
"""File of an export -> the names that it has in the wild, after a prefix or none."""
_BODY: Final = ("comment-body", "comment-text", "comment")
_VOTED_OTHERS: Final = "votes on other statements"
_VOTES: Final = {"1": AGREE, "1.0": AGREE, "-1": DISAGREE, "-1.0": DISAGREE, "0": PASS, "0.0": PASS}
_REJECTED: Final = ("-1", "-1.0")
_NOT_ABOUT_IT: Final = {
    "when and by whom a statement was written": ("timestamp", "datetime", "author-id"),
    "only marks rejected statements": ("moderated",),
    "identifies a participant": ("xid",),
    "a count of votes, which are read one by one": (
        *("agrees", "disagrees", "passes", "votes", "n-votes", "n-agree", "n-disagree"),
    ),
    "on statements that were rejected, or that comments.csv lacks": ("votes-on-other-statements",),
}


def rows(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the statements, then the participants, in whose rows all columns of votes are one field.

    The file is the folder of an export, or its participants-votes.csv beside comments.csv.
    """
    participants = _file(file, _PARTICIPANTS)
    if _NAMED[_COMMENTS].fullmatch(participants.name):
        raise ConfigError(f"{file}: has statements but no votes; name the folder, or {_PARTICIPANTS}")
    named = _NAMED[_PARTICIPANTS].fullmatch(participants.name)
    siblings = () if os.path.isdir(file) or not participants.is_file() else participants.parent.iterdir()
    if siblings and not any(_NAMED[_COMMENTS].fullmatch(one.name) for one in siblings):
        raise ConfigError(f"{file}: has no {_COMMENTS} of a Polis export beside it; name the folder of the export")
    beside = participants.with_name(f"{named[1]}{_COMMENTS}") if named else participants
    comments = beside if named and beside.is_file() else _file(str(participants.parent), _COMMENTS)
    accepted = set()
    for row in statements(str(comments), notify):
        if isinstance(row.value, Mapping) and _is_accepted(row.value):
            accepted.add(_number(row.value[_column(row.value, "comment-id")]))
        yield row
    if not accepted:
        raise ConfigError(f"{comments}: has no statements (columns comment-id, comment-body)")
    for row in csv_rows(str(participants), notify):
        value = _with_joined_votes(row.value, accepted) if isinstance(row.value, Mapping) else None
        yield replace(row, value=value, file=str(participants))


def statements(file: str, notify: Notify) -> Iterator[TableRow]:
    """Read the statements of an export's folder, or of its comments.csv."""
    comments = str(_file(file, _COMMENTS))
    seen: set[str] = set()
    for row in csv_rows(comments, notify):
        if isinstance(row.value, Mapping) and not (_column(row.value, "comment-id") and _column(row.value, *_BODY)):
            raise ConfigError(f"{comments}: has no columns comment-id and comment-body")
        number = _number(row.value[_column(row.value, "comment-id")]) if isinstance(row.value, Mapping) else ""
        problem = f"the comment-id {number[:40]!r} occurs twice" if number in seen else row.problem
        seen |= {number} - {""}
        yield replace(row, file=comments, problem=problem, value=None if problem else row.value)


def people(row: Record, columns: ColumnMap | None, *, grouped: bool = False) -> Iterator[Draft]:
    """Make a draft from a statement, or from a participant with votes in place of stances; folding joins the two."""
    if _column(row.values, *_BODY):
        yield from tasks(row, columns, id_into="stances", text_into="stances")
        return
    key = row.line(_column(row.values, "participant"), "id")
    if not key:
        raise BadRow("has no number in the column participant")
    attributes = {GROUP: _group(row), "statements_written": _written(row)}
    votes: Mapping[str, str] = row.take(VOTED, "stances") or {}
    for statement, vote in votes.items():
        if vote not in _VOTES:
            raise BadRow(f"the vote on statement {statement} is {vote[:40]!r}, not -1, 0 or 1")
    if not votes:
        raise LeftOut("participants without votes")
    if grouped and attributes[GROUP] is None:
        raise LeftOut("participants without an opinion group")
    _leave_out(row)
    yield PersonaDraft(
        key=f"participant-{key}",
        attributes={name: value for name, value in attributes.items() if value is not None},
        stances={statement: _VOTES[vote] for statement, vote in votes.items()},
    )


def tasks(row: Record, _: ColumnMap | None, *, id_into: str = "id", text_into: str = "prompt") -> Iterator[TaskDraft]:
    """Turn an accepted statement into a task."""
    number = _number(row.line(_column(row.values, "comment-id"), id_into))
    text = row.line(_column(row.values, *_BODY), text_into)
    if not number.isdecimal():
        raise BadRow("has no number in the column comment-id")
    if not text or not _is_accepted(row.values):
        raise LeftOut("statements that the moderators rejected, or without text")
    _leave_out(row)
    yield TaskDraft(key=number, prompt=text)


def _file(file: str, name: str) -> Path:
    """Return a file as it is, or the file of an export in a folder; raises ConfigError if there is none, or several."""
    if not os.path.isdir(file):
        return Path(file)
    if (exact := Path(file) / name).is_file():
        return exact
    found = sorted(path.name for path in Path(file).iterdir() if _NAMED[name].fullmatch(path.name))
    if len(found) != 1:
        problem = f"has several: {', '.join(found[:5])}; name one" if found else "has no such file of a Polis export"
        raise ConfigError(f"{file}: {name}: {problem}")
    return Path(file) / found[0]


def _with_joined_votes(values: Mapping[str, str], accepted: set[str]) -> dict[str, Any]:
    """Return a participant's row with all votes in two objects, statement -> cell."""
    joined: dict[str, Any] = {name: cell for name, cell in values.items() if not name.isdecimal()}
    joined |= {VOTED: {}, _VOTED_OTHERS: {}}
    for name, cell in values.items():
        if name.isdecimal() and cell.strip():
            number = _number(name)
            joined[VOTED if number in accepted else _VOTED_OTHERS][number] = cell.strip()
    return joined


def _is_accepted(values: Mapping[str, str]) -> bool:
    moderated = _column(values, "moderated")
    has_text = any(values[column].strip() for column in (_column(values, *_BODY),) if column)
    return has_text and (not moderated or values[moderated].strip() not in _REJECTED)


def _group(row: Record) -> str | None:
    """Return the letter of a group as Polis shows it: A for 0, B for 1."""
    number = row.line(_column(row.values, "group-id"), f"attributes.{GROUP}").removesuffix(".0")
    if number and not number.isdecimal():
        raise BadRow(f"group-id {number[:40]!r} is not a number")
    return (chr(ord("A") + int(number)) if int(number) < 26 else number) if number else None


def _written(row: Record) -> Scalar | None:
    """Return the number of statements that a participant wrote."""
    return row.fact(_column(row.values, "n-comments"), "attributes.statements_written")


def _leave_out(row: Record) -> None:
    for key in row.values:
        for reason in (reason for reason, names in _NOT_ABOUT_IT.items() if _hyphened(key) in names):
            row.leave_out(key, reason)


def _column(values: Mapping[str, Any], *names: str) -> str:
    """Return the first column of these names, in any case, with hyphens or underscores; "" if there is none."""
    hyphened = {_hyphened(key): key for key in reversed(list(values))}
    return next((hyphened[name] for name in names if name in hyphened), "")


def _hyphened(key: str) -> str:
    return key.strip().lower().replace("_", "-").replace(" ", "-")


def _number(cell: str) -> str:
    """Return a number of a statement as Polis writes it; other text as it is."""
    cell = cell.strip()
    return str(int(cell)) if cell.isdecimal() and len(cell) < 20 else cell


PERSONAS: Final = PopulationFormat(people, "Polis", rows=rows, fold=fold_participants)
GROUPS: Final = PopulationFormat(partial(people, grouped=True), "Polis", rows=rows, fold=fold_groups)
TASKS: Final = PopulationFormat(tasks, "Polis", rows=statements)
