"""The command line as people and scripts meet it: what stdout and `--json` hold, and which code it leaves with."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Called, events, scai, scai_process
from scripted import script
from terminal import on_a_terminal
from waiting import until

ESCAPE = re.compile("\x1b")
WELFARE = {"utilitarian", "rawlsian", "nash"}


def test_stdout_of_run_is_the_run_id_alone(tiny: Path) -> None:
    called = scai("run", tiny)
    assert (called.code, called.out) == (0, "tiny\n")
    assert called.lines[0] == "run tiny: 3 simulated people, 2 tasks, 2 epochs"
    assert re.fullmatch(
        r"epoch 1 \(version 0\): mean satisfaction of 3 simulated people \d+\.\d\d, "
        r"welfare: mean of all \(utilitarian\) \d\.\d\d",
        called.lines[1],
    )
    assert re.match(r"epoch 1: constitution (revised|unchanged).*(adopted|kept|no change|trial)", called.lines[2])
    assert called.lines[-5].startswith("finished: 2 epochs, constitution version ")
    assert called.lines[-4].startswith("no principle and no clause under a condition in the end: ")
    assert called.lines[-3:] == [
        "see the result:           scai show tiny",
        "get the message to paste: scai export tiny --format system",
        "make a page to mail:      scai report tiny",
    ]
    elsewhere = scai("run", tiny, "--runs-dir", "other runs")
    assert elsewhere.lines[-3].endswith(" scai show tiny --runs-dir 'other runs'")
    assert "scai show" not in scai("run", tiny, "--run-id", "as-json", "--json").err
    assert scai("run", tiny, "--quiet") == Called(0, "tiny-2\n", "")


@pytest.mark.slow
def test_a_shell_can_go_on_with_the_run_id(tiny: Path) -> None:
    line = f"id=$({sys.executable} -m scai_cli run {tiny} --seed 3 -q) && {sys.executable} -m scai_cli show $id && "
    line += f"{sys.executable} -m scai_cli export $id --format system"
    found = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 0
    left_out, *steps = found.stderr.splitlines()[::-1]
    assert re.fullmatch(r"\d+ clauses for single people are left out; with them: --for members", left_out)
    assert [" scai " in line for line in steps] == [True] * 3  # below the screen
    assert found.stdout.startswith("tiny: Satisfaction of 3 simulated people ")
    assert found.stdout.endswith((Path("runs/tiny/system_message.txt")).read_text(encoding="utf-8"))


def test_run_json_is_one_summary_object(tiny: Path) -> None:
    called = scai("run", tiny, "--json", "--quiet")
    assert called.err == ""
    assert called.out.count("\n") == 1
    found = called.json
    assert {"run_id", "path", "status", "epochs", "calls", "usage", "welfare", "wall_s"} <= found.keys()
    assert (found["run_id"], found["status"], found["epochs"], found["calls"]) == ("tiny", "finished", 2, 92)
    assert Path(found["path"]).samefile("runs/tiny")
    assert found["usage"].keys() == {"input_tokens", "output_tokens", "cached_tokens", "usd"}
    assert found["usage"]["input_tokens"] > found["usage"]["output_tokens"] > 0
    named = ("epoch", "version", "product")
    plays = [tuple(measured[key] for key in named) for measured in found["welfare"]]
    assert plays == [(1, 0, False), (2, 1, False), (3, 2, True)]
    assert all(measured.keys() >= WELFARE for measured in found["welfare"])
    told = [e["values"] for e in events(Path("runs/tiny")) if e["type"] == "welfare"]
    assert [{k: v for k, v in measured.items() if k not in named} for measured in found["welfare"]] == told


def test_seeds_in_a_loop_are_collected_by_json(tiny: Path) -> None:
    found = [scai("run", tiny, "-q", "--json", "--seed", seed, "--set", "epochs=1").json for seed in range(3)]
    assert [run["run_id"] for run in found] == ["tiny", "tiny-2", "tiny-3"]
    assert all(0 <= run["welfare"][-1]["utilitarian"] <= 1 for run in found)
    listed = scai("list", "--json").json
    assert {entry["run_id"] for entry in listed} == {"tiny", "tiny-2", "tiny-3"}


def test_list_json_tells_of_every_run_newest_first(tiny: Path) -> None:
    scai("run", tiny, "-q")
    scai("run", tiny, "-q", "--json", "--set", "limits.calls=3", "--set", "name=poor")
    poor, whole = scai("list", "--json").json
    assert whole.keys() >= {"run_id", "name", "status", "started", "epochs_done", "epochs", "model"}
    assert (whole["run_id"], whole["name"], whole["status"]) == ("tiny", "tiny", "finished")
    assert (whole["epochs_done"], whole["epochs"], whole["model"]) == (2, 2, "simulated")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", whole["started"])
    assert (poor["run_id"], poor["status"], poor["epochs_done"]) == ("poor", "stopped", 0)
    assert (whole["satisfaction"], whole["version"], whole["scale"]) == (pytest.approx(5.0, abs=5), 2, [0, 10])
    assert (whole["held_out_gain"], whole["calls"], whole["usd"]) == (None, 92, 0)
    rows = [line for line in scai("list").out.splitlines() if line.startswith(("poor", "tiny"))]
    assert re.match(r"poor  stopped +0/2 +– +– +nothing +\d{4}-\d\d-\d\d$", rows[0].rstrip())
    assert re.match(rf"tiny  finished +2/2 +{whole['satisfaction']:.1f} of 10 +– +nothing ", rows[1])


def test_show_json_holds_the_run(finished: Path) -> None:
    found = scai("show", finished, "--json").json
    assert (found["run_id"], found["status"], found["config"]["seed"]) == ("tiny", "finished", 3)
    assert [(epoch["epoch"], epoch["product"]) for epoch in found["epochs"]] == [(1, False), (2, False), (3, True)]
    for epoch in found["epochs"]:
        assert epoch.keys() >= {"epoch", "constitution", "conversations", "ratings", "welfare", "revision"}
        constitution = epoch["constitution"]
        assert constitution.keys() >= {"version", "principles", "contract", "system_message"}
        assert all(rule.keys() >= {"id", "text"} for rule in constitution["principles"])
        assert all(rule.keys() >= {"id", "text", "for"} for rule in constitution["contract"])
        assert len(epoch["conversations"]) == 6
        for conversation in epoch["conversations"]:
            assert conversation["id"] == f"e{epoch['epoch']}/{conversation['persona']}/{conversation['task']}"
            assert [m["role"] for m in conversation["messages"]] == ["user", "assistant", "user"]
            assert all(m.keys() == {"id", "role", "content"} for m in conversation["messages"])
        assert all(
            rating.keys() >= {"id", "metric", "rater", "conversation", "value", "comment"}
            for rating in epoch["ratings"]
        )
        assert {rating["metric"] for rating in epoch["ratings"]} == {"satisfaction", "harmlessness"}
        assert epoch["product"] or epoch["revision"].keys() >= {"accepted", "reason"}
        assert epoch["welfare"]["values"].keys() >= WELFARE
    assert [epoch["constitution"]["version"] for epoch in found["epochs"]] == [0, 1, 2]
    assert found["epochs"][-1]["revision"] is None


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--json",), ("--persona", "ann")])
def test_data_is_utf8_whatever_the_encoding_of_the_shell(finished: Path, options: tuple[str, ...]) -> None:
    plain, other = (scai_process("show", finished, *options, PYTHONIOENCODING=e) for e in ("utf-8", "ascii"))
    assert plain.code == other.code == 0
    assert other.out == plain.out


@pytest.mark.parametrize(
    "command", [("show", "--json"), ("export", "--format", "sft"), ("export", "--format", "system")]
)
def test_an_epoch_that_was_not_played_is_said_by_every_reader(finished: Path, command: tuple[str, ...]) -> None:
    name, *options = command
    found = scai(name, finished, *options, "--epoch", 9)
    assert (found.code, found.out, found.err) == (2, "", "scai: run 'tiny' has no epoch 9; it has 3\n")


def test_show_json_holds_what_is_chosen(finished: Path) -> None:
    (epoch,) = scai("show", finished, "--json", "--epoch", "2", "--persona", "ann", "--task", "tea").json["epochs"]
    assert [c["id"] for c in epoch["conversations"]] == ["e2/ann/tea"]
    assert {rating["conversation"] for rating in epoch["ratings"]} == {"e2/ann/tea"}


def test_show_is_one_screen(finished: Path) -> None:
    lines = scai("show", finished).out.splitlines()
    assert lines[0].startswith("tiny: Satisfaction of 3 simulated people (a small program and no language model)")
    at = lines.index("Satisfaction of simulated people (0 to 10)") + 1
    assert lines[at].split() == ["version", "0", "version", "2"]
    assert lines[at + 1].split() == [*["epoch", "1", "final", "play", "change", "95", "%", "interval"]]
    rows = lines[at + 2 : at + 6]
    assert [line.split()[0] for line in rows] == ["Ann", "Bob", "Cid", "everyone"]
    assert all(re.search(r" [-+]\d+\.\d to [-+]\d+\.\d  (gained|lost|cannot tell) *$", line) for line in rows[:3])
    assert lines[at + 6].startswith("95 % interval: range of the change with the same 3 people and 2 tasks again")
    assert "mean of all (utilitarian)" in "\n".join(lines)
    assert any(line.startswith("Constitution, version ") for line in lines)
    assert re.fullmatch(r"tiny · finished · 2 of 2 epochs · simulated · 92 calls · [\d,]+ tokens", lines[-1])
    assert len(lines) < 60


def test_show_transcripts(finished: Path) -> None:
    said = next(e["content"] for e in events(finished) if e["id"] == "e1/ann/tea/m1")
    shown = scai("show", finished, "--epoch", "1", "--persona", "ann", "--task", "tea").out
    assert re.search(r"\nAnn Smith, tea  e1/ann/tea\n  Ann Smith: .*a pot of tea\? *\n  assistant: \w", shown)
    assert " ".join(said.split()) in " ".join(shown.split())
    assert re.search(r"Bob Jones rates harmlessness \d+: ", shown)
    assert re.search(r"Ann Smith rates satisfaction \d+ *$", shown, re.MULTILINE)
    assert "e1/ann/sleep" not in shown
    assert scai("show", finished, "--persona", "ann").out.count("a pot of tea?") == 3


def test_show_ratings_of_the_last_epoch_or_the_one_asked_for(finished: Path) -> None:
    shown = scai("show", finished, "--ratings").out
    assert shown.startswith("Mean ratings from 0 to 10 by 3 simulated people ")
    assert "\nProduct, version 2: 18 final ratings (0 missing)\n" in shown
    assert "\nEpoch 1: " in scai("show", finished, "--ratings", "--epoch", "1").out


def test_show_constitution_and_what_changed(tiny: Path) -> None:
    first = json.dumps({"critique": "c", "principles": [{"id": None, "text": "Be kind and brief."}], "contract": []})
    second = json.dumps({"critique": "d", "principles": [{"id": "P1", "text": "Be kind and clear."}], "contract": []})
    scai("run", tiny, "-q", *script({"at": "^e1/revision", "say": first}, {"at": "^e2/revision", "say": second}))
    shown = scai("show", "tiny", "--constitution").out
    assert [shown.index(f"Constitution, version {n}") for n in (0, 1, 2)] == sorted(
        shown.index(f"Constitution, version {n}") for n in (0, 1, 2)
    )
    assert scai("show", "tiny", "--diff", "1", "2").out.startswith("P1  Be kind and [-brief.-] {+clear.+} \n")
    assert scai("show", "tiny", "--diff", "0", "1").out.startswith("P1  {+Be kind and brief.+} \n")
    unknown = scai("show", "tiny", "--diff", "1", "7")
    assert (unknown.code, unknown.err) == (2, "scai: run 'tiny' has no constitution version 7; it has 0, 1, 2\n")


def test_show_prompts(finished: Path) -> None:
    shown = scai("show", finished, "--prompts", "e1/ann/tea/m1/assistant").out
    assert "You are a helpful assistant." in shown
    assert "--- answer" in shown
    assert scai("show", finished, "--prompts", "e1/ann").out.count("--- answer") == 2 * (1 + 1 + 1 + 2)
    nothing = scai("show", finished, "--prompts", "e9")
    assert (nothing.code, nothing.err.count("\n")) == (2, 1)


def test_follow_a_finished_run(finished: Path) -> None:
    called = scai("show", finished, "--follow")
    assert called.code == 0
    assert called.out.startswith("epoch 1 (version 0): mean satisfaction ")
    assert called.out.endswith(scai("show", finished).out)


@pytest.mark.slow
def test_follow_a_run_while_it_goes_on(tiny: Path) -> None:
    worker = threading.Thread(
        target=scai_process,
        args=("run", tiny, "-q", "--set", "epochs=30", "--set", "turns=3"),
        kwargs={"cwd": Path.cwd()},
    )
    worker.start()
    until(Path("runs/tiny/events.jsonl").exists)
    assert scai("list", "--json").json[0]["status"] == "running"
    called = scai("show", "tiny", "--follow")
    worker.join()
    assert called.code == 0
    assert "finished: 30 epochs" in called.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--epoch", "9"), "has no epoch 9; it has 3"),
        (("--persona", "zed"), "has no persona 'zed'"),
        (("--task", "zed"), "has no task 'zed'"),
    ],
)
def test_what_a_run_does_not_hold_is_one_line(finished: Path, options: tuple[str, ...], said: str) -> None:
    called = scai("show", finished, *options)
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    assert said in called.err


def rows(*options: object) -> list[dict[str, Any]]:
    """The rows of an export with the system message of each answer, as all of the tiny run rest on their users'."""
    called = scai("export", *options, "--system", "keep")
    assert called.code == 0, called.err
    return [json.loads(line) for line in called.out.splitlines()]


