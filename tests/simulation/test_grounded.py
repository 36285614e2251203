"""`grounded`: what a rule rests on decides whom it is for; and a trial replays only those whom a change concerns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import calls
from scripted_runs import MANY, edit, ran, revisions, rules

ANN, BOB, CID = "e1/ann/tea/m2", "e1/bob/tea/m2/own", "e1/ann/tea/cross/cid"


def grown(path: Path, *changes: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """The revision of one epoch in which the meta model proposed these edits."""
    revision = {"strategy": "grounded", **keys.pop("revision", {})}
    return revisions(ran(path, {"e1/revision": {"critique": "c", "edits": changes}}, revision=revision, **keys))[0]


@pytest.mark.parametrize(
    ("evidence", "quorum", "kept"),
    [
        ([ANN, BOB, CID], 1.0, [("P1", "Be brief.")]),
        ([ANN, BOB], 0.66, [("P1", "Be brief.")]),
        ([ANN, CID], 0.7, [("C1", "Be brief.", "ann", "cid")]),
        ([ANN, ANN, "e1/ann/tea/m1"], 0.1, []),
        (["made up"], 0.1, []),
        ([], 0.66, []),
        ([], 0.0, [("P1", "Be brief.")]),
    ],
)
def test_a_principle_needs_a_quorum_and_is_else_a_clause_for_those_who_ask(
    tmp_path: Path, evidence: list[str], quorum: float, kept: list[tuple[str, ...]]
) -> None:
    revision = grown(tmp_path, edit("add", text="Be brief.", evidence=evidence), revision={"quorum": quorum})
    assert rules(revision["constitution"]) == kept
    assert revision["accepted"] == bool(kept)
    assert ("Be brief." in revision["critique"]) == (not kept)


def test_clauses_and_removals_are_left_as_they_are_and_rewordings_need_the_quorum(tmp_path: Path) -> None:
    changes = [
        edit("add", text="Rhyme.", **{"for": "cid"}, evidence=[ANN]),
        edit("modify", id="P1", text="Be warm.", evidence=[ANN, BOB]),
        edit("modify", id="P3", text="Write for Ann's friends.", evidence=[ANN]),
        edit("remove", id="P2", reason="nobody wants it"),
    ]
    revision = grown(tmp_path, *changes, constitution={"principles": ["Be kind.", "Be true.", "Be brave."]})
    kept = [("P1", "Be warm."), ("P3", "Be brave."), ("C1", "Rhyme.", "cid")]
    assert rules(revision["constitution"]) == kept
    assert "Write for Ann's friends." in revision["critique"]


def test_an_edit_that_cannot_stand_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    changes = [
        edit("add", text="Answer Bob Jones in verse.", evidence=[ANN, BOB]),
        edit("add", text="Be brief.", evidence=[ANN, BOB]),
        edit("add", text="Rhyme.", **{"for": "nobody"}, evidence=[ANN]),
        edit("add", text="Talk on and on. " * 20, evidence=[ANN, BOB]),
    ]
    revision = grown(tmp_path, *changes, constitution={"max_tokens": 40})
    assert rules(revision["constitution"]) == [("P1", "Be brief.")]
    assert revision["critique"].count("(Left out, ") == 3


def test_a_trial_replays_only_the_conversations_of_those_whom_a_change_concerns(tmp_path: Path) -> None:
    change = edit("add", text="Say ann=9 always.", **{"for": "ann"}, evidence=[ANN])
    revision = grown(tmp_path, change, revision={"acceptance": "improves"}, tasks=MANY)
    assert revision["accepted"]
    scores = revision["candidates"][0]["scores"]
    assert scores["welfare"] > scores["welfare_before"]
    (run,) = (tmp_path / "runs").iterdir()
    tried = {call["id"] for call in calls(run) if "/~" in call["id"]}
    assert {place.split("/")[2] for place in tried} == {"~0", "~1"}  # the present rules, too, with other seeds
    assert {place.split("/")[3] for place in tried} == {"ann"}
    assert {place.split("/")[6] for place in tried if "/cross/" in place} == {"bob", "cid"}
