"""A dataset folder: its card (header and text), its manifest, `dataset_info.json`; foreign text in them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from format_samples import FORMATS, KEEP, a_sample, made
from hostile_texts import EVERYTHING, UNSEEN

from scai_cli import __version__
from scai_cli.datasets.export.export_record import ExportRecord, ExportSource
from scai_cli.datasets.export.folder import finish_folder
from scai_cli.datasets.formats.format import ExportedFile, find_format
from scai_cli.experiment.constitution import Clause, Constitution, Principle

RULES = Constitution.model_validate(
    {
        "version": 3,
        "principles": [{"id": "P2", "text": "Be *brief*."}, {"id": "P3", "text": "Harm no one.", "locked": True}],
        "contract": [{"id": "C1", "text": "Joke.", "for": ["ann", "bob_2"]}],
    }
)
EVIL = "x`|\n---\n# <script>alert(1)</script> [a](javascript:b) \x1b[31m\u202e{{y}} ```" + EVERYTHING


def a_file(
    folder: Path, name: str, rows: int, columns: tuple[str, ...] = ("prompt", "chosen", "rejected")
) -> ExportedFile:
    content = b'{"a": 1}\n' * rows
    (folder / name).write_bytes(content)
    split = name.partition(".")[0]
    return ExportedFile(name, split, rows, hashlib.sha256(content).hexdigest(), columns, 5000 if rows else 0)


def some(folder: Path, form: str = "dpo", suffix: str = ".jsonl", **columns: tuple[str, ...]) -> ExportRecord:
    """An export that made a train and a test file."""
    return ExportRecord(
        format_name=form,
        format=find_format(form),
        files=(a_file(folder, f"train{suffix}", 900, **columns), a_file(folder, f"test{suffix}", 100, **columns)),
        sources=(
            ExportSource(
                "dinner",
                RULES,
                {"assistant": "openai:tiny", "user": "openai:tiny"},
                "a" * 64,
                6,
                "6 people simulated by openai:tiny",
            ),
        ),
        licences={"CC-BY-4.0": 1000},
        left_out={"margin": 12, "duplicate": 3},
        command="scai export dinner --format dpo -o data/ --split train=0.9,test=0.1",
        settings={"seed": 7, "min_margin": 1.0},
        notes=("2 rows share 13 words with bench.jsonl",),
    )


def header(card: str) -> dict[str, Any]:
    start, text, _ = card.split("---\n", 2)
    assert start == ""
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def finished(folder: Path, made: ExportRecord) -> tuple[str, dict[str, Any]]:
    finish_folder(folder, made)
    return (folder / "README.md").read_text(encoding="utf-8"), json.loads((folder / "manifest.json").read_text())


def test_the_header_tells_the_hub_all_it_asks_for(tmp_path: Path) -> None:
    card, _ = finished(tmp_path, some(tmp_path))
    told = header(card)
    assert told["license"] == "cc-by-4.0"
    assert told["size_categories"] == ["1K<n<10K"]
    assert told["task_categories"] == ["text-generation"]
    assert {"dpo", "preference", "synthetic", "trl"} <= {*told["tags"]}
    (config,) = told["configs"]
    assert config.pop("description").startswith("SHA-256 of the digests of its files: ")
    assert told["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "train.jsonl"}, {"split": "test", "path": "test.jsonl"}],
        }
    ]


def test_the_card_says_how_it_was_made_and_what_it_is_not(tmp_path: Path) -> None:
    card, _ = finished(tmp_path, some(tmp_path))
    for part in ("1,000 rows for direct preference", "Simulated data", "900", "`dinner`", "version 3",
                 "6 people simulated by openai:tiny", "openai:tiny",
                 "margin 12", "duplicate 3", "seed: 7", "2 rows share 13 words", "CC-BY-4.0: 1,000 rows",
                 "about 1,250 tokens", "`max_length=1792`", "scai export dinner --format dpo -o data/"):  # fmt: skip
        assert part in card, part


def test_data_of_the_built_in_society_are_called_a_program_s(tmp_path: Path) -> None:
    made = some(tmp_path)
    toy = replace(made, sources=(ExportSource("t", RULES, {"assistant": "simulated", "user": "simulated"}, "b" * 64),))
    assert "no language model" in " ".join(finished(tmp_path, toy)[0].split())
    assert "no language model" not in finished(tmp_path, made)[0]


def test_files_of_different_columns_load_apart_and_empty_ones_not_at_all(tmp_path: Path) -> None:
    made = some(tmp_path)
    more = (*made.files, a_file(tmp_path, "extra.jsonl", 5, ("messages",)), a_file(tmp_path, "dev.jsonl", 0))
    configs = header(finished(tmp_path, replace(made, files=more))[0])["configs"]
    assert [(c["config_name"], [f["path"] for f in c["data_files"]]) for c in configs] == [
        ("default", ["train.jsonl", "test.jsonl"]),
        ("extra", ["extra.jsonl"]),
    ]
    none = replace(made, files=(a_file(tmp_path, "train.jsonl", 0),), licences={})
    assert "configs" not in header(finished(tmp_path, none)[0])


def test_provenance_beside_the_rows_is_a_configuration_of_its_own(tmp_path: Path) -> None:
    made = some(tmp_path, "hh", columns=("chosen", "rejected"))
    (tmp_path / "train.meta.jsonl").write_bytes(b"{}\n")
    card, manifest = finished(tmp_path, made)
    config = header(card)["configs"][1]
    assert config.pop("description")
    assert config == {
        "config_name": "provenance",
        "data_files": [{"split": "train", "path": "train.meta.jsonl"}],
    }
    assert "`train.meta.jsonl`: the provenance of each row, line *n*" in card
    assert manifest["provenance"] == [
        {"name": "train.meta.jsonl", "rows": 900, "sha256": hashlib.sha256(b"{}\n").hexdigest()}
    ]


@pytest.mark.parametrize(("licences", "told"), [
    ({"CC-BY-4.0": 3}, {"license": "cc-by-4.0"}),
    ({"": 3}, {"license": "unknown"}),
    ({}, {"license": "unknown"}),
    ({"CC0 1.0": 1, "mit": 2}, {"license": ["cc0-1.0", "mit"]}),
    ({"ours, for research": 3}, {"license": "other", "license_name": "ours-for-research"}),
    ({"mit": 1, "ours": 2, "gone": 0}, {"license": "other", "license_name": "mit-and-ours"}),
])  # fmt: skip
def test_the_licence_is_one_that_the_hub_knows(tmp_path: Path, licences: dict[str, int], told: dict[str, Any]) -> None:
    found = header(finished(tmp_path, replace(some(tmp_path), licences=licences))[0])
    assert {key: value for key, value in found.items() if key.startswith("license")} == told


def test_the_manifest_lets_one_check_every_file(tmp_path: Path) -> None:
    made = some(tmp_path)
    _, manifest = finished(tmp_path, made)
    assert manifest["scai"] == __version__
    assert manifest["command"] == made.command
    assert manifest["settings"] == {"seed": 7, "min_margin": 1.0}
    assert manifest["sources"][0] == {"run": "dinner", "version": 3, "personas": 6,
                                      "models": dict(made.sources[0].models),
                                      "sha256": "a" * 64, "health": []}  # fmt: skip
    for file in (*manifest["files"], manifest["card"]):
        assert hashlib.sha256((tmp_path / file["name"]).read_bytes()).hexdigest() == file["sha256"]


def test_the_same_export_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / n / "data" for n in "ab"]
    for folder in folders:
        folder.mkdir(parents=True)
        finish_folder(folder, some(folder, "alpaca", columns=("instruction", "input", "output", "history")))
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["README.md", "dataset_info.json", "manifest.json", "test.jsonl", "train.jsonl"]
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


OWN = {
    "sharegpt": ("conversations",),
    "sharegpt-dpo": ("conversations", "chosen", "rejected"),
    "sharegpt-kto": ("conversations", "kto_tag"),
    "alpaca": ("instruction", "input", "output", "history"),
}


@pytest.mark.parametrize("form", OWN)
@pytest.mark.parametrize("system", [False, True])
def test_llama_factory_is_told_of_the_columns_that_are_there(tmp_path: Path, form: str, system: bool) -> None:
    columns = (*OWN[form], *(("system",) if system else ()))
    finish_folder(tmp_path, some(tmp_path, form, columns=columns))
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert [(tmp_path / entry["file_name"]).exists() for entry in info.values()] == [True, True]
    entry = next(iter(info.values()))
    assert entry["formatting"] == form.partition("-")[0]
    assert entry.get("ranking", False) is (form == "sharegpt-dpo")  # it keeps pairs apart from all other rows by this
    assert {*entry["columns"].values()} == {*columns}  # a column that is named and missing is a KeyError there


@pytest.mark.parametrize("form", OWN)
def test_llama_factory_is_offered_no_csv_which_it_would_misread(tmp_path: Path, form: str) -> None:
    made = some(tmp_path, form, ".csv", columns=OWN[form])
    finish_folder(tmp_path, made)
    assert json.loads((tmp_path / "dataset_info.json").read_text()) == {}
    assert ["no lists from CSV" in note for file in made.files for note in made.format.warnings(file)] == [True, True]


def test_the_card_holds_the_rules_that_rows_were_made_by(tmp_path: Path) -> None:
    plain = some(tmp_path)
    (dinner,) = plain.sources
    others = (replace(dinner, run_id="dinner-rows"), replace(dinner, run_id="bare", constitution=Constitution()))
    card, manifest = finished(tmp_path, replace(plain, sources=(dinner, *others)))
    rules = "- **P2** Be \\*brief\\*.\n- **P3** (locked) Harm no one.\n- **C1** for ann, bob\\_2: Joke.\n"
    assert f"### Constitution of `dinner` and `dinner-rows`, version 3\n\n{rules}" in card
    assert "### Constitution of `bare`, version 0\n\nNo rules.\n" in card
    assert [source["version"] for source in manifest["sources"]] == [3, 3, 0]


def test_foreign_text_stays_text(tmp_path: Path) -> None:
    folder = tmp_path / "a # <b>: - 'x"
    folder.mkdir()
    plain = some(folder)
    evil = Constitution.model_construct(
        version=1,
        principles=(Principle.model_construct(id="P1", text=EVIL),),
        contract=(Clause.model_construct(id="C1", text=EVIL, users=(EVIL,)),),
    )
    made = replace(
        plain,
        sources=(ExportSource(EVIL, evil, {EVIL: EVIL}, "c" * 64),),
        licences={EVIL: 2},
        left_out={EVIL: 1},
        settings={EVIL: EVIL},
        notes=(EVIL,),
        command=f"scai export '{EVIL}'",
    )
    card, _ = finished(folder, made)
    assert header(card)["pretty_name"] == "a-b-x"
    text, _, command = card.partition("## How to reproduce it")
    text = re.sub("`[^`\n]*`", "", text.replace("\\`", ""))  # between backticks nothing has a meaning
    assert "<script>" not in text
    assert "\n---\n# " not in text.split("---\n", 2)[2]
    assert re.search(r"(?<!\\)\]\(", text) is None
    assert not UNSEEN.search(card)
    assert command.strip().startswith("````sh\n")
    assert command.count("\n````\n") == 1


def test_few_and_long_rows_for_the_api_are_said(tmp_path: Path) -> None:
    api = find_format("openai-sft").warnings
    few, many = a_file(tmp_path, "test.jsonl", 9), a_file(tmp_path, "train.jsonl", 10)
    assert [*api(few), *api(many)] == ["test.jsonl: the API refuses files with fewer than 10 rows."]
    assert [*find_format("openai-dpo").warnings(replace(many, longest_characters=300_000))] == [
        "train.jsonl: the API cuts rows off at 65,536 tokens, and the longest row is longer."
    ]
    assert [*find_format("dpo").warnings(few)] == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_guide_knows_the_columns_of_its_rows(name: str) -> None:
    (row,) = made(name, a_sample(find_format(name)), KEEP)
    assert {*find_format(name).guide.columns} >= {*row}
