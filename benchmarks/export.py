"""Measure the export of a large generated set and a large run, against plain `json` with the same records and rows.

    python benchmarks/export.py [--rows 1000000] [--repeats 3] [--only generated] [--folder DIR]

Every measurement is a fresh process on one core; both take turns. Prints rows per second of CPU and of wall time, the
ratio to plain `json`, and the peak of resident memory. The inputs are made first (about 5 GB for a million rows), and
removed afterwards unless a folder is named.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measuring import peak_mb

from scai_cli.datasets.generate.manifest import GenerateManifest, RowSettings, TaskList, dump_generation
from scai_cli.experiment.config import ExperimentConfig
from scai_cli.experiment.constitution import Constitution
from scai_cli.experiment.load import dump_experiment
from scai_cli.runs.events import EpochStarted, RunStarted

PERSONAS = 8
SENTENCE = "a the of tea water pot leaf warm cold long short slow careful plain friend morning answer reason try wait"
WORDS = SENTENCE.split()
CASES = (
    ("generated", "sft-prompt-completion"),
    ("generated", "dpo"),
    ("generated", "openai-sft"),
    ("run", "sft-prompt-completion"),
    ("run", "dpo"),
    ("run", "openai-sft"),
)
"""The last format of each kind writes a side-car file; the others have provenance in a column."""


def text(rng: random.Random, size: int) -> str:
    return " ".join(rng.choices(WORDS, k=size // 5))


def experiment(tasks: int) -> ExperimentConfig:
    people = [{"id": f"p{n}", "name": f"Person {n}"} for n in range(PERSONAS)]
    asked = [{"id": f"t{n}", "prompt": f"What about number {n}? Please say all you know."} for n in range(tasks)]
    return ExperimentConfig.model_validate(
        {"name": "large", "epochs": 1000, "turns": 1, "personas": people, "tasks": asked}
    )


def make_generated(path: Path, rows: int) -> None:
    """Write a generated set: every row with one critique, ratings and a judgement, 1 kB and more."""
    path.mkdir()
    rng, config = random.Random(1), experiment(1)
    rules = Constitution.model_validate({"version": 1, "principles": [{"id": "P1", "text": "Be brief."}]})
    header = GenerateManifest(
        run_id=path.name,
        scai="0",
        source="large",
        initial=Constitution(),
        learned=rules,
        names={p.id: p.called for p in config.personas.inline},
        by_turns=True,
        tasks=TaskList(name="tasks", count=rows, sha256=""),
        orders=RowSettings(n=rows),
        digests={},
        config=config,
    )
    (path / "experiment.yaml").write_text(dump_experiment(config), encoding="utf-8")
    (path / "generation.yaml").write_text(dump_generation(header), encoding="utf-8")
    texts = [text(rng, 250) for _ in range(5000)]
    with (path / "rows.jsonl").open("w", encoding="utf-8") as file, (path / "tasks.jsonl").open("w") as tasks:
        for n in range(rows):
            place = f"r{n}"
            answers = {
                name: {"id": f"{place}/{name}", "text": f"{rng.choice(texts)} {n}"}
                for name in ("initial", "s1", "final")
            }
            low, high = rng.sample(range(11), 2)
            row = {
                "id": place,
                "task": f"t{n}",
                "prompt": f"What about number {n}? Please say all you know.",
                "persona": f"p{n % PERSONAS}",
                "initial": answers["initial"],
                "steps": [
                    {
                        "principle": "P1",
                        "critique_request": "Say in what the answer is not brief.",
                        "critique": texts[n % 5000][:80],
                        "revision_request": "Write it again.",
                        "revision": answers["s1"],
                    }
                ],
                "final": answers["final"],
                "ratings": [
                    {"rater": f"p{n % PERSONAS}", "kind": "own", "answer": f"{place}/initial", "value": low},
                    {"rater": f"p{n % PERSONAS}", "kind": "own", "answer": f"{place}/final", "value": high},
                ],
            }
            file.write(json.dumps(row) + "\n")
            tasks.write(json.dumps({"id": f"t{n}", "prompt": "?"}) + "\n")


def make_run(path: Path, answers: int) -> None:
    """Write a run with a given number of answers of about 1 kB, each rated by its user and all others."""
    path.mkdir()
    tasks = 500
    rng, config = random.Random(2), experiment(tasks)
    (path / "config.yaml").write_text(dump_experiment(config), encoding="utf-8")
    texts = [text(rng, 800) for _ in range(5000)]
    people, asked = [p.id for p in config.personas.inline], [t.id for t in config.tasks.inline]
    with (path / "events.jsonl").open("w", encoding="utf-8") as file:

        def write(**event: Any) -> None:
            file.write(
                json.dumps({"seq": 1, "time": "2026-01-31T12:00:00.000Z", **event}, separators=(",", ":")) + "\n"
            )

        started = RunStarted(
            id="run",
            run_id="large",
            name="large",
            scai="0",
            seed=0,
            epochs=1000,
            personas={p: p for p in people},
            tasks=tuple(asked),
            models={"assistant": "m", "user": "m", "meta": "m"},
            metrics={"own": "satisfaction", "cross": "harmlessness"},
            scale=(0, 10),
            welfare="utilitarian",
            constitution=Constitution(),
            system_message="You are a helpful assistant.",
            digests={},
        )
        write(**started.model_dump(mode="json", exclude={"seq", "time"}))
        for epoch in range(1, answers // (tasks * PERSONAS) + 1):
            begun = EpochStarted(id=f"e{epoch}", epoch=epoch, version=0, personas=tuple(people), tasks=tuple(asked))
            write(**begun.model_dump(mode="json", exclude={"seq", "time"}))
            for task in asked:
                for persona in people:
                    talk = f"e{epoch}/{persona}/{task}"
                    of = {"epoch": epoch, "persona": persona, "task": task}
                    for m, content in enumerate((f"What about {task}?", rng.choice(texts), "Thank you, but shorter.")):
                        role = "assistant" if m == 1 else "user"
                        write(id=f"{talk}/m{m}", type="message", **of, role=role, content=content, finish_reason="stop")
                    for rater in people:
                        kind = "own" if rater == persona else "cross"
                        write(
                            id=f"{talk}/cross/{rater}",
                            type="rating",
                            epoch=epoch,
                            kind=kind,
                            metric="satisfaction" if kind == "own" else "harmlessness",
                            rater=rater,
                            conversation=talk,
                            message=f"{talk}/m1",
                            final=True,
                            value=rng.randrange(11),
                            observed=0.5,
                            comment="Well.",
                            problem=None,
                        )


def by_json(source: str, form: str, path: Path, out: Path) -> int:
    """Export with `json` alone, the simplest program: read every record, combine the rows, write them."""
    make = {"generated": json_of_generated, "run": json_of_run}[source]
    count = 0
    with out.open("w", encoding="utf-8") as file:
        for row in make(form, path):
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def json_of_generated(form: str, path: Path) -> Iterator[dict[str, Any]]:
    with (path / "rows.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            prompt, final = [{"role": "user", "content": row["prompt"]}], answer(row["final"]["text"])
            if form == "dpo":
                yield {"prompt": prompt, "chosen": final, "rejected": answer(row["initial"]["text"])}
            elif form == "openai-sft":
                yield {"messages": prompt + final}
            else:
                yield {"prompt": prompt, "completion": final}


def json_of_run(form: str, path: Path) -> Iterator[dict[str, Any]]:
    asked: dict[str, str] = {}
    before: dict[str, str] = {}
    with (path / "events.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["type"] != "message":
                continue
            if event["role"] == "user":
                asked.setdefault(event["task"], event["content"])
                continue
            prompt, said = [{"role": "user", "content": asked[event["task"]]}], event["content"]
            if form == "dpo":
                for other in before.values():
                    yield {"prompt": prompt, "chosen": answer(said), "rejected": answer(other)}
                before = {**before, event["persona"]: said} if len(before) < PERSONAS - 1 else {}
            elif form == "openai-sft":
                yield {"messages": prompt + answer(said)}
            else:
                yield {"prompt": prompt, "completion": answer(said)}


def answer(said: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": said}]


def by_scai(_: str, form: str, path: Path, out: Path) -> int:
    from scai_cli.datasets.export.export import ExportOptions, export
    from scai_cli.datasets.export.output_files import Destination
    from scai_cli.datasets.formats.format import find_format

    made = export([path], find_format(form), ExportOptions(form, Destination(out)))
    return sum(file.rows for file in made.files)


WAYS: dict[str, Callable[[str, str, Path, Path], int]] = {"scai": by_scai, "json": by_json}


def child(way: str, source: str, form: str, folder: Path) -> None:
    """Run one measurement and print it as JSON."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    wall, cpu = time.perf_counter(), time.process_time()
    rows = WAYS[way](source, form, folder / source, folder / "out.jsonl")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    size = (folder / "out.jsonl").stat().st_size
    print(json.dumps({"rows": rows, "wall": wall, "cpu": cpu, "mb": peak_mb(), "row_bytes": size / max(rows, 1)}))


