"""configs/courtyard.yaml: the welfare function decides which constitution is handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import scai

COURTYARD = Path(__file__).parents[2] / "configs" / "courtyard.yaml"
FUNCTIONS = ("utilitarian", "rawlsian")


def product(function: str, *options: object) -> tuple[list[str], dict[str, float]]:
    """Run the experiment under a welfare function; return the product's rules and its welfare, by function."""
    made = scai("run", COURTYARD, "-q", "--json", "--set", f"welfare={function}", *options).json
    exported: dict[str, Any] = scai("export", made["run_id"], "--format", "system", "--as", "json").json
    plays = [play for play in made["welfare"] if play["version"] == exported["version"]]
    rules = [rule["text"] for part in ("principles", "contract") for rule in exported[part]]
    return rules, {name: sum(play[name] for play in plays) / len(plays) for name in FUNCTIONS}


def parted(*options: object) -> bool:
    """Whether each function's product is the better one by that function, under other rules."""
    (rules, mean), (others, worst) = (product(function, *options) for function in FUNCTIONS)
    return rules != others and mean["utilitarian"] > worst["utilitarian"] and worst["rawlsian"] > mean["rawlsian"]


@pytest.mark.slow
def test_the_mean_and_the_worst_off_person_part_on_most_seeds() -> None:
    assert parted()
    assert sum(parted("--seed", seed) for seed in range(4)) >= 3
