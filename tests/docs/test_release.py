"""What a release needs: a citation, and a workflow and an issue form that name what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import scai
from documents import ROOT

from scai_cli import __version__


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_citation_and_changelog_have_the_version():
    cited = read("CITATION.cff")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert cited["version"] == __version__
    assert f"## [{__version__}] - {cited['date-released']}" in changes


def test_the_citation_names_its_sources_and_the_licence():
    cited = read("CITATION.cff")
    assert {reference["url"][-10:] for reference in cited["references"]} == {"2310.17769", "2212.08073"}
    assert cited["license"] == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["license"]


def test_the_workflow_runs_the_same_script_as_a_developer():
    job = read(".github/workflows/ci.yml")["jobs"]["checks"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert f"under {job['timeout-minutes']} minutes" in (ROOT / ".ci/README.md").read_text(encoding="utf-8")


def test_every_part_of_ci_has_its_minutes():
    targets = re.findall(r"^make ([\w-]+)$", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    page = (ROOT / ".ci/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `make ([\w-]+)` \|.*\| [\d.]+ \|$", page, re.MULTILINE)
    assert rows == targets


def test_an_issue_comes_with_what_check_prints(tiny: Path):
    asked = [field["attributes"].get("label", "") for field in read(".github/ISSUE_TEMPLATE/bug.yml")["body"]]
    command = next(re.search("`scai (check) CONFIG (--json)`", label) for label in asked if "check" in label)
    assert command
    assert scai(command[1], tiny, command[2]).json["name"] == "tiny"


@pytest.mark.parametrize("path", ["CITATION.cff", ".github/workflows/ci.yml", ".github/ISSUE_TEMPLATE/bug.yml"])
def test_it_is_yaml_without_tabs(path: str):
    assert "\t" not in (ROOT / path).read_text(encoding="utf-8")
    assert isinstance(read(path), dict)