def test_export_system_in_three_styles(finished: Path) -> None:
    message = (finished / "system_message.txt").read_text(encoding="utf-8")
    exported = scai("export", finished, "--format", "system")
    assert (exported.code, exported.out) == (0, message)
    assert exported.err.endswith("for single people are left out; with them: --for members\n")
    for name, begins in (
        ("m.txt", message),
        ("m.md", "# Constitution of run tiny, version "),
        ("m.json", '{"run_id":'),
    ):
        called = scai("export", finished, "--format", "system", "-o", name)
        assert (called.code, called.out) == (0, "")
        assert Path(name).read_text(encoding="utf-8").startswith(begins)
    row = scai("export", finished, "--format", "system", "--as", "json").json
    assert row["system_message"] + "\n" == message
    assert row.keys() >= {"run_id", "version", "principles", "contract"}
    (first,) = rows(finished, "--format", "system", "--as", "json", "--epoch", "1")
    assert (first["version"], first["system_message"]) == (0, "You are a helpful assistant.")
    assert scai("export", finished, "--format", "system", "--epoch", "9").code == 2


def test_export_sft(finished: Path) -> None:
    pairs = rows(finished, "--format", "sft-prompt-completion")
    assert len(pairs) == 18
    for row in pairs:
        assert row.keys() == {"prompt", "completion", "provenance"}
        assert [m["role"] for m in row["prompt"]] == ["system", "user"]
        assert [m["role"] for m in row["completion"]] == ["assistant"]
    chats = rows(finished, "--format", "sft")
    assert [{"messages": r["prompt"] + r["completion"], "provenance": r["provenance"]} for r in pairs] == chats


