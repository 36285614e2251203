"""Respondents of OpinionQA (Santurkar et al. 2023): responses.csv of a Pew wave, twelve attributes and a weight."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from scai_cli.experiment.scalars import Scalar, number
from scai_cli.populations.clean_text import BadRow
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.record import Record

_ATTRIBUTES: Final = {
    "CREGION": "region", "AGE": "age", "SEX": "gender", "EDUCATION": "education", "CITIZEN": "us_citizen",
    "MARITAL": "marital_status", "RELIG": "religion", "RELIGATTEND": "religious_attendance", "POLPARTY": "party",
    "INCOME": "income", "POLIDEOLOGY": "politics", "RACE": "race",
}  # fmt: skip
_FORMER: Final = "F_"
"""Pew's own files have F_CREGION where OpinionQA has CREGION, and others that OpinionQA lacks."""
_WEIGHT: Final = "WEIGHT_W"
_INTERVIEW: Final = re.compile(r"(?:INTERVIEW_|DEVICE_|LANG_|FORM_).*")
_ANSWER: Final = re.compile(r".*_W\d+")


def is_wave(columns: Iterable[str]) -> bool:
    """Return whether a table with these columns has the respondents of a wave."""
    names = set(columns)
    known = names & {*_ATTRIBUTES, *(_FORMER + key for key in _ATTRIBUTES)}
    return bool(known) and any(map(_ANSWER.fullmatch, names - known))


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Turn a respondent into a persona; a refused answer is left out."""
    columns = {name: row.first((key, _FORMER + key)) for key, name in _ATTRIBUTES.items()}
    known = {name: row.fact(column, f"attributes.{name}") for name, column in columns.items() if column}
    if not any(value is not None for value in known.values()):
        raise BadRow(f"has none of the columns {', '.join(_ATTRIBUTES)}")
    former = [key for key in row.values if key.startswith(_FORMER) and not row.is_read(key)]
    for key in former:
        name = key.removeprefix(_FORMER).lower()
        if known.get(name) is None:
            known[name] = row.fact(key, f"attributes.{name}")
        else:
            row.leave_out(key, "the same as another field")
    attributes = {name: value for name, value in known.items() if value is not None}
    weight = _weight(row)
    unread = [key for key in row.values if not row.is_read(key)]
    row.leave_out_all({
        "about the interview": filter(_INTERVIEW.fullmatch, unread),
        "a weight of another wave": (key for key in unread if key.startswith(_WEIGHT)),
        "an answer to the survey; --as table keeps it": filter(_ANSWER.fullmatch, unread),
    })  # fmt: skip
    yield PersonaDraft(
        key=f"respondent-{row.line('QKEY', 'id')}".rstrip("-"),
        description=_described(attributes),
        attributes=attributes,
        weight=weight,
    )


def _weight(row: Record) -> float:
    """Return the first weight of the wave (WEIGHT_W26); 1 for a file without weights."""
    columns = tuple(key for key in row.values if key.startswith(_WEIGHT))
    if not columns:
        return 1.0
    column = row.first(columns)
    weight = number(row.line(column, "weight"))
    if weight is None or weight <= 0:
        raise BadRow(f"its weight in {columns[0]} is not a number above 0")
    return weight


def _described(known: Mapping[str, Scalar]) -> str:
    """Describe the persona in one or two sentences by the most informative attributes."""
    place = f" from the {known['region']} of the United States" if "region" in known else " from the United States"
    aged = f", {known['age']} years old" if "age" in known else ""
    who = {"male": "A man", "female": "A woman"}.get(str(known.get("gender", "")).lower(), "An adult")
    views = [
        f"{name}: {known[key]}" for key, name in (("politics", "political views"), ("party", "party")) if key in known
    ]
    return f"{who}{place}{aged}, who answered a national survey." + (f" Their {'; '.join(views)}." if views else "")


PERSONAS: Final = PopulationFormat(
    people, "OpinionQA (Pew American Trends Panel)", "Pew Research Center's terms of use"
)
