"""What `scai export` writes, read and trained on by the real libraries: `datasets`, TRL; decoded tokens, not only loss.

One run and one generated set of the simulated society are made on the spot and exported in every format. The trained
model is of random weights. Nothing goes over the network.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import tiny_model
from conftest import scai, scai_process
from openai_rules import is_legal_dpo, is_legal_sft

from scai_cli import plugins
from scai_cli.datasets.formats.format import find_format

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of torch and of what it is built on
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # `datasets` leaves files to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOT = Path(__file__).parents[2]
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
FORMATS = [name for name in plugins.BUILT_IN["format"] if find_format(name).kind != "runs"]
SOURCE = {"name": "fictional", "licence": "CC0-1.0"}
WANTED = ("concise", "detailed", "names_source", "warm", "formal", "bullet_list", "plain_words", "gives_example")
FORMULA = "=1+1 How do I mend a bike?"
CONFIG = {
    "name": "small",
    "seed": 5,
    "epochs": 2,
    "turns": 2,
    "personas": [
        {"id": trait.replace("_", "-"), "name": f"P{n}", "preferences": {trait: 1.0}, "source": SOURCE}
        for n, trait in enumerate(WANTED)
    ],
    "tasks": [
        {"id": "tea", "prompt": "How do I make a pot of tea?", "source": SOURCE},
        {"id": "bike", "prompt": FORMULA, "source": SOURCE},
    ],
    "constitution": {"principles": ["Keep answers short and plain.", "Name a source for what you claim."]},
    "revision": {"strategy": "rewrite", "acceptance": "always", "clauses": "people"},
}
MORE = [
    {"id": f"t{n}", "prompt": f"{how} {what}?", "source": SOURCE}
    for n, (how, what) in enumerate(
        (how, what)
        for how in ("How do I choose", "What is wrong with", "Who should pay for", "When do I need")
        for what in ("a school", "a garden", "a doctor", "a dog", "a bridge", "a party")
    )
]
"""Tasks of the generated set: enough that each part of each split has some."""


@pytest.fixture(scope="session", autouse=True)
def _offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No library asks the network for anything, and none keeps anything at home."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        yield


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory, _offline: None) -> Path:
    """A folder with a data set for each format, made by the command line from a run and a generated set."""
    folder = tmp_path_factory.mktemp("exports")
    (folder / "small.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    (folder / "more.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in MORE), encoding="utf-8")
    with contextlib.chdir(folder):
        for command in (
            ("run", "small.yaml", "--quiet"),
            ("generate", "small", "--tasks", "more.jsonl", "--n=48", "--run-id=more", "-q", "--set", "generate.k=2"),
        ):
            called = scai(*command)
            assert called.code == 0, called.err
        for name in FORMATS:
            sources = ("more",) if name == "constitutional" else ("small", "more")
            called = scai("export", *sources, "--format", name, "-o", f"{name}/", "--split", "train=0.6,test=0.4",
                          "--split-by", "persona")  # fmt: skip
            assert called.code == 0, (name, called.err)
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, _offline: None) -> str:
    """The folder of a model of random weights."""
    return str(tiny_model.make(tmp_path_factory.mktemp("model")))


def lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def loaded(folder: Path, split: str = "train", **options: Any) -> Any:
    """A split of a dataset folder, as anybody would load it."""
    from datasets import load_dataset

    return load_dataset(str(folder), split=split, **options)


def plain(value: Any) -> Any:
    """A value without the keys and columns that Arrow adds as null."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if part is not None}
    return [plain(part) for part in value] if isinstance(value, list) else value


# datasets


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_loads_from_its_card_with_every_row(exports: Path, name: str) -> None:
    manifest = json.loads((exports / name / "manifest.json").read_text())
    assert len(manifest["files"]) == (4 if name == "constitutional" else 2)
    for file in manifest["files"]:
        found, written = loaded(exports / name, file["split"]), lines(exports / name / file["name"])
        assert len(found) == len(written) == file["rows"]
        assert [plain(row) for row in found] == [plain(row) for row in written]
        assert {*found.column_names} == {*file["columns"]}
    assert sum(file["rows"] for file in manifest["files"]) >= 12


@pytest.mark.parametrize("name", FORMATS)
def test_every_file_loads_on_its_own(exports: Path, name: str) -> None:
    from datasets import load_dataset

    files = sorted((exports / name).glob("*.jsonl"))
    for file in files:
        assert len(load_dataset("json", data_files=str(file), split="train")) == len(lines(file))
    assert files


