"""Votes and representation against independent libraries, on thousands of random profiles."""

import random

import pytest

pytest.importorskip("pref_voting", reason="independent libraries are installed by `make test-slow`")
pytest.importorskip("abcvoting", reason="independent libraries are installed by `make test-slow`")

from abcvoting import properties
from abcvoting.preferences import Profile as ApprovalProfile
from ballots import random_profile
from pref_voting.c1_methods import copeland
from pref_voting.iterative_methods import approval_irv, instant_runoff, instant_runoff_with_explanation
from pref_voting.margin_based_methods import beat_path, beat_path_defeat, minimax, minimax_scores
from pref_voting.profiles import Profile
from pref_voting.profiles_with_ties import ProfileWithTies
from pref_voting.scoring_methods import borda, plurality

from scai_cli.social_choice.representation import extended, justified
from scai_cli.social_choice.voting_rules import RULES, tally

pytestmark = pytest.mark.oracle


def their_profile(candidates, ballots, voters):
    ranks = [{int(name): rank for rank, tier in enumerate(ballot, 1) for name in tier} for ballot in ballots]
    profile = ProfileWithTies(ranks, voters, candidates=[int(name) for name in candidates])
    profile.use_extended_strict_preference()  # who is ranked is preferred to who is not
    return profile


def ints(names):
    return sorted(int(name) for name in names)


def test_six_rules_on_2500_random_profiles_with_ties_as_pref_voting():
    rng = random.Random(1)
    tied = incomplete = 0
    for _ in range(2500):
        candidates, ballots, voters = random_profile(rng)
        theirs = their_profile(candidates, ballots, voters)
        ours = {rule: tally(rule, ballots, candidates, voters) for rule in RULES}
        scores = {rule: {int(name): s for name, s in ours[rule].scores.items()} for rule in RULES}
        wins = {rule: ints(ours[rule].winners) for rule in RULES}
        n, m = sum(voters), len(candidates)
        assert wins["schulze"] == beat_path(theirs, strength_function=theirs.support)
        defeats = beat_path_defeat(theirs, strength_function=theirs.support)
        assert scores["schulze"] == {name: -defeats.in_degree(name) for name in defeats}
        assert scores["borda"] == {c: (s + n * (m - 1)) / 2 for c, s in theirs.borda_scores().items()}
        assert scores["copeland"] == theirs.copeland_scores(scores=(1, 0.5, 0))
        assert wins["copeland"] == copeland(theirs)
        assert scores["minimax"] == minimax_scores(theirs, score_method="winning")
        assert wins["minimax"] == minimax(theirs, strength_function=theirs.support)
        full = their_profile(candidates, [complete(b, candidates) for b in ballots], voters)
        assert scores["approval"] == full.tops_scores(score_type="approval")
        assert wins["instant_runoff"] == approval_irv(full)
        tied += len(wins["schulze"]) > 1
        incomplete += any(sum(map(len, ballot)) < m for ballot in ballots)
    assert min(tied, incomplete) > 500


def complete(ballot, candidates):
    """Write down the last tier, for functions of pref_voting that do not take incomplete ballots so."""
    rest = [name for name in candidates if not any(name in tier for tier in ballot)]
    return [*ballot, rest] if rest else ballot


def test_six_rules_on_200_random_strict_profiles_as_pref_voting():
    rng = random.Random(2)
    for _ in range(200):
        m = rng.randint(2, 6)
        ballots = [rng.sample(range(m), m) for _ in range(rng.randint(1, 9))]
        theirs = Profile(ballots)
        names = [[str(name) for name in ballot] for ballot in ballots]
        ours = {rule: tally(rule, names, [str(name) for name in range(m)]) for rule in RULES}
        wins = {rule: ints(outcome.winners) for rule, outcome in ours.items()}
        assert wins == {
            "schulze": beat_path(theirs),
            "borda": borda(theirs),
            "copeland": copeland(theirs),
            "instant_runoff": instant_runoff(theirs),
            "approval": plurality(theirs),
            "minimax": minimax(theirs),
        }
        rounds = [sorted(tier) for tier in instant_runoff_with_explanation(theirs, exit_on_majority=False)[1]]
        tiers = [ints(tier) for tier in reversed(ours["instant_runoff"].tiers)]
        assert tiers[: len(rounds)] == rounds


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
