"""Whatever a model says: the run completes, the record is whole, prompts are not filled twice, no terminal obeys it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import calls, events, scai
from hostile_texts import HIDDEN, TEXTS, UNSEEN
from scripted import script

from scai_cli.simulation.placeholders import is_rule
from scai_cli.text.characters import clean

SAID = {name: clean(text) for name, text in TEXTS.items()}
OF_A_FORM = ("json", "form")
UNREADABLE = {"e1/ann/" + name for name in TEXTS if name != "json"}
WITH_A_FORM = {f"e{epoch}/{who}/{name}" for epoch in (1, 2) for who in ("ann", "bob") for name in OF_A_FORM}
"""The conversations whose comments contain a form of their own."""


def rewritten() -> str:
    """A constitution of every text that may be a rule, as far as a rule may be so long."""
    texts = [text for name, text in SAID.items() if is_rule(text) and name not in (*HIDDEN, *OF_A_FORM)]
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
    experiment["revision"] = {"strategy": "rewrite", "acceptance": "always", "clauses": "people"}
    experiment["constitution"] = {"max_tokens": 10_000, "max_principles": 50}
    (folder / "x.yaml").write_text(json.dumps(experiment), encoding="utf-8")
    called = scai("run", folder / "x.yaml", "--runs-dir", folder / "runs", *spoken())
    assert (called.code, called.out) == (0, "hostile\n")
    assert not UNSEEN.search(called.err)
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
    assert {name: text for name, text in comments.items() if name not in OF_A_FORM} == {
        name: text for name, text in SAID.items() if name not in OF_A_FORM
    }


def test_every_text_may_become_a_rule_but_none_keeps_its_control_characters(run: Path) -> None:
    first = next(event for event in events(run) if event["type"] == "revision")
    assert first["accepted"], first["reason"]
    assert len(first["constitution"]["contract"]) >= len(SAID) - len(HIDDEN) - 9
    assert not UNSEEN.search(first["system_message"])
    for file in (run / "constitution").iterdir():
        assert not UNSEEN.search(file.read_text(encoding="utf-8"))


def test_rows_hold_what_was_said(run: Path) -> None:
    exported = scai("export", run, "--format", "sft-prompt-completion", "--persona", "bob").out
    rows = [json.loads(line) for line in exported.splitlines()]
    assert [row["completion"][0]["content"] for row in rows] == [t for t in SAID.values() if t.strip()] * 2


def asked(run: Path, task: str) -> list[tuple[str, str]]:
    """The prompts about a conversation that quote it, as they were first asked."""
    found = [call for call in calls(run) if f"/{task}/" in call["id"] and "retry" not in call["id"]]
    found = [call for call in found if call["role"] == "user" and call["purpose"] != "opening"]
    return [(call["purpose"], call["request"]["messages"][-1]["content"]) for call in found]


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


def test_a_revision_of_nonsense_changes_nothing(tiny: Path) -> None:
    small = {"name": "tiny", "personas": [{"id": "ann"}, {"id": "bob"}], "tasks": [{"id": "tea", "prompt": "Tea?"}]}
    tiny.write_text(json.dumps(small), encoding="utf-8")
    settings = (f"epochs={len(SAID)}", "turns=1", "ratings.cross_raters=0", "format_retries=1", "force=all")
    options = [part for setting in settings for part in ("--set", setting)]
    lines = script(*({"at": f"^e{n}/revision/", "say": f"@{name}"} for n, name in enumerate(SAID, 1)))
    assert scai("run", tiny, "-q", *options, *lines).code == 0
    revisions = [event for event in events(Path("runs/tiny")) if event["type"] == "revision"]
    assert len(revisions) == len(SAID)
    assert not any(revision["accepted"] or revision["constitution"]["version"] for revision in revisions)


def test_an_error_of_a_model_is_one_line_whatever_it_says(tiny: Path) -> None:
    called = scai("run", tiny, "-q", *script({"at": "assistant", "stop": "\n".join(SAID.values())}))
    assert (called.code, called.out) == (4, "tiny\n")
    assert called.err.count("\n") == 1
    assert not UNSEEN.search(called.err)


def test_a_failed_call_is_told_whatever_it_says(tiny: Path) -> None:
    lines = script({"at": "^e1/ann/tea/m1/", "fail": SAID["osc"]}, {"at": "^e1/bob/tea/m1/", "fail": SAID["lines"]})
    called = scai("run", tiny, *lines, "--set", "max_failures=1", "--set", "epochs=1")
    assert called.code == 0
    assert not UNSEEN.search(called.err)
    shown = scai("show", "latest").out
    assert "Problems: 2 calls failed" in shown
    assert not UNSEEN.search(shown)


@pytest.mark.slow
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
        assert not UNSEEN.search(scai("show", "tiny", *view).out)