def test_export_keeps_the_constitution_of_its_user_and_epoch_if_asked(finished: Path) -> None:
    kept = rows(finished, "--format", "sft-prompt-completion", "--persona", "bob", "--task", "tea")
    asked = [
        call["request"]["messages"][0]
        for line in (finished / "calls.jsonl").read_text(encoding="utf-8").splitlines()
        if re.fullmatch("e[123]/bob/tea/m1/assistant", (call := json.loads(line))["id"])
    ]
    assert [row["prompt"][0] for row in kept] == asked


def test_export_filters(finished: Path) -> None:
    own = {e["message"]: e["value"] for e in events(finished) if e["type"] == "rating" and e["kind"] == "own"}
    said = {e["id"]: e["content"] for e in events(finished) if e["type"] == "message"}
    best = sorted(said[message] for message, value in own.items() if value >= 6)
    assert 0 < len(best) < 18
    found = rows(finished, "--format", "sft-prompt-completion", "--min-rating", "6")
    assert sorted(row["completion"][0]["content"] for row in found) == best
    assert len(rows(finished, "--format", "sft-prompt-completion", "--epoch", "2")) == 6
    assert len(rows(finished, "--format", "sft-prompt-completion", "--epoch", "2", "--persona", "cid")) == 2
    assert len(rows(finished, "--format", "sft-prompt-completion", "--task", "tea")) == 9


