"""The line that publishes an export: the Hub's own client obeys it, and what arrives is the folder, which loads."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TINY, scai
from hub import Hub

from scai_cli.datasets.export.folder import upload_command

FOLDERS = ("data", "a b/päi..rs--x.git", "it's $HOME [1]*", "-n")


def published(text: str) -> list[str]:
    """The command in what `scai export` printed, with a user's name."""
    (line,) = (line for line in text.splitlines() if line.startswith("to publish it"))
    return shlex.split(line.partition(": ")[2].replace("USER/", "ann/"))


def exported(folder: str, form: str, *options: object) -> list[str]:
    Path("x.yaml").write_text(TINY, encoding="utf-8")
    if not Path("runs").exists():
        assert scai("run", "x.yaml", "--run-id", "x", "-q", "--set", "revision.clauses=conditions").code == 0
    Path(folder).parent.mkdir(parents=True, exist_ok=True)
    called = scai("export", "x", "--format", form, f"--output={folder}/", *options)
    assert called.code == 0, called.err
    return published(called.err)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_line_names_the_folder_for_any_shell(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    command = subprocess.run(["sh", "-c", f"echo {upload_command(Path(folder))}"], capture_output=True, check=True)
    assert command.stdout.decode().startswith("hf upload USER/")
    _, _, name, path, *rest = shlex.split(upload_command(Path(folder)))
    assert Path(path).samefile(folder)
    assert not path.startswith("-")
    assert f" {path} . --repo-type dataset --private" in command.stdout.decode()
    assert rest == [".", "--repo-type", "dataset", "--private"]
    repository = name.removeprefix("USER/")
    assert repository.isascii()
    assert repository.strip("-.") == repository
    assert "--" not in repository
    assert ".." not in repository


@pytest.mark.parametrize(("folder", "name"), [("/", "scai"), ("…", "scai"), ("x" * 200, "x" * 60), ("a.git", "a")])
def test_every_folder_has_a_name_that_the_hub_accepts(folder: str, name: str) -> None:
    assert shlex.split(upload_command(Path("/") / folder))[2] == f"USER/{name}"


def test_files_without_a_card_and_empty_folders_are_not_offered() -> None:
    assert exported("data", "sft") == ["hf", "upload", "ann/data", "data", ".", "--repo-type", "dataset", "--private"]
    assert "to publish" not in scai("export", "x", "--format", "sft", "-o", "x.jsonl").err
    assert "to publish" not in scai("export", "x", "--format", "sft", "-o", "none/", "--min-rating", 99).err


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("folder", "form"), [*zip(FOLDERS, ("sharegpt", "dpo", "kto", "hh"), strict=True)])
def test_the_client_of_the_hub_uploads_every_file_and_the_copy_loads(
    tmp_path: Path, folder: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *arguments = exported(folder, form, "--split", "train=0.5,test=0.5", "--split-by", "task", "--seed", 1)
    client = Path(sys.executable).with_name(program)
    with Hub() as hub:
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": "hf_none",
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_OFFLINE": "0",
        }
        called = subprocess.run(
            [client, *arguments], env={**os.environ, **settings}, capture_output=True, timeout=120, check=False
        )
    assert called.returncode == 0, called.stderr.decode()[-2000:]
    (created,) = hub.created
    assert (created["visibility"], created["type"], created["organization"]) == ("private", "dataset", "ann")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).rglob("*")}
    assert hub.files == files
    assert {"README.md", "manifest.json", "train.jsonl", "test.jsonl"} <= files.keys()
    assert ("train.meta.jsonl" in files) is ("dataset_info.json" in files or form == "hh")
    assert hub.cards == [files["README.md"].decode()]
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, content in hub.files.items():
        (copy / name).write_bytes(content)
    for name, value in (("HF_HUB_OFFLINE", "1"), ("HF_HOME", str(tmp_path / "hf"))):
        monkeypatch.setenv(name, value)
    from datasets import load_dataset

    for file in json.loads(files["manifest.json"])["files"]:
        assert len(load_dataset(str(copy), split=file["split"], cache_dir=str(tmp_path / "cache"))) == file["rows"]
