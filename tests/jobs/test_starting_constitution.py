"""A constitution that starts from an earlier one: a run's or a file's, with rules left out, added and locked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Called, events, scai
from scripted_runs import NO_CROSS, PEOPLE, anew, experiment, rules

import scai_cli
from scai_cli.experiment.constitution_start import initial_constitution
from scai_cli.simulation.rehearsal import Workload

REFUND = "Never promise a refund."
STYLES = {"text": "a.txt", "markdown": "a.md", "json": "a.json"}


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `a` of two epochs, its product in every style, and the ids P1 and C1 used up."""
    folder = tmp_path_factory.mktemp("source")
    meta = {
        "e1/revision": anew(("P1", REFUND), (None, "Be kind."), contract=((None, "Joke.", "ann bob"),)),
        "e2/revision": anew(("P2", "Be kind."), (None, "Be brief."), contract=((None, "Rhyme.", "cid"),)),
    }
    file = experiment(folder, meta, name="a", epochs=2, ratings=NO_CROSS, constitution={"principles": [REFUND]})
    assert scai("run", file, "--runs-dir", folder / "runs", "--quiet").code == 0
    for style, name in STYLES.items():
        written = ("--format", "system", "--for", "members", "--as", style, "-o", folder / name)
        assert scai("export", folder / "runs" / "a", *written).code == 0
    return folder


@pytest.fixture
def here(source: Path, tmp_path: Path) -> Path:
    """The working folder with all of the source in it."""
    shutil.copytree(source, tmp_path, dirs_exist_ok=True)
    return tmp_path


def called(here: Path, command: str, constitution: Any, *options: object, **keys: Any) -> Called:
    keys = {"name": "b", "ratings": NO_CROSS, "constitution": constitution, **keys}
    return scai(command, experiment(here, {}, keys.pop("script", ()), **keys), *options)


def begun(here: Path, constitution: Any, **keys: Any) -> list[tuple[Any, ...]]:
    """The rules that a run begins with."""
    assert called(here, "run", constitution, "--quiet", **keys) == Called(0, "b\n", "")
    return rules(events(here / "runs" / "b")[0]["constitution"])


PRODUCT = [("P2", "Be kind."), ("P3", "Be brief."), ("C2", "Rhyme.", "cid")]


@pytest.mark.parametrize("reference", ["a", "latest", "runs/a", "a@2", "a.json"])
def test_rules_keep_their_ids(here: Path, reference: str) -> None:
    assert begun(here, {"from": reference}) == PRODUCT


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_a_text_has_no_ids_so_that_its_rules_are_numbered(here: Path, name: str) -> None:
    assert begun(here, {"from": name}) == [("P1", "Be kind."), ("P2", "Be brief."), ("C1", "Rhyme.", "cid")]


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, [("P1", REFUND)]), (1, [("P1", REFUND), ("P2", "Be kind."), ("C1", "Joke.", "ann", "bob")]), (2, PRODUCT)],
)
def test_a_run_s_constitution_after_an_epoch(here: Path, epoch: int, expected: list[Any]) -> None:
    assert begun(here, {"from": f"a@{epoch}"}) == expected


def test_the_first_version_is_new_and_new_rules_take_numbers_that_were_never_used(here: Path) -> None:
    begun(here, {"from": "a", "drop": ["P3"], "principles": ["Be fair.", "Be kind."]})
    first = events(here / "runs" / "b")[0]["constitution"]
    assert rules(first) == [("P2", "Be kind."), ("P4", "Be fair."), ("C2", "Rhyme.", "cid")]
    assert (first["version"], first["last_principle"], first["last_clause"]) == (0, 4, 2)
    assert {(rule["since"], *rule["evidence"]) for rule in first["principles"]} == {(0,)}