def measured(way: str, source: str, form: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", way, source, form, str(folder)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["generated", "run"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(*args.child[:3], Path(args.child[3]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        for source, make in (("generated", make_generated), ("run", make_run)):
            if args.only in (None, source) and not (folder / source).exists():
                make(folder / source, args.rows)
        for source, form in CASES:
            if args.only in (None, source):
                report(source, form, folder, args.repeats)


def report(source: str, form: str, folder: Path, repeats: int) -> None:
    """Return the fastest of some runs of each way."""
    found: dict[str, list[dict[str, float]]] = {"json": [], "scai": []}
    for _ in range(repeats):
        for way, runs in found.items():
            runs.append(measured(way, source, form, folder))
    best = {way: min(runs, key=lambda run: run["cpu"]) for way, runs in found.items()}
    rates = {way: run["rows"] / run["cpu"] for way, run in best.items()}
    scai = best["scai"]
    told = (
        f"{source:9} {form:22} {scai['rows']:9,} rows of {scai['row_bytes']:5.0f} bytes",
        f"{rates['scai']:8,.0f} rows/s CPU ({scai['rows'] / scai['wall']:8,.0f} wall)",
        f"json {rates['json']:8,.0f}",
        f"ratio {rates['scai'] / rates['json']:4.2f}",
        f"peak {scai['mb']:4.0f} MB",
    )
    print("  ".join(told), flush=True)


if __name__ == "__main__":
    main()
