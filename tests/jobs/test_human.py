"""People among the simulated: asked at the terminal or through a pipe, once, whatever happens in between."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import calls, events, scai
from hypothesis import given
from hypothesis import strategies as st
from loopback import Loopback
from terminal import Terminal, piped
from virtual_time import run as run_async
from waiting import until

from scai_cli.errors import LimitReached
from scai_cli.models.human import read_opinion
from scai_cli.models.limits import Budget, Caps, Spend

ONE = """\
name: us
seed: 3
epochs: 1
turns: 1
personas:
  - {id: me, name: Ada, human: true, preferences: {concise: 1.0}}
  - {id: bob, name: Bob Jones, description: Bob wants it short., preferences: {concise: 1.0}}
tasks:
  - {id: tea, prompt: How do I make a pot of tea?}
constitution: {max_principles: 1}    # so that one rule is proposed: both want short answers
model: {options: {flaws: {invents: 0, obeys_one: 0, truncates: 0}}}
"""
TWO = ONE.replace("  - {id: bob,", "  - {id: eve, name: Eve, human: true, preferences: {concise: 1}}\n  - {id: bob,")
ANSWERS = "Too long for me.\n7\nFine for Bob.\n4,5\na o\n"
"""Feedback and rating of one's own answer, reason and rating of Bob's, and an opinion on the one rule proposed."""
ADOPTING = ANSWERS.replace("a o", "a") + "Shorter now.\n8\nStill fine.\n5\n"
"""The same with approval of the rule, and the play of the product that follows from it."""
OPINION = {"rule": "A", "me": "approve", "everyone": "object"}


@pytest.fixture
def us(tmp_path):
    path = tmp_path / "us.yaml"
    path.write_text(ONE)
    return path


def asked(run):
    return [(call["id"], json.loads(call["response"])) for call in calls(run) if call["model"] == "human"]


def test_what_is_typed_becomes_feedback_ratings_and_a_ballot(us, tmp_path):
    code, out, err = piped(ANSWERS, "run", us)
    assert (code, out) == (0, "us\n")
    run = tmp_path / "runs" / "us"
    assert asked(run) == [
        ("e1/me/tea/m2/user", {"feedback": "Too long for me.", "rating": 7.0}),
        ("e1/bob/tea/cross/me/user", {"reason": "Fine for Bob.", "rating": 4.5}),
        ("e1/revision/ballot/me/user", {"ballot": [OPINION]}),
    ]
    told = {event["id"]: event for event in events(run)}
    assert told["e1/me/tea/m2"]["content"] == "Too long for me."
    assert told["e1/bob/tea/cross/me"]["value"] == 4.5
    assert told["run"]["type"] == "run_finished"
    assert "How do I make a pot of tea?" in err
    assert "\nRule A\n  " in err
    assert "human" not in json.loads((run / "outcome.json").read_text())["usage"]
    assert scai("export", "us", "--format", "ratings", "-o", "rows/").code == 0
    card = (tmp_path / "rows" / "README.md").read_text()
    assert "**Data from real people." in card
    assert "| 1 real person and 1 simulated person (" in card


def test_people_cost_nothing_and_count_towards_no_limit(us, tmp_path):
    needed = scai("plan", us, "--json").json
    assert needed["people"] == 5
    code, _, err = piped(
        ADOPTING, "run", us, "-q", "--set", f"limits.calls={needed['calls']['total']}", "--max-usd", "0.01"
    )
    assert code == 0, err
    outcome = json.loads((tmp_path / "runs" / "us" / "outcome.json").read_text())
    assert outcome["calls"] == needed["calls"]["total"]
    assert outcome["usage"]["usd"] == 0


def test_quiet_still_asks(us):
    code, _, err = piped(ANSWERS, "run", us, "-q")
    assert code == 0
    assert err.startswith("\nAda · e1/me/tea/m2")


def test_what_cannot_be_read_is_asked_again(us, tmp_path):
    code, _, err = piped(
        "Too long for me.\nmany\n11\nnan\n-1\n7/10\nFine for Bob.\n 4,5 \nyes\na o i\n\n Approve, OBJECT\ni\ni\n",
        "run",
        us,
    )
    assert code == 0
    own, cross, ballot = (form for _, form in asked(tmp_path / "runs" / "us"))
    assert (own, cross) == ({"feedback": "Too long for me.", "rating": 7.0}, {"reason": "Fine for Bob.", "rating": 4.5})
    assert ballot["ballot"][0] == OPINION
    assert err.count("Please write a number from 0 to 10.") == 4
    assert err.count("Please write 2 words or one for all: a = approve, i = indifferent, o = object.") == 3


@pytest.mark.parametrize("lines", [1, 2, 4])
def test_the_input_may_end_anywhere_and_nothing_is_asked_twice(us, tmp_path, lines):
    answers = ANSWERS.splitlines(keepends=True)
    code, out, err = piped("".join(answers[:lines]), "run", us)
    assert (code, out) == (130, "us\n")
    assert err.endswith("\nscai: there is no more input, and Ada is asked; continue with `scai resume us`\n")
    known = len(asked(tmp_path / "runs" / "us"))
    assert known == lines // 2
    code, _, err = piped("".join(answers[2 * known :]), "resume", "us")
    assert code == 0, err
    run = tmp_path / "runs" / "us"
    ids = [call_id for call_id, _ in asked(run)]
    assert len(ids) == len(set(ids)) == 3
    assert [form.get("rating", form.get("ballot")) for _, form in asked(run)] == [7, 4.5, [OPINION]]


@pytest.mark.slow
@pytest.mark.parametrize("stdin", ["/dev/null", "file", "closed"])
@pytest.mark.usefixtures("us")
def test_without_input_it_stops_at_once(tmp_path, stdin):
    (tmp_path / "file").write_text("a\n")
    source = "<&-" if stdin == "closed" else f"<{stdin}"
    command = ["sh", "-c", f'"{sys.executable}" -m scai_cli run us.yaml {source}']
    found = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert found.returncode == 130
    assert b"continue with `scai resume us`" in found.stderr
    assert b"Traceback" not in found.stderr


def test_two_people_are_asked_one_after_the_other(us, tmp_path):
    us.write_text(TWO)
    plan = scai("plan", us, "--json").json["people"]
    words = [f"Too long for me, {n}.\n{n % 10}\n" for n in range(12)]
    answers = "".join([*words[:6], "a\na\n", *words[6:]])  # the rule is approved: the product is played
    code, _, err = piped(answers, "run", us)
    assert code == 0, err
    found = asked(tmp_path / "runs" / "us")
    assert len(found) == plan == 8 + 6
    assert sorted(form["rating"] for _, form in found[:8] if "rating" in form) == [0, 1, 2, 3, 4, 5]
    assert err.count("\nAda · ") == err.count("\nEve · ") == 7
    code, _, _ = piped(answers, "run", us, "--run-id", "again")
    assert asked(tmp_path / "runs" / "again") == found


def test_a_saved_run_is_resumed_from_its_config_alone(us, tmp_path):
    piped(ANSWERS[:20], "run", us)
    us.unlink()
    assert "human: true" in (tmp_path / "runs" / "us" / "config.yaml").read_text()
    assert piped(ANSWERS, "resume", "us")[0] == 0
    code, _, err = piped("", "resume", "us")  # all is answered
    assert code == 0, err


def test_human_decides_about_a_runs_content(us, tmp_path):
    piped("", "run", us, "-q")
    config = tmp_path / "runs" / "us" / "config.yaml"
    config.write_text(config.read_text().replace("human: true", "human: false"))
    called = scai("resume", "us")
    assert called.code == 2
    assert "another value of personas" in called.err


def test_check_and_plan_ask_nobody(us):
    called = scai("check", us)
    assert (called.code, "asked at the terminal: Ada" in called.out) == (0, True)
    called = scai("plan", us)
    assert (called.code, "people: asked 5 times at the terminal" in called.out) == (0, True)
    assert scai("plan", us, "--prompts").code == 0


def test_a_human_has_no_model(us):
    us.write_text(ONE.replace("human: true", "human: true, model: {name: m}"))
    called = scai("check", us)
    assert called.code == 2
    assert called.err == (f"scai: {us}:6: personas.0: a human persona has no model; drop `model:` or `human:`\n"), (
        called.err
    )


def test_what_only_models_can_do_asks_nobody(us):
    assert piped(ANSWERS, "run", us)[0] == 0
    called = scai("explain", "us")
    assert called.code == 2
    assert called.err == "scai: persona 'me' is a real person: only `scai run` and `scai resume` ask real people\n"


def test_a_generated_set_asks_nobody(us):
    assert piped(ANSWERS, "run", us)[0] == 0
    called = scai("generate", "us", "--n", 1, "--set", "generate={k: 0, judge: users}")
    assert called.code == 2
    assert called.err.startswith(
        "scai: generate.judge=users: persona 'me' is a real person, and only runs ask real people;"
    )
    called = scai("generate", "us", "--n", 1, "--set", "generate={k: 0, judge: none}", "--run-id", "rows", "-q")
    assert called.code == 0, called.err


@pytest.mark.slow
def test_escapes_of_a_model_do_not_reach_the_terminal(us, tmp_path):
    (tmp_path / "evil.py").write_text(
        "from scai_cli.messages import Completion\n"
        "class Evil:\n"
        "    async def complete(self, request):\n"
        "        return Completion('\\x1b[2J[red]x[/red]\\x07\\u202e end')\n"
        "    async def aclose(self): pass\n"
        "def connect(model, *, seed): return Evil()\n"
    )
    us.write_text(ONE + 'roles: {assistant: {provider: "evil:connect"}}\n')
    found = subprocess.run(
        [sys.executable, "-m", "scai_cli", "run", "us.yaml"],
        input=ANSWERS.encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "␛[2J[red]x[/red]␇‹U+202E› end".encode() in found.stderr
    assert b"\x1b" not in found.stderr


@pytest.mark.slow
def test_at_a_terminal_a_killed_run_goes_on_with_the_next_question(us, tmp_path):
    with Terminal("run", us) as terminal:
        terminal.sees("what would you change?: ")
        terminal.types("Too long\n")
        terminal.sees("0 to 10: ")
        terminal.types("7\n")
        terminal.sees("answer to another person?: ")
        terminal.process.send_signal(signal.SIGKILL)
        terminal.ends()
        assert "conversations" not in terminal.shown  # no live view over the questions
    with Terminal("resume", "us") as terminal:
        terminal.sees("answer to another person?: ")
        assert "what would you change?" not in terminal.shown
        terminal.types("Fine\n")
        terminal.sees("0 to 10: ")
        terminal.types("4\n")
        terminal.sees("e.g. a o): ")
        terminal.types("a o\n")
        assert terminal.ends() == 0
    assert [form for _, form in asked(tmp_path / "runs" / "us")] == [
        {"feedback": "Too long", "rating": 7.0},
        {"reason": "Fine", "rating": 4.0},
        {"ballot": [OPINION]},
    ]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param("\x04", "there is no more input", marks=pytest.mark.slow),
        ("half an ans\x03", "interrupted by Ctrl-C"),
    ],
)
def test_ctrl_d_and_ctrl_c_stop_a_waiting_question_at_once(us, key, said):
    with Terminal("run", us) as terminal:
        terminal.sees("what would you change?: ")
        terminal.types(key)
        assert terminal.ends() == 130
        assert said in terminal.shown
        assert "continue with `scai resume us`" in terminal.shown


def test_what_is_pasted_stays_together(us, tmp_path):
    with Terminal("run", us) as terminal:
        terminal.sees("what would you change?: ")
        terminal.types("One.\nTwo.\n\nThree.\n")
        terminal.sees("0 to 10: ")
        terminal.types("7\n")
        terminal.sees("answer to another person?: ")
    assert asked(tmp_path / "runs" / "us")[0][1]["feedback"] == "One.\nTwo.\n\nThree."


REMOTE = ONE + 'roles: {assistant: {provider: openai, name: m, base_url: "URL"}}\n'


@pytest.mark.slow
def test_others_get_on_while_somebody_thinks_and_no_clock_runs(us, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    began = time.monotonic()
    with Loopback() as server:
        us.write_text(REMOTE.replace("URL", server.base_url))
        # One call at a time: Ada's answer comes before Bob's, so that her own question is the first.
        with Terminal("run", us, "--set", "limits.concurrency=1") as terminal:
            terminal.sees("what would you change?: ")
            events_file = tmp_path / "runs" / "us" / "events.jsonl"
            until(lambda: b'"e1/bob/tea/m2/own"' in events_file.read_bytes())  # Bob's conversation ended meanwhile
            for line in ANSWERS.splitlines():
                time.sleep(0.3)
                terminal.types(f"{line}\n")
            assert terminal.ends() == 0, terminal.shown
    thought = sum(call["latency_s"] for call in calls(tmp_path / "runs" / "us") if call["model"] == "human")
    outcome = json.loads((tmp_path / "runs" / "us" / "outcome.json").read_text())
    assert thought > 0
    assert outcome["wall_s"] + thought <= time.monotonic() - began  # what was thought is not in the run's time


def test_the_clock_stands_still_while_somebody_thinks():
    now = [0.0]
    budget = Budget(Caps(seconds=5), clock=lambda: now[0])
    now[0] = 2.0
    with budget.stopped_clock():
        now[0] = 100.0
        assert budget.seconds == 2.0
        run_async(budget.claim(Spend(1)))
    now[0] = 102.0
    assert budget.seconds == 4.0
    now[0] = 104.0
    with pytest.raises(LimitReached):
        run_async(budget.claim(Spend(1)))


@pytest.mark.slow
@pytest.mark.parametrize("source", ["/dev/null", "half"])
def test_with_the_networks_loop_too_the_input_may_be_a_file(us, tmp_path, monkeypatch, source):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    (tmp_path / "half").write_text("a\n5\n")
    with Loopback() as server:
        us.write_text(REMOTE.replace("URL", server.base_url))
        command = ["sh", "-c", f'"{sys.executable}" -m scai_cli run us.yaml <{source}']
        found = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert found.returncode == 130, found.stderr
    assert b"continue with `scai resume us`" in found.stderr


CASES = ("me", "condition", "everyone")


@given(st.text(alphabet="aeioAbjctprv, /\n", max_size=20) | st.lists(st.sampled_from("aio")).map(" ".join))
def test_any_text_is_a_stance_for_each_case_or_none(text):
    opinion = read_opinion(text, CASES)
    assert opinion is None or (
        tuple(opinion) == CASES and set(opinion.values()) <= {"approve", "indifferent", "object"}
    )


@pytest.mark.parametrize(
    ("text", "stances"),
    [
        ("a", ("approve",) * 3),
        ("a i o", ("approve", "indifferent", "object")),
        ("Approve, ind/OBJ", ("approve", "indifferent", "object")),
        ("a o", None),
        ("aio", None),
        ("no", None),
        ("", None),
    ],
)
def test_an_opinion_has_a_word_for_each_case_or_one_for_all(text, stances):
    assert read_opinion(text, CASES) == (stances and dict(zip(CASES, stances, strict=True)))
