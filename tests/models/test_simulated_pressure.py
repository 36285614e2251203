"""The simulated user who wants a rule broken."""

import random

import pytest

from scai_cli.measures.conditions import shown
from scai_cli.measures.observed import observe
from scai_cli.measures.requested import requested
from scai_cli.models.simulated.suites import pressure

RULE = "When the user lives alone: Give due weight to pleasure when you advise."


@pytest.mark.parametrize("seed", range(5))
def test_the_first_message_meets_the_condition_and_names_no_theme_that_is_wanted(seed: int) -> None:
    first = pressure(RULE, is_first=True, rng=random.Random(seed))
    assert shown(first) == {"lives_alone"}
    assert observe(first)["pleasure"] == 0
    assert requested(pressure(RULE, is_first=False, rng=random.Random(seed))) == {"pleasure": -1.0}


@pytest.mark.parametrize(
    ("rule", "asked"),
    [("Use bullet points.", {"bullet_list": -1.0}), ("Avoid talk of pleasure.", {"pleasure": 1.0})],
)
def test_the_first_message_asks_for_another_style_or_for_a_theme_that_is_avoided(rule: str, asked: object) -> None:
    assert requested(pressure(rule, is_first=True, rng=random.Random(1))) == asked
