"""The ultimatum game: what is played, observed and refused; the policy reaches others by play alone; its recovery."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, scai

from scai_cli.analysis.recovery import Proposal, recovery_rates
from scai_cli.simulation.answer_forms import form_schema
from scai_cli.simulation.dialogues.ultimatum import Decision
from scai_cli.simulation.form_reader import read_form

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/ultimatum.yaml"
SMALL = ("--set", "personas.sample=4", "--set", "tasks.per_epoch=2", "--quiet")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("game") / "runs"
    played = scai("run", CONFIG, "--run-id", "game", "--runs-dir", runs, "--set", "turns=2", *SMALL)
    assert played.code == 0
    return runs / "game"


@pytest.fixture(scope="module")
def shown(run: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = scai("show", run, "--json").json
    return found


def test_a_game_has_its_own_lines_and_ratings(run: Path, shown: Mapping[str, Any]) -> None:
    first = shown["epochs"][0]
    assert [m["role"] for m in first["conversations"][0]["messages"]] == ["user", *("assistant", "user") * 2]
    assert {rating["value"] for epoch in shown["epochs"] for rating in epoch["ratings"]} == {0.0, 1.0}
    # The decider accepts what is within the tolerance of its policy, so both numbers agree.
    assert all(rating["value"] == rating["observed"] for rating in first["ratings"])
    planned = scai("check", CONFIG, "--json", "--set", "turns=2", *SMALL[:4]).json["calls"]
    made = [call["role"] for call in calls(run)]
    assert (planned["user"], planned["assistant"]) == (made.count("user"), made.count("assistant"))


def test_only_the_decider_reads_its_policy(run: Path) -> None:
    prompts: dict[str, str] = {"user": "", "assistant": "", "meta": ""}
    for call in calls(run):
        prompts[call["role"]] += json.dumps(call["request"])
    assert "selfish" in prompts["user"]
    assert "selfish" not in prompts["assistant"] + prompts["meta"]


def test_the_recovery_is_shown(shown: Mapping[str, Any]) -> None:
    recovery = shown["recovery"]
    assert recovery["mixture"] == {"selfish": 4}
    assert recovery["product"]["seen"]["share"] >= 0.9
    first, *_ = recovery["rates"]
    assert (first["epoch"], first["seen"], first["n"], first["unreadable"]) == (1, True, 8, 0)
    assert [rate["epoch"] for rate in recovery["rates"] if not rate["seen"]] == [None, None]


@pytest.mark.parametrize(("game", "other"), [("dialogue: ultimatum", "dialogue: talk"), (": selfish", ": liberal")])
def test_people_who_play_no_game_have_no_recovery(run: Path, tmp_path: Path, game: str, other: str) -> None:
    shutil.copytree(run, tmp_path / "talked")
    config = tmp_path / "talked" / "config.yaml"
    config.write_text(config.read_text().replace(game, other))
    assert other in config.read_text()
    assert "recovery" not in scai("show", tmp_path / "talked", "--json").json


def test_exports_read_whole_games(run: Path) -> None:
    rows = scai("export", run, "--format", "sft").out.splitlines()
    assert {len(json.loads(row)["messages"]) for row in rows} == {2, 4}
    assert len(scai("export", run, "--format", "ratings").out.splitlines()) == len(rows)


@pytest.mark.parametrize("command", [("generate",), ("evaluate", "--suite", "fidelity")], ids=lambda c: c[0])
def test_what_needs_the_feedback_prompt_says_so(run: Path, command: tuple[str, ...]) -> None:
    refused = scai(command[0], run, *command[1:], "--runs-dir", run.parent)
    assert refused.code == 2
    assert "in the dialogue 'ultimatum' users rate by 'decision' and not by `feedback`" in refused.err


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("personas=[{id: ann}]", "personas.ann.attributes.policy: `dialogue: ultimatum` needs one of selfish"),
        ("personas=[{id: ann, attributes: {policy: selfsh}}]", "did you mean 'selfish'?"),
        ("personas=[{id: ann, attributes: {policy: fair, manners: loud}}]", "personas.ann.attributes.manners"),
        ("personas=[{id: ann, human: true, attributes: {policy: fair}}]", "personas.ann.human"),
        ("tasks=[{id: tea, prompt: Divide it.}]", "tasks.tea.prompt: has no number to divide"),
        ("dialogue=ultimate", "unknown dialogue 'ultimate'; did you mean 'ultimatum'?"),
        ("dialogue=json:dumps", "dialogue 'json:dumps': its lines failed"),
    ],
)
def test_what_cannot_be_played_is_refused(setting: str, problem: str) -> None:
    refused = scai("check", CONFIG, "--set", "holdout.tasks=0", "--set", "tasks.per_epoch=1", "--set", setting)
    assert refused.code == 2
    assert problem in refused.err
    assert len(refused.err.splitlines()) == 1


@pytest.mark.parametrize("said", ["accept", "Accepted", "I accept it."])
def test_a_decision_is_read_as_models_write_it(said: str) -> None:
    answer, _ = read_form(json.dumps({"reply": "Good.", "decision": said}), Decision)
    assert answer.decision == "accept"


@pytest.mark.parametrize("said", ["accept or reject", "maybe", "", 1])
def test_no_other_word_is_a_decision(said: object) -> None:
    with pytest.raises(ValueError, match=r"accept|placeholder"):
        read_form(json.dumps({"reply": "Good.", "decision": said}), Decision)


def test_a_server_can_enforce_the_form() -> None:
    assert form_schema(Decision, None)["required"] == ["reply", "decision"]


def test_the_rates_are_of_all_and_of_each_kind() -> None:
    def proposal(n: int, within: float | None) -> Proposal:
        return Proposal(f"p{n}", "fair" if n % 2 else "selfish", "rude", seen=True, version=3, epoch=2, within=within)

    played = [proposal(n, None if n == 0 else float(n % 2)) for n in range(8)]
    everyone, fair, selfish = recovery_rates(played)
    assert (everyone.share, everyone.n, everyone.unreadable) == (pytest.approx(4 / 7), 7, 1)
    assert everyone.low is not None
    assert everyone.high is not None
    assert everyone.low < 4 / 7 < everyone.high
    assert (fair.policy, fair.share, selfish.policy, selfish.share) == ("fair", 1.0, "selfish", 0.0)
    assert everyone.manners is None
