"""`scai evaluate`: its systems, its errors in one line, pairs by construction, a resume to the byte, other commands."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import foreign_suites
import pytest
from conftest import TINY, Called, calls, scai
from played import EXPERIMENT, evaluated, items, playing

from scai_cli import api
from scai_cli.errors import CallFailed, PromptRefused
from scai_cli.jobs.evaluate_source import Reference
from scai_cli.jobs.session import SilentObserver
from scai_cli.messages import ChatRequest
from scai_cli.runs.locks import take_lock

RULED = TINY.replace("name: tiny", "name: kind").replace("epochs: 2", "epochs: 1") + (
    "constitution: {principles: [Give an example for what you say., Use bullet points.], "
    "contract: [{text: Be brief., for: [ann]}]}\n"
)
ALL = "society,adherence,choice,refusal,pairs"
MIXED = "society,choice,refusal"


@pytest.fixture(scope="module")
def kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with rules."""
    folder = tmp_path_factory.mktemp("kind")
    (folder / "kind.yaml").write_text(RULED, encoding="utf-8")
    assert scai("run", folder / "kind.yaml", "--runs-dir", folder / "runs", "--quiet").code == 0
    return folder / "runs" / "kind"


@pytest.fixture(scope="module")
def whole(kind: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation of all suites that nothing disturbed, beside its run."""
    runs = tmp_path_factory.mktemp("whole") / "runs"
    shutil.copytree(kind, runs / "kind")
    arguments = ("evaluate", "none", "kind", "--suite", ALL, "--n", "4", "--run-id", "whole", "--runs-dir", runs)
    assert scai(*arguments, "--quiet").code == 0
    return runs / "whole"


@pytest.fixture
def here(whole: Path) -> Path:
    """The run and the evaluation in the folder `runs` of the test."""
    shutil.copytree(whole.parent, "runs", symlinks=True)
    return Path("runs")


@pytest.fixture
def run_here(kind: Path) -> Path:
    """The run in the folder `runs` of the test."""
    shutil.copytree(kind, "runs/kind")
    return Path("runs")


def refused(*arguments: object) -> str:
    """The one line of an error of the user's."""
    called = scai(*arguments)
    assert (called.code, called.out) == (2, "")
    [line] = called.errors
    return line.removeprefix("scai: ")


def systems(*named: str, more: Sequence[object] = ()) -> dict[str, dict[str, Any]]:
    """The systems of an evaluation of two choices."""
    called = scai("evaluate", *named, "--suite", "choice", "--n", "2", "--quiet", *more)
    assert called.code == 0, called.err
    return {each["name"]: each for each in scai("show", called.out.strip(), "--json").json["systems"]}


# --- systems


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("none", (None, "none", None)),
        ("a=none", ("a", "none", None)),
        ("run@3", (None, "run@3", None)),
        ("new=run@3,openai:gpt-4o", ("new", "run@3", "openai:gpt-4o")),
        ("c.md,simulated", (None, "c.md", "simulated")),
        ("a,b.md", (None, "a,b.md", None)),
        ("bare,openai:org/model:free", (None, "bare", "openai:org/model:free")),
        ("dir/x=y.md", (None, "dir/x=y.md", None)),
        ("tuned=none,openai:ft:gpt:me", ("tuned", "none", "openai:ft:gpt:me")),
    ],
)
def test_a_system_is_read_from_its_name(text: str, wanted: tuple[str | None, str, str | None]) -> None:
    found = Reference.parse(text)
    assert (found.name, found.target, found.model) == wanted


@pytest.mark.parametrize("name", ["con", "a.", "n" * 65])
def test_a_name_that_the_evaluation_could_not_be_read_with_is_an_error(here: Path, name: str) -> None:
    called = scai("evaluate", "none", f"{name}=none", "--suite", "choice", "--model", "simulated")
    assert (called.code, list(Path("runs").glob("none-vs-*"))) == (2, [])
    assert "is not a safe id" in called.err