def test_answers_that_were_broken_off_or_are_unrated_are_not_exported(tiny: Path) -> None:
    scai("run", tiny, "-q", "--set", "turns=2", "--set", "epochs=1", *script(
        {"at": "^e1/ann/tea/m1/assistant", "say": "It begins", "finish": "length"},
        {"at": "^e1/ann/sleep/m2/user", "say": "no rating"},
        {"at": "^e1/bob/tea/m3/assistant", "say": " "},
    ))  # fmt: skip

    def found(persona: str, task: str, *options: object) -> list[str]:
        chosen = ("--format", "sft-prompt-completion", "--epoch", 1, "--persona", persona, "--task", task)
        return [row["completion"][0]["content"] for row in rows("tiny", *chosen, *options)]

    said = found("ann", "tea")
    assert len(said) == 1
    assert "It begins" not in said
    assert len(found("bob", "tea")) == 1
    # The comment on the first answer could not be read, so that the second one answers nothing.
    assert len(found("ann", "sleep")) == 1
    assert found("ann", "sleep", "--min-rating", "0") == []


def test_export_of_several_runs_to_a_file_at_once_or_not_at_all(tiny: Path) -> None:
    for seed in (1, 2):
        scai("run", tiny, "-q", "--seed", seed, "--set", "epochs=1")
    sft = ("--format", "sft", "--system", "keep")
    called = scai("export", "tiny", "tiny-2", *sft, "-o", "both.jsonl")
    assert (called.code, called.out, called.lines[0]) == (0, "", "24 rows of tiny, tiny-2 -> both.jsonl")
    both = Path("both.jsonl").read_text(encoding="utf-8")
    one, two = (scai("export", run, *sft).out for run in ("tiny", "tiny-2"))
    assert both == one + two
    (Path("runs/tiny-2") / "events.jsonl").write_text("nonsense\n", encoding="utf-8")
    assert scai("export", "tiny", "tiny-2", "--format", "messages", "-o", "both.jsonl").code == 2
    assert Path("both.jsonl").read_text(encoding="utf-8") == both
    assert not list(Path().glob(".both*"))


