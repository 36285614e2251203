"""Does a model trained on our rows keep the rules on tasks it has never seen? Run, generate, export, train, evaluate.

    python -m benchmarks.proof MODEL --gguf FILE --out .proof

Three adapters of one model, trained alike on as many rows about the same tasks: under the rules that a run has learned,
under opposite ones, and under none. The last one is the reference, as part of the style is that of the simulated
assistant who wrote all rows. A step whose result is there is skipped, so an interrupted proof goes on where it was.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import yaml

from scai_cli.datasets.samples.text_measures import self_bleu
from scai_cli.evaluation.row import evaluation_rows
from scai_cli.text.words import words

HERE = Path(__file__).resolve().parent
EXPERIMENT = HERE / "experiment.yaml"
FINETUNE = HERE.parents[1] / "examples" / "finetune.py"
OWN_SENTENCES = [HERE.parents[1] / "configs" / "tasks" / f"{name}.yaml" for name in ("quickstart", "help-desk")]
RULES = {"opposite": str(HERE / "opposite.md"), "empty": "none", "rules": "learned"}
"""The name of a set of rows and of the model trained on it -> the constitution; the longest rows first."""


def main() -> None:
    """Take all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of the base model")
    parser.add_argument("--gguf", help="the GGUF file in it, if it has its weights in one")
    parser.add_argument("--out", type=Path, default=Path(".proof"), help="the folder for all results")
    parser.add_argument("--rows", type=int, default=96, help="rows of each set")
    parser.add_argument("--items", type=int, default=14, help="items of each suite")
    parser.add_argument("--max-tokens", type=int, default=300, help="tokens of an answer")
    parser.add_argument("--sources", action="store_true", help="then compare rows of the rules from three sources")
    asked = parser.parse_args()
    proof = Proof(asked)
    proof.prove()
    if asked.sources:
        proof.compare_sources()