def test_a_file_named_like_a_device_gets_a_name_that_is_read(here: Path) -> None:
    file = Path(f"con.{'n' * 80}.md")
    file.write_text("- Be kind.\n", encoding="utf-8")
    called = scai("evaluate", "none", str(file), "--suite", "choice", "--n", "1", "--model", "simulated", "--quiet")
    assert scai("show", called.out.strip(), "--json").code == 0


def test_an_empty_principle_is_an_error(here: Path) -> None:
    called = scai("evaluate", "none", "bare", "--suite", "pairs", "--principle", " ", "--model", "simulated")
    assert called.code == 2
    assert "--principle: is empty" in called.err


def test_a_file_whose_name_has_an_equals_sign_is_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a=b.md").write_text("- Be kind.\n", encoding="utf-8")
    assert Reference.parse("a=b.md") == Reference(None, "a=b.md", None)
    assert Reference.parse("c=a=b.md,simulated") == Reference("c", "a=b.md", "simulated")


def test_runs_files_and_models_are_systems(run_here: Path) -> None:
    Path("own.md").write_text("Be kind.\n\n- Answer in rhyme.\n", encoding="utf-8")
    version = next((run_here / "kind" / "constitution").glob("e1.*"))
    found = systems("old=kind@0", "kind", "own.md", str(version), "none", "bare", "b=none,simulated:other")
    assert list(found) == ["old", "kind", "own", version.stem, "none", "bare", "b"]
    messages = {name: each["message"] for name, each in found.items()}
    assert "Use bullet points." in messages["old"]
    assert "Be brief." not in messages["old"]  # it is a clause for ann, and a system is for everyone
    assert messages["own"] == "Be kind.\n\n- Answer in rhyme."
    assert messages["bare"] is None
    assert messages["none"] == messages["b"]
    assert "Use bullet points." not in messages["none"]


def test_bare_sends_no_system_message_and_says_what_templates_do(run_here: Path) -> None:
    called = scai("evaluate", "none", "bare", "--suite", "choice", "--n", "1", "--model", "simulated")
    assert called.code == 0
    assert "bare: no system message is sent, but chat templates of some models insert one of their own" in called.err
    [path] = [path for path in run_here.iterdir() if path.name != "kind"]
    roles = {call["id"]: [m["role"] for m in call["request"]["messages"]] for call in calls(path)}
    assert {tuple(said) for call, said in roles.items() if "~bare" in call} == {("user",)}
    assert {tuple(said) for call, said in roles.items() if "~none" in call} == {("system", "user")}


def test_the_same_system_twice_gets_a_number(run_here: Path) -> None:
    assert list(systems("kind", "kind", "kind@1")) == ["kind", "kind-2", "kind-e1"]


def test_another_model_is_part_of_the_name(run_here: Path) -> None:
    assert list(systems("none", "none,simulated:x")) == ["none", "none-x"]
    assert list(systems("kind", "kind,simulated:x", "kind,simulated:x")) == ["kind", "kind-x", "kind-x-2"]


