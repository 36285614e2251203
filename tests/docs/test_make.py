"""`make quickstart` installs once and says so; the next call starts with the run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from documents import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what `make` looks at before anything is installed."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def commands(folder: Path, target: str) -> str:
    """The commands that `make` would run."""
    # Without what a `make test` around this one says.
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    ended = subprocess.run(["make", "-n", target], cwd=folder, env=outside, capture_output=True, text=True, check=True)
    return ended.stdout


def installed(folder: Path, stamp: str) -> None:
    """Leave behind what an installation leaves."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").touch()
    for name in {stamp, ".installed"}:
        (folder / ".venv" / name).touch()


def test_the_first_quickstart_says_what_it_installs_and_how_long_that_takes(clone: Path):
    first = commands(clone, "quickstart")
    said, _, rest = first.partition("pip --quiet")
    assert "70 MB to download" in said
    assert "half a minute" in said
    assert "Installed in" in rest
    assert rest.index("install -e") < rest.index("scai run configs/quickstart.yaml")


@pytest.mark.parametrize("stamp", [".installed", ".installed-dev"], ids=["after quickstart", "after test"])
def test_a_second_quickstart_starts_with_the_run(clone: Path, stamp: str):
    installed(clone, stamp)
    second = commands(clone, "quickstart")
    assert "install" not in second.replace("source", "").lower()
    assert second.startswith("id=$(.venv/bin/scai run configs/quickstart.yaml)")
