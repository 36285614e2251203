"""Kills at every step of a batch: nothing is paid for twice, and the rows are those of an undisturbed work."""

import os
import random

import pytest
from batch_kills import STEPS, kill


@pytest.mark.slow
def test_a_kill_at_any_step_of_a_batch_pays_for_nothing_twice():
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    print(f"SEED={seed}")
    found = kill(rows=40, kills=len(STEPS), seed=seed)
    assert sum(found.kills.values()) == len(STEPS)
    assert (found.twice, found.different) == ([], [])