def test_the_config_says_where_the_rules_came_from_and_what_was_dropped(here: Path) -> None:
    begun(here, {"from": "a@1", "drop": ["C1"]})
    saved = yaml.safe_load((here / "runs/b/config.yaml").read_text(encoding="utf-8"))["constitution"]
    assert (saved["from"], saved["drop"]) == ("a@1", ["C1"])
    assert (saved["earlier_run"], saved["earlier"]["version"]) == ("a", 1)
    shown = scai("show", "b", "--constitution").out
    assert shown.startswith("starts from run a (version 1)\ndropped at the start: C1 Joke.\n")


def test_a_run_goes_on_without_its_source(here: Path) -> None:
    constitution = {"from": "a", "locked": ["P2"]}
    assert called(here, "run", constitution, "--quiet", limits={"calls": 5}).code == 3
    shutil.rmtree(here / "runs/a")
    assert scai("resume", "b", "--quiet", "--set", "limits.calls=99", "--trust") == Called(0, "b\n", "")
    again = scai("run", "runs/b/config.yaml", "--quiet")
    assert again == Called(0, "b-2\n", "")
    begins = [events(here / "runs" / name)[0] for name in ("b", "b-2")]
    assert rules(begins[0]["constitution"]) == PRODUCT
    assert begins[0]["constitution"] == begins[1]["constitution"]
    assert begins[0]["digests"] == begins[1]["digests"]


def test_rows_are_generated_from_a_run_that_started_from_another(here: Path) -> None:
    begun(here, {"from": "a", "locked": [REFUND]}, model={"provider": "simulated"})
    assert scai("generate", "b", "--n", "2", "--run-id", "rows", "--quiet") == Called(0, "rows\n", "")


def test_a_path_is_relative_to_the_experiment_and_an_id_is_in_the_folder_of_runs(here: Path) -> None:
    (here / "deep").mkdir()
    file = experiment(here / "deep", {}, constitution={"from": "../runs/a"})
    assert scai("check", file).code == 0
    file = experiment(here / "deep", {}, constitution={"from": "a"})
    assert scai("check", file, "--runs-dir", here / "runs").code == 0
    assert scai("check", file, "--runs-dir", here / "none").code == 2
    assert scai_cli.load_experiment(file, runs_dir=here / "runs").constitution.base.version == 2


def test_check_says_what_the_run_starts_with(here: Path) -> None:
    constitution = {"from": "a", "drop": ["C2"], "locked": [REFUND, "P2"]}
    lines = called(here, "check", constitution).out.splitlines()
    assert "starts from run a (version 2)" in lines
    assert "dropped at the start: C2 Rhyme." in lines
    assert [line for line in lines if line.startswith("locked")] == [
        f"locked: P4 {REFUND} (a new rule)",
        "locked: P2 Be kind.",
    ]
    typo = called(here, "check", {"from": "a", "locked": ["Be kindly."]}).out
    assert "locked: P4 Be kindly. (a new rule beside P2: Be kind.)" in typo
    shown = json.loads(called(here, "check", constitution, "--json").out)["constitution"]
    assert [rule["id"] for rule in shown["earlier"]["contract"]] == ["C2"]


def test_compare_names_the_start_in_place_of_its_copy(here: Path) -> None:
    begun(here, {"from": "latest"})
    told = scai("compare", here / "runs" / "a", here / "runs" / "b", "--json").json["config_differences"]
    assert told["constitution.from"] == {"a": None, "b": "run a (version 2)"}
    assert not [key for key in told if "earlier" in key]


def test_explain_marks_a_locked_rule(here: Path) -> None:
    begun(here, {"from": "a", "locked": ["P2"]})
    assert "P2  locked: Be kind." in scai("explain", here / "runs" / "b", "--trust").out


def test_what_export_writes_as_json_is_a_constitution_in_the_experiment_too(here: Path) -> None:
    written = json.loads((here / "a.json").read_text(encoding="utf-8"))
    assert begun(here, {"principles": written["principles"], "contract": written["contract"]}) == PRODUCT


def test_an_id_that_is_taken_is_replaced_by_the_next_free_one(here: Path) -> None:
    taken = {"from": "a", "principles": [{"id": "P2", "text": "Be fair."}, {"id": "P9", "text": "Be quick."}]}
    assert begun(here, taken) == [*PRODUCT[:2], ("P10", "Be fair."), ("P9", "Be quick."), PRODUCT[2]]