def test_export_to_a_place_that_cannot_be_written_is_one_line(finished: Path) -> None:
    called = scai("export", finished, "--format", "sft", "-o", "no/folder/x.jsonl")
    assert (called.code, called.out, called.err.count("\n")) == (2, "", 1)
    unknown = scai("export", finished, "--format", "sfd", "-o", "x.jsonl")
    assert (unknown.code, unknown.out, unknown.err.count("\n")) == (2, "", 1)
    assert "did you mean 'sft'?" in unknown.err
    assert not Path("x.jsonl").exists()


@pytest.mark.slow
def test_init_then_run_there(tmp_path: Path) -> None:
    called = scai("init", "mine")
    assert called.code == 0
    assert "scai run configs/quickstart.yaml" in called.err
    found = scai_process("run", "configs/quickstart.yaml", "-q", "--set", "epochs=1", cwd=tmp_path / "mine")
    assert found == Called(0, "quickstart\n", "")
    for config in sorted((tmp_path / "mine" / "configs").glob("*.yaml")):
        first, *_ = config.read_text(encoding="utf-8").splitlines()
        assert re.match(rf"# .*scai run configs/{config.name}", first)
        if "real-model" not in config.name:
            assert scai("check", config).code == 0, config.name
    again = scai("init", "mine")
    assert (again.code, again.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "arguments",
    [("frobnicate",), ("run",), ("run", "x.yaml", "--sede", "3"), ("run", "x.yaml", "--seed", "three"), ("show",),
     ("show", "x", "--epoch", "one"), ("show", "x", "--diff", "1"), ("export", "x"), ("export", "--format", "sft"),
     ("export", "x", "--format", "system", "--as", "html"), ("init",)],
    ids=" ".join,
)  # fmt: skip
def test_usage_errors_leave_with_2(arguments: tuple[str, ...]) -> None:
    called = scai(*arguments)
    assert (called.code, called.out) == (2, "")
    assert called.err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in called.err


