"""How far the calls of whole sessions are: never beyond the total, never backwards, and equal to it at the end."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import KNOWN_PEOPLE, TINY, calls
from in_process import InProcess
from rich.console import Console

from scai_cli import api
from scai_cli.display.terminal.sweep_progress import SweepProgress
from scai_cli.experiment.load import Overrides, load_experiment
from scai_cli.experiment.sweep_file import read_sweep
from scai_cli.jobs.explain import explain
from scai_cli.jobs.generate_tasks import GenerateTasksOptions
from scai_cli.jobs.generate_tasks import generate as generate_tasks
from scai_cli.jobs.plan import plan_experiment
from scai_cli.jobs.run import resume, run
from scai_cli.jobs.session import SessionStart, SilentObserver
from scai_cli.jobs.sweep import run_sweep
from scai_cli.simulation.stages import expected_calls

RUNS = Path("runs")
EPOCH = ("conversations", "ratings by others", "revising the constitution", "votes on the revision")
PLAY = TINY.replace(KNOWN_PEOPLE, "") + "constitution: {locked: [Use bullet points.]}\n"
REVISIONS = {
    "rewrite": KNOWN_PEOPLE,
    "grounded": "revision: {strategy: grounded, acceptance: ratify}\nholdout: {personas: [cid]}\n",
    "trial": "revision: {strategy: rewrite, acceptance: improves, candidates: 2, clauses: people}\nopening: task\n",
    "best": "revision: {strategy: rewrite, acceptance: improves, best_so_far: true}\nholdout: {tasks: [tea]}\n",
}


class Watch(SilentObserver):
    """An observer that keeps how far the calls are after each of them."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.phases: list[str] = []

    def begin(self, session: SessionStart) -> None:
        self.count = session.count
        self.count.changed = self.look
        self.look()

    def look(self) -> None:
        self.seen.append((self.count.done, self.count.total))
        if self.count.words not in self.phases:
            self.phases.append(self.count.words)

    def end(self) -> None:
        self.look()
        done = [done for done, _ in self.seen]
        assert done == sorted(done)
        assert all(done <= total for done, total in self.seen)
        assert done[-1] == self.count.total or not self.count.finished


def experiment(revision: str, *settings: str) -> Any:
    Path("tiny.yaml").write_text(PLAY + REVISIONS[revision], encoding="utf-8")
    return load_experiment(Path("tiny.yaml"), Overrides(settings))


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_run_ends_at_its_total_and_a_resume_begins_where_it_ended(revision: str) -> None:
    whole, stopped, resumed = Watch(), Watch(), Watch()
    config = experiment(revision)
    asyncio.run(run(config, RUNS, "whole", whole))
    made = len(calls(RUNS / "whole"))
    assert whole.seen[-1] == (made, made)
    assert whole.seen[0][0] == 0
    limit = made * 2 // 3
    asyncio.run(run(experiment(revision, f"limits.calls={limit}"), RUNS, "part", stopped))
    assert stopped.seen[-1][0] == limit
    assert stopped.seen[-1][1] > limit
    asyncio.run(resume(RUNS / "part", ["limits.calls=null"], resumed))
    assert resumed.seen[0][0] == limit
    assert resumed.seen[-1] == (made, made)


def test_the_first_total_is_what_a_check_says() -> None:
    config = experiment("rewrite", "model={provider: openai, name: m}")
    assert sum(expected_calls(config).values()) == sum(plan_experiment(config).calls.values())


def test_a_run_says_what_it_does() -> None:
    watch = Watch()
    asyncio.run(run(experiment("grounded", "seed=4"), RUNS, "whole", watch))
    epochs = [f"epoch {epoch} of 2: {words}" for epoch in (1, 2) for words in EPOCH]
    assert [phase for phase in watch.phases if phase in epochs] == epochs
    assert watch.phases[-2:] == ["held-out people", "finished"]


def rows_of(work: str) -> Any:
    """Start a generated set or an evaluation of the finished run `whole`: settings and observer -> its coroutine."""

    def start(run_id: str, observer: Watch, *settings: str) -> Any:
        if work == "set":
            label = "generate={k: 1, judge: both, votes: 3}"
            return api.generate("whole", n=12, settings=[label, *settings], run_id=run_id, observer=observer)
        suites = ["society", "adherence", "pairs"]
        return api.evaluate(["none", "whole"], suites, n=6, settings=settings, run_id=run_id, observer=observer)

    return start


@pytest.mark.parametrize("work", ["set", "evaluation"])
def test_rows_end_at_their_total_and_a_resume_begins_where_they_ended(work: str) -> None:
    start, whole, stopped, resumed = rows_of(work), Watch(), Watch(), Watch()
    asyncio.run(run(experiment("rewrite"), RUNS, "whole"))
    asyncio.run(start("all", whole))
    made = len(calls(RUNS / "all"))
    assert whole.seen[-1] == (made, made)
    assert whole.seen[made // 2][1] == pytest.approx(made, rel=0.15)
    limit = made * 3 // 4
    asyncio.run(start("part", stopped, f"limits.calls={limit}"))
    assert stopped.seen[-1][0] == limit
    asyncio.run(api.resume("part", settings=["limits.calls=null"], observer=resumed))
    assert resumed.seen[0][0] == limit
    assert resumed.seen[-1] == (made, made)


def test_an_explanation_ends_at_its_total_and_another_one_begins_there() -> None:
    asyncio.run(run(experiment("rewrite"), RUNS, "whole"))
    first, again = Watch(), Watch()
    assert explain(RUNS / "whole", ["limits.calls=300"], observer=first)
    made = len(calls(RUNS / "whole" / "explain"))
    assert (first.seen[0], first.seen[-1]) == ((0, made), (made, made))
    assert explain(RUNS / "whole", ["limits.calls=300"], observer=again)
    assert (again.seen[0], again.seen[-1]) == ((made, made), (made, made))


def test_generated_tasks_end_at_their_total() -> None:
    Path("like.yaml").write_text("- {id: a, prompt: How do I make tea?}\n", encoding="utf-8")
    watch = Watch()
    generate_tasks(GenerateTasksOptions(30, Path("like.yaml")), Path("tasks.jsonl"), watch, "again")
    made = watch.seen[-1][0]
    assert made >= watch.seen[0][1] > 0
    assert watch.seen[-1] == (made, made)


def test_a_sweep_adds_up_the_calls_of_its_cells() -> None:
    experiment("rewrite")
    Path("study.yaml").write_text("experiment: tiny.yaml\ngrid: {seed: [1, 2]}\n", encoding="utf-8")
    screen = io.StringIO()
    view = SweepProgress(Console(file=screen, force_terminal=True, width=100, color_system=None))
    outcome = run_sweep(read_sweep(Path("study.yaml")), RUNS, InProcess, 1, view)
    made = sum(cell.calls for cell in outcome.sweep.cells)
    shown = [match.groups() for match in re.finditer(r"(\d+) of (?:about )?(\d+) calls", screen.getvalue())]
    assert all(int(done) <= int(total) for done, total in shown)
    assert shown[-1] == (str(made), str(made))
    assert "2 cells: 2 finished" in screen.getvalue()