def test_a_lock_goes_through_json_and_from_run_to_run(here: Path) -> None:
    assert begun(here, {"from": "a", "locked": [REFUND]})[0] == ("P4", REFUND)
    assert scai("export", "b", "--format", "system", "--as", "json", "-o", "b.json").code == 0
    for reference in ("b", "b.json"):
        shown = called(here, "check", {"from": reference}, name="c").out
        assert f"locked: P4 {REFUND}" in shown
        assert "locked" not in called(here, "check", {"from": reference, "drop": ["P4"]}, name="c").out


@pytest.mark.parametrize(
    ("constitution", "line", "key", "problem"),
    [
        ({"from": "nobody"}, "from", "from", "there is no run 'nobody' in runs"),
        ({"from": "none.json"}, "from", "from", "there is no file"),
        ({"from": "a@9"}, "from", "from", "run 'a' has no revision after epoch 9; its last is after 2"),
        (
            {"from": "a", "drop": ["P2", "C9"]},
            "- C9",
            "drop.1",
            "there is no rule 'C9' in run a (version 2); known",
        ),
        ({"drop": ["C9"]}, "- C9", "drop.0", "there is no rule 'C9' without a `from`"),
        ({"from": "a", "locked": ["C2"]}, "- C2", "locked.0", "C2 is a clause, and only principles can be locked"),
        ({"from": "a", "locked": ["P9"]}, "- P9", "locked.0", "there is no principle 'P9' to lock"),
        ({"from": "a", "locked": ["p2"]}, "- p2", "locked.0", "there is no principle 'p2' to lock; did you mean 'P2'?"),
        (
            {"from": "a", "max_principles": 1},
            "max_principles",
            "max_principles",
            "the start has 2 principles and 36 tokens in all: raise `max_principles` (1) or `max_tokens` (400)",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_one_line(
    here: Path, constitution: dict[str, Any], line: str, key: str, problem: str
) -> None:
    refused = called(here, "check", constitution)
    written = (here / "t.yaml").read_text(encoding="utf-8").splitlines()
    at = 1 + next(n for n, text in enumerate(written) if text.strip().startswith(line))
    assert refused.err.startswith(f"scai: {here / 't.yaml'}:{at}: constitution.{key}: ")
    assert problem in refused.err
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("reference", ["a", "a.json", "a.txt"])
def test_a_clause_for_somebody_else_is_to_be_dropped(here: Path, reference: str) -> None:
    clause = "C1" if reference == "a.txt" else "C2"
    refused = called(here, "check", {"from": reference}, personas=PEOPLE[:2])
    assert refused.code == 2
    assert f"constitution.from: {clause} of " in refused.err
    assert f"who is not in this experiment; leave it out with `drop: [{clause}]`" in refused.err
    assert called(here, "check", {"from": reference, "drop": [clause]}, personas=PEOPLE[:2]).code == 0


def test_a_file_is_named_under_from(here: Path) -> None:
    refused = scai("check", experiment(here, {}), "--set", "constitution=a.json")
    assert refused == Called(
        2,
        "",
        "scai: --set constitution: constitution: must be a mapping; "
        "to start from a run or a file, set constitution.from=a.json\n",
    )
    assert scai("check", experiment(here, {}), "--set", "constitution.from=a.json").code == 0


def test_an_experiment_that_is_rehearsed_in_part_has_the_clauses_of_the_people_in_that_part(here: Path) -> None:
    many = [*({"id": f"x{n}", "name": f"X{n} Y"} for n in range(12)), *PEOPLE]
    config = scai_cli.load_experiment(experiment(here, {}, personas=many, constitution={"from": "a", "drop": ["P3"]}))
    assert [rule.id for rule in initial_constitution(config.constitution).rules] == ["P2", "C2"]
    assert [rule.id for rule in initial_constitution(Workload(config).part().config.constitution).rules] == ["P2"]
