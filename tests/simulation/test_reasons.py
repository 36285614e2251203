"""Every edit is recorded with its reason and the messages and ratings that it rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import events, scai
from scripted_runs import anew, edit, ran, revisions

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("strategy", ["rewrite", "grounded"])
def test_of_every_strategy(strategy: str) -> None:
    config = ROOT / "configs" / "quickstart.yaml"
    keys = (f"strategy={strategy}", "acceptance=always")
    settings = [part for key in keys for part in ("--set", f"revision.{key}")]
    settings += ["--set", "model.options={flaws: {invents: 0}}"]  # an invented rule rests on nothing
    made = scai("run", config, "-q", "--json", "--set", "epochs=2", *settings).json
    told = events(Path(made["path"]))
    seen: set[str] = set()
    edits = 0
    for event in told:
        if event["type"] in ("message", "rating"):
            seen.add(event["id"])
        for change in event["edits"] if event["type"] == "revision" else ():
            edits += 1
            assert change["reason"]
            assert seen.issuperset(change.get("evidence", ()))
            assert change.get("evidence") or change["op"] in ("remove", "merge")
    assert edits > 3
    shown = " ".join(scai("show", made["run_id"], "--diff", 0, 1).out.split())
    assert "evidence: e1/" in shown
    assert "no reason" not in shown


def test_a_rewrite_names_what_happened_and_says_why_a_rule_goes(tmp_path: Path) -> None:
    first = anew((None, "Be kind."), (None, "Be brief."))
    first["principles"][0] |= {"reason": "Ann is sad.", "evidence": ["e1/ann/tea/m2", "e9/ann/tea/m2", "nonsense"]}
    second = anew(("P1", "Be kind."))
    second["removed"] = [{"id": "P2", "reason": "Bob wants more.", "evidence": ["e2/bob/tea/m2", "e1/bob/tea/m2"]}]
    told = ran(tmp_path, {"e1/revision": first, "e2/revision": second}, epochs=2)
    kind, brief = revisions(told)[0]["edits"]
    assert (kind["reason"], kind["evidence"]) == ("Ann is sad.", ["e1/ann/tea/m2"])
    assert (brief["reason"], brief["evidence"]) == ("", [])
    assert revisions(told)[0]["constitution"]["principles"][0]["evidence"] == ["e1/ann/tea/m2"]
    (gone,) = revisions(told)[1]["edits"]
    assert gone == {"op": "remove", "id": "P2", "reason": "Bob wants more.", "evidence": ["e2/bob/tea/m2"]}


def test_without_a_reason_the_critique_speaks_where_it_names_the_rule_or_a_user(tmp_path: Path) -> None:
    critique = "All is well. P1 bores bob.ste! It suits cid. Nobody asks for more."
    changes: list[dict[str, Any]] = [
        edit("modify", id="P1", text="Be very brief."),
        edit("add", text="Rhyme.", **{"for": ["cid"]}),
        edit("add", text="Joke.", **{"for": ["bob"]}),
        edit("add", text="Sing.", **{"for": ["ann"]}, reason="She sings."),
    ]
    told = ran(
        tmp_path,
        {"e1/revision": {"critique": critique, "edits": changes}},
        constitution={"principles": ["Be brief."]},
        revision={"strategy": "grounded", "quorum": 0},
    )
    reasons = [change["reason"] for change in revisions(told)[0]["edits"]]
    assert reasons == ["P1 bores bob.ste!", "It suits cid.", "", "She sings."]
