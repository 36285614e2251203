"""Read rows, and train on them, with the real LLaMA-Factory: a program for the environment in which it is installed.

    .venv-llamafactory/bin/python tests/support/llama_factory_reader.py JOBS.json RESULTS.json

Each job is the settings of a training file; with `"max_steps": 0` the rows are read and not trained on. A result has
the decoded tokens of every row of the training and the test set, and the losses; or the error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import tiny_model

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "LLAMAFACTORY_VERBOSITY": "WARN",
}
SETTINGS = {
    "finetuning_type": "full",
    "do_train": True,
    "template": "default",
    "cutoff_len": tiny_model.LENGTH,
    "per_device_train_batch_size": 2,
    "use_cpu": True,
    "report_to": "none",
    "save_strategy": "no",
    "logging_steps": 1,
    "disable_tqdm": True,
}


def main(jobs: Path, results: Path) -> None:
    """Do the jobs of one file and write the results to another, in the same order."""
    import transformers  # noqa: F401 - looks for the package whose place is taken next

    # Wanted for sound, and its wheels need CUDA's libraries.
    sys.modules["torchaudio"] = ModuleType("torchaudio")
    model = tiny_model.make(results.parent / "model")
    done = []
    for number, job in enumerate(json.loads(jobs.read_text(encoding="utf-8"))):
        out = results.parent / f"out{number}"
        settings = {**SETTINGS, "model_name_or_path": str(model), "output_dir": str(out), "max_steps": 2, **job}
        try:
            done.append({"rows": read(dict(settings)), "losses": train(settings, out) if settings["max_steps"] else []})
        except Exception as error:  # noqa: BLE001 - what it refuses is a result
            done.append({"error": f"{type(error).__name__}: {error}"})
    results.write_text(json.dumps(done), encoding="utf-8")


def read(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that its trainers get: the text of all tokens, and of those that are trained on."""
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    settings["max_steps"] = settings["max_steps"] or 1
    model, data, training, finetuning, _ = get_train_args(settings)
    tokens = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(tokens["tokenizer"], data)
    stage = "rm" if finetuning.stage == "dpo" else finetuning.stage  # as in its train/dpo/workflow.py
    found = get_dataset(template, model, data, training, stage=stage, **tokens)
    return [_decoded(tokens["tokenizer"], row) for rows in found.values() for row in rows]


def train(settings: dict[str, Any], out: Path) -> list[float]:
    """Return the loss of each step."""
    from llamafactory.train.tuner import run_exp

    run_exp(settings)
    state = json.loads((out / "trainer_state.json").read_text(encoding="utf-8"))
    return [entry["loss"] for entry in state["log_history"] if "loss" in entry]


def _decoded(tokenizer: Any, row: dict[str, Any]) -> dict[str, Any]:
    lists = {name: value for name, value in row.items() if name.endswith(("_ids", "labels"))}
    texts = {name: tokenizer.decode([n for n in value if n >= 0]) for name, value in lists.items()}
    return {**texts, **({"kto_tags": row["kto_tags"]} if "kto_tags" in row else {})}


if __name__ == "__main__":
    os.environ.update(OFFLINE)
    main(*map(Path, sys.argv[1:]))
