"""Who has a rule in the product: approvals are read from the ballots, and a group without one is named everywhere."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
from changed_runs import EVIL, Rows, changed
from conftest import scai

from scai_cli.analysis.representation import Representation, representation
from scai_cli.display.representation import representation_words
from scai_cli.runs.events import BallotCast
from scai_cli.runs.history.ballots import Approvals
from scai_cli.runs.history.fold import read_history
from scai_cli.runs.records import Opinion, RatifiedRule

Ballots = Mapping[str, Sequence[Collection[str] | None]]
"""A user -> the lines that it approves for itself, revision by revision; None: its ballot could not be read."""


def rule(line: str) -> dict[str, Any]:
    """`When the day is long: Sit down.` as a condition and a text."""
    when, colon, text = line.removeprefix("When ").partition(": ")
    return {"text": text, "when": when} if colon and line.startswith("When ") else {"text": line}


def constitution(lines: Sequence[str]) -> dict[str, Any]:
    """A constitution with these rules."""
    rules = [rule(line) for line in lines]
    principles = [{"id": f"P{n}", **r} for n, r in enumerate(rules, 1) if "when" not in r]
    return {"principles": principles, "contract": [{"id": f"C{n}", **r} for n, r in enumerate(rules, 1) if "when" in r]}


def voted(
    finished: Path,
    to: Path,
    proposed: Sequence[Sequence[str]],
    ballots: Ballots,
    product: Sequence[str],
    names: Mapping[str, str] | None = None,
) -> Path:
    """A run whose revisions proposed these lines; each user approved some for itself, and the product has some."""

    def change(rows: Rows) -> Rows:
        found, number = [], 0
        for row in rows:
            if row["type"] == "run_started":
                row["personas"] |= names or {}
            if row["type"] == "revision":
                lines = proposed[number] if number < len(proposed) else []
                for voter, cast in ballots.items() if lines else ():
                    approves = cast[number]
                    opinions = {
                        str(n): {"me": "approve" if line in approves else "object", "everyone": "object"}
                        for n, line in enumerate(lines)
                        if approves is not None
                    }
                    ballot = {"id": f"{row['id']}/ballot/{voter}", "type": "ballot", "epoch": row["epoch"]}
                    stamp = {"seq": row["seq"], "time": row["time"]}
                    found.append({**stamp, **ballot, "persona": voter, "opinions": opinions})
                scopes = {line: "principle" if line in product else "dropped" for line in lines}
                row["ratified"] = [
                    {"number": n, **rule(line), "scope": scopes[line], "counts": {}} for n, line in enumerate(lines)
                ]
                row["constitution"] = {"version": row["constitution"]["version"], **constitution(product)}
                number += 1
            found.append(row)
        return found

    return changed(finished, to, change)


def of(run: Path) -> Representation:
    found = representation(read_history(run, messages=False, ratings=False))
    assert found is not None
    return found


def breaches(
    approvals: Mapping[str, Collection[str]], adopted: Collection[str], users: Sequence[str], seats: int
) -> dict[frozenset[str], int]:
    """Every group that deserves some rules and has no member with as many -> the smallest such number."""
    groups = chain.from_iterable(combinations(users, size) for size in range(1, len(users) + 1))
    found = {}
    for group in map(frozenset, groups):
        agreed = sum(group <= set(fans) for fans in approvals.values())
        most = max(sum(user in approvals[line] for line in adopted) for user in group)
        for level in range(most + 1, min(agreed, seats) + 1):
            if len(group) * seats >= level * len(users):
                found.setdefault(group, level)
    return found


def test_verdicts_are_those_of_all_groups(finished: Path, tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")  # shown if the test fails
    rng, verdicts = random.Random(seed), set()
    for number in range(1000):
        if number >= 40 and len(verdicts) == 2:
            break
        users = [f"u{n}" for n in range(rng.randint(2, 6))]
        lines = [f"Rule {n}." if n % 2 else f"When it is {n}: Do it." for n in range(rng.randint(2, 5))]
        chance = rng.choice((0.2, 0.5, 0.8))
        ballots = {user: [{line for line in lines if rng.random() < chance}] for user in users}
        product = rng.sample(lines, rng.randint(0, len(lines)))
        found = of(voted(finished, tmp_path / str(number), [lines], ballots, product))
        approvals = {line: {user for user in users if line in ballots[user][0]} for line in lines}
        wrong = breaches(approvals, product, users, max(1, len(product)))
        assert found.holds is not bool(wrong), (seed, number)
        verdicts.add(found.holds)
        if wrong:
            assert wrong[frozenset(found.group)] == found.deserved == min(wrong.values())
            assert found.rules
            assert set(found.rules).isdisjoint(product)
            assert all(set(found.group) <= approvals[line] for line in found.rules)
    assert verdicts == {True, False}


def test_the_latest_ballot_on_the_same_words_counts(finished: Path, tmp_path: Path) -> None:
    first, second = ["Be brief.", "Be kind."], ["Be kind.", "When it rains: Be brief."]
    ballots: Ballots = {
        "ann": [{"Be brief."}, {"Be kind."}],
        "bob": [{"Be brief.", "Be kind."}, {"When it rains: Be brief."}],
        "cid": [None, {"Be kind."}],
    }
    run = voted(finished, tmp_path / "run", [first, second], ballots, ["Be kind.", "Mind the gap."])
    cast = read_history(run).approvals
    assert cast.rules == {
        "Be brief.": {"ann", "bob"},
        "Be kind.": {"ann", "cid"},
        "When it rains: Be brief.": {"bob"},
    }
    assert (list(cast.voters), cast.ballots) == (["ann", "bob", "cid"], 6)
    assert of(run) == Representation(True, (), (), 0, seats=2, voters=3, proposed=3, adopted=1)


def test_an_id_is_kept_once_and_ballots_without_a_revision_do_not_count() -> None:
    cast = Approvals()
    yes = Opinion(me="approve", everyone="object")
    proposed = [RatifiedRule(number=n, text=f"Rule {n}.", scope="dropped", counts={}) for n in range(3)]
    for _ in range(2):
        name = "".join(["a", "nn"])
        cast.add(BallotCast(id="x", epoch=1, persona=name, opinions={0: yes, 2: yes}))
        cast.settle(proposed)
    cast.add(BallotCast(id="x", epoch=3, persona="bob", opinions={1: yes}))
    assert cast.rules == {"Rule 0.": {"ann"}, "Rule 2.": {"ann"}}
    assert {id(user) for users in cast.rules.values() for user in users} == {id(cast.voters["ann"])}


WHEN = "When the tea is cold: Warm the pot first."
LEFT_OUT = {"ann": [{WHEN}], "bob": [{WHEN}], "cid": [{"Name a source."}]}


FAILS = {"holds": False, "group": ["ann", "bob"], "rules": [WHEN], "seats": 2, "voters": 3}


@pytest.mark.slow
def test_a_group_without_a_rule_is_named_on_every_screen(finished: Path, tmp_path: Path) -> None:
    two = ["Name a source.", "Be kind."]
    run = voted(finished, tmp_path / "runs" / "tiny", [["Name a source.", WHEN]], LEFT_OUT, two)
    says = (
        f"Group without a rule: Ann Smith and Bob Jones (2 of 3 voters) approved “{WHEN}” for themselves; it is not in "
        "the constitution, nor is any other rule that one of them approved (2 rules put to a ballot)."
    )
    assert says in " ".join(scai("show", run).out.split())
    assert scai("show", run, "--json").json["representation"] == FAILS
    assert says in " ".join(scai("explain", run).out.split())
    assert scai("explain", run, "--json").json["representation"] == FAILS
    assert scai("report", run, "-o", tmp_path / "page.html").code == 0
    assert f"<p>{says}</p>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_two_of_three_do_not_deserve_the_only_seat(finished: Path, tmp_path: Path) -> None:
    run = voted(finished, tmp_path / "run", [["Name a source.", WHEN]], LEFT_OUT, ["Name a source."])
    found = scai("show", run, "--json").json["representation"]
    assert found == {"holds": True, "group": [], "rules": [], "seats": 1, "voters": 3}


@pytest.mark.parametrize(
    ("heavy", "approving", "group"), [("cid", ("ann", "bob"), ()), ("ann", ("ann",), ("ann",)), ("bob", ("ann",), ())]
)
def test_a_group_counts_by_its_weight(
    finished: Path, tmp_path: Path, heavy: str, approving: tuple[str, ...], group: tuple[str, ...]
) -> None:
    ballots = {user: [{WHEN} if user in approving else {"Name a source."}] for user in ("ann", "bob", "cid")}
    run = voted(finished, tmp_path / "run", [["Name a source.", WHEN]], ballots, ["Name a source.", "Be kind."])
    config = (run / "config.yaml").read_text(encoding="utf-8")
    weighted = config.replace(f"  - id: {heavy}\n", f"  - id: {heavy}\n    weight: 9\n", 1)
    (run / "config.yaml").write_text(weighted, encoding="utf-8")
    assert (of(run).group, of(run).seats, of(run).is_weighted) == (group, 2, True)
    assert group or "wherever people with 1/2 of the weight of 3 voters" in representation_words(of(run), {})


def test_a_group_with_too_few_rules_is_named(finished: Path, tmp_path: Path) -> None:
    lines = ["One.", "Two.", "Three.", "Four."]
    ballots = {"ann": [lines[:3]], "bob": [lines[:3]], "cid": [["Four."]], "dan": [["Four."]]}
    run = voted(finished, tmp_path / "run", [lines], ballots, ["One.", "Four.", "Unvoted.", "Unvoted too."])
    assert of(run) == Representation(False, ("ann", "bob"), ("Two.", "Three."), 2, 4, 4, 4, 2)
    says = (
        "Group with too few rules: Ann Smith and Bob Jones (2 of 4 voters) approved the same 2 rules or more for "
        "themselves, but none of them approved 2 of those in the constitution, which lacks “Two.” and 1 more (4 rules "
        "put to a ballot)."
    )
    assert says in " ".join(scai("show", run).out.split())


@pytest.mark.parametrize(
    ("ballots", "product", "holds", "says"),
    [
        (
            {"ann": [["A."]], "bob": [["B."]]},
            ["A.", "B."],
            True,
            "Each of 2 voters who approves any rule approves one in the constitution, which has 2 of the 2 rules put "
            "to a ballot.",
        ),
        (
            {"ann": [["A."]], "bob": [["B."]]},
            [],
            True,
            "None of the 2 rules put to a ballot is in the constitution, and no group of enough people agrees on one: "
            "little is shared.",
        ),
        (
            {"ann": [None], "bob": [None]},
            ["A."],
            None,
            "Does each group that agrees have a rule? Cannot tell: no ballot could be read.",
        ),
    ],
)
def test_other_verdicts_are_said(
    finished: Path, tmp_path: Path, ballots: Any, product: list[str], holds: bool | None, says: str
) -> None:
    run = voted(finished, tmp_path / "run", [["A.", "B."]], ballots, product)
    assert of(run).holds is holds
    assert says in " ".join(scai("show", run).out.split())


@pytest.mark.slow
def test_a_run_without_ballots_says_nothing(finished: Path, tmp_path: Path) -> None:
    assert not any(words in scai("show", finished).out for words in ("ballot", "Group without", "No rule was approved"))
    assert scai("show", finished, "--json").json["representation"] is None
    assert scai("report", finished, "-o", tmp_path / "page.html").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not any(words in page for words in ("put to a ballot", "Group without", "No rule was approved"))


@pytest.mark.slow
def test_texts_and_names_are_shown_as_text(finished: Path, tmp_path: Path) -> None:
    people = {"ann": [[EVIL]], "bob": [[EVIL]]}
    run = voted(finished, tmp_path / "run", [["A.", EVIL]], people, ["A."], {"ann": EVIL, "bob": EVIL})
    shown = scai("show", run)
    assert shown.code == 0
    assert "Group without a rule: <script>" in " ".join(shown.out.split())
    assert "\x1b" not in shown.out
    assert scai("report", run, "-o", tmp_path / "page.html").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Group without a rule: &lt;script&gt;" in page
    assert "<script>document" not in page
