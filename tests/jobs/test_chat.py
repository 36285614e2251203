"""`scai chat`: talked with through pipes and at a terminal, saved line by line."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from changed_runs import changed
from conftest import TINY, events, scai
from loopback import Loopback
from terminal import Terminal, piped
from waiting import until

from scai_cli.experiment.constitution import CONDITIONS

CONTRACT = TINY.replace("epochs: 2", "epochs: 1") + (
    "constitution: {principles: [Be concise.], contract: [{text: Add an example., for: [ann]}]}\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "tiny.yaml").write_text(CONTRACT)
    assert scai("run", folder / "tiny.yaml", "--runs-dir", folder / "made", "-q").code == 0
    outcome = json.loads((folder / "made" / "tiny" / "outcome.json").read_text())
    run = changed(folder / "made" / "tiny", folder / "runs" / "tiny", with_a_condition, outcome)
    (message,) = {row["system_message"] for row in events(run) if row["type"] == "revision"}
    (run / "system_message.txt").write_text(f"{message}\n")
    return run


def with_a_condition(rows):
    """Let the revision add one rule for anyone, whatever the society of the day proposed."""
    (start,) = (row["constitution"] for row in rows if row["type"] == "run_started")
    clause = {"id": "C2", "text": "Write in a polite and formal style.", "when": "the user is polite"}
    clause |= {"for": [], "since": 1, "evidence": []}
    product = {**start, "version": 1, "contract": [*start["contract"], clause], "last_clause": 2}
    (message,) = (row["system_message"] for row in rows if row["type"] == "run_started")
    message += f"\n\n{CONDITIONS}\n- When {clause['when']}: {clause['text']}"
    revised = {"accepted": True, "constitution": product, "system_message": message}
    return [
        row | (revised if row["type"] == "revision" else {"version": 1} if row["type"] == "run_finished" else {})
        for row in rows
    ]


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made, tmp_path / "runs" / "tiny")
    return tmp_path / "runs" / "tiny"


def chat(text, *arguments):
    return piped(text, "chat", *arguments)


def saved(run, number=1):
    with (run / "chats" / str(number) / "events.jsonl").open() as file:
        return [json.loads(line) for line in file]


def paid(run, number=1):
    with (run / "chats" / str(number) / "calls.jsonl").open() as file:
        return [json.loads(line) for line in file]


def test_a_talk_is_answered_rated_and_saved(run):
    before = (run / "events.jsonl").read_bytes(), (run / "calls.jsonl").read_bytes()
    code, out, err = chat("How do I make tea?\n/rate 7 too long\n\n//rate 3\n/rate 9/10\n/quit\nnever\n", "tiny")
    assert (code, err) == (0, "rated 7 for satisfaction\nrated 9 for satisfaction\n")
    events = saved(run)
    assert [(event["seq"], event["type"], event["id"]) for event in events] == [
        (0, "chat_started", "chat1"),
        (1, "message", "chat1/you/m0"),
        (2, "message", "chat1/you/m1"),
        (3, "rating", "chat1/you/m1/own"),
        (4, "message", "chat1/you/m2"),
        (5, "message", "chat1/you/m3"),
        (6, "rating", "chat1/you/m3/own"),
    ]
    assert (events[3]["value"], events[3]["comment"], events[4]["content"]) == (7, "too long", "/rate 3")
    assert out == f"{events[2]['content']}\n{events[5]['content']}\n"
    assert [call["id"] for call in paid(run)] == ["chat1/you/m1/assistant", "chat1/you/m3/assistant"]
    sent = paid(run)[1]["request"]["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    assert sent[0]["content"] == (run / "system_message.txt").read_text().rstrip("\n")
    assert ((run / "events.jsonl").read_bytes(), (run / "calls.jsonl").read_bytes()) == before


def test_a_persona_brings_its_clauses_and_its_measure(run):
    assert chat("Hi\n/rate 5\n", "tiny", "--persona", "ann")[0] == 0
    started, _, _, rated = saved(run)
    assert "within these principles:\n- Add an example." in started["system_message"]
    assert "Ann" not in started["system_message"]
    assert rated["rater"] == "ann"
    assert 0 <= rated["observed"] <= 1
    assert chat("Hi\n", "tiny", "--persona", "bob")[0] == 0
    assert "example" not in saved(run, 2)[0]["system_message"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--persona", "anne"], "--persona: there is no 'anne' in run 'tiny'; did you mean 'ann'?"),
        (["--against", "9"], "--against 9: write `start` or a version of run 'tiny': 0, 1"),
        (["--against", "v0"], "--against v0: write `start` or a version of run 'tiny': 0, 1"),
        (["--against", "1"], "--against 1: its system message is that of version 1 (final); leave it out"),
        (
            ["--against", "1", "--persona", "ann"],
            "--against 1: its system message for ann is that of version 1 (final); leave it out",
        ),
        (["--model", "openai"], "--model openai: write `simulated` or PROVIDER:NAME, e.g. openai:MODEL"),
    ],
)
@pytest.mark.usefixtures("run")
def test_what_is_not_there_is_one_line(arguments, said):
    called = scai("chat", "tiny", *arguments)
    assert (called.code, called.out, called.err) == (2, "", f"scai: {said}\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/rate 5", "there is no answer to rate yet; type a message first"),
        ("/again", "there is no message to answer; type one"),
        ("/rat 5", "/rat: unknown command; /help lists the commands, //rat sends it as a message"),
    ],
)
def test_a_script_stops_at_a_command_that_cannot_be(run, line, said):
    code, out, err = chat(f"{line}\nhello\n", "tiny")
    assert (code, out, err) == (2, "", f"scai: {said}\n")
    assert not (run / "chats").exists()


@pytest.mark.parametrize("words", ["11", "x", "", "nan", "-1 bad"])
def test_a_rating_off_the_scale_is_told(run, words):
    code, _, err = chat(f"Hi\n/rate {words}\n", "tiny")
    assert (code, err) == (2, "scai: a rating is a number from 0 to 10, as in `/rate 10 just right`\n")
    assert len(saved(run)) == 3


def test_a_limit_is_exit_3_and_what_was_said_is_kept(run):
    code, out, err = chat("One\nTwo\n", "tiny", "--set", "limits.calls=1")
    assert code == 3
    assert err.startswith("scai: limits.calls: reached, 1 of 1 used")
    assert err.endswith("start another chat with --set limits...; the transcript is in runs/tiny/chats/1\n")
    assert out.count("\n") >= 1
    assert [event["content"] for event in saved(run)[1::2]] == ["One", "Two"]


@pytest.mark.slow
@pytest.mark.parametrize(("next_line", "asked_next"), [("Better said", "Better said"), ("/again", "One")])
def test_a_failed_answer_can_be_asked_for_again_or_said_better(run, monkeypatch, next_line, asked_next):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with Loopback(script=["400"]) as server:
        more = ("--model", "openai:m", "--set", f"model.base_url={server.base_url}")
        with Terminal("chat", "tiny", *more) as terminal:
            terminal.sees("> ")
            terminal.types("One\n")
            terminal.sees("type /again to retry")
            terminal.types(f"{next_line}\n")
            until(lambda: len(saved(run)) == (4 if next_line == "/again" else 5))
            terminal.types("/quit\n")
            assert terminal.ends() == 0
        asked = server.requests[-1].body["messages"]
    assert [m["content"] for m in asked[1:]] == [asked_next]
    kinds = ["chat_started", "message", "problem", *(["message"] if next_line != "/again" else []), "message"]
    assert [event["type"] for event in saved(run)] == kinds
    assert saved(run)[-1]["id"] == "chat1/you/m1"


def test_a_script_ends_with_the_first_failed_answer(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with Loopback(script=["400"]) as server:
        code, out, err = chat("One\nTwo\n", "tiny", "--model", "openai:m", "--set", f"model.base_url={server.base_url}")
    assert (code, out, err.count("\n")) == (4, "", 1)
    assert [event["type"] for event in saved(run)] == ["chat_started", "message", "problem"]


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        ("length", "the answer was cut off (max_tokens): raise model.max_tokens"),
        ("null-content", "the answer is empty; its response is in calls.jsonl"),
        ("filtered-text", "the answer ended in an unusual way (content_filter) and may be incomplete"),
    ],
)
def test_an_answer_that_is_not_whole_is_told(run, monkeypatch, fault, warning):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with Loopback(script=[fault]) as server:
        code, _, err = chat("One\n", "tiny", "--model", "openai:m", "--set", f"model.base_url={server.base_url}")
    assert (code, err) == (0, f"warning: {warning}\n")


def test_an_endpoint_that_is_dead_is_exit_4(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
    with Loopback(script=["401"] * 3) as server:
        more = ("--model", "openai:m", "--set", f"model.base_url={server.base_url}")
        code, out, err = chat("One\nTwo\n", "tiny", *more)
        assert (code, out, err.count("\n")) == (4, "", 1)
        assert err.endswith("; the transcript is in runs/tiny/chats/1\n")
    written = b"".join(file.read_bytes() for file in (run / "chats").rglob("*.jsonl"))
    assert b"secret-key" not in written


def test_foreign_code_is_loaded_only_with_trust(run, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "evil_chat.py").write_text(
        "from scai_cli.messages import Completion\n"
        "class Evil:\n"
        "    async def complete(self, request):\n"
        "        return Completion('\\x1b[2J[red]x[/red]\\u202e\\ud800 end')\n"
        "    async def aclose(self): pass\n"
        "def connect(model, *, seed): return Evil()\n"
    )
    more = ("tiny", "--set", "roles.assistant.provider=evil_chat:connect")
    code, _, err = chat("Hi\n", *more)
    assert code == 2
    assert "add --trust to load it" in err
    code, out, err = chat("Hi\x1b]0;x\x07 there\n", *more, "--trust")
    assert (code, out) == (0, "␛[2J[red]x[/red]‹U+202E›� end\n"), err
    assert "\x1b" not in chat("Hi\n", *more, "--trust", "--json")[1]
    with Terminal("chat", *more, "--trust") as terminal:
        terminal.sees("> ")
        terminal.types("Hi\n")
        terminal.sees("␛[2J[red]x[/red]")
        terminal.types("/quit\n")
        assert terminal.ends() == 0
        assert "\x1b[2J" not in terminal.shown


def test_two_talks_at_once_have_a_folder_each(run):
    with Terminal("chat", "tiny") as terminal:
        terminal.sees("> ")
        terminal.types("One\n")
        until(lambda: (run / "chats" / "1" / "events.jsonl").exists() and len(saved(run)) == 3)
        assert chat("Another\n", "tiny")[0] == 0
        terminal.types("Two\n\x04")
        assert terminal.ends() == 0
    assert [event.get("content") for event in saved(run)][1::2] == ["One", "Two"]
    assert saved(run, 2)[1]["content"] == "Another"


def test_at_a_terminal_without_readline_as_on_windows(run, tmp_path, monkeypatch):
    (tmp_path / "readline.py").write_text("raise ModuleNotFoundError(name='readline')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with Terminal("chat", "tiny") as terminal:
        terminal.sees("> ")
        terminal.types("One\n")
        terminal.sees("> ", times=2)
        terminal.types("/quit\n")
        assert terminal.ends() == 0
    assert [event["type"] for event in saved(run)] == ["chat_started", "message", "message"]


def test_at_a_terminal(run):
    with Terminal("chat", "tiny") as terminal:
        terminal.sees("> ")
        terminal.types("/rate 3\n")
        terminal.sees("there is no answer to rate yet; type a message first")
        terminal.types("\x1b[200~Two\nlines\x1b[201~\n")  # pasted
        terminal.sees("\x1b[?2004h> ", 3)
        terminal.types("/rate 7 fine\n")
        terminal.sees("rated 7 for satisfaction")
        terminal.sees("/rate 7 too long · /again · /system · /help · /quit", 4)  # above each prompt
        terminal.types("/quit\n")
        assert terminal.ends() == 0
        assert "saved in runs/tiny/chats/1" in terminal.shown
    assert [event.get("content") for event in saved(run)][1] == "Two\nlines"
    assert saved(run)[3]["comment"] == "fine"


@pytest.mark.parametrize("leave", ["\x03", pytest.param("\x04", marks=pytest.mark.slow)])
def test_ctrl_c_and_ctrl_d_leave_without_a_trace(run, leave):
    with Terminal("chat", "tiny") as terminal:
        terminal.sees("> ")
        terminal.types(leave)
        assert terminal.ends() == 0
        assert "Traceback" not in terminal.shown
    assert not (run / "chats").exists()


@pytest.mark.slow
def test_ctrl_c_while_an_answer_is_awaited_saves_what_was_said(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with Loopback(script=["hang"] * 3) as server:
        more = ("--model", "openai:m", "--set", f"model.base_url={server.base_url}")
        with Terminal("chat", "tiny", *more) as terminal:
            terminal.sees("> ")
            terminal.types("Hello\n")
            terminal.sees("waiting for the answer")
            until(lambda: server.requests)
            terminal.types("\x03")
            terminal.sees("^C")
            terminal.types("\x03")  # the second does not wait for the call in flight
            assert terminal.ends() == 130
        assert "the transcript is in runs/tiny/chats/1" in terminal.shown
    assert saved(run)[1]["content"] == "Hello"


@pytest.mark.slow
def test_a_killed_chat_keeps_every_message_and_answer(run):
    with Loopback(script=["ok", "hold"]) as server:
        command = ["chat", "tiny", "--json", "--model", "openai:m", "--set", f"model.base_url={server.base_url}"]
        command = [sys.executable, "-m", "scai_cli", *command]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write(b"Hello\nMore\n")
            process.stdin.flush()
            until(lambda: len(server.requests) == 2)
            process.kill()
            shown = [json.loads(line) for line in process.stdout]
        assert saved(run) == shown
        assert [event.get("content") for event in shown] == [None, "Hello", "You said: Hello", "More"]
        assert [call["response"] for call in paid(run)] == ["You said: Hello"]
    assert chat("Again\n", "tiny")[0] == 0
    assert [event.get("content") for event in saved(run, 2)][:2] == [None, "Again"]


def test_a_talk_with_a_run_that_people_took_part_in(run):
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("description: Ann wants it short.", "human: true"))
    assert chat("Hi\n", "tiny", "--persona", "ann")[0] == 0


def test_two_versions_answer_each_with_a_history_of_its_own(run):
    code, out, err = chat("How do I make tea?\n/rate 3 7 clearer\nAnd coffee?\n/quit\n", "tiny", "--against", "start")
    assert code == 0
    assert err == "version 0 (start): rated 3 for satisfaction\nversion 1 (final): rated 7 for satisfaction\n"
    events = {event["id"]: event for event in saved(run)}
    assert [event["seq"] for event in events.values()] == list(range(12))
    assert {key: value["version"] for key, value in events.items() if "/" not in key} == {"chat1@v0": 0, "chat1": 1}
    start, product = ([events[f"{chat}/you/m{n}"]["content"] for n in range(4)] for chat in ("chat1@v0", "chat1"))
    assert start[::2] == product[::2] == ["How do I make tea?", "And coffee?"]
    assert (
        out == "\n".join(f"version 0 (start):\n{start[n]}\n\nversion 1 (final):\n{product[n]}" for n in (1, 3)) + "\n"
    )
    ratings = [events[f"{chat}/you/m1/own"] for chat in ("chat1@v0", "chat1")]
    assert [(rating["value"], rating["comment"]) for rating in ratings] == [(3, "clearer"), (7, "clearer")]
    calls = {call["id"]: call["request"]["messages"] for call in paid(run)}
    for chat_id, texts in (("chat1@v0", start), ("chat1", product)):
        system, *said = (message["content"] for message in calls[f"{chat_id}/you/m3/assistant"])
        assert system == events[chat_id]["system_message"]
        assert said == texts[:3]
    assert events["chat1"]["system_message"] == (run / "system_message.txt").read_text().rstrip("\n")


def test_two_versions_with_a_persona_as_json(run):
    code, out, err = chat("Hi\n/system\n", "tiny", "--against", "0", "--persona", "bob", "--json")
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == saved(run)
    assert err.count("Write in a polite and formal style.") == 1
    assert {event["persona"] for event in saved(run)} == {"bob"}


@pytest.mark.parametrize("words", ["7", "7 good", "7 11", ""])
def test_two_answers_take_two_ratings(run, words):
    code, _, err = chat(f"Hi\n/rate {words}\n", "tiny", "--against", "start")
    expected = "write a rating from 0 to 10 for each answer, as in `/rate 0 10 the second is clearer`"
    assert (code, err) == (2, f"scai: {expected}\n")
    assert not [event for event in saved(run) if event["type"] == "rating"]


def test_the_answer_of_one_version_is_shown_when_a_limit_stops_the_other(run):
    code, out, err = chat("One\n", "tiny", "--against", "start", "--set", "limits.calls=1")
    assert code == 3
    assert err.startswith("scai: limits.calls: reached, 1 of 1 used")
    (answer,) = [event for event in saved(run) if event.get("role") == "assistant"]
    assert out in {f"{name}:\n{answer['content']}\n" for name in ("version 0 (start)", "version 1 (final)")}


@pytest.mark.slow
def test_a_failed_answer_of_one_version_is_asked_for_again_alone(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with Loopback(script=["400"]) as server:
        more = ("--model", "openai:m", "--set", f"model.base_url={server.base_url}")
        with Terminal("chat", "tiny", "--against", "start", *more) as terminal:
            terminal.sees("> ")
            terminal.types("One\n")
            terminal.sees("type /again to retry")
            terminal.types("/again\n")
            until(lambda: len(saved(run)) == 7)
            terminal.types("/quit\n")
            assert terminal.ends() == 0
        assert len(server.requests) == 3
        assert all(f"{name}:" in terminal.shown for name in ("version 0 (start)", "version 1 (final)"))
    assert {e["id"] for e in saved(run) if e.get("role") == "assistant"} == {"chat1/you/m1", "chat1@v0/you/m1"}


@pytest.mark.parametrize(("columns", "lines"), [pytest.param(80, 0, marks=pytest.mark.slow), (100, 1)])
@pytest.mark.usefixtures("run")
def test_on_a_wide_terminal_two_answers_are_side_by_side(columns, lines):
    with Terminal("chat", "tiny", "--against", "start", columns=columns) as terminal:
        terminal.sees("> ")
        terminal.types("How do I make tea?\n")
        terminal.sees("\x1b[?2004h> ", 2)
        terminal.types("/help\n")
        terminal.sees("/rate 7 4 longer   rate both answers in their order")
        terminal.types("/quit\n")
        assert terminal.ends() == 0
    answered = terminal.shown.partition("waiting for the answer")[2]
    assert "␍" not in answered  # the line about waiting is removed, not written over by the name of its control
    assert sum("version 0 (start)" in line and "version 1 (final)" in line for line in answered.splitlines()) == lines
    assert answered.count("version 0 (start)") == 1
