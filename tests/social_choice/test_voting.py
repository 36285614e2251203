"""Votes and representation, against published examples; test_voting_oracles.py has independent libraries."""

import random

import pytest
from ballots import random_profile
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.social_choice.representation import Orphans, extended, justified
from scai_cli.social_choice.voting_rules import RULES, tally

# The example of 45 voters for Schulze's method (Schulze 2011): E > A > C > B > D.
SCHULZE = {"ACBED": 5, "ADECB": 5, "BEDAC": 8, "CABED": 3, "CAEBD": 7, "CBADE": 2, "DCEBA": 7, "EBADC": 8}
# The capital of Tennessee, the standing example: Memphis, Nashville, Chattanooga or Knoxville.
TENNESSEE = {"MNCK": 42, "NCKM": 26, "CKNM": 15, "KCNM": 17}


def count(rule, profile):
    return tally(rule, list(profile), sorted(set("".join(profile))), list(profile.values()))


def test_the_schulze_paper():
    outcome = count("schulze", SCHULZE)
    assert outcome.tiers == (("E",), ("A",), ("C",), ("B",), ("D",))
    assert outcome.scores == {"E": 0, "A": -1, "C": -2, "B": -3, "D": -4}


def test_a_tied_duel_counts_half_for_both():
    assert count("copeland", {"ABC": 1, "BAC": 1}).scores == {"A": 1.5, "B": 1.5, "C": 0}


@pytest.mark.parametrize(
    ("rule", "order", "scores"),
    [
        ("schulze", "NCKM", {"N": 0, "C": -1, "K": -2, "M": -3}),
        ("borda", "NCMK", {"N": 194, "C": 173, "M": 126, "K": 107}),
        ("copeland", "NCKM", {"N": 3, "C": 2, "K": 1, "M": 0}),
        ("instant_runoff", "KMNC", {"K": 3, "M": 2, "N": 1, "C": 0}),
        ("approval", "MNKC", {"M": 42, "N": 26, "K": 17, "C": 15}),
        ("minimax", "NMCK", {"N": 0, "M": -58, "C": -68, "K": -83}),
    ],
)
def test_the_capital_of_tennessee(rule, order, scores):
    outcome = count(rule, TENNESSEE)
    assert outcome.tiers == tuple((name,) for name in order)
    assert outcome.scores == scores


@pytest.mark.parametrize("rule", RULES)
def test_a_cycle_and_silence_are_ties_and_one_candidate_wins(rule):
    assert tally(rule, ["ABC", "BCA", "CAB"], "ABC").tiers == (("A", "B", "C"),)
    assert tally(rule, [], ["B", "A"]).tiers == (("B", "A"),)
    assert tally(rule, [[], [["A", "B"]]], ["A", "B"], [3, 0]).winners == ("A", "B")
    assert tally(rule, [["A"]], ["A"]).winners == ("A",)
    assert tally(rule, [["A"]], ["B", "A", "C"]).tiers == (("A",), ("B", "C"))


@pytest.mark.parametrize("rule", RULES)
@given(seed=st.integers(0, 10**6))
def test_votes_are_anonymous_neutral_and_count_weights_as_voters(rule, seed):
    rng = random.Random(seed)
    candidates, ballots, voters = random_profile(rng)
    scores = tally(rule, ballots, candidates, voters).scores
    crowd = [ballot for ballot, n in zip(ballots, voters, strict=True) for _ in range(n)]
    rng.shuffle(crowd)
    shuffled = rng.sample(candidates, len(candidates))
    assert tally(rule, crowd, shuffled).scores == scores
    renamed = [[[f"x{name}" for name in tier] for tier in ballot] for ballot in ballots]
    again = tally(rule, renamed, [f"x{name}" for name in candidates], voters).scores
    assert again == {f"x{name}": score for name, score in scores.items()}


def test_weights_add_as_the_decimals_they_are_written_as():
    assert tally("borda", ["AB", "AB", "BA"], "AB", [0.1, 0.2, 0.3]).winners == ("A", "B")


