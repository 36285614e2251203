"""Participants of the PRISM survey (Kirk et al. 2024): JSONL with values, wishes for an AI and demographics."""

from collections.abc import Iterator, Mapping
from typing import Final

from scai_cli.experiment.scalars import Scalar, number
from scai_cli.measures.requested import requested
from scai_cli.populations.clean_text import BadRow, one_line, readable, sentence
from scai_cli.populations.column_map import ColumnMap
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat
from scai_cli.populations.nested import leaves
from scai_cli.populations.record import Record

_MEANT: Final = {
    "diversity": "balanced",  # "summarises multiple viewpoints or different worldviews"
    "factuality": "names_source",  # "produces factual and informative responses"
    "personalisation": "asks_back",  # "learns from our conversations and feels personalised to me"
    "safety": "security",  # "produces responses that are safe and do not risk harm"
}
"""Rated AI behaviour (0 to 100) -> the nearest trait; other ratings have none."""
_ATTRIBUTES: Final = {
    "age": ("age",),
    "gender": ("gender",),
    "education": ("education",),
    "employment": ("employment_status",),
    "marital_status": ("marital_status",),
    "religion": ("religion.categorised", "religion.simplified", "religion"),
    "religion_in_own_words": ("religion.self_described",),
    "ethnicity": ("ethnicity.categorised", "ethnicity.simplified", "ethnicity"),
    "ethnicity_in_own_words": ("ethnicity.self_described",),
    "country": ("location.reside_country", "reside_country"),
    "birth_country": ("location.birth_country", "birth_country"),
    "english": ("english_proficiency",),
    "ai_familiarity": ("lm_familiarity",),
    "ai_direct_use": ("lm_direct_use",),
    "ai_indirect_use": ("lm_indirect_use",),
    "ai_frequency": ("lm_frequency_use",),
}
"""Attribute -> its columns; the first one with a value counts."""
_PLACES: Final = ("countryISO", "region", "subregion")
_LEFT_OUT: Final = {
    "about the survey, not the person": (
        *("survey_only", "num_completed_conversations", "consent", "consent_age", "study_id", "study_locale"),
        *("generated_datetime", "timing_duration_s", "timing_duration_mins", "order_lm_usecases"),
        *("order_stated_prefs", "included_in_US_REP", "included_in_UK_REP", "included_in_balanced_subset"),
    ),
    "coarser than another field": (
        *("religion.simplified", "ethnicity.simplified", "location.same_birth_reside_country"),
        *(f"location.{where}_{what}" for where in ("birth", "reside") for what in _PLACES),
    ),
}
_ASKED_FOR: Final = 0.8
_MOST: Final = 100.0


def people(row: Record, _: ColumnMap | None) -> Iterator[PersonaDraft]:
    """Describe a participant by their own words, their wish for an AI, their uses and ratings of AI."""
    user = row.line("user_id", "id")
    if not user:
        raise BadRow("has no user_id")
    about, wish = row.text("self_description", "description"), row.text("system_string", "description, preferences")
    if not about and not wish:
        raise BadRow("has neither self_description nor system_string")
    rated, other = _rated(row)
    shown = ", ".join([*(f"{name} {value:g}" for name, value in rated.items()), *other])
    sentences = {
        "In their own words": about,
        "Asked how an AI assistant should behave": wish,
        "Uses AI for": _uses(row),
        "Importance in an AI, from 0 to 100": shown,
    }
    attributes = _attributes(row)
    row.leave_out_all(_LEFT_OUT)
    yield PersonaDraft(
        key=user,
        description=" ".join(f"{title}: {sentence(text)}" for title, text in sentences.items() if text),
        attributes=attributes,
        preferences=_preferences(rated, wish),
    )


def _rated(row: Record) -> tuple[dict[str, float], list[str]]:
    """Return the ratings from 0 to 100, and texts about another behaviour."""
    given = row.take("stated_prefs", "description, preferences")
    rated: dict[str, float] = {}
    other = []
    for name, value in given.items() if isinstance(given, Mapping) else ():
        if (rating := number(value)) is not None:
            rated[one_line(name)] = min(_MOST, max(0.0, rating))
        elif isinstance(value, str) and value.strip():
            other.append(one_line(value))
        else:
            row.leave_out("stated_prefs", "not a number", leaves(value))
    return rated, other


def _preferences(rated: Mapping[str, float], wish: str) -> dict[str, float]:
    """Return the traits that the wish asks for (+-0.8), and the rated traits as shares of 100."""
    stated = {_MEANT[name]: round(value / _MOST, 2) for name, value in rated.items() if name in _MEANT and value}
    return stated | {trait: sign * _ASKED_FOR for trait, sign in requested(wish).items()}


def _uses(row: Record) -> str:
    """Return what the participant uses AI for: the uses that are marked with 1, and texts."""
    given = row.take("lm_usecases", "description")
    uses = []
    for name, value in given.items() if isinstance(given, Mapping) else ():
        if number(value):
            uses.append(one_line(name).replace("_", " "))
        elif isinstance(value, str) and value.strip() and number(value) is None:
            uses.append(one_line(value))
        elif number(value) is None:
            row.leave_out("lm_usecases", "not a number", leaves(value))
    return ", ".join(uses)


def _attributes(row: Record) -> dict[str, Scalar]:
    attributes: dict[str, Scalar] = {}
    for attribute, paths in _ATTRIBUTES.items():
        single = tuple(path for path in paths if not isinstance((row.find(path) or ("", None))[1], Mapping))
        path, category = row.first(single), attributes.get(attribute.removesuffix("_in_own_words"))
        if path is None:
            continue
        if category is not None and readable((row.find(path) or ("", ""))[1]).casefold() == str(category).casefold():
            row.leave_out(path, "the same as its category")
        elif (value := row.fact(path, f"attributes.{attribute}")) is not None:
            attributes[attribute] = value
    return attributes


PERSONAS: Final = PopulationFormat(people, "PRISM", "CC BY 4.0")
