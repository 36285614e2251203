"""For whom a system message is: `scai export --format system --for everyone|members|ID`, and where it is read again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Called, scai
from scripted_runs import NO_CROSS, experiment

PEOPLE = [
    {"id": "ann", "name": "James", "attributes": {"job": "nurse"}},
    {"id": "bob", "name": "James", "attributes": {"job": "cook"}},
    {"id": "cid", "name": "Cid"},
]
HURRY = "the user is in a hurry"
CONTRACT = [
    {"text": "Be brief.", "when": HURRY},
    {"text": "What for?", "kind": "ask"},
    {"text": "By when?", "when": HURRY, "kind": "ask"},
    {"text": "Rhyme.", "for": ["ann", "cid"]},
    {"text": "Joke.", "for": ["bob"]},
]
EVERYONE = f"""\
You are a helpful assistant.

Follow these principles with everyone:
1. Be kind.

Follow each of these only where its condition is met, within these principles:
- When {HURRY}: Be brief.

Ask these questions, one at most in a conversation:
- What for?
- When {HURRY}: By when?
"""
SYSTEM = ("export", "t", "--format", "system")
LEFT_OUT = "2 clauses for single people are left out; with them: --for members\n"


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `t` whose product has clauses of every kind."""
    folder = tmp_path_factory.mktemp("source")
    start = {"principles": ["Be kind."], "contract": CONTRACT}
    nothing = {"e1/revision": {"critique": "c", "edits": []}}
    keys = {"personas": PEOPLE, "ratings": NO_CROSS, "revision": {"strategy": "grounded"}}
    file = experiment(folder, nothing, constitution=start, **keys)
    assert scai("run", file, "--runs-dir", folder / "runs", "--quiet").code == 0
    return folder


@pytest.fixture(autouse=True)
def here(source: Path, tmp_path: Path) -> None:
    shutil.copytree(source, tmp_path, dirs_exist_ok=True)


def test_everyone_is_the_default_and_says_what_is_left_out() -> None:
    assert scai(*SYSTEM) == Called(0, EVERYONE, LEFT_OUT)
    assert scai(*SYSTEM, "--for", "everyone") == Called(0, EVERYONE, "")
    assert Path("runs/t/system_message.txt").read_text(encoding="utf-8") == EVERYONE


def test_members_are_named_so_that_each_is_one_person() -> None:
    clauses = "- When you talk with James (nurse) and Cid: Rhyme.\n- When you talk with James (cook): Joke.\n"
    members = f"{EVERYONE}\nFor some people only, within these principles:\n{clauses}"
    assert scai(*SYSTEM, "--for", "members") == Called(0, members, "")
    title = "# Constitution of run t, version 0\n\n"
    assert scai(*SYSTEM, "--for", "members", "--as", "markdown").out == title + members


def test_an_id_is_the_message_of_that_person() -> None:
    message = f"{EVERYONE}\nFor the person you are talking with now, within these principles:\n- Rhyme.\n"
    assert scai(*SYSTEM, "--for", "cid") == Called(0, message, "")
    assert scai(*SYSTEM, "--for", "cid", "--as", "json").json["system_message"] == message.rstrip("\n")


@pytest.mark.parametrize(
    ("audience", "ids"),
    [("everyone", ["C1", "C2", "C3"]), ("members", ["C1", "C2", "C3", "C4", "C5"]), ("bob", ["C1", "C2", "C3", "C5"])],
)
def test_the_contract_in_json_is_that_of_the_audience(audience: str, ids: list[str]) -> None:
    row = scai(*SYSTEM, "--for", audience, "--as", "json").json
    assert list(row) == ["run_id", "version", "system_message", "principles", "contract"]
    assert [clause["id"] for clause in row["contract"]] == ids
    assert row["contract"][2] == {"id": "C3", "text": "By when?", "for": [], "when": HURRY, "kind": "ask"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--for", "cyd"), "--for cyd: run 't' has no persona with this id; did you mean 'cid'?"),
        (("--for", "member"), "did you mean 'members'?"),
        (("--persona", "ann"), "for this persona's message, write --for ann"),
        (("--task", "tea"), "--task: the format 'system' exports whole runs"),
        (("--format", "sft", "--for", "ann"), "--for: only the formats system and eval are for an audience"),
    ],
)
def test_what_does_not_fit_is_one_line(options: tuple[str, ...], problem: str) -> None:
    refused = scai(*SYSTEM, *options)
    assert (refused.code, refused.out, len(refused.lines)) == (2, "", 1)
    assert problem in refused.err


@pytest.mark.parametrize("name", ["m.txt", "m.md", "m.json"])
def test_the_members_text_starts_the_same_constitution(tmp_path: Path, name: str) -> None:
    assert scai(*SYSTEM, "--for", "members", "-o", name).code == 0
    start = {"from": name}
    file = experiment(tmp_path, {}, name="b", personas=PEOPLE, constitution=start)
    called = scai("check", file, "--json")
    assert "not read" not in called.err
    contract = called.json["constitution"]["earlier"]["contract"]
    kept = [{key: clause[key] for key in ("text", "when", "for", "kind") if clause.get(key)} for clause in contract]
    assert kept == CONTRACT


def test_what_is_not_read_is_said_on_stderr(tmp_path: Path) -> None:
    Path("m.md").write_text("Hello.\n\n- Be kind.\n", encoding="utf-8")
    file = experiment(tmp_path, {}, personas=PEOPLE, constitution={"from": "m.md"})
    note = f"{tmp_path}/m.md:1: not read: Hello."
    assert scai("check", file).lines.count(note) == 1
    assert note in scai("run", file, "--quiet", "--run-id", "b").lines
    called = scai(
        "generate", "m.md", "--model", "simulated", "--tasks", tasks(), "--set", "generate.judge=model", "--dry-run"
    )
    assert called.lines == ["m.md:1: not read: Hello.", "start it: the same command without --dry-run"]


def tasks() -> Path:
    path = Path("tasks.jsonl")
    path.write_text('{"id": "a", "prompt": "How?"}\n', encoding="utf-8")
    return path


def test_conditions_and_questions_are_shown() -> None:
    shown = scai("show", "t", "--constitution").out
    assert f"C1 when {HURRY}: Be brief." in shown
    assert "C2 ask: What for?" in shown
    assert f"C3 ask when {HURRY}: By when?" in shown
    contract = scai("show", "t", "--json").json["epochs"][0]["constitution"]["contract"]
    assert [(c["when"], c["kind"], c["for"]) for c in contract] == [
        (HURRY, "rule", []), (None, "ask", []), (HURRY, "ask", []), (None, "rule", ["ann", "cid"]),
        (None, "rule", ["bob"]),
    ]  # fmt: skip


def test_the_report_has_the_text_for_everyone_and_the_command_for_more() -> None:
    assert scai("report", "t", "-o", "r.html").code == 0
    page = Path("r.html").read_text(encoding="utf-8")
    assert f'<pre tabindex="0">{EVERYONE.rstrip()}</pre>' in page
    assert "2 clauses for single people are left out; with them: " in page
    assert "<code>scai export t --format system --for members</code>" in page
    assert f"<i>ask when {HURRY}: </i>By when?" in page


def test_the_message_of_an_unfinished_run_is_called_so(tiny: Path) -> None:
    assert scai("run", tiny, "-q", "--set", "limits.calls=60").code != 0
    command = ("export", "tiny", "--format", "system", "--for", "everyone")
    assert scai(*command).err == "run tiny is not finished: this is its constitution so far\n"
    assert scai("resume", "tiny", "-q", "--set", "limits.calls=1000").code == 0
    assert scai(*command).err == ""
