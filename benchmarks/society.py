"""Run a workload as scai does, with the real loop, call log, event log and live display, in scai's environment.

python benchmarks/society.py {scai,scai-plain,scai-sweep} {W1,W2,W3} URL      # stderr should be a terminal
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop
import yaml
from measuring import Measured
from workloads import IN_FLIGHT, WORKLOADS, Workload, portrait, question

from scai_cli.cli.generate import observer
from scai_cli.concurrency import collect_seldom
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import dump_experiment, load_experiment
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.run import run as run_experiment
from scai_cli.jobs.saved_experiment import digests
from scai_cli.jobs.session import run_on_loop
from scai_cli.runs.events import Event
from scai_cli.runs.records import Candidate
from scai_cli.runs.run_directory import RunDirectory
from scai_cli.simulation.engine import simulate
from scai_cli.simulation.revision_context import RevisionContext


async def keep(context: RevisionContext) -> Sequence[Candidate]:  # noqa: ARG001 - it never changes anything
    """Return no revision, for workloads of conversations alone."""
    return ()


def config(load: Workload, url: str, folder: Path, options: dict[str, Any]) -> ExperimentConfig:
    """Return the workload's experiment, read from a file like any other."""
    data = {
        "name": load.name.lower(),
        "epochs": load.epochs,
        "turns": load.turns,
        "opening": "task",
        "personas": [{"id": f"u{n}", "description": portrait(n)} for n in range(load.users)],
        "tasks": [{"id": f"t{n}", "prompt": question(n)} for n in range(load.tasks)],
        "model": {"provider": "openai", "name": "bench", "base_url": url, "options": options},
        "ratings": {"cross_raters": "all" if load.cross else 0},
        "limits": {"concurrency": IN_FLIGHT},
        "force": True,  # the endpoint's ratings are all equal, so they fail the rater check
    }
    strategy = "rewrite" if load.revise else "society:keep"
    data["revision"] = {"strategy": strategy, "acceptance": "always", "clauses": "people"}
    path = folder / f"{load.name}.yaml"
    path.write_text(yaml.safe_dump(data))
    return load_experiment(path)


def one(experiment: ExperimentConfig, runs: Path) -> int:
    """Play one run, as `scai run` does at a terminal."""
    outcome = run_on_loop(run_experiment(experiment, runs, None, observer(quiet=False)))
    if outcome.error is not None:
        raise outcome.error
    return outcome.spent.calls


def many(experiment: ExperimentConfig, runs: Path, number: int) -> int:
    """Play several runs at once on one event loop: each in its own folder, all behind one gate."""
    shared = ModelPool.connect(experiment)

    async def run() -> None:
        pool = replace(shared, config=experiment)
        directory = RunDirectory.create(runs, None, experiment.name, dump_experiment(experiment))
        look = observer(quiet=True)

        def note(event: Event) -> None:
            directory.append(event)
            look.see(event)

        try:
            agents = pool.agents(directory.folder.log_call, None)
            await simulate(experiment, agents, note, run_id=directory.folder.run_id, digests=digests(experiment))
        finally:
            directory.folder.close()

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(run())
        await shared.aclose()

    collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_them())
    return sum(gate.meter.calls for gate in shared.gates.values())


def sweep(experiment: Path, runs: Path, number: int) -> int:
    """Play the same runs as `scai sweep` does, all at once and with all its start-up; return the number of calls."""
    file = runs / "sweep.yaml"
    grid = {"seed": list(range(number))}
    file.write_text(yaml.safe_dump({"experiment": experiment.name, "grid": grid, "limits": {"concurrency": IN_FLIGHT}}))
    command = [sys.executable, "-m", "scai_cli", "sweep", str(file), "--at-once", str(number), "--runs-dir", str(runs)]
    done = subprocess.run([*command, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return sum(cell["calls"] for cell in json.loads(done.stdout)["cells"])


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent))  # where `society:keep` is found
    name, load, url = sys.argv[1], WORKLOADS[sys.argv[2]], sys.argv[3]
    options = {"transport": "plain"} if name == "scai-plain" else {}
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        one(config(load.smaller(), url, runs, options), runs)
        experiment = config(load, url, runs, options)
        measured = Measured(url)
        with measured:
            if name == "scai-sweep":
                calls = sweep(runs / f"{load.name}.yaml", runs, load.experiments)
            elif load.experiments > 1:
                calls = many(experiment, runs, load.experiments)
            else:
                calls = one(experiment, runs)
    measured.report(calls)


if __name__ == "__main__":
    main()
