"""Participants of the PRISM survey (Kirk et al. 2024): JSONL with values, wishes for an AI and demographics."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from scai_cli.measures.requested import requested
from scai_cli.populations.clean_text import BadRow, facts, sentence, tidy
from scai_cli.populations.drafts import PersonaDraft, PopulationFormat

_MEANT: Final = {
    "diversity": "balanced",  # "summarises multiple viewpoints or different worldviews"
    "factuality": "names_source",  # "produces factual and informative responses"
    "personalisation": "asks_back",  # "learns from our conversations and feels personalised to me"
    "safety": "security",  # "produces responses that are safe and do not risk harm"
}
"""Rated AI behaviour (0 to 100) -> the nearest trait; other ratings have none."""

_ASKED_FOR: Final = 0.8
_MOST: Final = 100.0


def drafts(values: Mapping[str, Any]) -> Iterator[PersonaDraft]:
    """Describe a participant by their own words, their wish for an AI and their ratings of AI behaviour."""
    user = values.get("user_id")
    if not isinstance(user, str) or not user:
        raise BadRow("has no user_id")
    about, instructions = tidy(values.get("self_description")), tidy(values.get("system_string"))
    if not about and not instructions:
        raise BadRow("has neither self_description nor system_string")
    rated = _rated(values.get("stated_prefs"))
    sentences = [f"In their own words: {sentence(about)}" if about else ""]
    sentences.append(f"Asked how an AI assistant should behave: {sentence(instructions)}" if instructions else "")
    if rated:
        shown = ", ".join(f"{name} {value:.0f}" for name, value in rated.items())
        sentences.append(f"Importance in an AI, from 0 to 100: {shown}.")
    yield PersonaDraft(
        key=user,
        description=" ".join(filter(None, sentences)),
        attributes=_attributes(values),
        preferences=_preferences(rated, instructions),
    )


def _rated(given: Any) -> dict[str, float]:
    ratings = given.items() if isinstance(given, Mapping) else ()
    return {
        str(name): min(_MOST, max(0.0, float(value)))
        for name, value in ratings
        if isinstance(value, int | float) and not isinstance(value, bool) and value == value
    }


def _preferences(rated: Mapping[str, float], instructions: str) -> dict[str, float]:
    """Return the traits that the instructions ask for (+-0.8), and the rated traits as shares of 100."""
    stated = {_MEANT[name]: round(value / _MOST, 2) for name, value in rated.items() if name in _MEANT and value}
    return stated | {trait: sign * _ASKED_FOR for trait, sign in requested(instructions).items()}


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    where = values.get("location")
    where = where if isinstance(where, Mapping) else values
    return facts(
        age=values.get("age"),
        gender=values.get("gender"),
        education=values.get("education"),
        employment=values.get("employment_status"),
        marital_status=values.get("marital_status"),
        religion=_simple(values.get("religion")),
        ethnicity=_simple(values.get("ethnicity")),
        country=where.get("reside_country"),
        birth_country=where.get("birth_country"),
        english=values.get("english_proficiency"),
        ai_familiarity=values.get("lm_familiarity"),
    )


def _simple(group: Any) -> Any:
    """Return the category of a religion or ethnicity from {self_described, categorised, simplified}."""
    return group.get("categorised") or group.get("simplified") if isinstance(group, Mapping) else group


PERSONAS: Final = PopulationFormat(drafts, "PRISM", "CC BY 4.0")