@pytest.mark.parametrize("name", ["hh", "openai-sft", "openai-dpo", "sharegpt", "sharegpt-kto"])
def test_provenance_beside_the_rows_loads_too_line_by_line(exports: Path, name: str) -> None:
    for split in ("train", "test"):
        assert len(loaded(exports / name, split, name="provenance")) == len(loaded(exports / name, split))
    assert loaded(exports / name, name="provenance")[0]["run"] in ("small", "more")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_csv_and_parquet_hold_the_same_rows(exports: Path, tmp_path: Path, name: str, suffix: str) -> None:
    from datasets import load_dataset

    source = "more" if name == "constitutional" else "small"
    for end in ("jsonl", suffix):
        target = tmp_path / f"rows.{end}"
        called = scai("export", source, "--format", name, "-o", target, "--runs-dir", exports / "runs")
        assert called.code == 0, called.err
    for made in sorted(tmp_path.glob(f"*.{suffix}")):
        rows = lines(made.with_suffix(".jsonl"))
        found = load_dataset("csv" if suffix == "csv" else "parquet", data_files=str(made), split="train")
        assert len(found) == len(rows) > 0
        assert {*rows[0]} <= {*found.column_names}
        if suffix == "parquet":
            for row, written in zip(found, rows, strict=True):
                if "provenance" in written:  # JSON text there, a structure here
                    assert plain(row["provenance"]) == plain(json.loads(written["provenance"]))
                own = written.keys() - {"provenance"}
                assert plain({key: row[key] for key in own}) == plain({key: written[key] for key in own})


