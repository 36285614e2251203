"""Whatever a model says: the run completes, the record is whole, prompts are not filled twice, no terminal obeys it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from scripted import TEXTS, script

from scai_cli.simulation.placeholders import is_rule
from scai_cli.text.characters import clean

# what a terminal may obey, or show in another order than it stands
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SAID = {name: clean(text) for name, text in TEXTS.items()}
UNREADABLE = {"e1/ann/" + name for name in TEXTS if name != "json"}
WITH_A_FORM = {f"e{epoch}/{who}/json" for epoch in (1, 2) for who in ("ann", "bob")}
"""The conversations whose comments contain a form of their own."""


def rewritten() -> str:
    """A constitution of every text that may be a rule, as far as a rule may be so long."""
    texts = [text for name, text in SAID.items() if is_rule(text) and name != "json"]
    rules = [{"id": text[:99], "text": text[:900], "for": ["ann"]} for text in texts]
    return json.dumps({"critique": SAID["osc"], "principles": [], "contract": rules}, ensure_ascii=False)


def spoken() -> tuple[str, ...]:
    """The assistant, the comments and the reasons about a task all are the text that the task is named after."""
    lines = [{"at": f"/{name}/m1/assistant$", "say": f"@{name}"} for name in TEXTS]
    lines += [{"at": f"^{place}/m2/user", "say": f"@{place.split('/')[2]}"} for place in UNREADABLE]
    for name, text in SAID.items():
        lines += [{"at": f"/{name}/m2/user$", "say": json.dumps({"feedback": text, "rating": 6}, ensure_ascii=False)}]
        lines += [{"at": f"/{name}/cross/", "say": json.dumps({"reason": text[:99], "rating": 5}, ensure_ascii=False)}]
    return script(*lines, {"at": "/revision/", "say": rewritten()})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("untrusted")
    people = [{"id": "ann", "name": "Ann"}, {"id": "bob", "name": "Bob"}]
    tasks = [{"id": name, "prompt": "Say something."} for name in TEXTS]
    experiment = {"name": "hostile", "epochs": 2, "turns": 1, "personas": people, "tasks": tasks}
    experiment["constitution"] = {"max_tokens": 10_000, "max_principles": 50}
    (folder / "x.yaml").write_text(json.dumps(experiment), encoding="utf-8")
    called = scai("run", folder / "x.yaml", "--runs-dir", folder / "runs", *spoken())
    assert (called.code, called.out) == (0, "hostile\n")
    assert not OBEYED.search(called.err)
    return folder / "runs" / "hostile"


def test_the_record_is_whole_and_holds_what_was_said(run: Path) -> None:
    for event in events(run):
        if event["type"] == "message" and event["role"] == "assistant":
            said = SAID[event["task"]]
            assert event["content"] == ("" if said.isspace() else said)
    for call in calls(run):
        if call["role"] == "assistant":
            said = SAID[call["id"].split("/")[2]]
            assert call["response"] == ("" if said.isspace() else said)
    for log in ("events.jsonl", "calls.jsonl"):
        text = (run / log).read_bytes().decode()
        assert len(text.splitlines()) == text.count("\n")


def test_what_could_not_be_read_is_missing(run: Path) -> None:
    unread = {e["conversation"] for e in events(run) if e["type"] == "rating" and e["value"] is None}
    assert unread == UNREADABLE | WITH_A_FORM
    comments = {e["task"]: e["content"] for e in events(run) if e["type"] == "message" and e["id"].endswith("/m2")}
    assert {name: text for name, text in comments.items() if name != "json"} == {
        name: text for name, text in SAID.items() if name != "json"
    }


def test_every_text_may_become_a_rule_but_none_keeps_its_control_characters(run: Path) -> None:
    first = next(event for event in events(run) if event["type"] == "revision")
    assert first["accepted"], first["reason"]
    assert len(first["constitution"]["contract"]) >= len(SAID) - 6
    assert not OBEYED.search(first["system_message"])
    for file in (run / "constitution").iterdir():
        assert not OBEYED.search(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "view",
    ["", "--epoch 1 --persona ann", "--task osc", "--constitution", "--ratings", "--diff 0 1", "--json",
     "--prompts e1/bob/ansi", "--prompts e1/bob/backwards", "--prompts e1/revision", "--follow"],
)  # fmt: skip
def test_no_view_lets_through_what_a_terminal_obeys(run: Path, view: str) -> None:
    called = scai("show", run, *view.split())
    assert (called.code, called.err) == (0, "")
    assert not OBEYED.search(called.out)


@pytest.mark.parametrize("form", ["system --as text", "system --as markdown", "system --as json", "sft"])
def test_no_export_lets_through_what_a_terminal_obeys(run: Path, form: str) -> None:
    called = scai("export", run, "--format", *form.split(), "--system", "keep")
    assert called.code == 0
    assert not OBEYED.search(called.out)
    if "text" not in form and "markdown" not in form:
        assert all(json.loads(line) for line in called.out.splitlines())


def test_rows_hold_what_was_said(run: Path) -> None:
    exported = scai("export", run, "--format", "sft-prompt-completion", "--persona", "bob").out
    rows = [json.loads(line) for line in exported.splitlines()]
    assert [row["completion"][0]["content"] for row in rows] == [t for t in SAID.values() if t.strip()] * 2


def asked(run: Path, task: str) -> list[tuple[str, str]]:
    """The prompts about a conversation that quote it, as they were first asked."""
    found = [call for call in calls(run) if f"/{task}/" in call["id"] and "retry" not in call["id"]]
    return [(c["purpose"], c["request"]["messages"][-1]["content"]) for c in found if c["role"] == "user"]


def test_what_was_said_is_not_filled_into_prompts_as_a_template(run: Path) -> None:
    prompts = asked(run, "braces")
    assert len(prompts) == 8
    assert all(TEXTS["braces"] in prompt for _, prompt in prompts)
    system = {c["request"]["messages"][0]["content"] for c in calls(run) if c["id"] == "e2/bob/tea/m1/assistant"}
    assert all(TEXTS["braces"] in text for text in system)


def test_what_was_said_does_not_leave_its_fence(run: Path) -> None:
    for purpose, prompt in asked(run, "fences"):
        assert "‹/persona>" in prompt
        assert "</persona>" not in prompt
        assert prompt.count("\n</message>") == (2 if purpose == "feedback" else 0)
    (revision,) = (c for c in calls(run) if c["id"] == "e1/revision/meta")
    told = revision["request"]["messages"][-1]["content"]
    assert told.count("<conversation ") == told.count("\n</conversation>")


@pytest.mark.parametrize("name", SAID)
def test_a_revision_of_nonsense_changes_nothing(tiny: Path, name: str) -> None:
    options = (
        "--set",
        "epochs=1",
        "--set",
        "ratings.cross_raters=0",
        "--set",
        "format_retries=1",
        "--set",
        "force=all",
    )
    assert scai("run", tiny, "-q", *options, *script({"at": "/revision/", "say": f"@{name}"})).code == 0
    (revision,) = [e for e in events(Path("runs/tiny")) if e["type"] == "revision"]
    assert not revision["accepted"]
    assert revision["constitution"]["version"] == 0


@pytest.mark.parametrize("name", SAID)
def test_an_error_of_a_model_is_one_line_whatever_it_says(tiny: Path, name: str) -> None:
    called = scai("run", tiny, "-q", *script({"at": "assistant", "stop": SAID[name][:999] or " "}))
    assert (called.code, called.out) == (4, "tiny\n")
    assert called.err.count("\n") == 1
    assert not OBEYED.search(called.err)


def test_a_failed_call_is_told_whatever_it_says(tiny: Path) -> None:
    lines = script({"at": "^e1/ann/tea/m1/", "fail": SAID["osc"]}, {"at": "^e1/bob/tea/m1/", "fail": SAID["lines"]})
    called = scai("run", tiny, *lines, "--set", "max_failures=1", "--set", "epochs=1")
    assert called.code == 0
    assert not OBEYED.search(called.err)
    shown = scai("show", "latest").out
    assert "Problems: 2 calls failed" in shown
    assert not OBEYED.search(shown)


def test_texts_of_the_experiment_are_data_too(tiny: Path) -> None:
    hostile: dict[str, Any] = {
        "personas": [{"id": "ann", "name": TEXTS["braces"], "description": TEXTS["fences"]}, {"id": "bob"}],
        "tasks": [{"id": "tea", "prompt": TEXTS["fences"] + TEXTS["osc"] + TEXTS["braces"]}],
    }
    tiny.write_text(json.dumps({"name": "tiny", "epochs": 1, **hostile}), encoding="utf-8")
    assert scai("run", tiny, "-q").code == 0
    for call in calls(Path("runs/tiny")):
        system, *_, last = (message["content"] for message in call["request"]["messages"])
        if call["role"] == "user":
            assert system.count("<persona>") == system.count("</persona>") == 1
        if call["id"].startswith("e1/ann/tea/m"):
            assert ("{{persona}}" in system) == (call["role"] == "user")
        if call["purpose"] == "cross_rating":
            assert last.count("</task>") == 1
            assert last.index("{{constitution}}") < last.index("</task>")
    for view in ((), ("--epoch", "1"), ("--ratings",), ("--json",)):
        assert not OBEYED.search(scai("show", "tiny", *view).out)
