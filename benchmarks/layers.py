"""Measure the cost of each layer of scai per call: W1's loop on a model that answers at once, with one layer off.

    python benchmarks/layers.py [--repeats 15] [--dry]

Without network and waiting, only scai's own CPU remains. All variants run in one process and take turns. A layer's cost
is the difference to the loop without it; the figure is the median of the repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop
from bench import RESULTS
from endpoint import ANSWER, COMMENT, constitution
from rich.console import Console
from society import config
from tables import spread, write_tables
from workloads import WORKLOADS

from scai_cli.concurrency import collect_seldom
from scai_cli.display.terminal.run_progress import ProgressView, RunProgress
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.load import dump_experiment
from scai_cli.jobs.model_pool import ModelPool
from scai_cli.jobs.saved_experiment import digests
from scai_cli.jobs.session import SessionStart
from scai_cli.messages import ChatRequest, Completion, Usage
from scai_cli.runs.call_index import CallIndex
from scai_cli.runs.events import Event
from scai_cli.runs.locked_folder import CALLS
from scai_cli.runs.run_directory import RunDirectory
from scai_cli.simulation.engine import simulate

ANSWERS = {
    "answer": ANSWER,
    "feedback": json.dumps({"feedback": COMMENT, "rating": 7}),
    "cross_rating": json.dumps({"reason": "I can live with that.", "rating": 8}),
}


class Instant:
    """A model that answers at once, as the endpoint does after its latency."""

    rewrites = 0

    async def complete(self, request: ChatRequest) -> Completion:
        await asyncio.sleep(0)
        if request.purpose not in ANSWERS:
            self.rewrites += 1
        text = ANSWERS.get(request.purpose) or constitution(self.rewrites)
        return Completion(text, usage=Usage(400, len(text) // 4), model="bench")

    async def aclose(self) -> None: ...


@dataclass(frozen=True)
class Layers:
    """The layers to include; a user's run has all except `replay`, which a resumed run has."""

    gate: bool = True
    calls: bool = True
    events: bool = True
    display: bool = True
    replay: bool = False


WHOLE = Layers()
WITHOUT = {
    "gate: limits, rate, budget, retries": replace(WHOLE, gate=False),
    "call log: digest, line, write": replace(WHOLE, calls=False),
    "event log: line, write": replace(WHOLE, events=False),
    "live display": replace(WHOLE, display=False),
}
RESUMED = replace(WHOLE, replay=True)
BARE = Layers(gate=False, calls=False, events=False, display=False)


def run(experiment: ExperimentConfig, layers: Layers, folder: Path, screen: Console) -> float:
    """Return the CPU seconds of one experiment with these layers."""
    model = Instant()
    pool = ModelPool.connect(experiment, wrap=lambda _client, _settings: model)
    if not layers.gate:
        pool = replace(pool, models=dict.fromkeys(pool.models, model))
    directory = RunDirectory.create(folder, None, "layers", dump_experiment(experiment))
    index = CallIndex.read(directory.folder.path / CALLS, {}) if layers.replay else None
    agents = pool.agents(directory.folder.log_call, index)
    if not layers.calls:
        bare = next(iter(pool.models.values()))
        agents_by_role = {role: replace(getattr(agents, role), model=bare) for role in ("assistant", "user", "meta")}
        agents = replace(agents, **agents_by_role)
    view = ProgressView(screen, RunProgress())

    def note(event: Event) -> None:
        if layers.events:
            directory.append(event)
        if layers.display:
            view.see(event)

    async def session() -> None:
        if layers.display:
            view.begin(SessionStart("layers", experiment, pool.meters if layers.gate else []))
        await simulate(experiment, agents, note, run_id="layers", digests=digests(experiment))
        view.end()

    gc.collect()
    collect_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        began = time.process_time()
        runner.run(session())
        used = time.process_time() - began
    directory.folder.close()
    return used


def measure(experiment: ExperimentConfig, repeats: int, folder: Path, screen: Console) -> dict[Layers, list[float]]:
    """Measure every variant, in turns."""
    variants = [WHOLE, *WITHOUT.values(), RESUMED, BARE]
    found: dict[Layers, list[float]] = {layers: [] for layers in variants}
    for number in range(-1, repeats):
        for layers in variants:
            used = run(experiment, layers, folder, screen)
            if number >= 0:  # the first round is for warming up
                found[layers].append(used)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--dry", action="store_true", help="print only; leave the results and the tables alone")
    args = parser.parse_args()
    load = replace(WORKLOADS["W1"], epochs=10)
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        experiment = config(load, "http://127.0.0.1:1/v1", Path(folder), {})
        screen = Console(file=nowhere, force_terminal=True, width=100, height=40)
        found = measure(experiment, args.repeats, Path(folder), screen)

    def each(cost: Callable[[int], float]) -> list[float]:
        return [cost(number) / load.calls * 1000 for number in range(args.repeats)]

    whole = found[WHOLE]
    off = {name: each(lambda n, o=found[layers]: whole[n] - o[n]) for name, layers in WITHOUT.items()}
    off["replay: looking a call up in vain"] = each(lambda n: found[RESUMED][n] - whole[n])
    asked = [statistics.median(costs) for name, costs in off.items() if name != "live display"]
    costs = {
        **off,
        "the four of them that retry, limit, log and replay (sum of medians)": [sum(asked)],
        "everything except the network": each(lambda n: whole[n]),
        "the loop alone: prompts, forms, events, tasks": each(lambda n: found[BARE][n]),
    }
    for name, values in costs.items():
        print(f"{name:70} {spread(values, 3)}")
    if not args.dry:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"groups": [], "machine": {}}
        kept["layers"] = {"date": time.strftime("%Y-%m-%d"), "calls": load.calls, "costs": costs}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        write_tables(kept)


if __name__ == "__main__":
    main()
