"""Locked principles: no edit, no strategy and no ballot changes, merges, removes or moves one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, scai
from hypothesis import example, given
from hypothesis import strategies as st
from scripted_runs import NO_CROSS, anew, edit, ran, revisions, rules

from scai_cli.api import AcceptanceResult, Candidate, RevisionContext
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Add, Clause, Constitution, Edit, Merge, Modify, Principle, Remove
from scai_cli.experiment.constitution_start import initial_constitution
from scai_cli.models import simulated
from scai_cli.simulation.agent import Agent
from scai_cli.simulation.candidate_checks import checked
from scai_cli.simulation.epoch_context import EpochContext, build_agents
from scai_cli.simulation.utilities import EpochUtilities

FLOOR = "Never promise a refund ann=1 bob=1 cid=1."
"""A line under which everybody is served badly, so that nobody approves of it."""
LOCKED = {"principles": ["Be kind."], "locked": [FLOOR]}
STRATEGIES = ("rewrite", "grounded")


def proposed_without(path: Path, strategy: str, acceptance: str, constitution: dict[str, Any]) -> dict[str, Any]:
    """The revision after an epoch in which a strategy would remove P2 and add a rule that nobody minds."""
    evidence = [f"e1/{person}/tea/m2" for person in ("ann", "bob", "cid")]
    anew_without = anew(("P1", "Be kind."), (None, "Be fair."))
    edits = [edit("remove", id="P2"), edit("add", text="Be fair.", reason="r", evidence=evidence)]
    by_edits = {"critique": "c", "edits": edits}
    meta = {"e1/revision": by_edits if strategy == "grounded" else anew_without}
    settings = {"strategy": strategy, "acceptance": acceptance}
    (revision,) = revisions(ran(path, meta, constitution=constitution, ratings=NO_CROSS, revision=settings))
    return revision


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_locked_principle_is_not_on_the_ballot(tmp_path: Path, strategy: str) -> None:
    unlocked = proposed_without(tmp_path, strategy, "ratify", {"principles": ["Be kind.", FLOOR]})
    assert rules(unlocked["constitution"]) == [("P1", "Be kind.")]
    locked = proposed_without(tmp_path, strategy, "ratify", LOCKED)
    assert rules(locked["constitution"])[0] == ("P2", FLOOR)
    assert FLOOR not in [rule["text"] for rule in locked["ratified"]]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_proposal_to_remove_it_is_not_lost_as_a_whole(tmp_path: Path, strategy: str) -> None:
    revision = proposed_without(tmp_path, strategy, "always", LOCKED)
    assert rules(revision["constitution"]) == [("P2", FLOOR), ("P1", "Be kind."), ("P3", "Be fair.")]
    assert revision["critique"] == "c (Left out, as P2 is locked: remove)"


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        (edit("modify", id="P2", text="Refund."), "(Left out, as P2 is locked: modify Refund.)"),
        (edit("merge", ids=["P1", "P2"], text="Kind."), "(Left out, as P2 is locked: merge Kind.)"),
        (edit("remove", id="P2"), "(Left out, as P2 is locked: remove)"),
    ],
)
def test_edits_to_it_are_left_out_and_the_critique_says_so(tmp_path: Path, change: dict[str, Any], remark: str) -> None:
    written = {"critique": "c", "edits": [change, edit("add", text="Be fair.")]}
    keys = {"constitution": LOCKED, "revision": {"strategy": "grounded", "quorum": 0}}
    (revision,) = revisions(ran(tmp_path, {"e1/revision": written}, **keys))
    assert rules(revision["constitution"]) == [("P2", FLOOR), ("P1", "Be kind."), ("P3", "Be fair.")]
    assert revision["critique"] == f"c {remark}"


def test_a_line_break_in_it_is_no_edit_of_it(tmp_path: Path) -> None:
    written = anew(("P1", "Never promise a refund."), (None, "Be fair."))
    keys = {"constitution": {"locked": ["Never promise\n  a refund.\n"]}}
    (revision,) = revisions(ran(tmp_path, {"e1/revision": written}, **keys))
    assert rules(revision["constitution"]) == [("P1", "Never promise\n  a refund.\n"), ("P2", "Be fair.")]
    assert revision["critique"] == "c"


def test_the_meta_model_reads_which_rule_is_locked(tmp_path: Path) -> None:
    ran(tmp_path, constitution=LOCKED)
    (asked,) = (call for call in calls(tmp_path / "runs/t") if call["purpose"] == "rewrite")
    prompt = asked["request"]["messages"][-1]["content"]
    assert f"P2 (locked: keep it word for word): {FLOOR}\nP1: Be kind.\n" in prompt


def test_it_is_named_on_the_screens_and_in_json_but_not_in_the_message(tmp_path: Path) -> None:
    ran(tmp_path, constitution=LOCKED)
    for view in ((), ("--constitution",), ("--diff", "0", "0")):
        assert f"locked: {FLOOR}" in scai("show", "t", *view).out
    shown = json.loads(scai("show", "t", "--json").out)["epochs"][0]["constitution"]["principles"]
    assert [rule.get("locked") for rule in shown] == [True, None]
    for style in ("text", "markdown"):
        assert f"1. {FLOOR}\n" in (out := scai("export", "t", "--format", "system", "--as", style).out)
        assert "locked" not in out
    (row,) = map(json.loads, scai("export", "t", "--format", "system", "--as", "json").out.splitlines())
    assert row["principles"] == [{"id": "P2", "text": FLOOR, "locked": True}, {"id": "P1", "text": "Be kind."}]


# --- a third party's strategy or acceptance rule


async def removing(context: RevisionContext) -> list[Candidate]:
    """Remove it by an edit, and by a constitution without edits."""
    return [
        Candidate(id="edit", critique="", edits=(Remove(id="P2"),)),
        Candidate(id="whole", critique="", constitution=Constitution(version=1)),
    ]


async def adopting(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt a candidate with another constitution."""
    emptied = candidates[0].model_copy(update={"constitution": Constitution(version=1)})
    return AcceptanceResult(emptied, "because", {})