class Proof:
    """The steps, in a folder."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked, self.out = asked, asked.out.resolve()
        self.model, self.runs = asked.model.resolve(), self.out / "runs"

    def prove(self) -> None:
        """Take each step that has no result yet."""
        self.out.mkdir(parents=True, exist_ok=True)
        self.start("learned", "run", EXPERIMENT)
        for name, rules in RULES.items():
            of_file = () if name == "rules" else ("--config", EXPERIMENT)
            steps = () if name == "rules" else ("--set", "generate.k=0")  # critiques, for the pairs
            self.start(name, "generate", rules, *of_file, *steps, "--n", self.asked.rows)
            self.export(name, "sft-prompt-completion", f"{name}-answers")
        self.export("rules", "dpo", "rules-pairs", "--max-rows", self.asked.rows // 4)
        with ThreadPoolExecutor(2) as pool:  # a thread each: two for one training wait for each other
            list(pool.map(self.train, RULES))
        self.evaluate("effect", ("empty", "rules", "rules-dpo", "opposite", "base", "base-prompted", "rules-prompted"))
        self.evaluate("gain", ("base", "base-prompted", "rules", "rules-dpo", "rules-prompted"))
        for name in ("effect", "gain"):
            self.scai("show", name, "--runs-dir", self.runs)

    def compare_sources(self) -> None:
        """Compare models trained on a sixth as many rows of the rules, three times, from other hands.

        The simulated assistant on any task, and on tasks with sentences of their own; the model itself, with the rules
        in front, or after a critique of an answer that it gave without them.
        """
        tasks = [task for file in OWN_SENTENCES for task in yaml.safe_load(file.read_text())["tasks"]]
        (self.out / "own-tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
        itself = [part for key, value in self.assistant().items() for part in ("--set", f"{key}={value}")]
        options = {"general": (), "own": ("--tasks", self.out / "own-tasks.json"), "itself": itself}
        for name, more in options.items():
            self.start(name, "generate", "learned", *more, "--n", self.asked.rows // 2)
        sources = {"general": "general", "own": "own", "itself": "itself", "revised": "itself"}
        for name, source in sources.items():
            more = ("--answers", "revisions") if name == "revised" else ()
            few = ("--max-rows", self.asked.rows // 6)  # more answers of a small model are not whole
            self.export(source, "sft-prompt-completion", f"{name}-answers", *few, *more)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(partial(self.train, epochs=3), sources))
        self.evaluate("sources", ("empty", *sources, "rules-prompted"), suites="measures")
        self.scai("show", "sources", "--runs-dir", self.runs)
        said = {name: list(texts) for name, texts in self.answers("sources")}
        for name in sources:
            rows = (self.out / f"{name}-answers" / "train.jsonl").open(encoding="utf-8")
            written = [json.loads(row)["completion"][0]["content"] for row in rows]
            found = (self_bleu([words(text) for text in texts]) for texts in (written, said[name]))
            print("self-BLEU of {}: rows {:.2f}, answers of the model {:.2f}".format(name, *found))

    def answers(self, evaluation: str) -> Iterator[tuple[str, list[str]]]:
        """Yield each system of an evaluation with its answers."""
        rows = [row.answers for row in evaluation_rows(self.runs / evaluation) if row.kind == "item"]
        for system in rows[0]:
            yield system, [answers[system].messages[-1][1] for answers in rows]

    def train(self, name: str, epochs: int = 1) -> None:
        """Train an adapter on the rows of a set, the one of the rules on its pairs as well."""
        pairs = ("--pairs", self.out / "rules-pairs") if name == "rules" else ()
        last = self.out / name / ("dpo" if pairs else "sft")
        if not (last / "adapter_model.safetensors").exists():
            gguf = ("--gguf", self.asked.gguf) if self.asked.gguf else ()
            rows = self.out / f"{name}-answers"
            settings = ("--learning-rate", "1e-3", "--epochs", epochs)
            self.call(FINETUNE, self.model, rows, self.out / name, *pairs, *gguf, *settings)

    def assistant(self) -> dict[str, object]:
        """Return the settings of an experiment in which the model is the assistant."""
        keys = {"provider": "huggingface", "name": self.model, "max_tokens": self.asked.max_tokens}
        keys |= {"temperature": 0.7, "timeout_s": 3600, "options.dtype": "bfloat16"}
        if self.asked.gguf:
            keys["options.gguf_file"] = self.asked.gguf
        return {f"roles.assistant.{key}": value for key, value in keys.items()}

    def evaluate(self, name: str, systems: Sequence[str], suites: str = "measures,society") -> None:
        """Compare systems, the first one is the reference; answers that another evaluation has are reused."""
        settings = self.assistant() | {"tasks.split": "test", "turns": 1, "cache": "true"}
        changes = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        named = [f"{system}={self.system(system)}" for system in systems]
        suite = ("--suite", suites, "--n", self.asked.items)
        self.start(name, "evaluate", *named, "--config", EXPERIMENT, *suite, *changes)

    def system(self, name: str) -> str:
        """Return a system of `scai evaluate`: with the rules in its system message if it is prompted, and its model."""
        model, _, how = name.partition("-")
        folder = self.model if model == "base" else self.out / model / ("dpo" if how == "dpo" else "sft")
        return f"{'learned' if how == 'prompted' else 'none'},huggingface:{folder}"

    def start(self, name: str, command: str, *arguments: object) -> None:
        """Run a command that makes a folder of runs, or resume it."""
        folder = self.runs / name
        outcome = folder / "outcome.json"
        if not outcome.exists() or json.loads(outcome.read_text())["status"] != "finished":
            resumed = ("resume", name) if folder.exists() else (command, *arguments, "--run-id", name)
            self.scai(*resumed, "--runs-dir", self.runs, "--quiet")

    def export(self, name: str, form: str, folder: str, *more: object) -> None:
        """Write a folder of rows."""
        if not (self.out / folder / "manifest.json").exists():
            self.scai("export", name, "--format", form, "-o", f"{self.out / folder}/", *more, "--runs-dir", self.runs)

    def scai(self, *arguments: object) -> None:
        """Run a command of scai."""
        self.call("-m", "scai_cli", *arguments)

    def call(self, *arguments: object) -> None:
        """Run Python, and say how long it took; end if it fails."""
        words = [str(argument) for argument in arguments]
        print(f"$ {shlex.join(words).removeprefix('-m scai_cli').strip()}", flush=True)
        offline = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "SCAI_CACHE": str(self.out / "cache.sqlite3")}
        began = time.monotonic()
        done = subprocess.run([sys.executable, *words], env={**offline, **os.environ})
        if done.returncode:
            sys.exit(done.returncode)
        print(f"  {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