def test_instant_runoff_counts_a_tie_in_full_for_each():
    # Splitting the ballot A=B would put A (1.5) and B (1.5) behind C (2); counted in full they tie it or win.
    assert tally("instant_runoff", [["A"], ["B"], [["A", "B"]], ["C"], ["C"]], "ABC").tiers == (("A", "B", "C"),)
    assert tally("instant_runoff", [["A"], ["B"], [["A", "B"], "C"], ["C"]], "ABC").tiers == (
        ("A", "B"),
        ("C",),
    )


def test_ties_are_broken_on_request_by_seed_alone():
    outcome = tally("borda", [["E"]], "ABCDE")
    orders = {outcome.order(seed) for seed in range(200)}
    assert len(orders) > 20
    assert {order[0] for order in orders} == {"E"}
    assert {order[1] for order in orders} == set("ABCD")
    assert tally("borda", [["E"]], "EDCBA").order(7) == outcome.order(7)
    assert outcome.order("7/2") == ("E", "D", "B", "A", "C")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("shulze", [], "AB"), "did you mean 'schulze'"),
        (("xyzzy", [], "AB"), "known: schulze, borda"),
        (("borda", ["AC"], "AB"), "'C', who is not a candidate"),
        (("borda", [["A", ["B", "A"]]], "AB"), "'A' twice"),
        (("borda", [], ""), "needs candidates"),
        (("borda", [], "AA"), "each named once"),
        (("borda", ["AB"], "AB", [1, 2]), "1 ballots, but 2 weights"),
        (("borda", ["AB"], "AB", [-1]), "a weight is -1"),
    ],
)
def test_a_vote_that_cannot_be_counted_is_said_in_one_line(arguments, words):
    with pytest.raises(ValueError, match=words):
        tally(*arguments)


def test_the_orphans_are_named():
    users = ["ann", "bob", "cyd", "dan"]
    approvals = {"brief": ["ann", "bob"], "vegan": ["cyd", "dan"], "warm": ["ann"]}
    verdict = justified(approvals, ["brief", "warm"], users)
    assert verdict.orphans == Orphans(("cyd", "dan"), ("vegan",), 1)
    assert extended(approvals, ["brief", "warm"], users) == verdict
    assert justified(approvals, ["brief", "vegan"], users).holds
    assert justified(approvals, [], users, seats=2).orphans == Orphans(("ann", "bob"), ("brief",), 1)
    assert justified(approvals, [], users).holds  # one seat: only all four together deserve it
    assert justified({}, [], []).holds


def test_a_group_of_half_deserves_half_of_the_principles():
    users = ["a", "b", "c", "d"]
    approvals = {"1": "ab", "2": "ab", "3": "cd", "4": "cd", "5": "cd"}
    assert justified(approvals, ["1", "3", "4", "5"], users).holds
    assert extended(approvals, ["1", "3", "4", "5"], users).orphans == Orphans(("a", "b"), ("1", "2"), 2)
    assert extended(approvals, ["1", "2", "3", "4"], users).holds


def test_what_is_too_large_is_undecided_and_not_guessed():
    rng = random.Random(5)
    users = [f"u{number}" for number in range(30)]
    approvals = {f"P{number}": rng.sample(users, 22) for number in range(20)}
    adopted = [f"P{number}" for number in range(6)]
    assert extended(approvals, adopted, users, seats=12, limit=10).holds is None


@pytest.mark.parametrize(
    ("approvals", "adopted", "seats", "words"),
    [
        ({"P1": ["zoe"]}, ["P1"], None, "'zoe' approves principles, but is not a user"),
        ({"P1": ["ann"]}, ["P2"], None, "'P2' was adopted, but there are no approvals"),
        ({"P1": ["ann"], "P2": []}, ["P1", "P2"], 1, "2 principles were adopted for 1 seats"),
        ({"P1": ["ann"]}, [], 0, "for 0 seats"),
    ],
)
def test_approvals_that_do_not_fit_are_refused(approvals, adopted, seats, words):
    with pytest.raises(ValueError, match=words):
        justified(approvals, adopted, ["ann"], seats)
