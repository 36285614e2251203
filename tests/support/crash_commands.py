"""The commands that a crash test kills, one row each, and the experiment that they work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

EXPERIMENT = """\
name: crash
seed: 5
epochs: 4
turns: 2
personas:
  - {id: ann, name: Ann Smith, description: Ann wants it short., preferences: {concise: 1.0, warm: 0.5}}
  - {id: bob, name: Bob Jones, description: Bob wants it long., preferences: {detailed: 1.0, formal: 0.5}}
  - {id: cid, name: Cid Brown, description: Cid wants sources., preferences: {names_source: 1.0}}
  - {id: dan, name: Dan Green, description: Dan is thrifty., preferences: {thrift: 1.0, plain_words: 0.5}}
tasks:
  - {id: tea, prompt: How do I make a pot of tea?}
  - {id: sleep, prompt: What helps against bad sleep?}
  - {id: gift, prompt: What gift suits a neighbour?}
model: {provider: openai, name: society, base_url: "URL"}
limits: {concurrency: 8}
"""
"""`crash.yaml`, which is in the folder where the commands run."""
CONCURRENCY = 8
"""The limit of all commands: a kill costs at most as many answers."""

_PRICES = "--set prices='{society: {input: 0.15, output: 0.6}}'"
_BASE = (
    "run crash.yaml --run-id base --quiet --set epochs=1 --set turns=1"
    " --set revision.clauses=people --set constitution.principles='[Give an example.]'"
    " --set constitution.contract='[{text: Be brief., for: [ann]}, {text: Name a source., for: [bob, cid]}]'"
)
"""A finished run with some rules."""


@dataclass(frozen=True)
class Command:
    """A command that makes calls: how it starts and resumes, the log of its calls, and its results."""

    start: str
    log: str
    """The call logs, as a glob."""
    results: Sequence[str]
    """The files that it makes from its calls, as globs; what it prints is compared as well."""
    resume: str = ""
    """The command that continues the work; the same one if empty."""
    once: str = ""
    """The file after whose creation `resume` continues the work."""
    prepared: Sequence[str] = ()
    """The commands before it, which nobody kills."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Name -> text of the files that it reads besides the experiment."""


COMMANDS = {
    "run": Command(
        start=f"run crash.yaml --run-id it --json --quiet {_PRICES}",
        resume="resume it --json --quiet",
        once="runs/it/config.yaml",
        log="runs/it/calls.jsonl",
        results=("runs/it/events.jsonl", "runs/it/constitution/*", "runs/it/system_message.txt"),
    ),
    "generate": Command(
        prepared=[_BASE],
        start=f"generate base --n 17 --rows 5:17 --run-id it --set generate.raters=1 --json --quiet {_PRICES}",
        resume="resume it --json --quiet",
        once="runs/it/generation.yaml",
        log="runs/it/calls.jsonl",
        results=["runs/it/rows.jsonl"],
    ),
    "evaluate": Command(
        prepared=[_BASE],
        start="evaluate none base --suite society,adherence,choice,refusal,pairs --n 6 --run-id it --json --quiet"
        f" {_PRICES}",
        resume="resume it --json --quiet",
        once="runs/it/evaluation.yaml",
        log="runs/it/calls.jsonl",
        results=["runs/it/rows.jsonl"],
    ),
    "explain": Command(
        prepared=[_BASE],
        start="explain base --json --set limits.calls=160",
        log="runs/base/explain/calls.jsonl",
        results=[],
    ),
    "personas generate": Command(
        start="personas generate --n 80 -o people.jsonl --quota age=18-39:1,40-90:1 --model openai:society --seed 5"
        f" --set limits.concurrency={CONCURRENCY}",
        log="people.calls.jsonl",
        results=["people.jsonl"],
    ),
    "tasks generate": Command(
        prepared=["init starter"],
        start="tasks generate --n 150 --like starter/configs/tasks/library -o made.jsonl --quota kind=red-team,question"
        f" --seed 5 --model openai:society --set limits.concurrency={CONCURRENCY}",
        log="made.calls.jsonl",
        results=["made.jsonl"],
    ),
    "sweep": Command(
        files={
            "sweep.yaml": "experiment: crash.yaml\neach: {epochs: 1, turns: 1}\ngrid: {seed: [1, 2, 3]}\n"
            f"limits: {{concurrency: {CONCURRENCY}}}\n"
        },
        start="sweep sweep.yaml --at-once 2 --json --quiet",
        log="runs/sweep-*/calls.jsonl",
        results=["runs/sweep-*/events.jsonl"],
    ),
}
"""Add a row for a new command that makes calls; nothing else needs to know it."""