# --- errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none", "kind", "--suite", "nosuch"], "unknown suite 'nosuch'; known are adherence, calibration, "),
        (["none", "kind", "--suite", "chioce"], "did you mean 'choice'?"),
        (["none", "kind", "--suite", "choice,choice"], "--suite choice: is named twice; name it once"),
        (["none", "kind", "--suite", ""], "--suite: names no suite; give one, such as society or choice"),
        (["none", "kind", "--suite", "nowhere:Suite"], "suite 'nowhere:Suite' cannot be loaded: No module named"),
        (["none", "knid"], "there is no run 'knid' in runs; did you mean 'kind'?"),
        (["none", "kind@9"], "run 'kind' has no revision after epoch 9; its last is after 1"),
        (["kind", "missing.md"], "missing.md: "),
        (["a=none", "a=bare", "--model", "simulated"], "two systems are called 'a'; give one another name"),
        (["none", "--suite", "choice"], "no system names a model; name a run, or add --model PROVIDER:NAME"),
        (["none", "--model", "simulated"], "--suite: conversations need simulated people and tasks; name a run"),
        (["none,openai:", "--model", "simulated"], "there is no run "),
        (["", "kind"], "names no system; write RUN, FILE, none or bare"),
        (["none", "kind", "--suite", "choice=gone.jsonl"], "gone.jsonl"),
        (["none", "my bot=kind"], "'my bot=kind': a system's name has only letters, digits"),
        (["none", "kind", "--suite", "society=x.jsonl"], "--suite society=x.jsonl: its items are people and tasks"),
        (["none", "kind", "--principle", "Be kind."], "--principle: is for the suite pairs"),
        (["none", "kind", "--judge", "nonsense"], "--judge nonsense: write `simulated` or PROVIDER:NAME"),
        (["none", "kind", "--gold", "gold.csv"], "no suite of this evaluation uses labels; add --suite refusal"),
        (["none", "kind", "--suite", "refusal", "--gold", "gone.csv"], "gone.csv"),
        (["none", "kind", "--suite", "refusal", "--gold", "odd.csv"], "odd.csv: unknown columns (a, b)"),
        (["none", "kind", "--run-id", "kind"], "'kind' is the id of a run; choose another --run-id"),
        (["none", "kind", "--run-id", "../x"], "../x"),
        (["none", "kind", "--config", "gone.yaml"], "gone.yaml"),
        (
            ["none", "kind", "--human", "odd.csv"],
            "--human odd.csv: no suite of this evaluation uses data of real people",
        ),
        (["none", "kind", "--set", "nokey=1"], "nokey"),
        (["none", "kind", "--suite", "foreign_suites:BadItems"], "its items failed: OSError: no items here"),
        (["none", "kind", "--suite", "foreign_suites:NotMade"], "its items failed: RuntimeError: no suite today"),
        (["none", "kind", "--suite", "foreign_suites:OtherSuite"], "item 'w0' has the suite 'other', not 'foreign_"),
        (["none", "kind", "--suite", "pairs", "--judge", ""], "--judge: names no model, or one twice; write"),
        (
            ["none", "kind", "--suite", "pairs", "--judge", "simulated,simulated"],
            "--judge: names no model, or one twice",
        ),
        (["none", "kind", "--judge", "simulated"], "--judge: no suite of this evaluation asks a judge; leave it out"),
    ],
)
def test_an_error_is_one_line_and_leaves_nothing(run_here: Path, arguments: list[str], problem: str) -> None:
    Path("gold.csv").write_text(
        "id,type,prompt,completion,final_label\n1,homonyms,How?,So.,1_full_compliance\n", encoding="utf-8"
    )
    Path("odd.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert problem in refused("evaluate", *arguments)
    assert [path.name for path in run_here.iterdir()] == ["kind"]


def test_items_that_are_missing_or_changed_are_an_error_and_not_other_results(here: Path) -> None:
    file = here / "whole" / "items.jsonl"
    text = file.read_text(encoding="utf-8")
    said = f"{file}: is missing, or changed since the start; restore it from a copy"
    file.write_text(text.replace("?", "!"), encoding="utf-8")
    assert refused("show", "whole") == said
    file.unlink()
    assert refused("report", "whole", "-o", "-") == said


def test_suites_can_be_named_in_one_option_or_in_several() -> None:
    plan = ("--model", "simulated", "--dry-run", "--json")
    one = scai("evaluate", "none", "bare", "--suite", "choice,refusal", *plan).json
    assert scai("evaluate", "none", "bare", "--suite", "choice", "--suite", "refusal", *plan).json == one


def test_that_a_run_was_not_finished_stays_beside_the_results(run_here: Path) -> None:
    Path("short.yaml").write_text(RULED.replace("name: kind", "name: short"), encoding="utf-8")
    assert scai("run", "short.yaml", "--quiet", "--set", "limits.calls=3").code == 3
    assert scai("evaluate", "none", "short", "--suite", "choice", "--n", "1", "--run-id", "it", "--quiet").code == 0
    warning = "run 'short' is not finished (stopped): its constitution may still change"
    assert warning in scai("show", "it", "--json").json["warnings"]


def test_a_taken_id_says_of_what(here: Path) -> None:
    said = "evaluation 'whole' exists already and is finished; choose another --run-id"
    assert refused("evaluate", "none", "kind", "--run-id", "whole") == said
    (here / "whole" / "outcome.json").unlink()
    said = refused("evaluate", "none", "kind", "--run-id", "whole")
    assert said.endswith("not finished; continue with `scai resume whole`, or choose another --run-id")
    assert refused("run", "kind.yaml", "--run-id", "whole").startswith("kind.yaml")
    Path("kind.yaml").write_text(RULED, encoding="utf-8")
    assert "whole" in refused("run", "kind.yaml", "--run-id", "whole")
    assert "whole" in refused("generate", "kind", "--run-id", "whole", "--n", "1")


def test_items_that_wrote_the_rules_need_to_be_allowed(run_here: Path) -> None:
    path = items(
        Path("x.jsonl"), "choice", [{"prompt": "How do I make a pot of tea?", "options": ["a", "b"], "gold": "A"}] * 2
    )
    arguments = ("evaluate", "none", "kind", "--suite", f"choice={path}")
    said = refused(*arguments)
    assert said.startswith("2 items had a part in writing the rules: i0 (a task of run kind); i1 (a task of run kind)")
    assert "--allow-seen" in said
    called = scai(*arguments, "--allow-seen", "--quiet")
    assert called.code == 0
    warnings = scai("show", called.out.strip(), "--json").json["warnings"]
    assert "2 items had a part in writing the rules (--allow-seen)" in warnings
    assert any("for single people left out; to compare with" in warning for warning in warnings)


# --- paired by construction


def test_all_systems_get_the_same_requests_except_for_the_system_message() -> None:
    Path("rule.md").write_text("- Be brief.\n", encoding="utf-8")
    shown = evaluated(lambda _: None, "none", "rule.md", "--suite", "choice,refusal", "--n", "6")
    by_call: dict[str, list[ChatRequest]] = {}
    for request in shown.asked:
        if request.purpose in ("choice", "answer"):
            by_call.setdefault(request.id.replace("~rule", "~none"), []).append(request)
    assert len(by_call) > 12
    for first, second in by_call.values():
        assert first.sampling == second.sampling
        assert first.messages[1:] == second.messages[1:]
        assert {first.messages[0].role, second.messages[0].role} == {"system"}
        assert first.messages[0] != second.messages[0]


def test_a_system_against_its_copy_differs_by_exactly_0(run_here: Path) -> None:
    called = scai("evaluate", "kind", "copy=kind", "--suite", ALL, "--n", "4", "--quiet")
    assert called.code == 0, called.err
    shown = scai("show", called.out.strip(), "--json").json
    differences = {
        (result["suite"], m["measure"]["name"]): m["differences"]["copy"]["estimate"]
        for result in shown["results"]
        for m in result["measures"]
        if m["differences"]["copy"] is not None
    }
    assert set(differences.values()) == {0.0}
    assert {suite for suite, _ in differences} >= {"society", "adherence", "choice", "refusal"}
    assert not {f["verdict"] for f in shown["findings"]} & {"better", "worse"}


# --- resume


def asked_once(path: Path) -> Counter[tuple[str, str]]:
    """The answered calls of an evaluation, each of which may be there once."""
    found = Counter((call["id"], call["digest"]) for call in calls(path) if call.get("source") == "model")
    assert set(found.values()) == {1}
    return found


@pytest.mark.parametrize("concurrency", [1, 8])
def test_what_a_limit_stopped_is_resumed_to_the_byte(run_here: Path, concurrency: int) -> None:
    arguments = ("evaluate", "none", "kind", "--suite", MIXED, "--n", "4", "--set", f"limits.concurrency={concurrency}")
    assert scai(*arguments, "--run-id", "undisturbed", "--quiet").code == 0
    wanted = (run_here / "undisturbed" / "rows.jsonl").read_bytes()
    needed = asked_once(run_here / "undisturbed")
    stopped = scai(*arguments, "--run-id", "parts", "--quiet", "--set", "limits.calls=20")
    assert (stopped.code, stopped.out) == (3, "parts\n")
    assert "`scai resume parts" in stopped.errors[-1]
    rows = (run_here / "parts" / "rows.jsonl").read_bytes()
    assert rows
    assert wanted.startswith(rows)
    assert "continue with `scai resume parts`" in refused("evaluate", "none", "kind", "--run-id", "parts")
    for limit in (45, 75):
        again = scai("resume", "parts", "--quiet", "--set", f"limits.calls={limit}")
        assert again.code == 3
        assert (run_here / "parts" / "rows.jsonl").read_bytes().startswith(rows)
        rows = (run_here / "parts" / "rows.jsonl").read_bytes()
    done = scai("resume", "parts", "--json", "--set", "limits.calls=null")
    assert done.code == 0
    assert (done.json["status"], done.json["calls"]) == ("finished", sum(needed.values()))
    assert (run_here / "parts" / "rows.jsonl").read_bytes() == wanted
    assert asked_once(run_here / "parts") == needed
    assert not list((run_here / "parts").glob("*taken-back*"))


def test_a_finished_evaluation_makes_no_call(here: Path) -> None:
    before = {path.name: path.read_bytes() for path in (here / "whole").iterdir() if path.name != "outcome.json"}
    again = scai("resume", "whole", "--json")
    assert again.code == 0
    assert again.json["status"] == "finished"
    assert again.json["rows"] == again.json["wanted"]
    assert {p.name: p.read_bytes() for p in (here / "whole").iterdir() if p.name != "outcome.json"} == before


def test_torn_and_lost_lines_are_made_again(here: Path) -> None:
    path, wanted = here / "whole" / "rows.jsonl", (here / "whole" / "rows.jsonl").read_bytes()
    needed = asked_once(here / "whole")
    lines = wanted.splitlines(keepends=True)
    for kept in (b"", b"".join(lines[:7]) + lines[7][:50], b"".join(lines[:3] + lines[4:])):
        path.write_bytes(kept)
        assert scai("resume", "whole", "--quiet").code == 0
        assert path.read_bytes() == wanted
        assert asked_once(here / "whole") == needed


def test_settings_that_change_the_rows_are_refused(here: Path) -> None:
    assert "turns" in refused("resume", "whole", "--set", "turns=3")
    assert scai("resume", "whole", "--quiet", "--set", "limits.calls=9999").code == 0


def test_an_evaluation_in_use_is_refused(here: Path) -> None:
    with take_lock(here / "whole"):
        assert "whole" in refused("resume", "whole")
        assert scai("show", "whole").code == 0


# --- damaged files


def damage(name: str, change: Callable[[str], str]) -> str:
    path = Path("runs", "whole", name)
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("evaluation.yaml", lambda _: "systems: ["),
        ("evaluation.yaml", lambda _: ""),
        ("evaluation.yaml", lambda _: "- 1\n"),
        ("evaluation.yaml", lambda text: text.replace("judges:", "jugdes:")),
        ("evaluation.yaml", lambda text: text.replace("- name: none", "- name: ../x")),
        ("experiment.yaml", lambda _: "{"),
        ("items.jsonl", lambda text: "x" + text),
        ("items.jsonl", lambda text: text.replace('"id":', '"ID":', 1)),
        ("rows.jsonl", lambda text: text.replace('"scores"', '"score"', 1)),
        ("rows.jsonl", lambda text: text.replace('"suite":"society"', '"suite":7', 1)),
    ],
)
def test_a_damaged_file_is_one_line(here: Path, name: str, change: Callable[[str], str]) -> None:
    path = damage(name, change)
    for command in (("show",), ("report",), ("resume", "--quiet")):
        assert refused(*command, "whole").startswith(path), command
    assert scai("list").code == 0


