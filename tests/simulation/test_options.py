"""What strategies and acceptance rules read: built-in ones keys of `revision`, a third party's a mapping in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from conftest import events, scai

from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import load_experiment
from scai_cli.experiment.revision_settings import Revision
from scai_cli.jobs.run import digests
from scai_cli.simulation.acceptance.improves import MarginOptions
from scai_cli.simulation.acceptance.ratify import RatifyOptions
from scai_cli.simulation.strategies.grounded import GroundedOptions
from scai_cli.simulation.strategies.rewrite import RewriteOptions

MODULE = """
from pydantic import BaseModel, ConfigDict, Field
from scai_cli.experiment.constitution import Add
from scai_cli.runs.records import Candidate
from scai_cli.simulation.revision_context import AcceptanceResult

class Wording(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = "Be brief."
    times: int = Field(1, ge=1)

class Patience(BaseModel):
    from_epoch: int = 1

async def fixed(context):
    options = context.options(Wording, "strategy_options")
    text = " ".join([options.text] * options.times)
    return [Candidate(id=context.id, critique="", edits=(Add(text=f"{text} ({context.id})"),))]

async def patient(context, candidates):
    wait = context.epoch_context.epoch < context.options(Patience, "acceptance_options").from_epoch
    return AcceptanceResult(None if wait else candidates[0], "waited" if wait else "adopted", {})
"""
THIRD_PARTY = ("--set", "revision.strategy=third:fixed", "--set", "revision.acceptance=third:patient", "-q")


@pytest.fixture
def third(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tiny.parent / "plugin"
    folder.mkdir()
    (folder / "third.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return tiny


def revisions(run: str) -> list[tuple[bool, str]]:
    logged = [event for event in events(Path("runs") / run) if event["type"] == "revision"]
    return [(e["accepted"], e["candidates"][0]["edits"][0]["text"]) for e in logged]


def test_a_third_party_reads_its_own_keys_from_its_context(third: Path) -> None:
    options = ("--set", "revision.strategy_options={text: Short, times: 2}")
    options += ("--set", "revision.acceptance_options.from_epoch=2", "--set", "epochs=2")
    assert scai("run", third, *THIRD_PARTY, *options, "--run-id", "t").code == 0
    assert revisions("t") == [(False, "Short Short (e1/revision)"), (True, "Short Short (e2/revision)")]
    saved = yaml.safe_load(Path("runs/t/config.yaml").read_text(encoding="utf-8"))["revision"]
    assert (saved["strategy_options"], saved["acceptance_options"]) == (
        {"text": "Short", "times": 2},
        {"from_epoch": 2},
    )


def test_without_keys_it_has_its_own_defaults(third: Path) -> None:
    assert scai("run", third, *THIRD_PARTY, "--set", "epochs=1", "--run-id", "t").code == 0
    assert revisions("t") == [(True, "Be brief. (e1/revision)")]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("{txt: x}", "config.yaml: revision.strategy_options.txt: unknown key; did you mean 'text'?"),
        ("{times: 0}", "config.yaml: revision.strategy_options.times: must be greater than or equal to 1"),
    ],
)
def test_a_key_that_it_does_not_know_is_one_line(third: Path, options: str, problem: str) -> None:
    ended = scai("run", third, *THIRD_PARTY, "--set", f"revision.strategy_options={options}")
    assert (ended.code, ended.err.splitlines()[-1]) == (2, f"scai: {problem}")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["strategy_options.x=1"], "strategy_options: strategy 'rewrite' has no keys here; its keys are in `revision`"),
        (["acceptance=ratify", "acceptance_options.x=1"], "acceptance_options: acceptance 'ratify' has no keys here"),
        (["strategy=grounded", "strategy_options.x=1"], "strategy_options: strategy 'grounded' has no keys here"),
    ],
)
def test_keys_that_no_third_party_reads_are_an_error(tiny: Path, settings: list[str], problem: str) -> None:
    ended = scai("check", tiny, *(part for setting in settings for part in ("--set", f"revision.{setting}")))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert f"revision.{problem}" in ended.err


def test_a_third_party_is_asked_for_several_candidates(third: Path) -> None:
    """Each from another context, so that they differ."""
    settings = ("--set", "revision.candidates=2", "--set", "epochs=1", "--run-id", "t")
    assert scai("run", third, *THIRD_PARTY, *settings).code == 0
    (revision,) = [event for event in events(Path("runs/t")) if event["type"] == "revision"]
    texts = [candidate["edits"][0]["text"] for candidate in revision["candidates"]]
    assert texts == ["Be brief. (e1/revision/c1)", "Be brief. (e1/revision/c2)"]


def test_its_keys_decide_about_the_runs_content(third: Path) -> None:
    assert scai("run", third, *THIRD_PARTY, "--set", "limits.calls=3", "--run-id", "t").code == 3
    resumed = scai("resume", "t", "--trust", "--set", "revision.strategy_options.text=Other")
    assert resumed.code == 2
    assert "another value of revision" in resumed.err


def test_an_experiment_without_them_prints_and_digests_as_before(tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--run-id", "t").code == 0
    printed = json.loads(scai("show", "t", "--json").out)["config"]["revision"]
    assert list(printed) == [key for key in Revision.model_fields if not key.endswith("_options")]
    assert (
        digests(load_experiment(tiny)).keys() == {"name", "personas", "tasks"} | digests(load_experiment(tiny)).keys()
    )
    plain = load_experiment(tiny)
    changed = plain.model_copy(update={"revision": plain.revision.model_copy(update={"strategy_options": {}})})
    assert digests(changed) == digests(plain)


def test_they_hold_no_secret() -> None:
    config = {"personas": [{"id": "a"}], "tasks": [{"id": "t", "prompt": "x"}]}
    with pytest.raises(ValueError, match="name the key's variable in api_key_env"):
        ExperimentConfig.model_validate({**config, "revision": {"strategy_options": {"api_key": "sk-do-not-tell"}}})


@pytest.mark.parametrize("model", [GroundedOptions, RewriteOptions, MarginOptions, RatifyOptions])
def test_a_built_in_one_reads_keys_of_revision(model: type[GroundedOptions]) -> None:
    revision = Revision(acceptance="improves", clauses="people", quorum=0.5, memory=3, margin=0.25)
    read = model.model_validate(revision, from_attributes=True)
    assert {key: getattr(revision, key) for key in model.model_fields} == read.model_dump()
