"""The test of a trial: swaps of whole conversations, with all ratings of their answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Literal

import numpy as np
import pytest

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.simulation.acceptance.trial_test import p_value
from scai_cli.simulation.epoch_context import EpochContext, build_agents
from scai_cli.simulation.outcome import FinalRating, Outcome
from scai_cli.simulation.utilities import PairedUtilities, epoch_utilities
from scai_cli.social_choice import welfare

Side = list[Outcome]


def context(people: int, tasks: int, **ratings: Any) -> EpochContext:
    config = ExperimentConfig.model_validate(
        {
            "personas": [{"id": f"p{n}", "weight": 1 + n / 2} for n in range(people)],
            "tasks": [{"id": f"t{n}", "prompt": f"Say {n}."} for n in range(tasks)],
            "ratings": ratings,
        }
    )
    agents = build_agents(config, lambda role, model: None)  # type: ignore[arg-type, return-value]
    people_and_tasks = config.train_personas, config.train_tasks
    return EpochContext(agents, "e1", 1, config.constitution, *people_and_tasks, lambda _: None)  # type: ignore[arg-type]


def played(epoch: EpochContext, rng: random.Random, mean: float, spread: float, missing: float = 0.0) -> Side:
    """All conversations, each with an own rating and one by each other person."""
    found = []
    for persona in epoch.personas:
        for task in epoch.tasks:
            ratings = []
            for rater in epoch.personas:
                kind: Literal["own", "cross"] = "own" if rater is persona else "cross"
                if kind == "own" or epoch.agents.ratings.cross_raters:
                    value = None if rng.random() < missing else min(10.0, max(0.0, rng.gauss(mean, spread)))
                    ratings.append(FinalRating(rater.id, kind, value))
            observed = (
                min(1.0, max(0.0, rng.gauss(mean, spread) / 10)) if epoch.agents.ratings.measured_weight else None
            )
            found.append(Outcome(persona, task, None, tuple(ratings), observed))
    return found


def among_all_swaps(epoch: EpochContext, before: Side, after: Side, function: welfare.WelfareFunction) -> float:
    """The share of all swaps with as high a ratio of gain to noise, by the utilities of an epoch."""

    def gain(swaps: Sequence[bool], function: welfare.WelfareFunction = function) -> float:
        first = [b if swap else a for a, b, swap in zip(before, after, swaps, strict=True)]
        last = [a if swap else b for a, b, swap in zip(before, after, swaps, strict=True)]
        sides = (epoch_utilities(epoch, side) for side in (first, last))
        old, new = PairedUtilities.of(*sides).values(function)
        assert old is not None
        assert new is not None
        return new - old

    mean, count, shape = welfare.parse("utilitarian"), len(before), (len(epoch.personas), len(epoch.tasks))
    none = [False] * count
    alone = ([at == n for at in range(count)] for n in range(count))
    parts = np.array([(gain(none, mean) - gain(one, mean)) / 2 for one in alone])

    def ratio(swaps: Sequence[bool]) -> float:
        table = np.where(swaps, -parts, parts).reshape(shape)
        rest = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
        return gain(swaps) / np.sqrt((rest**2).sum())

    swaps = list(product([False, True], repeat=count))
    return sum(ratio(some) >= ratio(none) - 1e-9 for some in swaps) / len(swaps)


@pytest.mark.parametrize(
    ("name", "ratings"),
    [
        ("utilitarian", {}),
        ("utilitarian", {"cross_raters": 0}),
        ("rawlsian", {"cross_weight": 0.7}),
        ("nash", {"cross_weight": 1, "scale": [-5, 10]}),
        ("median", {}),
        ("consensus", {}),
        ("utilitarian", {"measured_weight": 0.5}),
        ("rawlsian", {"measured_weight": 1, "scale": [-5, 10]}),
        ("median", {"measured_weight": 0.3, "cross_weight": 1}),
    ],
)
def test_the_chance_is_that_among_all_swaps(name: str, ratings: dict[str, Any]) -> None:
    epoch, rng, function = context(3, 2, **ratings), random.Random(4), welfare.parse(name)
    for shift in (0.3, 1.5):
        before, after = (played(epoch, rng, mean, 1.5) for mean in (5, 5 + shift))
        expected = among_all_swaps(epoch, before, after, function)
        assert p_value(epoch, before, after, function, 0.05, 7) == pytest.approx(expected, abs=0.05)


def test_a_rating_that_one_side_lacks_counts_on_neither() -> None:
    epoch, function = context(3, 2), welfare.parse("utilitarian")
    before = played(epoch, random.Random(1), 5, 1)
    after = played(epoch, random.Random(1), 5, 1)  # the same
    own, _, *rest = after[0].final
    after[0] = replace(after[0], final=(own, FinalRating("p1", "cross", None), *rest))
    before[3] = replace(before[3], final=(FinalRating("p0", "cross", None), *before[3].final[1:]))
    assert p_value(epoch, before, after, function, 0.05, 7) == 1.0
    assert p_value(epoch, before, [], function, 0.05, 7) == 1.0
    cross_alone = [replace(one, final=tuple(r for r in one.final if r.kind == "cross")) for one in before]
    assert p_value(epoch, cross_alone, after, function, 0.05, 7) == 1.0  # nobody has a utility
    nobody = [replace(one, final=()) for one in before]
    assert p_value(epoch, nobody, after, function, 0.05, 7) == 1.0


def test_without_an_effect_the_chance_is_low_as_seldom_as_it_says() -> None:
    epoch, rng, function = context(4, 3), random.Random(2), welfare.parse("utilitarian")
    plays = [[played(epoch, rng, 5, 1.5) for _ in range(2)] for _ in range(60)]
    low = [p_value(epoch, before, after, function, 0.1, 7) <= 0.1 for before, after in plays]
    assert sum(low) <= 12  # 6 are expected; 13 or more by chance in 1 of 180 cases


def test_an_effect_beyond_the_noise_is_seen() -> None:
    epoch, rng, function = context(4, 3), random.Random(2), welfare.parse("utilitarian")
    plays = [[played(epoch, rng, mean, 1.5) for mean in (3.5, 6.5)] for _ in range(6)]
    assert sum(p_value(epoch, before, after, function, 0.01, 7) <= 0.01 for before, after in plays) >= 5


def test_an_effect_that_differs_from_user_to_user_is_no_noise() -> None:
    epoch, rng, function = context(6, 4, cross_raters=0), random.Random(3), welfare.parse("utilitarian")
    before = played(epoch, rng, 5, 0.3)
    shifts = {"p0": -1.5}
    after = [
        replace(one, final=tuple(replace(r, value=(r.value or 0) + shifts.get(one.persona.id, 1.5)) for r in one.final))
        for one in played(epoch, rng, 5, 0.3)
    ]
    assert p_value(epoch, before, after, function, 0.01, 7) <= 0.01