@pytest.mark.parametrize("command", ["show", "report"])
def test_rows_that_do_not_fit_their_items_are_a_problem_of_their_suite(here: Path, command: str) -> None:
    damage("rows.jsonl", lambda text: re.sub(r'"item":"ann/\w+"', '"item":"gone"', text))
    called = scai(command, "whole", *(["-o", "-"] if command == "report" else []))
    assert called.code == 0
    assert "its results failed" in called.out


def test_an_item_that_was_changed_since_the_start_is_refused(here: Path) -> None:
    path = damage("items.jsonl", lambda text: text.replace('"cluster":"ann"', '"cluster":"ben"'))
    assert refused("resume", "whole").startswith(f"{path}: changed since the start; restore it from a copy")


# --- what is printed


def test_the_dry_run_is_the_number_of_calls(run_here: Path) -> None:
    arguments = ("evaluate", "none", "kind", "--suite", ALL, "--n", "4")
    called = scai(*arguments, "--dry-run", "--json")
    assert called.code == 0
    plan = called.json
    assert [path.name for path in run_here.iterdir()] == ["kind"]
    assert scai(*arguments, "--quiet", "--run-id", "it").code == 0
    asked: dict[str, Counter[str]] = {}
    suites = {f"r{n}": suite for n, suite in enumerate(_suites(run_here / "it"))}
    for call in calls(run_here / "it"):
        row = call["id"].partition("/")[0].removeprefix("~")
        if row in suites and "/retry" not in call["id"] and not row_is_probe(run_here / "it", row):
            asked.setdefault(suites[row], Counter())[call["purpose"]] += 1
    for suite in plan["suites"]:
        name, planned = suite["name"], {k: v for k, v in suite["calls"].items() if v}
        if name == "adherence":
            assert planned.pop("check") >= asked[name].pop("check", 0)
        if name != "pairs":  # the simulated society does not compare
            assert planned == asked[name], name
    assert plan["total"] == sum(sum(suite["calls"].values()) for suite in plan["suites"])
    shown = scai(*arguments, "--dry-run").out
    assert f"{plan['total']:,} calls, without retries" in shown


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]


