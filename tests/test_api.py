"""The public surface: which names it has, that each says what it is, and that a notebook can use it."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import scai_cli as scai
from scai_cli import api

MEMBERS = [
    "AcceptanceResult",
    "Add",
    "Answer",
    "Assist",
    "CallFailed",
    "CallTransient",
    "Candidate",
    "ChatModel",
    "ChatRequest",
    "Completion",
    "ConfigError",
    "Conversation",
    "Dialogue",
    "Difference",
    "EndpointFailed",
    "EpochContext",
    "Evaluation",
    "EvaluationRow",
    "ExperimentConfig",
    "Format",
    "History",
    "HumanConversation",
    "HumanData",
    "HumanRating",
    "Item",
    "Layout",
    "Line",
    "Measure",
    "MeasureResult",
    "Merge",
    "Message",
    "ModelSettings",
    "Modify",
    "Observer",
    "Outcome",
    "Page",
    "Pair",
    "Persona",
    "RatingSample",
    "Remove",
    "ResultSource",
    "ResultTable",
    "RevisionContext",
    "Run",
    "RunSample",
    "ScaiError",
    "SessionStart",
    "Suite",
    "SuiteContext",
    "SuiteResult",
    "SuiteSource",
    "SurveyAnswer",
    "System",
    "SystemAnswer",
    "Table",
    "Task",
    "TextMeasure",
    "UnusedResponse",
    "Usage",
    "compared",
    "evaluate",
    "export",
    "generate",
    "in_thread",
    "load",
    "load_experiment",
    "resume",
    "rewrite",
    "run",
    "scores_of",
    "text_measure",
    "try_candidates",
    "verdicts",
]


def test_the_members_are_these() -> None:
    assert api.__all__ == MEMBERS
    assert set(MEMBERS) <= set(dir(scai))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_is_at_the_top_of_the_package_and_documented(name: str) -> None:
    member = getattr(scai, name)
    assert member is getattr(api, name)
    assert len(inspect.getdoc(member) or "") > 20


def test_what_is_no_member_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        scai.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'annotations'"):
        scai.annotations  # noqa: B018


def test_the_package_alone_loads_nothing_heavy() -> None:
    names = "[name in sys.modules for name in ('pydantic', 'scai_cli.api')]"
    code = f"import scai_cli, sys; from scai_cli import errors; print({names})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[False, False]\n"


def test_a_notebook_runs_reads_and_exports(tiny: Path) -> None:
    async def notebook() -> None:  # inside a loop that is running already
        outcome = await scai.run(tiny, run_id="mine", settings=["epochs=1"], seed=5)
        assert (outcome.status, outcome.run_id) == ("finished", "mine")
        assert (await scai.resume("mine")).status == "finished"

    asyncio.run(notebook())
    history = scai.load("latest").history
    assert [(epoch.number, epoch.is_product) for epoch in history.epochs] == [(1, False), (2, True)]
    ratings = list(scai.export(["mine"], "ratings", persona="ann"))
    assert ratings
    assert {row["rater"] for row in ratings} <= {"ann", "bob", "cid"}
    (system,) = scai.export(["mine"], "system")
    assert system["system_message"] == history.product[1]


def test_a_run_that_a_limit_stops_says_so_and_is_resumed(tiny: Path) -> None:
    stopped = asyncio.run(scai.run(scai.load_experiment(tiny, ["limits.calls=10"]), run_id="short"))
    assert stopped.status == "stopped"
    assert isinstance(stopped.error, scai.ScaiError)
    assert asyncio.run(scai.resume("short", settings=["limits.calls=null"])).status == "finished"


def test_errors_are_raised_as_the_package_s_own(tiny: Path) -> None:
    with pytest.raises(scai.ConfigError, match="epoch"):
        scai.load_experiment(tiny, ["epoch=1"])
    with pytest.raises(scai.ScaiError, match="there is no run"):
        scai.load("nowhere")