def test_a_strategy_of_a_third_party_cannot_remove_it(tmp_path: Path) -> None:
    keys = {"constitution": LOCKED, "revision": {"strategy": f"{__name__}:removing"}}
    (revision,) = revisions(ran(tmp_path, **keys))
    assert not revision["accepted"]
    assert rules(revision["constitution"]) == [("P2", FLOOR), ("P1", "Be kind.")]
    objections = {candidate["id"]: candidate["objection"] for candidate in revision["candidates"]}
    assert objections == {"edit": "broken: P2 is locked", "whole": None}
    assert [candidate["constitution"] for candidate in revision["candidates"]] == [None, None]


def test_an_acceptance_rule_cannot_adopt_a_constitution_without_it(tmp_path: Path) -> None:
    """Its constitution is not adopted, only its edits are carried out."""
    keys = {"constitution": LOCKED, "revision": {"acceptance": f"{__name__}:adopting"}}
    (revision,) = revisions(ran(tmp_path, {"e1/revision": anew((None, "Be fair."))}, **keys))
    assert rules(revision["constitution"]) == [("P2", FLOOR), ("P3", "Be fair.")]


async def adopting_its_own(context: RevisionContext, candidates: Sequence[Candidate]) -> AcceptanceResult:
    """Adopt a candidate that nobody proposed."""
    return AcceptanceResult(Candidate(id="own", critique="", edits=(Add(text="Be mine."),)), "because", {})


def test_an_acceptance_rule_cannot_adopt_what_it_was_not_given(tmp_path: Path) -> None:
    keys = {"constitution": LOCKED, "revision": {"acceptance": f"{__name__}:adopting_its_own"}}
    (revision,) = revisions(ran(tmp_path, {"e1/revision": anew((None, "Be fair."))}, **keys))
    assert not revision["accepted"]
    assert revision["reason"] == "the acceptance rule adopted what it was not given"
    assert rules(revision["constitution"]) == [("P2", FLOOR), ("P1", "Be kind.")]


# --- any edits