def _suites(path: Path) -> list[str]:
    return [row["suite"] for row in _rows(path)]


def row_is_probe(path: Path, row: str) -> bool:
    return bool(_rows(path)[int(row[1:])]["kind"] == "probe")


def test_labels_of_people_are_no_items_of_the_plan(run_here: Path) -> None:
    rows = "".join(f"v2-{n},homonyms,How {n}?,So.,1_full_compliance\n" for n in range(5))
    Path("gold.csv").write_text(f"id,type,prompt,completion,final_label\n{rows}", encoding="utf-8")
    arguments = ("evaluate", "none", "kind", "--suite", "refusal", "--n", "4", "--gold", "gold.csv", "--dry-run")
    [suite] = scai(*arguments, "--json").json["suites"]
    assert (suite["items"], suite["clusters"]) == (4, 2)


def test_other_commands_know_an_evaluation(here: Path) -> None:
    listed = scai("list").out
    assert "whole" in listed
    assert "none,kind" in listed
    assert [run["run_id"] for run in scai("list", "--json").json] == ["kind"]
    shown = scai("show", "whole")
    assert (shown.code, shown.lines[0]) == (0, "a page to mail:           scai report whole")
    assert "kind against none" in shown.out
    assert scai("show", "latest").out == shown.out
    for option in ("--epoch=1", "--ratings", "--constitution", "--prompts=e1"):
        assert refused("show", "whole", option) == "an evaluation is shown as a whole; drop all options but --json"
    assert scai("report", "whole").out == "whole.html\n"
    assert "Who" not in Path("whole.html").read_text(encoding="utf-8")[:15]
    for command in (("compare", "kind", "whole"), ("explain", "whole"), ("chat", "whole"), ("generate", "whole")):
        said = refused(*command)
        assert "it is an evaluation, for `scai show`, `scai report`" in said, said
    assert "it is an evaluation" in refused("show", "whole", "--follow")
    assert "which has a page of its own; name it alone" in refused("report", "kind", "whole")


