"""Observers that an experiment names: they see all, change nothing, and cannot harm the work."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import events, scai

from scai_cli import api
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.jobs.observers import watched
from scai_cli.jobs.session import SessionStart, SilentObserver

MODULE = """
from scai_cli.api import Observer

seen = []


class Log(Observer):
    def begin(self, session):
        seen.append(session.run_id)

    def see(self, item):
        seen.append(item.type)

    def end(self):
        seen.append("end")


class Only:  # of no base class, with one of the methods
    def see(self, item):
        seen.append(item.type)


class Raises:
    def __init__(self):
        if self.at == "made":
            raise KeyError("WANDB_API_KEY")

    def begin(self, session):
        self.meet("begin")

    def see(self, item):
        self.meet(item.type)

    def say(self, line):
        self.meet("say")

    def end(self):
        self.meet("end")

    def meet(self, at):
        seen.append(at)
        if at == self.at:
            raise self.error
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "watching.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "watching", raising=False)
    return importlib.import_module("watching")


def types(run: str) -> list[str]:
    return [event["type"] for event in events(Path("runs", run))]


def untimed(run: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in event.items() if k not in ("time", "run_id")} for event in events(Path("runs", run))]


ONE = ("--set", "epochs=1", "-q")
LOG = ("--set", "observers=[watching:Log]")


def test_an_observer_sees_every_event_and_the_log_is_the_same(tiny: Path, module: ModuleType) -> None:
    assert scai("run", tiny, "--run-id", "plain", *ONE).code == 0
    assert scai("run", tiny, "--run-id", "seen", *ONE, "--set", "observers=[watching:Log, watching:Only]").code == 0
    assert untimed("seen") == untimed("plain")
    both = [name for name in types("seen") for _ in range(2)]
    assert module.seen == ["seen", *both, "end"]


def test_a_resume_sees_earlier_events_again_and_loads_a_saved_name_only_with_trust(
    tiny: Path, module: ModuleType
) -> None:
    assert scai("run", tiny, "--run-id", "r", *ONE, *LOG, "--set", "limits.calls=9").code != 0
    earlier = module.seen.copy()
    module.seen.clear()
    refused = scai("resume", "r", "--set", "limits.calls=null")
    assert refused.errors == [
        "scai: run 'r' names third-party code, observer 'watching:Log'; add --trust to load it, or continue without "
        "it: --set observers=[]"
    ]
    assert not module.seen
    assert scai("resume", "r", "-q", "--set", "limits.calls=12", "--set", "observers=[]").code != 0
    assert not module.seen
    # Named on the command line, by the person who resumes: no --trust is needed.
    assert scai("resume", "r", "-q", "--set", "limits.calls=null", *LOG).code == 0
    assert module.seen == ["r", *types("r"), "end"]
    assert module.seen[: len(earlier) - 1] == earlier[:-1]
    module.seen.clear()
    assert scai("resume", "r", "-q", "--trust").code == 0  # finished: nothing to watch
    assert not module.seen


def test_sets_and_evaluations_have_observers_of_their_own(tiny: Path, module: ModuleType) -> None:
    assert scai("run", tiny, "--run-id", "r", *ONE, *LOG).code == 0
    module.seen.clear()
    assert scai("generate", "r", "--n", "2", "--run-id", "plain", "-q").code == 0  # the run's are not loaded for it
    assert scai("explain", "r", "--dry-run").code == 0
    assert not module.seen
    assert scai("generate", "r", "--n", "2", "--run-id", "s", "-q", *LOG).code == 0
    assert module.seen == ["s", "generate_started", "generated_row", "generated_row", "end"]
    assert scai("resume", "s").code == 2
    module.seen.clear()
    evaluated = scai("evaluate", "none", "r", "--suite", "choice", "--n", "1", "--run-id", "e", "-q", *LOG)
    assert evaluated.code == 0, evaluated.err
    assert module.seen[:3] == ["e", "evaluation_started", "evaluation_row"]
    assert module.seen[-1] == "end"
    assert scai("resume", "e").code == 2


def begun() -> SessionStart:
    return SessionStart("r", ExperimentConfig.model_construct(), ())


class Item:
    type = "rating"


@pytest.mark.parametrize(
    ("at", "where", "called"),
    [
        ("made", "it could not be made", []),
        ("begin", "its `begin` failed", ["begin"]),
        ("rating", "its `see` failed", ["begin", "rating"]),
        ("say", "its `say` failed", ["begin", "rating", "rating", "say"]),
        ("end", "its `end` failed", ["begin", "rating", "rating", "say", "end"]),
    ],
)
def test_a_failure_is_one_line_and_the_end_of_that_observer_alone(
    module: ModuleType, at: str, where: str, called: list[str]
) -> None:
    module.Raises.at, module.Raises.error = at, KeyError("WANDB_API_KEY")
    said: list[str] = []
    config = ExperimentConfig.model_construct(observers=("watching:Raises",))
    observer = watched(config, SilentObserver(said.append))
    observer.begin(begun())
    observer.see(Item())
    observer.see(Item())
    observer.say("hello")
    observer.end()
    observer.begin(begun())  # as after an answer that was lost
    assert module.seen == called
    said.remove("hello")
    assert said == [f"warning: observer watching:Raises sees no more: {where}: KeyError: 'WANDB_API_KEY'"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError()])
def test_an_interruption_passes_through(module: ModuleType, error: BaseException) -> None:
    module.Raises.at, module.Raises.error = "rating", error
    observer = watched(ExperimentConfig.model_construct(observers=("watching:Raises",)), SilentObserver())
    observer.begin(begun())
    with pytest.raises(type(error)):
        observer.see(Item())


def test_a_run_outlives_its_observer(tiny: Path, module: ModuleType) -> None:
    module.Raises.at, module.Raises.error = "message", OSError("no\nnetwork \x1b[31m")
    ended = scai("run", tiny, "--run-id", "r", "--set", "epochs=1", "--set", "observers=[watching:Raises]")
    assert ended.code == 0
    (line,) = (line for line in ended.lines if "observer" in line)
    assert line == "warning: observer watching:Raises sees no more: its `see` failed: OSError: no network ␛[31m"
    assert module.seen == ["begin", "run_started", "epoch_started", "message"]


def test_a_wrong_name_stops_the_work_before_it_starts(tiny: Path) -> None:
    for command, names in (("run", "watching:Nothing"), ("check", "nowhere:Log"), ("run", "wandb")):
        ended = scai(command, tiny, "--set", f"observers=[{names}]")
        assert ended.code == 2
        assert len(ended.errors) == 1
        assert f"observer '{names}'" in ended.errors[0]
    assert not Path("runs").exists()


def test_the_observer_of_a_caller_fails_with_a_warning(tiny: Path) -> None:
    class Broken(api.Observer[Any]):
        def see(self, item: Any) -> None:
            raise ValueError(item.type)

    with pytest.warns(UserWarning, match="^observer Broken sees no more: its `see` failed: ValueError: run_started$"):
        outcome = asyncio.run(api.run(tiny, settings=["epochs=1"], observer=Broken()))
    assert outcome.status == "finished"
