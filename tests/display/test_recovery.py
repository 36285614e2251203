"""The recovery of a hidden norm, as `scai show` and `scai report` have it: of a run, of several and of a sweep."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from crash import society
from loopback import Loopback
from test_report import Page

from scai_cli.analysis.recovery_curves import CurvePoint, RecoveryCurve, mean_curve, run_curves
from scai_cli.display.recovery import recovery_words
from scai_cli.display.report.page import make_page
from scai_cli.display.report.sweep import make_sweep_page
from scai_cli.runs.history.fold import read_history

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs/ultimatum.yaml"
SMALL = ("--set", "tasks.per_epoch=1", "--set", "epochs=3", "--quiet")
MIXED = ("--set", "personas.where.group=1-selfish-9-altruistic")


def play(runs: Path, name: str, *options: str) -> Path:
    played = scai("run", CONFIG, "--run-id", name, "--runs-dir", runs, *SMALL, *options)
    assert played.code == 0, played.err
    return runs / name


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("norms") / "runs"


@pytest.fixture(scope="module")
def mixed(runs: Path) -> Path:
    return play(runs, "mixed", *MIXED)


@pytest.mark.slow
def test_a_run_says_of_whom_under_which_version_and_how_sure(mixed: Path) -> None:
    history = read_history(mixed, messages=False, ratings=False)
    everyone, altruists, selfish = run_curves(history)
    assert (everyone.group, altruists.group, selfish.group) == (
        "1 selfish and 9 altruistic",
        "9 altruistic",
        "1 selfish",
    )
    assert everyone.most == 0.9
    product = scai("show", mixed, "--json").json["recovery"]["product"]
    assert everyone.product is not None
    assert everyone.unseen is not None
    assert (everyone.product.share, everyone.unseen.share) == (product["seen"]["share"], product["unseen"]["share"])
    shown = " ".join(scai("show", mixed).out.split())
    for words in recovery_words(everyone, history.product[0].version):
        assert words in shown
    assert f"under version {history.product[0].version}." in shown
    assert "One division for all can meet it for 0.90 of these users at most." in shown
    assert "A plumbing check" in shown


@pytest.mark.slow
def test_a_selection_does_not_change_the_recovery(mixed: Path) -> None:
    whole, part = (scai("show", mixed, "--json", *only).json["recovery"] for only in ((), ("--persona", "p031")))
    assert whole == part


@pytest.mark.slow
def test_the_page_has_a_curve_of_all_and_of_each_policy(mixed: Path) -> None:
    page = Page(make_page([mixed]))
    text = page.text
    assert "The hidden norm, found or not" in text
    assert "A plumbing check" in text
    labels = [attrs.get("aria-label") or "" for name, attrs in page.tags if name == "svg"]
    curves = [label for label in labels if "recovery of the policy of" in label]
    assert [label.partition(":")[0] for label in curves] == ["All users", "9 altruistic", "1 selfish"]


@pytest.mark.slow
def test_runs_side_by_side_have_the_curves_of_those_that_are_games(mixed: Path, runs: Path) -> None:
    rude = play(runs, "rude", "--set", "personas.where.group=altruistic-rude", "--set", "holdout.tasks=0")
    chat = play(runs, "chat", "--set", "dialogue=assist", "--set", "epochs=1")
    page = Page(make_page([mixed, rude, chat]))
    curves = [attrs.get("aria-label") or "" for name, attrs in page.tags if name == "svg"]
    names = [label.partition(":")[0] for label in curves if "recovery of the policy of" in label]
    assert names == ["mixed", "rude", "All users", "9 altruistic", "1 selfish", "All users"]
    assert "10 altruistic, rude: " in page.text
    assert "not played before: not played" in page.text
    assert "arXiv 2310.17769" in page.text
    assert "hidden" not in scai("show", chat).out


@pytest.mark.slow
def test_a_sweep_has_the_mean_over_its_seeds(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "norms.yaml"
    grid = "{personas.where.group: [fair, altruistic-rude], seed: [1, 2, 3]}"
    each = "{epochs: 1, tasks.per_epoch: 1}"
    file.write_text(f"name: norms\nexperiment: {CONFIG}\neach: {each}\ngrid: {grid}\n", encoding="utf-8")
    assert scai("sweep", file, "--runs-dir", runs, "--quiet").code == 0
    shown = scai("show", "norms", "--runs-dir", runs)
    assert re.search(r"^fair +3  1\.00 \[", shown.out, re.MULTILINE)
    found = scai("show", "norms", "--runs-dir", runs, "--json").json["recovery"]
    assert [(each["setting"], each["group"], each["runs"]) for each in found] == [
        ("fair", "10 fair", 3),
        ("altruistic-rude", "10 altruistic, rude", 3),
    ]
    assert "10 fair, 3 runs: 1.00" in Page(make_sweep_page(runs / "norms")).text


def test_a_run_counts_once_in_the_mean_over_seeds() -> None:
    def curve(share: float, n: int, epochs: int) -> RecoveryCurve:
        point = CurvePoint(share, None, None, n, 1)
        return RecoveryCurve("10 fair", True, 1, 1.0, dict.fromkeys(range(1, epochs + 1), point), point, None, point)

    mean = mean_curve([curve(0.0, 10, 3), curve(0.5, 1000, 2), curve(1.0, 10, 3)])
    assert (mean.runs, list(mean.epochs), mean.found_in, mean.unseen_start) == (3, [1, 2], None, None)
    assert mean.product is not None
    assert (mean.product.share, mean.product.n, mean.product.unreadable) == (0.5, 1020, 3)
    assert mean.product.low is not None
    assert mean.product.low < 0.5


def test_what_was_not_played_has_no_number() -> None:
    point = CurvePoint(1.0, None, None, 4, 0)
    never = RecoveryCurve("2 fair", False, 1, 1.0, {1: point}, None, None, None)
    assert list(recovery_words(never, 3)) == ["The hidden policy of 2 fair users: version 3 was not played yet."]
    _, unseen = recovery_words(RecoveryCurve("2 fair", False, 1, 1.0, {1: point}, point, None, None), 3)
    assert "not played" in unseen


@pytest.mark.slow
def test_over_http_proposals_that_cannot_be_read_are_counted_and_break_nothing(tmp_path: Path) -> None:
    play_well, said = society(), []

    def endpoint(asked: dict[str, Any]) -> str:
        text: str = play_well(asked)
        if text.startswith("I propose"):
            said.append(text)
            return text if len(said) % 3 else "Let us first talk about what is right for both of us."
        return text

    with Loopback(answer=endpoint) as server:
        model = ("--model", "openai:small", "--set", f"model.base_url={server.base_url}")
        run = play(tmp_path / "runs", "http", *model, "--set", "personas.sample=3")
    # The check of raters asks for ratings on the scale, which no player gives.
    assert not [call["id"] for call in calls(run) if call["purpose"] == "rater_check"]
    planned = scai("check", CONFIG, "--json", *model, *SMALL[:4], "--set", "personas.sample=3").json["calls"]
    assert planned["user"] == sum(call["role"] == "user" for call in calls(run))
    finals = [e["observed"] for e in events(run) if e["type"] == "rating" and e["final"]]
    assert finals.count(None) > 0
    shown = " ".join(scai("show", run).out.split())
    seen = scai("show", run, "--json").json["recovery"]["rates"]
    unreadable = sum(rate["unreadable"] for rate in seen if rate["policy"] is None and rate["manners"] is None)
    assert unreadable == len(said) // 3
    assert "Proposals that could not be read, and do not count: " in shown
    assert "A plumbing check" not in shown