def test_json_is_the_outcome_and_the_results(here: Path) -> None:
    called = scai("evaluate", "none", "--suite", "choice", "--n", "2", "--json", "--quiet", "--config", _tiny())
    assert (called.code, called.err) == (0, "")
    assert set(called.json) >= {"run_id", "path", "status", "rows", "wanted", "problems", "health", "calls", "usage"}
    assert (called.json["rows"], called.json["wanted"], called.json["problems"]) == (3, 3, 0)
    shown = scai("show", "whole", "--json").json
    assert list(shown) == [
        "run_id", "status", "systems", "suites", "rows", "warnings", "findings", "results",
    ]  # fmt: skip
    assert [result["suite"] for result in shown["results"]] == ALL.split(",")


def _tiny() -> str:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    return "tiny.yaml"


def test_one_system_alone_is_measured(here: Path) -> None:
    called = scai("evaluate", "kind", "--suite", "choice", "--n", "2", "--quiet")
    shown = scai("show", called.out.strip(), "--json").json
    assert shown["findings"] == []
    assert shown["results"][0]["measures"]
    assert scai("report", called.out.strip(), "-o", "-").code == 0


def test_people_who_wrote_the_rules_of_one_run_alone_are_refused(run_here: Path) -> None:
    Path("other.yaml").write_text(
        RULED.replace("name: kind", "name: other") + "holdout: {personas: [bob]}\n", encoding="utf-8"
    )
    assert scai("run", "other.yaml", "--quiet").code == 0
    said = refused("evaluate", "other", "kind", "--suite", "society", "--quiet")
    assert said.startswith("person bob: had a part in writing the rules of kind, not of every run; name people and")
    first = scai("evaluate", "other", "kind", "--suite", "society", "--quiet", "--allow-seen")
    assert first.code == 0, first.err
    shown = scai("show", first.out.strip(), "--json").json
    assert any("had a part in writing the rules (--allow-seen)" in warning for warning in shown["warnings"])
    assert shown["suites"][0]["items"] == 2  # bob, with both tasks; but the other run knows him
    assert any(note.startswith("Members only") for note in shown["results"][0]["notes"])
    alone = scai("evaluate", "none", "other", "--suite", "society", "--quiet")
    assert alone.code == 0, alone.err
    notes = scai("show", alone.out.strip(), "--json").json["results"][0]["notes"]
    assert not any(note.startswith("Members only") for note in notes)