@pytest.mark.parametrize("name", ["dpo", "alpaca", "ratings"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_of_csv_or_parquet_loads_from_its_card(exports: Path, tmp_path: Path, name: str, kind: str) -> None:
    called = scai("export", "small", "more", "--format", name, "-o", f"{tmp_path}/data/", "--as", kind, "--runs-dir",
                  exports / "runs", "--split", "train=0.6,test=0.4")  # fmt: skip
    assert called.code == 0, called.err
    for file in json.loads((tmp_path / "data" / "manifest.json").read_text())["files"]:
        assert file["name"].endswith(kind)
        assert len(loaded(tmp_path / "data", file["split"])) == file["rows"] > 0
    assert scai("dataset", "describe", tmp_path / "data").code == 0


@pytest.mark.parametrize("name", ["ratings", "alpaca", "sft"])
def test_a_csv_holds_no_formula(exports: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "rows.csv"
    assert scai("export", "small", "--format", name, "-o", target, "--runs-dir", exports / "runs").code == 0
    text = target.read_text(encoding="utf-8")
    assert FORMULA in text
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or _is_number(cell), cell


def _is_number(cell: str) -> bool:
    with contextlib.suppress(ValueError):
        return math.isfinite(float(cell))
    return False


# The hosted API


@pytest.mark.parametrize(("name", "is_legal"), [("openai-sft", is_legal_sft), ("openai-dpo", is_legal_dpo)])
def test_every_row_for_the_api_is_legal(exports: Path, name: str, is_legal: Callable[[Any], bool]) -> None:
    for split in ("train", "test"):
        raw = (exports / name / f"{split}.jsonl").read_bytes()
        assert raw.endswith(b"\n")
        assert all(line.strip() for line in raw.split(b"\n")[:-1])  # a blank line is refused
        rows = lines(exports / name / f"{split}.jsonl")
        assert [row for row in rows if not is_legal(row)] == []
        assert len(rows) >= 1


# TRL


def settings(kind: Any, folder: Path, **more: Any) -> Any:
    """How to train two steps on a CPU, saying nothing."""
    return kind(
        str(folder / "out"),
        max_steps=2,
        per_device_train_batch_size=2,
        max_length=tiny_model.LENGTH,
        bf16=False,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **more,
    )


def trains(trainer: Any, rows: int) -> None:
    """Two steps with a finite loss, and no row lost on the way."""
    assert len(trainer.train_dataset) == rows > 0
    result = trainer.train()
    assert result.global_step == 2
    assert math.isfinite(result.training_loss)


def spoken(tokenizer: Any, ids: Any) -> str:
    return str(tokenizer.decode([int(token) for token in ids if int(token) != -100], skip_special_tokens=False))


def rendered(tokenizer: Any, messages: list[dict[str, str]], asking: bool = False) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asking))


def test_sft_on_prompt_and_completion_trains_on_the_answer_alone(exports: Path, model: str, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    rows = loaded(exports / "sft-prompt-completion")
    trainer = SFTTrainer(model, args=settings(SFTConfig, tmp_path), train_dataset=rows)
    tokenizer = trainer.processing_class
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        assert spoken(tokenizer, made["input_ids"]) == rendered(tokenizer, row["prompt"] + row["completion"])
        assert spoken(tokenizer, made["labels"]) == f"{row['completion'][0]['content']}<|end|>\n"
    trains(trainer, len(rows))


def test_a_constitution_that_is_kept_is_read_and_not_trained_on(exports: Path, model: str, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    target = tmp_path / "kept"
    called = scai("export", "more", "--format", "sft-prompt-completion", "--system", "keep", "-o", f"{target}/",
                  "--runs-dir", exports / "runs")  # fmt: skip
    assert called.code == 0, called.err
    rows = loaded(target)
    trainer = SFTTrainer(model, args=settings(SFTConfig, tmp_path), train_dataset=rows)
    tokenizer = trainer.processing_class
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        rules = row["prompt"][0]
        assert rules["role"] == "system"
        assert rules["content"].startswith("You are a helpful assistant.")
        assert spoken(tokenizer, made["input_ids"]).startswith(f"<|start|>system\n{rules['content']}<|end|>")
        assert spoken(tokenizer, made["labels"]) == f"{row['completion'][0]['content']}<|end|>\n"
    trains(trainer, len(rows))


def test_sft_on_messages_trains_on_all_of_them_unless_told(exports: Path, model: str, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    rows = loaded(exports / "sft")
    trainer = SFTTrainer(model, args=settings(SFTConfig, tmp_path), train_dataset=rows)
    tokenizer = trainer.processing_class
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        assert spoken(tokenizer, made["labels"]) == rendered(tokenizer, row["messages"])
    trains(trainer, len(rows))
    only = settings(SFTConfig, tmp_path, assistant_only_loss=True)
    trainer = SFTTrainer(model, args=only, train_dataset=rows)
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        said = "".join(f"{m['content']}<|end|>" for m in row["messages"] if m["role"] == "assistant")
        assert spoken(tokenizer, made["labels"]) == said
    trains(trainer, len(rows))


@pytest.mark.parametrize("name", ["dpo", "reward", "constitutional"])
def test_dpo_compares_the_answers_alone(exports: Path, model: str, tmp_path: Path, name: str) -> None:
    from trl import DPOConfig, DPOTrainer

    rows = loaded(exports / name, "train_prefs" if name == "constitutional" else "train")
    trainer = DPOTrainer(model, args=settings(DPOConfig, tmp_path), train_dataset=rows)
    tokenizer = trainer.processing_class
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        before = row["prompt"] if name == "dpo" else row["chosen"][:-1]
        assert spoken(tokenizer, made["prompt_ids"]) == rendered(tokenizer, before, asking=True)
        assert spoken(tokenizer, made["chosen_ids"]) == f"{row['chosen'][-1]['content']}<|end|>\n"
        assert spoken(tokenizer, made["rejected_ids"]) == f"{row['rejected'][-1]['content']}<|end|>\n"
    trains(trainer, len(rows))


def test_dpo_on_transcripts_takes_what_both_answers_begin_with_for_the_prompt() -> None:
    """The trap that the card warns of, still there: if this fails, the warning can go."""
    from trl.data_utils import extract_prompt

    before = "\n\nHuman: Tea?\n\nAssistant:"
    found = extract_prompt({"chosen": f"{before} I think yes", "rejected": f"{before} I think no"})
    assert "I think" in found["prompt"]


def test_dpo_takes_conversations_beside_a_prompt_for_answers(exports: Path, model: str, tmp_path: Path) -> None:
    """The trap that keeps `prompt` out of `reward` rows: no error, and the question is a part of the answer."""
    from trl import DPOConfig, DPOTrainer

    rows = loaded(exports / "reward").map(lambda row: {"prompt": row["chosen"][:-1]})
    trainer = DPOTrainer(model, args=settings(DPOConfig, tmp_path), train_dataset=rows)
    asked = rows[0]["prompt"][-1]["content"]
    assert asked in spoken(trainer.processing_class, trainer.train_dataset[0]["chosen_ids"])


def test_kto_learns_from_both_labels(exports: Path, model: str, tmp_path: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    rows = loaded(exports / "kto")
    assert {*rows["label"]} == {True, False}
    trainer = KTOTrainer(model, args=settings(KTOConfig, tmp_path), train_dataset=rows)
    tokenizer = trainer.processing_class
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        assert made["label"] is row["label"]
        assert spoken(tokenizer, made["prompt_ids"]) == rendered(tokenizer, row["prompt"], asking=True)
        assert spoken(tokenizer, made["completion_ids"]) == f"{row['completion'][0]['content']}<|end|>\n"
    trains(trainer, len(rows))


@pytest.mark.parametrize("name", ["reward", "hh"])
def test_a_reward_model_reads_both_sides_whole(exports: Path, model: str, tmp_path: Path, name: str) -> None:
    from trl import RewardConfig, RewardTrainer

    rows = loaded(exports / name)
    trainer = RewardTrainer(model, args=settings(RewardConfig, tmp_path), train_dataset=rows)
    tokenizer = trainer.processing_class
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        for side in ("chosen", "rejected"):
            whole = f"{row[side]}<|end|>" if name == "hh" else rendered(tokenizer, row[side])
            assert spoken(tokenizer, made[f"{side}_ids"]) == whole
    trains(trainer, len(rows))


def test_sft_on_the_imitation_part_of_constitutional_rows(exports: Path, model: str, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    rows = loaded(exports / "constitutional", "train_sft")
    trainer = SFTTrainer(model, args=settings(SFTConfig, tmp_path), train_dataset=rows)
    tokenizer = trainer.processing_class
    for row, made in zip(rows, trainer.train_dataset, strict=True):
        assert spoken(tokenizer, made["labels"]) == rendered(tokenizer, row["messages"])
    trains(trainer, len(rows))


def test_a_row_that_is_too_long_for_max_length_is_lost_without_a_word(
    exports: Path, model: str, tmp_path: Path
) -> None:
    """Why the card says how many tokens a row needs."""
    from trl import DPOConfig, DPOTrainer

    rows = loaded(exports / "dpo")
    args = settings(DPOConfig, tmp_path)
    args.max_length = 8
    assert len(DPOTrainer(model, args=args, train_dataset=rows).train_dataset) < len(rows)


# The documentation


def test_the_example_of_the_documentation_trains(exports: Path, model: str, tmp_path: Path) -> None:
    arguments = [model, exports / "sft-prompt-completion", tmp_path / "tuned", "--pairs", exports / "dpo"]
    called = subprocess.run(
        [sys.executable, ROOT / "examples" / "finetune.py", *map(str, arguments)],
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert called.returncode == 0, called.stderr.decode()[-2000:]
    sft, dpo = ((tmp_path / "tuned" / name / "adapter_model.safetensors").read_bytes() for name in ("sft", "dpo"))
    assert sft != dpo


def test_the_versions_that_the_documentation_names_are_these() -> None:
    text = (ROOT / "docs" / "finetune.md").read_text(encoding="utf-8")
    for name, package in (("TRL", "trl"), ("`datasets`", "datasets")):
        major, minor, *_ = version(package).split(".")
        assert {*re.findall(rf"{name} (\d[\d.]*\d)", text)} == {f"{major}.{minor}"}


def test_every_set_is_described(exports: Path) -> None:
    for name in FORMATS:
        told = scai("dataset", "describe", exports / name, "--json").json
        manifest = json.loads((exports / name / "manifest.json").read_text())
        assert told["rows"] == sum(file["rows"] for file in manifest["files"])
    assert scai_process("dataset", "describe", exports / "dpo").code == 0


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_folder_that_is_exported_anew_is_loaded_anew(exports: Path, tmp_path: Path, kind: str) -> None:
    """`datasets` keeps what it has loaded under a hash of the card's header: data of yesterday, without a word."""
    answers = []
    for seed in (1, 2):
        called = scai("export", "small", "--format", "sft", "-o", "data/", "--as", kind, "--runs-dir", exports / "runs",
                      "--max-rows", "9", "--seed", seed)  # fmt: skip
        assert called.code == 0, called.err
        answers.append([str(row["messages"]) for row in loaded(tmp_path / "data")])
    assert len(answers[0]) == len(answers[1]) == 9
    assert answers[0] != answers[1]


@pytest.mark.parametrize("name", ["alpaca", "ratings", "hh"])
def test_a_folder_loads_whose_types_show_late(exports: Path, tmp_path: Path, name: str) -> None:
    """`datasets` takes types from the first 10 MB, unless the card tells them."""
    folder = tmp_path / "data"
    called = scai("export", "small", "--format", name, "-o", f"{folder}/", "--runs-dir", exports / "runs", "--system",
                  "keep")  # fmt: skip
    assert called.code == 0, called.err
    late = {"alpaca": ("history", []), "ratings": ("value", None), "hh": ("epoch", None)}[name]
    file = folder / ("train.meta.jsonl" if name == "hh" else "train.jsonl")
    rows = lines(file)
    filler = {"task": "t" * 1000} if name == "hh" else {"system" if name == "alpaca" else "comment": "c" * 1000}
    early = [{**rows[0], late[0]: late[1], **filler}] * 11_000
    file.write_text("".join(f"{json.dumps(row)}\n" for row in (*early, *rows)), encoding="utf-8")
    found = loaded(folder, name="provenance" if name == "hh" else "default")
    assert len(found) == len(early) + len(rows)
    assert plain(found[-1]) == plain(rows[-1])
    assert found[0][late[0]] == late[1]