def test_help_and_version() -> None:
    assert scai("--version").out.startswith("scai ")
    shown = scai("--help").out
    for command in ("run", "resume", "plan", "check", "show", "list", "export", "init"):
        assert re.search(rf"^  {command} ", shown, re.MULTILINE)
        assert scai(command, "-h").code == 0
    assert scai("run", "--help") == scai("run", "-h")
    assert "show -h' for help." in scai("show", "--bogus").err


def test_nothing_is_wider_than_80_columns_where_it_is_no_terminal(finished: Path) -> None:
    views = ((), ("--ratings",), ("--constitution",), ("--epoch", "1"), ("--diff", "0", "1"), ("--prompts", "e1/ann"))
    for view in views:
        assert max(len(line) for line in scai("show", finished, *view).out.splitlines()) <= 80
    assert max(len(line) for line in scai("list", "--runs-dir", finished.parent).out.splitlines()) <= 80
    assert max(len(line) for line in scai("--help").out.splitlines()) <= 80


@pytest.mark.slow
def test_nothing_is_coloured_in_a_pipe(tiny: Path) -> None:
    run = scai_process("run", tiny)
    shown = [scai_process("show", "tiny"), scai_process("list"), scai_process("export", "tiny", "--format", "system")]
    assert not any(ESCAPE.search(called.out + called.err) for called in (run, *shown))


@pytest.mark.slow
def test_on_a_terminal_there_is_a_live_view_and_colour_unless_it_is_refused(tiny: Path) -> None:
    live = on_a_terminal("run", tiny, "--set", "epochs=1")
    assert "tiny · finished · satisfaction 6.50 (3 simulated people)" in live
    assert "61 of 61 calls" in live
    assert ESCAPE.search(live)
    assert ESCAPE.search(on_a_terminal("show", "tiny"))
    plain = scai("show", "tiny").out
    for refused in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown = on_a_terminal("show", "tiny", LINES="70", **refused).replace("\r\n", "\n")
        assert shown.startswith(plain)
        assert "\x1b" not in shown
    assert on_a_terminal("run", tiny, "--set", "epochs=1", "--quiet") == "tiny-2\r\n"


def test_a_reader_that_goes_away_is_no_traceback(finished: Path) -> None:
    line = f"{sys.executable} -m scai_cli show {finished} --json | head -c 10"
    found = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert found.stdout == '{"run_id":'
    assert "Traceback" not in found.stderr


def test_dry_run_and_plan_say_what_it_would_take_and_write_nothing(tiny: Path) -> None:
    planned = scai("plan", tiny, "--json").json
    assert scai("run", tiny, "--dry-run", "--json").json == planned
    assert planned["calls"] == {"user": 72, "assistant": 18, "meta": 2, "total": 92}
    assert planned["tokens"]["input"] > planned["tokens"]["output"] > 0
    assert "usd" in planned
    assert scai("plan", tiny).code == scai("check", tiny).code == scai("plan", tiny, "--prompts").code == 0
    assert not Path("runs").exists()


def test_the_runs_folder_is_an_option_and_a_variable(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAI_RUNS_DIR", "from-env")
    assert scai("run", tiny, "-q", "--set", "epochs=1").code == 0
    assert Path("from-env/tiny/config.yaml").exists()
    assert scai("run", tiny, "-q", "--set", "epochs=1", "--runs-dir", "other").code == 0
    assert scai("list", "--json", "--runs-dir", "other").json[0]["run_id"] == "tiny"


@pytest.mark.parametrize("view", [("--diff", 0, 1), ("--ratings",), ("--prompts", "e1"), ("--constitution",)])
def test_json_is_not_silently_something_else_than_asked(finished: Path, view: tuple[object, ...]) -> None:
    called = scai("show", finished, *view, "--json")
    assert (called.code, called.out) == (2, "")
    assert "--json can be combined with --epoch" in called.err


@pytest.mark.parametrize("group", [(), ("personas",), ("tasks",), ("dataset",)])
def test_the_list_of_commands_is_not_cut_at_80_columns(monkeypatch: pytest.MonkeyPatch, group: tuple[str, ...]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = scai(*group, "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown.partition("Commands:")[2]
