"""Justified representation against an independent library, on thousands of random profiles."""

import random

import pytest

pytest.importorskip("abcvoting", reason="independent libraries are installed by `make test-slow`")

from abcvoting import properties
from abcvoting.preferences import Profile as ApprovalProfile

from scai_cli.social_choice.representation import extended, justified

pytestmark = pytest.mark.oracle


def random_approvals(rng):
    users = [f"u{number}" for number in range(rng.randint(1, 8))]
    share = rng.choice([0.3, 0.5, 0.7, 0.9])
    names = [f"P{number}" for number in range(rng.randint(1, 6))]
    approvals = {name: [user for user in users if rng.random() < share] for name in names}
    return users, approvals, rng.sample(names, rng.randint(1, min(4, len(names))))


def test_representation_on_2500_random_profiles_as_abcvoting():
    rng = random.Random(3)
    seen = set()
    for _ in range(2500):
        users, approvals, adopted = random_approvals(rng)
        names = list(approvals)
        profile = ApprovalProfile(len(names))
        profile.add_voters([[i for i, name in enumerate(names) if user in approvals[name]] for user in users])
        committee = [names.index(name) for name in adopted]
        jr, ejr = justified(approvals, adopted, users), extended(approvals, adopted, users)
        assert jr.holds == properties.check_JR(profile, committee)
        assert ejr.holds == properties.check_EJR(profile, committee, algorithm="brute-force")
        for verdict in (jr, ejr):
            assert verdict.holds == (verdict.orphans is None)
            assert verdict.holds or is_orphaned(verdict.orphans, users, approvals, adopted)
        seen.add((jr.holds, ejr.holds, properties.check_EJR_plus(profile, committee)))
    assert seen == {(True,) * 3, (False,) * 3, (True, False, False), (True, True, False)}


def is_orphaned(group, users, approvals, adopted):
    large = len(group.users) * len(adopted) >= group.deserved * len(users)
    agree = all(set(group.users) <= set(approvals[name]) for name in group.principles)
    served = max(sum(user in approvals[name] for name in adopted) for user in group.users)
    return large and agree and len(group.principles) >= group.deserved > served
