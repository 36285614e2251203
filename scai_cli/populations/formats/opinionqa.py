"""Respondents of OpinionQA (Santurkar et al. 2023): responses.csv of a Pew wave, twelve attributes and a weight."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.populations.clean_text import BadRow, facts
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat

_ATTRIBUTES: Final = {
    "CREGION": "region", "AGE": "age", "SEX": "gender", "EDUCATION": "education", "CITIZEN": "us_citizen",
    "MARITAL": "marital_status", "RELIG": "religion", "RELIGATTEND": "religious_attendance", "POLPARTY": "party",
    "INCOME": "income", "POLIDEOLOGY": "politics", "RACE": "race",
}  # fmt: skip
_FORMER: Final = "F_"
"""Pew's own files have F_CREGION where OpinionQA has CREGION."""


def drafts(values: Mapping[str, Any]) -> Iterator[PersonaDraft]:
    """Turn a respondent into a persona; a refused answer is left out."""
    known = facts(**{name: values.get(key, values.get(_FORMER + key)) for key, name in _ATTRIBUTES.items()})
    if not known:
        raise BadRow(f"has none of the columns {', '.join(_ATTRIBUTES)}")
    yield PersonaDraft(
        key=f"respondent-{values.get('QKEY') or ''}".rstrip("-"),
        description=_described(known),
        attributes=known,
        weight=_weight(values),
    )


def _weight(values: Mapping[str, Any]) -> float:
    """Return the first weight of the wave (WEIGHT_W26); 1 for a file without weights."""
    columns = [key for key in values if key.startswith("WEIGHT_W")]
    if not columns:
        return 1.0
    given = next((values[key] for key in columns if values[key] not in (None, "")), None)
    try:
        weight = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise BadRow(f"its weight in {columns[0]} is not a number above 0")
    return weight


def _described(known: Mapping[str, Any]) -> str:
    """Describe the persona in one or two sentences by the most informative attributes."""
    place = f" from the {known['region']} of the United States" if "region" in known else " from the United States"
    aged = f", {known['age']} years old" if "age" in known else ""
    who = {"male": "A man", "female": "A woman"}.get(str(known.get("gender", "")).lower(), "An adult")
    views = [
        f"{name}: {known[key]}" for key, name in (("politics", "political views"), ("party", "party")) if key in known
    ]
    return f"{who}{place}{aged}, who answered a national survey." + (f" Their {'; '.join(views)}." if views else "")


PERSONAS: Final = PopulationFormat(
    drafts, "OpinionQA (Pew American Trends Panel)", "Pew Research Center's terms of use"
)
