"""Build the sdist and the wheel, and try the wheel in an empty environment of each Python that the machine has.

    python tests/support/distribution.py      # or `make dist-test`

The environment holds the wheel and its dependencies alone, and the commands are those of the README, called in an empty
folder. Pythons are searched for on PATH and among pyenv's; the first of each version from 3.11 on is taken.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
STARTER: Final = ("configs", "personas")
OLDEST: Final = 11
"""The minor version of the oldest Python that scai supports."""


def call(*words: object, cwd: Path) -> str:
    """Run a command and return its stdout; exits with what it said where it fails."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SCAI_RUNS_DIR")}
    ended = subprocess.run(list(map(str, words)), cwd=cwd, env=env, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, words))}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def pythons() -> dict[tuple[int, int], Path]:
    """Return a working interpreter of each version from 3.11 on, oldest first."""
    found: dict[tuple[int, int], Path] = {}
    for candidate in _candidates():
        asked = subprocess.run(
            [candidate, "-c", "import sys, venv; print(*sys.version_info[:2])"], capture_output=True, text=True
        )
        if asked.returncode == 0:
            major, minor = map(int, asked.stdout.split())
            if (major, minor) >= (3, OLDEST):
                found.setdefault((major, minor), candidate)
    return dict(sorted(found.items()))


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    for folder in os.get_exec_path():
        yield from (file for file in sorted(Path(folder).glob("python3.*")) if re.fullmatch(r"python3\.\d+", file.name))
    yield from sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin/python"))


def build(folder: Path) -> Path:
    """Build both distributions and return the wheel; exits where one lacks a file of the starter folders."""
    call(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        inside = {name.removeprefix("scai_cli/shipped/") for name in packed.namelist()}
    require(wheel.name, starter(ROOT) - inside)
    with tarfile.open(sdist) as source:
        inside = {name.partition("/")[2] for name in source.getnames()}
    require(sdist.name, {*starter(ROOT), "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"} - inside)
    return wheel


def starter(folder: Path) -> set[str]:
    """Return the paths of the files in a folder's `configs` and `personas`."""
    files = (file for name in STARTER for file in (folder / name).rglob("*") if file.is_file())
    return {str(file.relative_to(folder)) for file in files}


def require(where: str, missing: set[str]) -> None:
    """Exit where something is missing."""
    if missing:
        sys.exit(f"{where}: lacks {', '.join(sorted(missing))}")


def trial(python: Path, wheel: Path, folder: Path) -> None:
    """Install the wheel into a new environment and do what the README does first."""
    call(python, "-m", "venv", folder / "venv", cwd=folder)
    scai = folder / "venv" / "bin" / "scai"
    call(scai.with_name("python"), "-m", "pip", "install", "--quiet", "--no-compile", wheel, cwd=folder)
    version = wheel.name.split("-")[1]
    said = call(scai, "--version", cwd=folder).strip()
    require(f"scai --version: {said}", {version} - set(said.split()))
    call(scai, "init", "demo", cwd=folder)
    copied = {name for name in starter(ROOT) if "/sentences/" not in name}
    require("scai init", copied ^ starter(folder / "demo"))
    run = call(scai, "run", "demo/configs/quickstart.yaml", cwd=folder).strip()
    require(f"scai run: {run}", {"quickstart"} - {run})
    shown = call(scai, "show", run, cwd=folder)
    require("scai show", {name for name in ("quickstart", "finished", "Marisol Quintero") if name not in shown})
    given = list(answers(call(scai, "show", run, "--json", cwd=folder)))
    require("the answers of the run", {a for a in [readme_answer()] if not any(g.startswith(a) for g in given)})
    exported = call(scai, "export", run, "--format", "system", cwd=folder)
    require("scai export", {name for name in ("You are a helpful assistant.",) if name not in exported})


def readme_answer() -> str:
    """Return the beginning of the answer that the README shows under `Before`, without its line ends."""
    row = re.search(r"^\|---\|---\|\n\| (.*?) \| ", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert row, "README.md has no answers"
    return row[1].replace("<br>", " ").removesuffix(" …")


def answers(shown: str) -> Iterator[str]:
    """Yield the messages that `scai show --json` prints, without their line ends."""
    for epoch in json.loads(shown)["epochs"]:
        for conversation in epoch["conversations"]:
            yield from (" ".join(message["content"].split()) for message in conversation["messages"])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "dist").mkdir()
        wheel = build(work / "dist")
        tried = pythons()
        for (major, minor), python in tried.items():
            start = time.monotonic()
            folder = work / f"{major}.{minor}"
            folder.mkdir()
            trial(python, wheel, folder)
            shutil.rmtree(folder)
            print(f"Python {major}.{minor}: {wheel.name} works ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(tried)} passed, 0 failed")


if __name__ == "__main__":
    main()
