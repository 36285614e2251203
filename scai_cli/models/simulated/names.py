"""Names of invented people, by the region of a country."""

from __future__ import annotations

import random
from typing import Final

from scai_cli.text.word_lists import read_word_lists

_REGIONS = read_word_lists(__file__)
_REGION_OF: Final = {country: region for region, names in _REGIONS.items() for country in names["countries"]}
_WOMEN: Final = ("woman", "female", "f", "girl")
_MEN: Final = ("man", "male", "m", "boy")


def name_of(country: str, gender: str, rng: random.Random) -> str:
    """Draw a first and a family name that fit a country; from any region if the country is unknown."""
    region = _REGION_OF.get(country.lower().strip()) or rng.choice(sorted(_REGIONS))
    women, men, families = (_REGIONS[region][part].split() for part in ("women", "men", "families"))
    wanted = gender.lower().strip()
    first = women if wanted in _WOMEN else men if wanted in _MEN else women + men
    return f"{rng.choice(first)} {rng.choice(families)}"