IDS = st.sampled_from(["P1", "P2", "P3", "P4", "C1", "C2", "P77"])
TEXTS = st.sampled_from(["Be kind.", FLOOR, "a", "b", "Never promise a refund.", "locked"])
USERS = st.sampled_from([(), ("ann",), ("ann", "bob")])
EDITS: st.SearchStrategy[Edit] = st.one_of(
    st.builds(Add, text=TEXTS, users=USERS),
    st.builds(Modify, id=IDS, text=TEXTS, users=USERS),
    st.builds(Merge, ids=st.lists(IDS, min_size=2, max_size=3).map(tuple), text=TEXTS),
    st.builds(Remove, id=IDS),
)
PRINCIPLES = st.builds(Principle, id=IDS.filter(lambda i: i[0] == "P"), text=TEXTS, locked=st.booleans())
WHOLE = st.builds(
    Constitution,
    version=st.integers(0, 9),
    principles=st.lists(PRINCIPLES, max_size=4).map(tuple),
    contract=st.lists(st.builds(Clause, id=st.just("C1"), text=TEXTS, users=st.just(("ann",))), max_size=1).map(tuple),
)
CANDIDATES = st.builds(
    Candidate,
    id=st.just("c"),
    critique=st.just(""),
    edits=st.lists(EDITS, max_size=4).map(tuple),
    constitution=st.none() | WHOLE,
)
ANY = ExperimentConfig.model_validate({
    "personas": [{"id": "ann"}, {"id": "bob"}],
    "tasks": [{"id": "t", "prompt": "p"}],
    "constitution": {"principles": ["Be kind."], "contract": [{"text": "Joke.", "for": ["ann"]}], "locked": [FLOOR]},
})  # fmt: skip
AGENTS = build_agents(ANY, lambda role, model: Agent(role, simulated.connect(model, seed=0), model, 0, 0))


NOTHING = (Add(text="a"), Remove(id="P3"))
"""Edits after which every rule is as before."""


@example([Candidate(id="c", critique="", edits=NOTHING, constitution=Constitution())])
@example([Candidate(id="c", critique="", edits=(Modify(id="P1", text="Be kind."),), constitution=Constitution())])
@given(st.lists(CANDIDATES, max_size=6))
def test_it_survives_whatever_is_proposed(candidates: list[Candidate]) -> None:
    constitution = initial_constitution(ANY.constitution)
    for candidate in candidates:
        epoch = EpochContext(AGENTS, "e1", 1, constitution, ANY.train_personas, ANY.train_tasks, lambda _: None)
        context = RevisionContext(ANY, epoch, "e1/revision", (), (), EpochUtilities({}, {}, {}, {}, (), (), 0))
        sound = checked(context, candidate)
        if sound.constitution is not None and sound.objection is None:
            constitution = sound.constitution
        assert constitution.locked == constitution.principles[:1] == (Principle(id="P2", text=FLOOR, locked=True),)
        assert f"1. {FLOOR}\n" in f"{AGENTS.prompts.system_message(constitution)}\n"


# --- the simulated meta model


def test_the_simulated_meta_leaves_it_alone(tmp_path: Path) -> None:
    """Everybody minds sources; the unlocked rule goes, the locked one stays, and no edit names it."""
    people = [
        {"id": i, "name": f"{n} X", "description": "d", "preferences": {"names_source": -1.0, "concise": 1.0}}
        for i, n in (("ann", "Ann"), ("bob", "Bob"), ("cid", "Cid"))
    ]
    line = "Name a source for what you say."
    told = {}
    for kind, start in (("open", {"principles": [line]}), ("shut", {"locked": [line]})):
        keys = {"model": {"provider": "simulated"}, "personas": people, "epochs": 2, "constitution": start}
        told[kind] = revisions(ran(tmp_path, name=kind, **keys))
    assert line not in [text for _, text, *_ in rules(told["open"][-1]["constitution"])]
    assert rules(told["shut"][-1]["constitution"])[0] == ("P1", line)
    assert all("locked" not in revision["critique"] for revision in told["shut"])
    assert any(revision["accepted"] for revision in told["shut"])
