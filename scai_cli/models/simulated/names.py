"""Names of invented people, from the country or the nationality in their facts; `names.yaml` has the lists.

A list of our own, since names must not change with the version of a library, and be in Latin letters for every country.
"""

import random
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from scai_cli.text.data_files import read_data_file

_WOMEN: Final = ("woman", "female", "f", "girl")
_MEN: Final = ("man", "male", "m", "boy")
_ABOUT: Final = re.compile(r"country|nationality|citizenship|residence|origin|birthplace", re.IGNORECASE)


def invented_name(facts: Mapping[str, str], rng: random.Random) -> str:
    """Draw a first and a family name that fit the country and the gender in the facts; any if these are not named."""
    cultures, country = _lists()["cultures"], facts.get("country", "").lower().strip()
    key = _countries().get(country)
    if key is None:
        drawn = rng.choice(_lists()["drawn"])
        key = _named_culture(facts) or drawn
    culture = cultures[key]
    women, men = culture["women"].split(), culture["men"].split()
    wanted = facts.get("gender", "").lower().strip()
    first = rng.choice(women if wanted in _WOMEN else men if wanted in _MEN else women + men)
    families = culture["families"] if first in men else culture.get("daughters", culture["families"])
    return f"{first} {rng.choice(families.split())}"


@cache
def _lists() -> dict[str, Any]:
    return read_data_file(__file__)


@cache
def _countries() -> dict[str, str]:
    return {country: key for key, culture in _lists()["cultures"].items() for country in culture.get("countries", ())}


@cache
def _words() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a pattern of all countries and adjectives, and the culture of each one."""
    also = {word: key for key, culture in _lists()["cultures"].items() for word in culture.get("also", ())}
    known = _countries() | also
    longest_first = sorted(map(re.escape, known), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)"), known


def _named_culture(facts: Mapping[str, str]) -> str | None:
    """Return the culture of the last country or adjective that the facts name, e.g. of `Athens, Georgia, USA`."""
    pattern, known = _words()
    about = sorted((key.lower() != "country", text) for key, text in facts.items() if _ABOUT.search(key))
    return next((known[found[-1]] for _, text in about if (found := pattern.findall(text.lower()))), None)