# --- refusals and failures


def test_a_suite_whose_every_call_is_refused_leaves_the_others() -> None:
    def play(request: ChatRequest) -> Any:
        return PromptRefused("never") if request.purpose == "choice" else None

    shown = evaluated(play, "none", "bare", "--suite", "choice,refusal", "--n", "4")
    rows = [row for row in shown.evaluation.rows if row.suite == "choice" and row.kind == "item"]
    assert all("never" in (row.problem or "") for row in rows)
    assert {f.verdict for f in shown.evaluation.findings if f.suite == "choice"} <= {"cannot tell", "cannot judge"}
    assert {f.verdict for f in shown.evaluation.findings if f.suite == "refusal"} <= {"no difference", "cannot tell"}
    assert scai("show", shown.evaluation.path.name).code == 0
    assert scai("report", shown.evaluation.path.name, "-o", "-").code == 0


def test_too_many_failures_stop_it_and_a_resume_goes_on() -> None:
    Path("played.yaml").write_text(EXPERIMENT, encoding="utf-8")
    arguments = ("evaluate", "none", "--suite", "choice", "--n", "4", "--config", "played.yaml", "--run-id", "it")
    with playing(lambda _: CallFailed("no answer")):
        called = scai(*arguments, "--quiet")
    assert called.code == 4
    assert "more" in called.errors[-1] or "failed" in called.errors[-1]
    with playing(lambda _: None):
        assert scai("resume", "it", "--quiet", "--trust").code == 0
    assert len(_rows(Path("runs/it"))) == 5


# --- third parties


def foreign(name: str, *more: object) -> Called:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    suite = f"{foreign_suites.NAME}:{name}"
    return scai("evaluate", "none", "--suite", suite, "--run-id", "it", "--config", "tiny.yaml", *more)


def test_a_suite_of_a_third_party_is_played_and_shown_with_trust_alone() -> None:
    called = foreign("Words", "--n", "5")
    assert called.code == 0, called.err
    assert "add --trust" not in called.err
    measured = scai("show", "it", "--json", "--trust").json["results"][0]["measures"]
    assert measured[0]["values"]["none"] is not None
    without = scai("show", "it", "--json").json["results"][0]
    assert (without["measures"], without["problem"]) == ([], "its code is third-party; add --trust to load it")
    assert "third-party" in scai("report", "it", "-o", "-").out
    assert "third-party" not in scai("report", "it", "-o", "-", "--trust").out
    assert "add --trust to load it" in refused("resume", "it")
    assert scai("resume", "it", "--trust").code == 0


