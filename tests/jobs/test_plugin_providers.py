"""A provider of a third party in whole runs: connected once, and nothing that it does is a traceback or a hang."""

import importlib
import sys

import pytest
import yaml
from conftest import calls, scai

from scai_cli.experiment.load import load_resolved

PROVIDER = """
import asyncio
from collections import Counter
from scai_cli.api import Completion, Usage

COUNTS = Counter()


class Plain:
    def __init__(self, model):
        self.model = model

    async def complete(self, request):
        COUNTS["calls"] += 1
        if self.model.name == "hangs":
            await asyncio.sleep(600)
        if self.model.name == "raises":
            raise KeyError("choices")
        if self.model.name == "silent":
            return Completion(None)
        return Completion('{"feedback": "Fine.", "reason": "Fine.", "rating": 7}', usage=Usage(3, 2))

    async def aclose(self):
        COUNTS["closed"] += 1


def connect(model, *, seed):
    if model.name == "absent":
        raise KeyError("NO_VARIABLE")
    if model.name == "nothing":
        return None
    COUNTS["connected"] += 1
    return Plain(model)
"""


@pytest.fixture
def counts(tmp_path, monkeypatch):
    (tmp_path / "plug.py").write_text(PROVIDER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "plug", raising=False)
    return importlib.import_module("plug").COUNTS


SAMPLINGS = ("roles.user.temperature=1", "roles.meta.max_tokens=900", "roles.assistant.top_p=0.5")


def test_a_model_is_connected_once_whatever_the_sampling_and_not_at_all_for_a_finished_run(tiny, counts):
    settings = [part for setting in SAMPLINGS for part in ("--set", setting)]
    ended = scai("run", tiny, "--model", "plug:connect:fine", "--run-id", "r", "--set", "force=all", *settings)
    assert ended.code == 0, ended.err
    assert {call["model"] for call in calls(tiny.parent / "runs" / "r")} == {"fine"}
    assert counts["connected"] == counts["closed"] == 1
    assert scai("resume", "r").code == 2  # third-party code needs --trust
    for outcome in (True, False):
        if not outcome:  # as after a kill at the very end
            (tiny.parent / "runs" / "r" / "outcome.json").unlink()
        again = scai("resume", "r", "--trust")
        assert again.code == 0, again.err
    assert counts["connected"] == 1


@pytest.mark.parametrize(
    ("does", "words"),
    [
        ("hangs", "plug:connect: no complete answer within 0.05 s (model.timeout_s)"),
        ("raises", "plug:connect: the provider raised KeyError: 'choices'"),
        ("silent", "plug:connect: the provider returned NoneType as the text of an answer, not str"),
    ],
)
def test_what_a_provider_does_wrong_is_one_line_and_resumable(tiny, counts, does, words):
    limits = ("--set", "model.timeout_s=0.05", "--set", "limits.max_retries=0")
    ended = scai("run", tiny, "--model", f"plug:connect:{does}", "--run-id", "r", *limits)
    assert ended.code == 4
    assert words in ended.err
    assert "scai resume r" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("does", "raised"),
    [("absent", "KeyError: 'NO_VARIABLE'"), ("nothing", "TypeError: NoneType has no complete()")],
)
def test_a_provider_that_cannot_be_connected_is_one_line(tiny, counts, does, raised):
    ended = scai("run", tiny, "--model", f"plug:connect:{does}")
    assert ended.code == 2
    assert ended.lines[-1:] == [f"scai: model.provider: plug:connect cannot be connected; it raised {raised}"]


def test_roles_at_one_endpoint_share_its_pace(tiny, counts):
    two = ("--set", "model.concurrency=4", "--set", "roles.user.concurrency=2")
    ended = scai("run", tiny, "--model", "plug:connect:fine", *two)
    assert ended.code == 2
    assert "model.concurrency: 2 and 4 for the same endpoint" in ended.err
    assert counts["connected"] <= 1


def test_the_pace_of_an_endpoint_may_change_and_is_not_that_of_another(tiny, counts):
    wanted = ("model.provider=plug:connect", "model.concurrency=1", "model.requests_per_minute=60000")
    settings = [part for one in (*wanted, "roles.user.provider=simulated", "force=all") for part in ("--set", one)]
    assert scai("run", tiny, "--run-id", "r", *settings).code == 0
    saved = yaml.safe_load((tiny.parent / "runs" / "r" / "config.yaml").read_text(encoding="utf-8"))
    assert saved["model"]["concurrency"] == 1
    assert load_resolved(tiny.parent / "runs" / "r" / "config.yaml").model_for("user").concurrency is None
    again = scai("resume", "r", "--trust", "--set", "model.concurrency=8")
    assert again.code == 0, again.err