def test_a_suite_of_real_people_needs_their_file_at_the_start_alone() -> None:
    ratings = "".join(f"ann,Say {text}.,Yes.,{n},31\n" for n, text in enumerate(("tea", "milk", "oats"), 1))
    Path("ours.csv").write_text(f"person,prompt,answer,rating,age\n{ratings}ann,Say tea.,No.,,31\n", encoding="utf-8")
    called = foreign("OfPeople", "--human", "ours.csv", "--set", "limits.calls=1")
    assert (called.code, "left out, answers without a rating: 1" in called.err) == (3, True), called.err
    Path("ours.csv").unlink()
    assert scai("resume", "it", "--trust", "--set", "limits.calls=null").code == 0
    found = [json.loads(line) for line in Path("runs/it/items.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(item["prompt"], item["source"]) for item in found] == [
        ("Say tea.", "ours.csv"),
        ("Say milk.", "ours.csv"),
        ("Say oats.", "ours.csv"),
    ]
    assert [row["problem"] for row in _rows(Path("runs/it"))] == [None] * 4
    gone = foreign("OfPeople", "--human", "ours.csv", "--run-id", "other")
    assert (gone.code, "ours.csv: there is no such file" in gone.err) == (2, True)


def test_a_third_party_s_error_is_a_problem_of_its_row_or_suite() -> None:
    called = foreign("Raising", "--quiet")
    assert called.code == 0, called.err
    rows = _rows(Path("runs/it"))
    assert [row["problem"] for row in rows] == [
        None,
        None,
        "the suite failed: ZeroDivisionError: no\nluck \x1b[31m",
        None,
    ]
    shown = scai("show", "it", "--trust")
    assert (shown.code, "\x1b[31m" in shown.out) == (0, False)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("BadProbe", "the suite failed: KeyError: 'probe'"),
        ("BadResults", "its results failed: IndexError: results"),
        ("NoResult", "its results failed: TypeError: NoneType is not a SuiteResult"),
        ("NoCount", "its results failed: ValueError: short: n, p, error or freedom is out of its range"),
        ("NotANumber", "its results failed: ValueError: short: a number is not finite"),
    ],
)
def test_a_third_party_that_fails_stops_no_other_suite(name: str, problem: str) -> None:
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    suites = f"{foreign_suites.NAME}:{name},refusal"
    more = ("--config", "tiny.yaml", "--n", "2", "--run-id", "it")
    called = scai("evaluate", "none", "--suite", suites, *more)
    assert called.code == 0, called.err
    bad, good = scai("show", "it", "--json", "--trust").json["results"]
    assert bad["problem"] == problem
    assert good["problem"] is None
    assert good["measures"]
    assert scai("report", "it", "-o", "-", "--trust").code == 0


def test_what_a_third_party_returns_in_other_types_is_shown() -> None:
    assert foreign("Numbers", "--quiet").code == 0
    [result] = scai("show", "it", "--json", "--trust").json["results"]
    assert (len(result["measures"]), result["tables"][0]["rows"]) == (1, [["a", "7"]])
    assert scai("show", "it", "--trust").code == 0


def test_answers_that_no_row_can_keep_are_problems() -> None:
    called = foreign("Odd", "--n", "5", "--quiet")
    assert called.code == 0, called.err
    assert [row["problem"] is None for row in _rows(Path("runs/it"))] == [True, True, False, False, False, False]
    assert scai("show", "it", "--trust").code == 0


# --- the library


def test_the_library_starts_and_resumes(run_here: Path) -> None:
    said: list[str] = []
    job = api.evaluate(
        ["none", "bare", "kind"], ["choice"], n=2, runs_dir=run_here, observer=SilentObserver(said.append)
    )
    outcome = asyncio.run(job)
    assert (outcome.status, outcome.result.rows, outcome.result.problems) == ("finished", 3, 0)
    assert [line for line in said if line.startswith("bare:")]
    assert outcome.run_id == "none-vs-bare-evaluation"
    assert asyncio.run(api.resume(outcome.path)).spent.calls == outcome.spent.calls
